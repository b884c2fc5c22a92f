/** From what the key exchange gave to the keys of a session (RFC 5246 section 8, RFC 4279, RFC 5489, RFC 7627). Pure. */
import { createSecretKey } from "node:crypto";
import { concatBytes } from "../../base/bytes.ts";
import { prf } from "./prf.ts";

export const MASTER_SECRET_BYTES = 48;
/** Of both Finished messages (RFC 5246 section 7.4.9). */
export const VERIFY_DATA_BYTES = 12;

/** Premaster secret of the PSK key exchange: as many zeros as the key has bytes stand where a shared secret would (RFC 4279 section 2). */
export const pskPremaster = (psk: Uint8Array): Uint8Array => ecdhePskPremaster(psk, new Uint8Array(psk.length));

/**
 * Premaster secret of ECDHE_PSK (RFC 5489 section 2). That of ECDHE_ECDSA is the shared secret as it is (RFC 8422 section 5.10).
 * @param shared x coordinate of the shared point in full length, leading zeros included
 */
export const ecdhePskPremaster = (psk: Uint8Array, shared: Uint8Array): Uint8Array =>
  concatBytes([uint16(shared.length), shared, uint16(psk.length), psk]);

const uint16 = (value: number): Uint8Array => Uint8Array.of(value >>> 8, value);

/** RFC 5246 section 8.1. @returns 48 bytes */
export const deriveMasterSecret = (
  premaster: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): Uint8Array =>
  prf(createSecretKey(premaster), "master secret", concatBytes([clientRandom, serverRandom]), MASTER_SECRET_BYTES);

/**
 * RFC 7627 section 4.
 * @param sessionHash SHA-256 of all handshake messages up to and with ClientKeyExchange
 * @returns 48 bytes
 */
export const deriveExtendedMasterSecret = (premaster: Uint8Array, sessionHash: Uint8Array): Uint8Array =>
  prf(createSecretKey(premaster), "extended master secret", sessionHash, MASTER_SECRET_BYTES);

/** RFC 5246 section 6.3; the randoms change places. @param length bytes that the suite needs */
export const deriveKeyBlock = (
  masterSecret: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
  length: number,
): Uint8Array => prf(createSecretKey(masterSecret), "key expansion", concatBytes([serverRandom, clientRandom]), length);

/**
 * What stands in a Finished message (RFC 5246 section 7.4.9).
 * @param sender whose Finished it is
 * @param transcriptHash SHA-256 of all handshake messages before it (RFC 6347 section 4.2.6)
 * @returns 12 bytes
 */
export const finishedVerifyData = (
  masterSecret: Uint8Array,
  sender: "client" | "server",
  transcriptHash: Uint8Array,
): Uint8Array => prf(createSecretKey(masterSecret), `${sender} finished`, transcriptHash, VERIFY_DATA_BYTES);
