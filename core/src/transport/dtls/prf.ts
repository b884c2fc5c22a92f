/** The pseudorandom function of TLS 1.2 (RFC 5246 section 5), with SHA-256 as all our suites have it. Pure. */
import { createHmac, type KeyObject } from "node:crypto";

const HASH = "sha256";
const HASH_BYTES = 32;

/**
 * PRF(secret, label, seed), P_SHA256.
 * @param label ASCII
 * @param length bytes wanted
 */
export function prf(secret: KeyObject, label: string, seed: Uint8Array, length: number): Uint8Array {
  // A(i), label, seed: what each step hashes is in one piece.
  const input = Buffer.allocUnsafe(HASH_BYTES + label.length + seed.length);
  input.write(label, HASH_BYTES, "latin1");
  input.set(seed, HASH_BYTES + label.length);
  const output = new Uint8Array(Math.ceil(length / HASH_BYTES) * HASH_BYTES);
  let a = hmac(secret, input.subarray(HASH_BYTES));
  for (let at = 0; at < output.length; at += HASH_BYTES) {
    if (at > 0) a = hmac(secret, a);
    input.set(a);
    output.set(hmac(secret, input), at);
  }
  return output.subarray(0, length);
}

const hmac = (secret: KeyObject, input: Uint8Array): Uint8Array => createHmac(HASH, secret).update(input).digest();
