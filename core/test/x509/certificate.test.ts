import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { certificateFromDer, EXTENDED_KEY_USAGE, KEY_USAGE } from "../../src/x509/certificate.ts";
import { certificate } from "./support/certificates.ts";

describe("x509/certificate", () => {
  it("RFC 5280 4.1: names, version and time of a device", () => {
    const read = certificate("device-1");
    assert.deepInclude(read, {
      commonName: "x509-device-1",
      dnsNames: [],
      uris: [],
      version: 3,
      isCa: false,
      pathLength: undefined,
      signatureAlgorithm: "1.2.840.10045.4.3.2",
      notUnderstood: [],
    });
    assert.deepEqual([...read.keyUsage!], [KEY_USAGE.digitalSignature]);
    assert.deepEqual([...read.extendedKeyUsage!], [EXTENDED_KEY_USAGE.clientAuth]);
    assert.deepEqual(read.issuer, certificate("ca").subject);
    assert.isBelow(read.notBeforeMs, read.notAfterMs);
  });

  it("RFC 5280 4.2.1.6: alternative names, addresses are none of them", () => {
    const device = certificate("device-san");
    assert.deepEqual([device.uris, device.dnsNames], [["urn:x509:device-san"], ["device-san.example"]]);
    assert.deepEqual(certificate("server").dnsNames, ["localhost"]);
  });

  it("RFC 5280 4.2.1.9: CA and path length", () => {
    assert.deepInclude(certificate("ca"), { isCa: true, pathLength: undefined });
    assert.deepInclude(certificate("intermediate"), { isCa: true, pathLength: 0 });
    assert.deepEqual([...certificate("ca").keyUsage!], [KEY_USAGE.keyCertSign, 6]);
  });

  it("no common name, no extension", () => {
    assert.isUndefined(certificate("device-no-cn").commonName);
    const bare = certificate("device-bare");
    assert.deepEqual([bare.keyUsage, bare.extendedKeyUsage], [undefined, undefined]);
  });

  it("RFC 5280 4.2.1.10: constraints on names are told whether critical or not", () => {
    assert.deepEqual(certificate("intermediate-constrained").notUnderstood, ["2.5.29.30"]);
    assert.deepEqual(certificate("device-critical").notUnderstood, ["1.3.6.1.4.1.99999.1"]);
  });

  it("cut at any length: CERTIFICATE_INVALID", () => {
    const { der } = certificate("device-san");
    for (let length = 0; length < der.length; length++) {
      assert.throws(() => certificateFromDer(der.slice(0, length)), MooringError, undefined, `${length} bytes`);
    }
    assert.throws(() => certificateFromDer(Uint8Array.of(...der, 0)), MooringError);
  });

  it("changed at random: read or CERTIFICATE_INVALID, nothing else", () => {
    const random = createSeededRandom(5);
    const { der } = certificate("device-san");
    for (let round = 0; round < 3000; round++) {
      const changed = Uint8Array.from(der);
      for (const byte of random.bytes(3)) changed[(byte * 257 + round) % der.length] = random.bytes(1)[0]!;
      try {
        certificateFromDer(changed);
      } catch (error) {
        assert.instanceOf(error, MooringError, Buffer.from(changed).toString("hex"));
      }
    }
  });
});
