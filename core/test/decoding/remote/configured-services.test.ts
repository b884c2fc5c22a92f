import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { MooringError } from "../../../src/base/errors.ts";
import { readAllowedOrigins, readConfiguredServices } from "../../../src/decoding/remote/configured-services.ts";
import { isCumulocityDecoder, readCumulocityManifest } from "../../../src/decoding/remote/cumulocity-manifest.ts";

const url = "https://decoders.example.com";

describe("decoding/remote/configured-services (agent specification 9.1)", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "mooring-services-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("a service by its key: name, headers and tenants as they are given", () => {
    const services = {
      gauge: { url, name: "Gauge", headers: { authorization: "x" }, tenants: ["t1"], version: "2.1.0" },
      plain: { url },
    };
    assert.deepEqual(readConfiguredServices(services), [
      {
        manifest: { key: "gauge", name: "Gauge", version: "2.1.0" },
        service: { url, headers: { authorization: "x" } },
        tenants: ["t1"],
      },
      { manifest: { key: "plain", name: "plain", version: "0.0.0" }, service: { url } },
    ]);
  });

  it("name and version from a cumulocity.json, by its path or its folder's", () => {
    const file = join(folder, "cumulocity.json");
    writeFileSync(file, JSON.stringify({ version: "1.0.7", isDecoder: { name: "Gauge" } }));
    for (const manifest of [file, folder]) {
      const [service] = readConfiguredServices({ gauge: { url, manifest } });
      assert.deepEqual(service!.manifest, { key: "gauge", name: "Gauge", version: "1.0.7" });
    }
  });

  for (const [services, says] of [
    [{ gauge: {} }, "decoding.services.gauge: gauge.url is missing"],
    [{ gauge: { url: "x" } }, "decoding.services.gauge: gauge.url must be an absolute URL"],
    [{ "Gauge!": { url } }, "decoding.services.Gauge!: key must"],
    [{ gauge: { url, tenants: "t1" } }, "decoding.services.gauge: tenants must be array"],
    [{ gauge: { url, manifest: "/no/such/file" } }, "decoding.services.gauge: ENOENT"],
    [{ gauge: "x" }, "decoding.services.gauge: body must be object"],
  ] as const) {
    it(`${JSON.stringify(services)}: ${says}`, () => {
      try {
        readConfiguredServices(services);
        assert.fail("taken");
      } catch (error) {
        assert.instanceOf(error, MooringError);
        assert.equal((error as MooringError).code, "CONFIG_INVALID");
        assert.include((error as MooringError).message, says);
      }
    });
  }

  it("allowed origins count with and without the usual port", () => {
    const origins = ["http://10.0.0.7:80", "https://inner.example.com:443", "http://[::1]:8080"];
    assert.deepEqual(readAllowedOrigins(origins), [
      "http://10.0.0.7",
      "https://inner.example.com",
      "http://[::1]:8080",
    ]);
    assert.throws(() => readAllowedOrigins(["http://10.0.0.7:99999"]), MooringError, "decoding.allowedOrigins");
  });

  describe("the manifest of a Cumulocity microservice", () => {
    const manifest = { apiVersion: "1", version: "1.0.0", contextPath: "gauge", isDecoder: { name: "Gauge" } };

    it("is a decoder's where it has isDecoder", () => {
      assert.isTrue(isCumulocityDecoder(manifest));
      assert.isFalse(isCumulocityDecoder({ key: "gauge", name: "Gauge", version: "1.0.0" }));
    });
    it("gives key, name and publisher", () => {
      assert.deepEqual(readCumulocityManifest({ ...manifest, provider: { name: "Example" } }), {
        key: "gauge",
        name: "Gauge",
        version: "1.0.0",
        publisher: "Example",
      });
      assert.equal(readCumulocityManifest({ ...manifest, contextPath: undefined, name: "by-name" }).key, "by-name");
      assert.equal(readCumulocityManifest({ ...manifest, isDecoder: {} }).name, "gauge");
    });
    for (const [version, semantic] of [
      ["1.2.3", "1.2.3"],
      ["1.0.0-SNAPSHOT", "1.0.0-SNAPSHOT"],
      ["1.2", "1.2.0"],
      ["7", "7.0.0"],
      ["1.0.0.4", "1.0.0-4"],
      ["v01.02.03", "1.2.3"],
      ["1.0.0-r_1 x", "1.0.0-r-1-x"],
      ["latest", "0.0.0"],
      [undefined, "0.0.0"],
    ] as const) {
      it(`version ${version} is ${semantic}`, () => {
        assert.equal(readCumulocityManifest({ ...manifest, version }).version, semantic);
      });
    }
    for (const [wrong, says] of [
      [{ ...manifest, isDecoder: true }, "manifest.isDecoder must be an object"],
      [{ ...manifest, contextPath: undefined }, "manifest.contextPath is missing"],
      [{ ...manifest, contextPath: "Not a key" }, "key must"],
    ] as const) {
      it(says, () => assert.throws(() => readCumulocityManifest(wrong), MooringError, says));
    }
  });
});
