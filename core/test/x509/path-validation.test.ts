import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import { certificateFromDer } from "../../src/x509/certificate.ts";
import { type Purpose, validatePath } from "../../src/x509/path-validation.ts";
import { certificate, certificates, NOW_MS } from "./support/certificates.ts";

interface Case {
  readonly rule: string;
  readonly chain: readonly string[];
  readonly trusted?: readonly string[];
  readonly purpose?: Purpose;
  readonly nowMs?: number;
}

/** @returns undefined: valid */
function refusal({ chain, trusted = ["ca"], purpose = "clientAuth", nowMs = NOW_MS }: Case): MooringError | undefined {
  try {
    validatePath(certificates(...chain), certificates(...trusted), { nowMs, purpose });
    return undefined;
  } catch (error) {
    assert.instanceOf(error, MooringError);
    return error as MooringError;
  }
}

const GOOD: readonly Case[] = [
  { rule: "a device of the CA", chain: ["device-1"] },
  { rule: "P-384", chain: ["device-p384"] },
  { rule: "names in subjectAltName", chain: ["device-san"] },
  { rule: "without any extension", chain: ["device-bare"] },
  { rule: "an RSA CA", chain: ["device-rsa-issued"], trusted: ["rsa-ca"] },
  { rule: "RSASSA-PSS with SHA-256", chain: ["device-pss"], trusted: ["rsa-ca"] },
  { rule: "6.1: through an intermediate CA", chain: ["device-intermediate", "intermediate"] },
  {
    rule: "RFC 5246 7.4.2: the trusted certificate may come too",
    chain: ["device-intermediate", "intermediate", "ca"],
  },
  { rule: "an intermediate CA may be what is trusted", chain: ["device-intermediate"], trusted: ["intermediate"] },
  { rule: "one of several CAs", chain: ["device-1"], trusted: ["other-ca", "rsa-ca", "ca"] },
  { rule: "a CA of the same name beside it", chain: ["device-1"], trusted: ["impostor-ca", "ca"] },
  { rule: "what is trusted itself", chain: ["device-self-signed"], trusted: ["device-self-signed"] },
  { rule: "a server", chain: ["server"], purpose: "serverAuth" },
];

