/** Ephemeral Diffie-Hellman over the groups that we speak (RFC 8422 sections 5.4, 5.7, 5.10 and 5.11). */
import { createECDH, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { GROUP } from "./extensions.ts";
import { illegal } from "./handshake-error.ts";

export interface EphemeralKey {
  /** As it goes over the wire. */
  readonly publicKey: Uint8Array;
  /**
   * @param peer public key of the other side, as it came
   * @returns x coordinate in full length, or 32 bytes of X25519
   * @throws MooringError HANDSHAKE_INVALID: no point of the group
   */
  agree(peer: Uint8Array): Uint8Array;
}

const UNCOMPRESSED_POINT = 4;

/** node:crypto makes the private keys: they never come from a source that a test can steer. */
function onCurve(curve: string): EphemeralKey {
  const ecdh = createECDH(curve);
  const publicKey = ecdh.generateKeys();
  return {
    publicKey,
    agree(peer) {
      // OpenSSL would take compressed points as well; nobody agreed on them.
      if (peer[0] !== UNCOMPRESSED_POINT) throw illegal("key exchange", "point", "is not uncompressed");
      return orIllegal(() => ecdh.computeSecret(peer));
    },
  };
}

function onX25519(): EphemeralKey {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  const { x } = publicKey.export({ format: "jwk" });
  return {
    publicKey: Buffer.from(x!, "base64url"),
    agree: peer =>
      orIllegal(() => {
        const key = { kty: "OKP", crv: "X25519", x: Buffer.from(peer).toString("base64url") };
        return diffieHellman({ privateKey, publicKey: createPublicKey({ key, format: "jwk" }) });
      }),
  };
}

/** A key that node:crypto refuses: off the curve, of a wrong length, or with a shared secret of zeros (RFC 8422 section 5.11). */
function orIllegal(compute: () => Uint8Array): Uint8Array {
  try {
    return compute();
  } catch {
    throw illegal("key exchange", "point", "is no public key of the group");
  }
}

interface Group {
  readonly id: number;
  makeKey(): EphemeralKey;
}

/** In our order of preference: P-256 first, since devices have it in hardware. */
export const GROUPS: readonly Group[] = [
  { id: GROUP.secp256r1, makeKey: () => onCurve("prime256v1") },
  { id: GROUP.x25519, makeKey: onX25519 },
  { id: GROUP.secp384r1, makeKey: () => onCurve("secp384r1") },
];
