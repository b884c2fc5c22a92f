import { createPrivateKey } from "node:crypto";
import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import {
  certificateDer,
  isKeyOf,
  keyFingerprint,
  privateKeyDer,
  readCertificates,
  readPrivateKey,
  toPem,
} from "../../src/x509/pem.ts";
import { certificate, chainPem, keyPem, pem } from "./support/certificates.ts";

const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString("base64");
const names = (encoded: string): (string | undefined)[] =>
  readCertificates(encoded).map(({ commonName }) => commonName);

function ruleOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    assert.instanceOf(error, MooringError);
    assert.equal((error as MooringError).code, "CERTIFICATE_INVALID");
    return String((error as MooringError).details["rule"]);
  }
  return assert.fail("was read");
}

describe("x509/pem (RFC 7468)", () => {
  it("one certificate as PEM, as Base64 of PEM, as Base64 of DER", () => {
    for (const encoded of [pem("device-1"), base64(pem("device-1")), base64(certificate("device-1").der)]) {
      assert.deepEqual(names(encoded), ["x509-device-1"]);
      assert.deepEqual(certificateDer(encoded), certificate("device-1").der);
    }
  });

  it("a chain, with text around and other line ends", () => {
    const text = `Bag Attributes\r\n${chainPem("device-intermediate", "intermediate").replaceAll("\n", "\r\n")}\r\n`;
    assert.deepEqual(names(text), ["x509-device-intermediate", "Mooring Test Intermediate CA"]);
  });

  it("written as it was read", () => {
    assert.equal(toPem(certificate("device-1")), pem("device-1"));
  });

  const sec1 = createPrivateKey(keyPem("device-1")).export({ type: "sec1", format: "pem" }) as string;
  const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  const keys: Readonly<Record<string, string>> = {
    "PKCS#8": keyPem("device-1"),
    "SEC 1": sec1,
    "SEC 1 behind its parameters": parameters + sec1,
    "Base64 of PEM": base64(keyPem("device-1")),
    "PKCS#8 in DER": base64(privateKeyDer(keyPem("device-1"))),
  };
  for (const [form, encoded] of Object.entries(keys)) {
    it(`a private key: ${form}`, () => {
      const key = readPrivateKey(encoded);
      assert.isTrue(isKeyOf(certificate("device-1"), key));
      assert.isFalse(isKeyOf(certificate("device-2"), key));
      assert.match(keyFingerprint(key), /^[0-9a-f]{64}$/);
      assert.equal(keyFingerprint(key), keyFingerprint(readPrivateKey(keyPem("device-1"))));
    });
  }

  const encrypted = createPrivateKey(keyPem("device-1")).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-128-cbc",
    passphrase: "x",
  }) as string;
  const bad: [rule: RegExp, read: () => unknown][] = [
    [/Base64/, () => readCertificates("%%%")],
    [/Base64/, () => readCertificates("")],
    [/cut or has broken/, () => readCertificates(pem("device-1").slice(0, 200))],
    [/no certificate/, () => readCertificates(parameters)],
    [/private key, which does not belong/, () => readCertificates(pem("device-1") + keyPem("device-1"))],
    [/more than 8/, () => readCertificates(pem("device-1").repeat(9))],
    [/too long/, () => readCertificates(`${pem("device-1")}${" ".repeat(200_000)}`)],
    [/neither PEM nor/, () => readCertificates(base64("no certificate"))],
    [/no private key/, () => readPrivateKey(pem("device-1"))],
    [/more than one/, () => readPrivateKey(keyPem("device-1") + keyPem("device-2"))],
    [/encrypted/, () => readPrivateKey(encrypted)],
    [/cannot be read/, () => readPrivateKey(base64("no key"))],
    [/Base64/, () => readPrivateKey("ä")],
  ];
  for (const [rule, read] of bad) {
    it(`refused: ${rule.source}`, () => {
      assert.match(ruleOf(read), rule);
    });
  }

  it("a refusal holds nothing of the key", () => {
    const cut = keyPem("device-1").replace(/(.{20})\n-----END/, "\n-----END");
    const secret = keyPem("device-1").split("\n")[1]!;
    assert.notInclude(
      ruleOf(() => readPrivateKey(cut)),
      secret,
    );
  });
});
