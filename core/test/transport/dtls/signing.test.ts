import { createHash, generateKeyPairSync, verify } from "node:crypto";
import { assert } from "chai";
import { GROUP, SIGNATURE_ALGORITHM } from "../../../src/transport/dtls/extensions.ts";
import { groupOfKey, isSignedBy, signatureAlgorithmFor, signBytes } from "../../../src/transport/dtls/signing.ts";

const { ecdsaSecp256r1Sha256, ecdsaSecp384r1Sha384 } = SIGNATURE_ALGORITHM;
const p256 = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const p384 = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
const p521 = generateKeyPairSync("ec", { namedCurve: "secp521r1" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const BYTES = createHash("sha256").update("what is signed").digest();

describe("dtls/signing", () => {
  it("knows the keys that it can use", () => {
    assert.deepEqual([p256.publicKey, p384.privateKey, p521.publicKey, rsa.publicKey].map(groupOfKey), [
      GROUP.secp256r1,
      GROUP.secp384r1,
      undefined,
      undefined,
    ]);
  });

  it("RFC 5246 7.4.1.4.1: takes what the other side offers, the curve's own hash first", () => {
    const both = [ecdsaSecp256r1Sha256, ecdsaSecp384r1Sha384];
    assert.equal(signatureAlgorithmFor(p256.privateKey, both), ecdsaSecp256r1Sha256);
    assert.equal(signatureAlgorithmFor(p384.privateKey, both), ecdsaSecp384r1Sha384);
    assert.equal(signatureAlgorithmFor(p384.privateKey, [0x0807, ecdsaSecp256r1Sha256]), ecdsaSecp256r1Sha256);
    assert.isUndefined(signatureAlgorithmFor(p256.privateKey, [0x0203, 0x0401]));
  });

  for (const [name, { publicKey, privateKey }] of [
    ["P-256", p256],
    ["P-384", p384],
  ] as const) {
    for (const algorithm of [ecdsaSecp256r1Sha256, ecdsaSecp384r1Sha384]) {
      it(`RFC 8422 5.8: ${name} with algorithm ${algorithm.toString(16)}`, () => {
        const signature = signBytes(algorithm, privateKey, BYTES);
        assert.equal(signature.algorithm, algorithm);
        assert.isTrue(isSignedBy(publicKey, BYTES, signature));
        const digest = algorithm === ecdsaSecp256r1Sha256 ? "sha256" : "sha384";
        assert.isTrue(verify(digest, BYTES, publicKey, signature.bytes));
        assert.isFalse(isSignedBy(publicKey, BYTES.subarray(1), signature));
        assert.isFalse(isSignedBy(publicKey, BYTES, { ...signature, algorithm: 0x0603 }));
      });
    }
  }

  it("what is no signature is not one, and nothing is thrown", () => {
    const good = signBytes(ecdsaSecp256r1Sha256, p256.privateKey, BYTES);
    for (let length = 0; length < good.bytes.length; length++) {
      assert.isFalse(isSignedBy(p256.publicKey, BYTES, { ...good, bytes: good.bytes.subarray(0, length) }));
    }
    for (let i = 0; i < good.bytes.length; i++) {
      const changed = Uint8Array.from(good.bytes);
      changed[i]! ^= 0x40;
      assert.isFalse(isSignedBy(p256.publicKey, BYTES, { ...good, bytes: changed }));
    }
    assert.isFalse(isSignedBy(p384.publicKey, BYTES, good));
    assert.isFalse(isSignedBy(rsa.publicKey, BYTES, good));
  });
});
