import { createECDH, diffieHellman, generateKeyPairSync } from "node:crypto";
import { assert } from "chai";
import { isFailure } from "../../../src/base/errors.ts";
import { GROUPS } from "../../../src/transport/dtls/ecdhe.ts";
import { GROUP } from "../../../src/transport/dtls/extensions.ts";

const keyOf = (id: number) => GROUPS.find(group => group.id === id)!.makeKey();
const alertOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return isFailure(error, "HANDSHAKE_INVALID") ? error.details["alert"] : error;
  }
  return "taken";
};

const LENGTHS: readonly [number, publicKey: number, shared: number][] = [
  [GROUP.secp256r1, 65, 32],
  [GROUP.secp384r1, 97, 48],
  [GROUP.x25519, 32, 32],
];

describe("dtls/ecdhe", () => {
  for (const [id, publicBytes, sharedBytes] of LENGTHS) {
    it(`RFC 8422 5.10: group ${id}: both sides agree, the secret in full length`, () => {
      const own = keyOf(id);
      assert.equal(own.publicKey.length, publicBytes);
      for (let i = 0; i < 20; i++) {
        const other = keyOf(id);
        const shared = own.agree(other.publicKey);
        assert.equal(shared.length, sharedBytes);
        if (i < 3) assert.deepEqual([...shared], [...other.agree(own.publicKey)]);
      }
    });

    it(`RFC 8422 5.11: group ${id}: what is no public key: illegal_parameter`, () => {
      const own = keyOf(id);
      for (const length of [0, 1, publicBytes - 1, publicBytes + 1, 255]) {
        assert.equal(
          alertOf(() => own.agree(new Uint8Array(length).fill(4))),
          "illegalParameter",
          `${length} bytes`,
        );
      }
      const changed = Uint8Array.from(own.publicKey);
      changed[publicBytes - 1]! ^= 1;
      if (id !== GROUP.x25519)
        assert.equal(
          alertOf(() => own.agree(changed)),
          "illegalParameter",
        );
    });
  }

  it("RFC 8422 5.11: X25519 with a point of small order: illegal_parameter", () => {
    for (const first of [0, 1]) {
      const point = new Uint8Array(32);
      point[0] = first;
      assert.equal(
        alertOf(() => keyOf(GROUP.x25519).agree(point)),
        "illegalParameter",
      );
    }
  });

  it("RFC 8422 5.4.1: compressed points were not agreed on", () => {
    const compressed = createECDH("prime256v1");
    compressed.generateKeys();
    assert.equal(
      alertOf(() => keyOf(GROUP.secp256r1).agree(compressed.getPublicKey(null, "compressed"))),
      "illegalParameter",
    );
  });

  it("agrees with keys of node:crypto", () => {
    const { privateKey, publicKey } = generateKeyPairSync("x25519");
    const own = keyOf(GROUP.x25519);
    const theirs = Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url");
    assert.isTrue(diffieHellman({ privateKey, publicKey: x25519(own.publicKey) }).equals(own.agree(theirs)));
  });
});

/** SubjectPublicKeyInfo of RFC 8410 around the 32 bytes. */
const x25519 = (publicKey: Uint8Array) => ({
  key: Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), publicKey]),
  format: "der" as const,
  type: "spki" as const,
});
