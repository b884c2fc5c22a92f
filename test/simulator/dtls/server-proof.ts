/** Whether the server is whom the client takes it for: its certificate or raw key, and what it signed with it. */
import { createPublicKey, type KeyObject, sign, verify, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { concatBytes, equalBytes } from "@mooring/core/internal/base/bytes.ts";
import { readCertificateChain, readRawPublicKey } from "@mooring/core/internal/transport/dtls/certificate.ts";
import { SIGNATURE_ALGORITHM } from "@mooring/core/internal/transport/dtls/extensions.ts";
import { type ServerKeyExchange, writeShare } from "@mooring/core/internal/transport/dtls/key-exchange.ts";
import type { Signature } from "@mooring/core/internal/transport/dtls/signature.ts";
import { type DtlsClientOptions, HandshakeRefused, type ServerTrust } from "./client-options.ts";

const HASHES: Readonly<Record<number, string>> = {
  [SIGNATURE_ALGORITHM.ecdsaSecp256r1Sha256]: "sha256",
  [SIGNATURE_ALGORITHM.ecdsaSecp384r1Sha384]: "sha384",
};

const refused = (why: string): HandshakeRefused => new HandshakeRefused("server-refused", why);

/** Each certificate issued by the next one, the last by an authority; the leaf for the name. */
function checkChain(chain: readonly X509Certificate[], { authorities, name }: ServerTrust): void {
  const [leaf] = chain;
  if (!leaf) throw refused("the server sent no certificate");
  const issued = (one: X509Certificate, by: X509Certificate): boolean =>
    one.checkIssued(by) && one.verify(by.publicKey);
  const isLinked = chain.every((one, at) => at === chain.length - 1 || issued(one, chain[at + 1]!));
  if (!isLinked || !authorities.some(authority => issued(chain.at(-1)!, authority))) {
    throw refused("the server's certificate comes from no authority that is trusted");
  }
  // An address is no host name (RFC 6125 section 1.7.2).
  if ((isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)) === undefined) {
    throw refused(`the server's certificate is not for ${name}`);
  }
}

/** @param body of the Certificate message @returns key that the server must sign with */
export function serverKey(body: Uint8Array, isRaw: boolean, { trust, rawKey }: DtlsClientOptions): KeyObject {
  if (isRaw) {
    const der = readRawPublicKey(body);
    if (rawKey?.serverKey && !equalBytes(rawKey.serverKey, der))
      throw refused("the server's raw public key is another one");
    return createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
  }
  const chain = readCertificateChain(body).map(der => new X509Certificate(der));
  if (trust) checkChain(chain, trust);
  if (!chain[0]) throw refused("the server sent no certificate");
  return chain[0].publicKey;
}

/** RFC 8422 section 5.4. @throws HandshakeRefused where the signature is not the server's */
export function checkServerShare(
  { share, signature }: ServerKeyExchange,
  key: KeyObject | undefined,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): void {
  const hash = signature && HASHES[signature.algorithm];
  if (!share || !hash || !key) throw new HandshakeRefused("malformed", "the server signed nothing");
  const signed = concatBytes([clientRandom, serverRandom, writeShare(share)]);
  if (!verify(hash, signed, key, signature.bytes)) throw refused("the server's signature is wrong");
}

/** SubjectPublicKeyInfo in DER. */
export const publicKeyOf = (privateKey: KeyObject): Uint8Array =>
  createPublicKey(privateKey).export({ format: "der", type: "spki" });

/** CertificateVerify (RFC 5246 section 7.4.8) with the hash that suits the curve. @param messages all handshake messages so far */
export function proveOwnKey(privateKey: KeyObject, messages: readonly Uint8Array[]): Signature {
  const algorithm =
    privateKey.asymmetricKeyDetails?.namedCurve === "secp384r1"
      ? SIGNATURE_ALGORITHM.ecdsaSecp384r1Sha384
      : SIGNATURE_ALGORITHM.ecdsaSecp256r1Sha256;
  return { algorithm, bytes: sign(HASHES[algorithm]!, concatBytes(messages), privateKey) };
}
