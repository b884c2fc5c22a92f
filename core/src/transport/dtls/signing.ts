/** ECDSA signatures of a handshake (RFC 8422 sections 5.4 and 5.8; algorithms RFC 5246 section 7.4.1.4.1). */
import { type KeyObject, sign, verify } from "node:crypto";
import { GROUP, SIGNATURE_ALGORITHM } from "./extensions.ts";
import type { Signature } from "./signature.ts";

const HASHES: ReadonlyMap<number, string> = new Map([
  [SIGNATURE_ALGORITHM.ecdsaSecp256r1Sha256, "sha256"],
  [SIGNATURE_ALGORITHM.ecdsaSecp384r1Sha384, "sha384"],
]);

/** In our order of preference; in TLS 1.2 the hash does not bind the curve. */
export const SIGNATURE_ALGORITHMS: readonly number[] = [...HASHES.keys()];

const GROUP_OF_CURVE: Readonly<Record<string, number>> = { prime256v1: GROUP.secp256r1, secp384r1: GROUP.secp384r1 };

/** NamedGroup of a public or private EC key; undefined for a key that nobody can sign with here. */
export const groupOfKey = (key: KeyObject): number | undefined =>
  key.asymmetricKeyType === "ec" ? GROUP_OF_CURVE[key.asymmetricKeyDetails?.namedCurve ?? ""] : undefined;

/** The one of `offered` that fits the key best: its curve's own hash first. */
export function signatureAlgorithmFor(key: KeyObject, offered: readonly number[]): number | undefined {
  const own =
    groupOfKey(key) === GROUP.secp384r1
      ? SIGNATURE_ALGORITHM.ecdsaSecp384r1Sha384
      : SIGNATURE_ALGORITHM.ecdsaSecp256r1Sha256;
  return [own, ...SIGNATURE_ALGORITHMS].find(algorithm => offered.includes(algorithm));
}

/** @param algorithm one of {@link SIGNATURE_ALGORITHMS} */
export const signBytes = (algorithm: number, key: KeyObject, bytes: Uint8Array): Signature => ({
  algorithm,
  bytes: sign(HASHES.get(algorithm), bytes, key),
});

/** False also for an algorithm or a key that is not ours to use, and for bytes that are no signature. */
export function isSignedBy(key: KeyObject, bytes: Uint8Array, { algorithm, bytes: signature }: Signature): boolean {
  const digest = HASHES.get(algorithm);
  return digest !== undefined && groupOfKey(key) !== undefined && verify(digest, bytes, key, signature);
}
