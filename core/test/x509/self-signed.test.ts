import { spawnSync } from "node:child_process";
import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { createSeededRandom } from "../../src/base/random.ts";
import { EXTENDED_KEY_USAGE } from "../../src/x509/certificate.ts";
import { isIssuedBy } from "../../src/x509/path-validation.ts";
import { isKeyOf, toPem } from "../../src/x509/pem.ts";
import { createSelfSigned } from "../../src/x509/self-signed.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const make = (name: string, nowMs = NOW_MS) => createSelfSigned(name, nowMs, createSeededRandom(1));

describe("x509/self-signed", () => {
  it("agent specification 2: names the address, for servers, signed by its own key", () => {
    const { certificate, privateKey } = make("fw.example.com");
    assert.equal(certificate.commonName, "fw.example.com");
    assert.deepEqual(certificate.dnsNames, ["fw.example.com"]);
    assert.equal(certificate.version, 3);
    assert.isFalse(certificate.isCa);
    assert.isUndefined(certificate.keyUsage);
    assert.deepEqual([...certificate.extendedKeyUsage!], [EXTENDED_KEY_USAGE.serverAuth]);
    assert.deepEqual(certificate.notUnderstood, []);
    assert.isTrue(isKeyOf(certificate, privateKey));
    assert.isTrue(isIssuedBy(certificate, certificate));
    assert.isBelow(certificate.notBeforeMs, NOW_MS);
    assert.equal(new Date(certificate.notAfterMs).getUTCFullYear(), 2035);
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
  });

  for (const [name, shown] of [
    ["fw.example.com", "DNS:fw.example.com"],
    ["198.51.100.7", "IP Address:198.51.100.7"],
    ["2001:db8::7", "IP Address:2001:DB8:0:0:0:0:0:7"],
    ["::", "IP Address:0:0:0:0:0:0:0:0"],
    ["1:2:3:4:5:6:7:8", "IP Address:1:2:3:4:5:6:7:8"],
    ["::ffff:192.0.2.1", "IP Address:0:0:0:0:0:FFFF:C000:201"],
    ["fe80::1%eth0", "IP Address:FE80:0:0:0:0:0:0:1"],
  ] as const) {
    it(`Node reads it, and it is for ${name}`, () => {
      const { x509 } = make(name).certificate;
      assert.equal(x509.subjectAltName, shown);
      assert.isTrue(x509.verify(x509.publicKey));
      assert.isTrue(x509.checkIssued(x509));
      if (!name.includes("%")) {
        assert.equal(name.includes(":") || /^\d/.test(name) ? x509.checkIP(name) : x509.checkHost(name), name);
      }
    });
  }

  it("a time past 2049 is written in full; a long name is cut where a common name ends", () => {
    const late = make("a", Date.UTC(2045, 5, 1)).certificate;
    assert.equal(new Date(late.notAfterMs).getUTCFullYear(), 2055);
    const long = `${"a".repeat(60)}.${"b".repeat(60)}.example.com`;
    const { commonName, dnsNames } = make(long).certificate;
    assert.deepEqual([commonName, dnsNames], [long.slice(0, 64), [long]]);
  });

  it("serial numbers are positive and differ", () => {
    const random = createSeededRandom(9);
    const serials = Array.from(
      { length: 20 },
      () => createSelfSigned("a", NOW_MS, random).certificate.x509.serialNumber,
    );
    assert.lengthOf(new Set(serials), 20);
    for (const serial of serials) assert.match(serial, /^[0-9A-F]{1,32}$/);
  });

  it("OpenSSL reads and verifies it", function () {
    const { error } = spawnSync("openssl", ["version"]);
    // Present on nearly every machine; where it is not, Node's own OpenSSL has read it above.
    if (error) return this.skip();
    const input = toPem(make("fw.example.com").certificate);
    const shown = spawnSync("openssl", ["x509", "-noout", "-text"], { input, encoding: "utf8" });
    assert.equal(shown.status, 0, shown.stderr);
    for (const line of ["ecdsa-with-SHA256", "CN = fw.example.com", "Version: 3", "TLS Web Server Authentication"]) {
      assert.include(shown.stdout.replaceAll("CN=", "CN = "), line);
    }
    using folder = mkdtempDisposableSync(join(tmpdir(), "mooring-x509-"));
    const file = join(folder.path, "self.pem");
    writeFileSync(file, input);
    const args = ["verify", "-attime", String(NOW_MS / 1000), "-purpose", "sslserver", "-CAfile", file, file];
    const verified = spawnSync("openssl", args, { encoding: "utf8" });
    assert.include(verified.stdout, "OK", verified.stderr);
  });
});
