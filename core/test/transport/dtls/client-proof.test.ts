import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { assert } from "chai";
import { fromHex } from "../../../src/base/bytes.ts";
import { isFailure } from "../../../src/base/errors.ts";
import { CERTIFICATE_TYPE, writeCertificateChain, writeRawPublicKey } from "../../../src/transport/dtls/certificate.ts";
import { readClientProof } from "../../../src/transport/dtls/client-proof.ts";
import { certificate } from "./support/handshake-vectors.ts";
import { testCredentials } from "./support/handshake-world.ts";

const { x509, rawPublicKey } = CERTIFICATE_TYPE;
const alertOf = (body: Uint8Array, type: number): unknown => {
  try {
    readClientProof(body, type);
  } catch (error) {
    return isFailure(error, "HANDSHAKE_INVALID") ? error.details["alert"] : error;
  }
  return "taken";
};
const spki = (key: KeyObject): Uint8Array => key.export({ type: "spki", format: "der" });

const KEYS: readonly [string, KeyObject][] = [
  ["P-521", generateKeyPairSync("ec", { namedCurve: "secp521r1" }).publicKey],
  ["RSA", generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey],
  ["Ed25519", generateKeyPairSync("ed25519").publicKey],
];

describe("dtls/client-proof", () => {
  for (const [name, key] of KEYS) {
    it(`RFC 5246 7.4.6: a key that we do not check (${name}): unsupported_certificate`, () =>
      assert.equal(alertOf(writeRawPublicKey(spki(key)), rawPublicKey), "unsupportedCertificate"));
  }

  it("RFC 5246 7.4.6: nothing: handshake_failure", () => {
    assert.equal(alertOf(writeCertificateChain([]), x509), "handshakeFailure");
    assert.equal(alertOf(writeRawPublicKey(new Uint8Array(0)), rawPublicKey), "handshakeFailure");
  });

  it("what is no DER: bad_certificate; what is no message: decode_error", () => {
    assert.equal(alertOf(writeRawPublicKey(fromHex("3000")), rawPublicKey), "badCertificate");
    assert.equal(alertOf(writeCertificateChain([fromHex("30030201")]), x509), "badCertificate");
    assert.equal(alertOf(fromHex("000001"), x509), "decodeError");
  });

  it("a certificate changed at any byte is read or refused, nothing else", () => {
    const { raw } = certificate("device-1");
    for (let i = 0; i < raw.length; i++) {
      const changed = Uint8Array.from(raw);
      changed[i]! ^= 0xff;
      const alert = alertOf(writeCertificateChain([changed]), x509);
      assert.include(["taken", "badCertificate", "unsupportedCertificate"], alert);
    }
  });

  it("asks for the owner of the key in the form that was agreed on", async () => {
    const chain = readClientProof(writeCertificateChain([certificate("device-1").raw]), x509);
    const raw = readClientProof(writeRawPublicKey(spki(certificate("device-2").publicKey)), rawPublicKey);
    assert.equal((await chain.identify(testCredentials()))?.kind, "x509");
    assert.equal((await raw.identify(testCredentials()))?.kind, "rpk");
    const { rawPublicKey: _, ...withoutRawKeys } = testCredentials();
    assert.isUndefined(await raw.identify(withoutRawKeys));
  });
});