const BAD: readonly (Case & { readonly certificate: number; readonly says: RegExp })[] = [
  { rule: "another CA", chain: ["device-stranger"], certificate: 1, says: /none that is trusted/ },
  { rule: "no CA is trusted", chain: ["device-1"], trusted: [], certificate: 1, says: /none that is trusted/ },
  {
    rule: "6.1.3 (a)(1): a CA of the same name",
    chain: ["device-impostor"],
    certificate: 1,
    says: /none that is trusted/,
  },
  { rule: "a self-signed leaf", chain: ["device-self-signed"], certificate: 1, says: /none that is trusted/ },
  { rule: "the intermediate is missing", chain: ["device-intermediate"], certificate: 1, says: /none that is trusted/ },
  {
    rule: "RFC 5246 7.4.2: wrong order",
    chain: ["device-intermediate", "ca", "intermediate"],
    certificate: 1,
    says: /not issued by the next/,
  },
  {
    rule: "the leaf is not first",
    chain: ["intermediate", "device-intermediate"],
    trusted: ["other-ca"],
    certificate: 1,
    says: /may not sign/,
  },
  { rule: "6.1.3 (a)(2): expired", chain: ["device-expired"], certificate: 1, says: /expired/ },
  { rule: "6.1.3 (a)(2): not valid yet", chain: ["device-1"], nowMs: 0, certificate: 1, says: /not valid yet/ },
  { rule: "all expired", chain: ["device-1"], nowMs: Date.UTC(2200, 0, 1), certificate: 1, says: /expired/ },
  {
    rule: "6.1.4 (k): the issuer is no CA",
    chain: ["device-not-ca", "intermediate-not-ca"],
    certificate: 2,
    says: /not of a CA/,
  },
  {
    rule: "6.1.4 (k): a trusted one that is no CA",
    chain: ["device-not-ca"],
    trusted: ["intermediate-not-ca"],
    certificate: 2,
    says: /not of a CA/,
  },
  {
    rule: "6.1.4 (m): pathLenConstraint",
    chain: ["device-too-deep", "intermediate-too-deep", "intermediate"],
    certificate: 3,
    says: /allows 0/,
  },
  {
    rule: "6.1.4 (m): pathLenConstraint of what is trusted",
    chain: ["device-too-deep", "intermediate-too-deep"],
    trusted: ["intermediate"],
    certificate: 3,
    says: /allows 0/,
  },
  {
    rule: "6.1.4 (n): keyCertSign",
    chain: ["device-no-cert-sign", "intermediate-no-cert-sign"],
    certificate: 2,
    says: /may not issue/,
  },
  { rule: "4.2.1.3: digitalSignature", chain: ["device-no-signature"], certificate: 1, says: /may not sign/ },
  {
    rule: "4.2.1.12: a server's certificate",
    chain: ["device-server-use"],
    certificate: 1,
    says: /not for clientAuth/,
  },
  {
    rule: "4.2.1.12: a device's certificate",
    chain: ["device-1"],
    purpose: "serverAuth",
    certificate: 1,
    says: /not for serverAuth/,
  },
  {
    rule: "4.2.1.12: a CA for servers",
    chain: ["device-server-only", "intermediate-server-only"],
    certificate: 2,
    says: /not for clientAuth/,
  },
  { rule: "4.2: a critical extension", chain: ["device-critical"], certificate: 1, says: /1\.3\.6\.1\.4\.1\.99999\.1/ },
  {
    rule: "4.2.1.10: constraints on names",
    chain: ["device-constrained", "intermediate-constrained"],
    certificate: 2,
    says: /2\.5\.29\.30/,
  },
  { rule: "SHA-1", chain: ["device-sha1"], certificate: 1, says: /too weak/ },
  {
    rule: "RFC 4055 3.1: RSASSA-PSS with SHA-1",
    chain: ["device-pss-sha1"],
    trusted: ["rsa-ca"],
    certificate: 1,
    says: /1\.3\.14\.3\.2\.26, which is too weak/,
  },
  {
    rule: "a CA with a key of 192 bits",
    chain: ["device-weak-curve", "intermediate-weak-curve"],
    certificate: 2,
    says: /not on P-256/,
  },
  { rule: "an RSA device", chain: ["server-rsa"], certificate: 1, says: /not EC/ },
  { rule: "no chain at all", chain: [], certificate: 1, says: /1 to 8/ },
  { rule: "a chain without end", chain: Array<string>(9).fill("device-1"), certificate: 1, says: /1 to 8/ },
];

describe("x509/path-validation (RFC 5280 section 6.1)", () => {
  for (const each of GOOD) {
    it(`good: ${each.rule}`, () => assert.isUndefined(refusal(each)));
  }

  it("good: 6.1.3 (a)(2): times are both inclusive", () => {
    const { notBeforeMs, notAfterMs } = certificate("device-1");
    for (const nowMs of [notBeforeMs, notAfterMs])
      assert.isUndefined(refusal({ rule: "", chain: ["device-1"], nowMs }));
    for (const nowMs of [notBeforeMs - 1, notAfterMs + 1])
      assert.isDefined(refusal({ rule: "", chain: ["device-1"], nowMs }));
  });

  for (const each of BAD) {
    it(`refused: ${each.rule}`, () => {
      const error = refusal(each);
      assert.equal(error?.code, "CERTIFICATE_INVALID");
      assert.match(error!.message, each.says);
      assert.equal(error!.details["certificate"], each.certificate);
    });
  }

  it("refused: any byte of the signed part or the signature changed", () => {
    const { der } = certificate("device-1");
    for (let at = 0; at < der.length; at++) {
      const changed = Uint8Array.from(der);
      changed[at]! ^= 0x01;
      assert.throws(
        () =>
          validatePath([certificateFromDer(changed)], [certificate("ca")], { nowMs: NOW_MS, purpose: "clientAuth" }),
        MooringError,
        undefined,
        `byte ${at}`,
      );
    }
  });
});
