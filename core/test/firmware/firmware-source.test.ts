import { assert } from "chai";
import { firmwareSource } from "../../src/firmware/firmware-source.ts";
import { failing } from "../platform/failing.ts";
import { type PlatformFixture, perTest, TENANT } from "../platform/fixture.ts";
import { storeBinary } from "./support.ts";

describe("firmware/firmware-source", () => {
  let fixture: PlatformFixture;
  let id: string;
  perTest(opened => {
    fixture = opened;
  });
  beforeEach(async () => {
    ({ id } = await storeBinary(fixture.platform, 10));
  });

  const source = (url: unknown, tenant = TENANT) => firmwareSource(fixture.platform.binaries, tenant, url);

  it("a binary under any name of the host, or by its path alone", async () => {
    for (const origin of ["http://localhost:8068", "https://t1.example.com", ""]) {
      const found = await source(`${origin}/inventory/binaries/${id}`);
      assert.equal(found.kind === "stored" && found.binary.id, id, origin);
    }
  });

  it("what is elsewhere keeps its URL", async () => {
    for (const [url, scheme] of [
      ["coap://fw.example.com/fw.bin", "coap"],
      ["coaps://fw.example.com:5684/a?b=c", "coaps"],
      ["HTTP://fw.example.com/fw.bin", "http"],
      ["https://fw.example.com/inventory/binaries/abc", "https"],
    ] as const) {
      assert.deepEqual(await source(url), { kind: "external", url, scheme });
    }
  });

  for (const [what, url, rule] of [
    ["nothing", undefined, /is missing/],
    ["an empty text", "", /is missing/],
    ["a number", 5, /is missing/],
    ["words", "new firmware", /blanks/],
    ["a line break", "http://a/b\nc", /control characters/],
    ["no scheme", "fw.bin", /must be the URL of a binary/],
    ["$PROVIDED", "$PROVIDED", /must be the URL of a binary/],
    ["another scheme", "ftp://fw.example.com/fw.bin", /must be the URL of a binary/],
    ["a file", "file:///etc/passwd", /must be the URL of a binary/],
    ["no host", "http://", /must be/],
    ["more than a resource holds", `http://a/${"x".repeat(260)}`, /at most 255 bytes/],
    ["a binary that is not there", "http://a/inventory/binaries/815", /names no binary: 815/],
  ] as const) {
    it(`refuses ${what}, naming field and rule`, async () => {
      const error = await failing("VALIDATION", () => source(url));
      assert.equal(error.details["field"], "c8y_Firmware.url");
      assert.match(String(error.details["rule"]), rule);
    });
  }

  it("a binary of another tenant is not there", async () => {
    await failing("VALIDATION", () => source(`/inventory/binaries/${id}`, "t2"));
  });
});
