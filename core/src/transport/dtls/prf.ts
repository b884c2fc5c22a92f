/** The pseudorandom function of TLS 1.2 (RFC 5246 section 5), with SHA-256 as all our suites have it. Pure. */
import { createHmac, type KeyObject } from "node:crypto";
import { concatBytes, encodeUtf8 } from "../../base/bytes.ts";

const HASH = "sha256";
const HASH_BYTES = 32;

/**
 * PRF(secret, label, seed), P_SHA256.
 * @param label ASCII
 * @param length bytes wanted
 */
export function prf(secret: KeyObject, label: string, seed: Uint8Array, length: number): Uint8Array {
  const labelled = concatBytes([encodeUtf8(label), seed]);
  const output = new Uint8Array(Math.ceil(length / HASH_BYTES) * HASH_BYTES);
  let a: Uint8Array = labelled;
  for (let at = 0; at < length; at += HASH_BYTES) {
    a = createHmac(HASH, secret).update(a).digest();
    output.set(createHmac(HASH, secret).update(a).update(labelled).digest(), at);
  }
  return output.subarray(0, length);
}
