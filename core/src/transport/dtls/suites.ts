/** Cipher suites that we speak, all of them with SHA-256 in PRF and transcript. */

export type KeyExchange = "psk" | "ecdhe_psk" | "ecdhe_ecdsa";

export interface Suite {
  /** As on the wire, such as 0xc0a8. */
  readonly id: number;
  /** In the IANA registry. */
  readonly name: string;
  readonly keyExchange: KeyExchange;
  /** What node:crypto calls it. */
  readonly cipher: "aes-128-gcm" | "aes-128-ccm" | "aes-128-cbc";
  /** Bytes of the authentication tag, or of the MAC with CBC. */
  readonly tagBytes: number;
  /** For old devices only, and offered only where {@link DtlsOptions.cbc} says so. */
  readonly isCbc: boolean;
}

const suite = (
  id: number,
  name: string,
  keyExchange: KeyExchange,
  cipher: Suite["cipher"],
  tagBytes: number,
): Suite => ({ id, name, keyExchange, cipher, tagBytes, isCbc: cipher === "aes-128-cbc" });

/**
 * In our order of preference. Keys before certificates: a client that offers both has a key, and often no certificate of its own.
 * With a Diffie-Hellman exchange before without. Long tags before short ones: a device that counts bytes offers CCM_8 alone. CBC last.
 */
export const SUITES: readonly Suite[] = [
  suite(0xd001, "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", "ecdhe_psk", "aes-128-gcm", 16), // RFC 8442
  suite(0xd005, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", "ecdhe_psk", "aes-128-ccm", 16), // RFC 8442
  suite(0xd003, "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", "ecdhe_psk", "aes-128-ccm", 8), // RFC 8442
  suite(0x00a8, "TLS_PSK_WITH_AES_128_GCM_SHA256", "psk", "aes-128-gcm", 16), // RFC 5487
  suite(0xc0a4, "TLS_PSK_WITH_AES_128_CCM", "psk", "aes-128-ccm", 16), // RFC 6655
  suite(0xc0a8, "TLS_PSK_WITH_AES_128_CCM_8", "psk", "aes-128-ccm", 8), // RFC 6655
  suite(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ecdhe_ecdsa", "aes-128-gcm", 16), // RFC 5289
  suite(0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "ecdhe_ecdsa", "aes-128-ccm", 16), // RFC 7251
  suite(0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "ecdhe_ecdsa", "aes-128-ccm", 8), // RFC 7251
  suite(0xc037, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256", "ecdhe_psk", "aes-128-cbc", 32), // RFC 5489
  suite(0x00ae, "TLS_PSK_WITH_AES_128_CBC_SHA256", "psk", "aes-128-cbc", 32), // RFC 5487
  suite(0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ecdhe_ecdsa", "aes-128-cbc", 32), // RFC 5289
];

const BY_ID: ReadonlyMap<number, Suite> = new Map(SUITES.map(one => [one.id, one]));

export const findSuite = (id: number): Suite | undefined => BY_ID.get(id);
