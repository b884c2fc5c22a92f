import { assert } from "chai";
import { createConnectorDevices } from "../../src/agent/connector-device.ts";
import { createManualClock, systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { createSecretBox } from "../../src/base/secret-box.ts";
import { buildDecoderPackage, generateSigningKey, writeDecoderPackage } from "../../src/contract/decoder-package.ts";
import { createPlatform } from "../../src/platform/create-platform.ts";
import type { DecoderRuntime } from "../../src/sandbox/decoder-runtime.ts";
import { openDecoderRuntime } from "../../src/sandbox/isolate-runtime.ts";
import { type Decoders, type DecodersOpening, openDecoders } from "../../src/server-decoders.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { type Answer, basic, openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const PATH = "/service/lwm2m-agent/decoders";
const SHIPPED = new URL("../../../decoders/acme-meter", import.meta.url).pathname;
const LIMITS = { maxBodyBytes: 65_536, maxUploadBytes: 1_048_576 };
const TRUSTED = generateSigningKey();

const source = (factor: number): string => `export default { decode({ value }) {
  console.log("first byte", value[0]);
  if (value.length === 0) throw new TypeError("no bytes");
  return { success: true, measurements: [{ type: "m", values: [{ seriesName: "a", value: value[0] * ${factor} }] }] };
} };`;
const manifest = (version: string, key = "meter") => ({ key, name: "Meter", version });
const upload = (version: string, factor = 1, key = "meter") => ({
  manifest: manifest(version, key),
  source: source(factor),
});

describe("rest/decoders", function () {
  this.timeout(30_000);
  let runtime: DecoderRuntime;
  let rest: RestFixture;
  let store: Store;
  let opened: AsyncDisposableStack;
  let decoders: Decoders;
  let options: DecodersOpening["options"];

  before(async () => {
    runtime = await openDecoderRuntime({ clock: systemClock, log: silentLog });
  });
  after(() => runtime[Symbol.asyncDispose]());

  async function open(): Promise<void> {
    const clock = createManualClock();
    const platform = createPlatform({ store, clock, random: createSeededRandom(1), log: silentLog });
    opened = new AsyncDisposableStack();
    const box = createSecretBox(new Uint8Array(32), createSeededRandom(2));
    const connectors = createConnectorDevices(platform);
    const parts = { options, box, store, platform, connectors, runtime, folders: [SHIPPED], clock, log: silentLog };
    decoders = await openDecoders(parts, opened);
    rest = await openRest({ decoders: decoders.services, platform, limits: LIMITS });
    await rest.tenants.ensureFirstTenant({ tenant: "t2", adminUser: "admin", adminPassword: PASSWORD });
  }
  async function close(): Promise<void> {
    await rest[Symbol.asyncDispose]();
    await opened[Symbol.asyncDispose]();
  }
  beforeEach(async () => {
    options = {
      requireSignature: false,
      trustedKeys: TRUSTED.publicKey,
      maxDifferentPercent: 0,
      services: {},
      allowedOrigins: [],
    };
    store = await openSqlite({
      directory: undefined,
      collections: COLLECTIONS,
      clock: createManualClock(),
      host: "inline",
    });
    await open();
  });
  afterEach(async () => {
    await close();
    await store.close();
    for (const { id } of runtime.stats().decoders) runtime.unload(id);
  });

  const post = (body: unknown, as = "t1/admin"): Promise<Answer> => rest.ask("POST", PATH, { body, as });
  const on = (what: string, body: unknown = {}, as = "t1/admin") =>
    rest.ask("POST", `${PATH}/meter/${what}`, { body, as });
  const get = async (path = "", as = "t1/admin") => (await rest.ask("GET", `${PATH}${path}`, { as })).body;
  const decoded = async (more: object = {}, as = "t1/admin"): Promise<number> =>
    (await on("test", { value: "07", args: { resourcePath: "/33456/0/1" }, ...more }, as)).body.result.measurements[0]
      .values[0].value;

  it("a first upload is in force at once, a further one when it is activated; back at once, and again", async () => {
    const first = await post(upload("1.0.0"));
    assert.equal(first.status, 201);
    assert.equal(first.headers.get("location"), `${rest.origin}${PATH}/meter/versions/1.0.0`);
    assert.include(first.body, { key: "meter", version: "1.0.0", status: "active", author: "admin", origin: "own" });
    assert.match(first.body.checksum, /^sha256:[0-9a-f]{64}$/);
    assert.equal((await post(upload("2.0.0", 2))).body.status, "idle");
    assert.equal(await decoded(), 7);
    assert.equal(await decoded({ version: "2.0.0" }), 14);
    const activated = await on("activate", { version: "2.0.0" });
    assert.include(activated.body, { version: "2.0.0", previousVersion: "1.0.0" });
    assert.equal(await decoded(), 14);
    const back = await on("rollback");
    assert.include(back.body, { version: "1.0.0", previousVersion: "2.0.0" });
    assert.equal(await decoded(), 7);
    assert.equal((await on("rollback")).status, 409);
    await on("activate", { version: "2.0.0" });
    assert.equal(await decoded(), 14);
    const { history, previous } = await get("/meter");
    assert.deepEqual(previous, ["1.0.0"]);
    assert.deepEqual(
      history.map(({ action, version, by }: Record<string, string>) => `${action} ${version} ${by}`),
      [
        "upload 1.0.0 admin",
        "upload 2.0.0 admin",
        "activate 2.0.0 admin",
        "rollback 1.0.0 admin",
        "activate 2.0.0 admin",
      ],
    );
  });

  it("a decoder that has a rest is released, one that is not there is not found", async () => {
    await post(upload("1.0.0"));
    assert.equal((await on("release")).status, 204);
    assert.equal((await on("release", {}, "t2/admin")).status, 404);
  });

  it("a test answers result, console and CPU time, and what failed as error", async () => {
    await post(upload("1.0.0"));
    const good = await on("test", { value: "2a", args: { resourcePath: "/33456/0/1" } });
    assert.equal(good.status, 200);
    assert.deepEqual(good.body.console, ["first byte 42"]);
    assert.isAbove(good.body.cpuMs, 0);
    assert.isUndefined(good.body.error);
    const bad = await on("test", { value: "" });
    assert.equal(bad.body.result, null);
    assert.equal(bad.body.error.reason, "threw");
    assert.match(bad.body.error.message, /no bytes/);
  });

  it("a version is never replaced, also not after it was deleted", async () => {
    await post(upload("1.0.0"));
    await post(upload("2.0.0"));
    assert.equal((await post(upload("2.0.0", 5))).status, 409);
    assert.equal((await rest.ask("DELETE", `${PATH}/meter/versions/1.0.0`)).status, 409);
    assert.equal((await rest.ask("DELETE", `${PATH}/meter/versions/2.0.0`)).status, 204);
    assert.equal((await rest.ask("GET", `${PATH}/meter/versions/2.0.0`)).status, 404);
    assert.equal((await post(upload("2.0.0", 5))).status, 409);
    assert.equal((await rest.ask("DELETE", `${PATH}/meter`)).status, 204);
    assert.equal((await rest.ask("GET", `${PATH}/meter`)).status, 404);
    assert.equal((await post(upload("1.0.0", 5))).status, 409);
    assert.equal((await post(upload("1.0.1", 5))).body.status, "active");
    assert.equal(await decoded(), 35);
  });

  it("of a shipped decoder an upload is a further version, and going back leads to the shipped one", async () => {
    assert.equal((await post(upload("0.9.0", 1, "acme-meter"))).body.status, "idle");
    const shipped = await get("/acme-meter");
    assert.equal(shipped.origin, "shipped");
    assert.equal((await post(upload(shipped.version, 1, "acme-meter"))).status, 409);
    const { versions } = await get("/acme-meter/versions");
    assert.deepEqual(
      versions.map(({ version, status, origin }: Record<string, string>) => [version, status, origin]),
      [
        ["0.9.0", "idle", "own"],
        [shipped.version, "active", "shipped"],
      ],
    );
    assert.match((await get(`/acme-meter/versions/${shipped.version}`)).source, /export default/);
    const path = `${PATH}/acme-meter`;
    const own = await rest.ask("POST", `${path}/activate`, { body: { version: "0.9.0" } });
    assert.include(own.body, { version: "0.9.0", origin: "own", previousVersion: shipped.version });
    assert.include((await get("/acme-meter", "t2/admin")) as object, { origin: "shipped" });
    const back = await rest.ask("POST", `${path}/rollback`);
    assert.include(back.body, { version: shipped.version, origin: "shipped" });
  });

  it("tenants have decoders of their own, and do not see those of others", async () => {
    await post(upload("1.0.0"));
    assert.equal((await rest.ask("GET", `${PATH}/meter`, { as: "t2/admin" })).status, 404);
    assert.equal((await on("rollback", {}, "t2/admin")).status, 404);
    assert.equal((await post(upload("1.0.0", 3), "t2/admin")).body.status, "active");
    assert.equal(await decoded(), 7);
    assert.equal(await decoded({}, "t2/admin"), 21);
    const keys = (await get("?pageSize=100", "t2/admin")).decoders.map(({ key }: { key: string }) => key);
    assert.deepEqual(keys, ["acme-meter", "meter"]);
  });

  it("what is in force is the same after a restart", async () => {
    await post(upload("1.0.0"));
    await post(upload("2.0.0", 2));
    await on("activate", { version: "2.0.0" });
    await close();
    for (const { id } of runtime.stats().decoders) runtime.unload(id);
    await open();
    assert.equal(await decoded(), 14);
    assert.equal((await on("rollback")).body.version, "1.0.0");
    assert.equal(await decoded(), 7);
  });

  it("counts of the versions that are loaded", async () => {
    await post(upload("1.0.0"));
    await decoded();
    await on("test", { value: "" });
    const shown = async () => (await get("/meter/stats")).versions;
    assert.lengthOf(await shown(), 1);
    assert.deepInclude((await shown())[0], { key: "meter", version: "1.0.0", decoded: 0, failed: {} });
    assert.doesNotHaveAnyKeys((await shown())[0], ["id", "durations", "durationMs"], "a test is in no figure");
    const { id } = decoders.catalog.find("t1", "meter")!;
    for (const value of [Uint8Array.of(7), new Uint8Array()]) {
      const about = { resourcePath: "/33456/0/123", resourceType: "OPAQUE", receivedAt: "2026-01-01T00:00:00.000Z" };
      await runtime.decode(id, { value, ...about, sourceDeviceId: "12345", device: {} });
    }
    assert.deepInclude((await shown())[0], { decoded: 1, failed: { threw: 1 } });
    assert.hasAllKeys((await shown())[0].durationMs, ["p50", "p99"]);
  });

  it("a package file is taken as JSON and as multipart, with its signer", async () => {
    const packed = (version: string, privateKey?: string): string =>
      writeDecoderPackage(
        buildDecoderPackage({
          manifest: manifest(version),
          source: source(1),
          ...(privateKey !== undefined && { privateKey }),
        }),
      );
    const signed = await post(packed("1.0.0", TRUSTED.privateKey));
    assert.equal(signed.status, 201);
    assert.equal(signed.body.signer, TRUSTED.publicKey);
    const form = new FormData();
    form.append("file", new Blob([packed("1.1.0")]), "meter-1.1.0.mooring.json");
    const multipart = await post(form);
    assert.equal(multipart.status, 201);
    assert.isUndefined(multipart.body.signer);
    await close();
    options = { ...options, requireSignature: true };
    await open();
    const unsigned = await post(packed("1.2.0"));
    assert.equal(unsigned.status, 422);
    assert.equal(unsigned.body.details.field, "signature");
    const foreign = await post(packed("1.2.0", generateSigningKey().privateKey));
    assert.deepEqual(foreign.body.details, {
      field: "signature.publicKey",
      rule: "is none of the keys that this host knows",
    });
    const changed = { ...JSON.parse(packed("1.2.0", TRUSTED.privateKey)), source: source(9) };
    assert.equal((await post(changed)).body.details.field, "checksum");
    assert.equal((await post(packed("1.2.0", TRUSTED.privateKey))).status, 201);
  });

  const good = upload("1.0.0");
  const refused: [what: string, body: unknown, status: number, field: string | undefined, rule: RegExp][] = [
    ["no JSON", "{", 400, undefined, /not JSON/],
    ["no object", "[]", 422, "body", /must be object/],
    ["no manifest", { source: "x" }, 422, "manifest", /is missing/],
    ["no source", { manifest: good.manifest }, 422, "source", /is missing/],
    ["an empty source", { ...good, source: "" }, 422, "source", /fewer than 1/],
    ["a key of capitals", { ...good, manifest: { ...good.manifest, key: "Meter" } }, 422, "manifest.key", /match/],
    ["no semantic version", { ...good, manifest: manifest("1.0") }, 422, "manifest.version", /match/],
    ["an unknown language", { ...good, language: "lua" }, 422, "language", /one of javascript, typescript/],
    ["an unknown member", { ...good, more: 1 }, 422, "more", /not known/],
    ["a syntax error", { ...good, source: "export default {" }, 422, "source", /cannot be used/],
    ["no decode", { ...good, source: "export default {}" }, 422, "source", /cannot be used: .*decode/],
    ["an import", { ...good, source: 'import "fs"; export default { decode() {} }' }, 422, "source", /cannot be used/],
    ["an endless loop", { ...good, source: "for (;;);" }, 422, "source", /cannot be used/],
    ["a large source", { ...good, source: "x".repeat(524_289) }, 413, "source", /larger than 524288 bytes/],
    [
      "a signature of nothing",
      { ...good, signature: { algorithm: "ed25519", publicKey: "AAAA", value: "AAAA" } },
      422,
      "signature.publicKey",
      /cannot be read/,
    ],
  ];
  for (const [what, body, status, field, rule] of refused) {
    it(`refuses to store ${what}`, async () => {
      const answer = await post(body);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.body.details?.field, field);
      assert.match(answer.body.message, rule);
      assert.equal((await rest.ask("GET", `${PATH}/meter`)).status, 404);
    });
  }

  const wrong: [what: string, path: string, body: unknown, field: string][] = [
    ["a test without value", "test", {}, "value"],
    ["a test of half a byte", "test", { value: "123" }, "value"],
    ["a test with a path of an object", "test", { value: "", args: { resourcePath: "/3" } }, "args.resourcePath"],
    ["a test of an unknown type", "test", { value: "", resourceType: "BYTES" }, "resourceType"],
    ["a test for a device that is not there", "test", { value: "", sourceDeviceId: "77" }, "sourceDeviceId"],
    ["a test at no time", "test", { value: "", receivedAt: "today" }, "receivedAt"],
    ["a stage of nothing", "stage", {}, "version"],
    ["a stage with an unknown member", "stage", { version: "1.0.0", all: true }, "all"],
    ["a run over no days", "stage", { version: "1.0.0", recorded: { days: 0 } }, "recorded.days"],
    ["a run over days from a date", "stage", { version: "1.0.0", recorded: { days: 1, dateFrom: "x" } }, "recorded"],
    ["a run from no date", "stage", { version: "1.0.0", recorded: { dateFrom: "x" } }, "recorded.dateFrom"],
    [
      "a run backwards",
      "stage",
      { version: "1.0.0", recorded: { dateFrom: "2026-01-02T00:00:00Z", dateTo: "2026-01-01T00:00:00Z" } },
      "recorded.dateTo",
    ],
    ["a run over too many", "stage", { version: "1.0.0", recorded: { limit: 1_000_001 } }, "recorded.limit"],
    ["an activation of nothing", "activate", {}, "version"],
    ["an activation of a number", "activate", { version: 1 }, "version"],
    ["an activation over 100 %", "activate", { version: "1.0.0", maxDifferent: 101 }, "maxDifferent"],
  ];
  for (const [what, path, body, field] of wrong) {
    it(`refuses ${what}`, async () => {
      await post(upload("1.0.0"));
      const answer = await on(path, body);
      assert.equal(answer.status, 422, answer.text);
      assert.equal(answer.body.details.field, field);
    });
  }

  it("takes a body whose length is not said", async () => {
    await post(upload("1.0.0"));
    const answer = await fetch(`${rest.origin}${PATH}/meter/activate`, {
      method: "POST",
      headers: { Authorization: basic("t1/admin"), Connection: "close" },
      body: new Blob(['{"version": "7.0.0"}']).stream(),
      duplex: "half",
    });
    assert.equal(answer.status, 404);
    assert.include(await answer.text(), "meter 7.0.0");
  });

  it("refuses what is not there, and what is in force already", async () => {
    assert.equal((await on("test", { value: "" })).status, 404);
    await post(upload("1.0.0"));
    assert.equal((await on("test", { value: "", version: "3.0.0" })).status, 404);
    assert.equal((await on("activate", { version: "3.0.0" })).status, 404);
    assert.equal((await on("activate", { version: "1.0.0" })).status, 409);
  });

  it("a staged version is shown with its report, and leaves the stage", async () => {
    await post(upload("1.0.0"));
    assert.equal((await rest.ask("GET", `${PATH}/meter/stage`)).status, 404);
    assert.equal((await on("stage", { version: "1.0.0" })).status, 409);
    assert.equal((await on("stage", { version: "9.0.0" })).status, 404);
    await post(upload("2.0.0"));
    const staged = await on("stage", { version: "2.0.0" });
    assert.equal(staged.status, 200);
    assert.deepInclude(staged.body, { version: "2.0.0", against: "1.0.0", mayActivate: true, samples: [] });
    assert.equal(staged.body.counts.compared, 0);
    assert.deepInclude((await get("/meter/stats")).shadow, { version: "2.0.0" });
    assert.equal((await get("/meter")).staged, "2.0.0");
    assert.equal((await rest.ask("DELETE", `${PATH}/meter/versions/2.0.0`)).status, 409);
    assert.equal((await rest.ask("DELETE", `${PATH}/meter/stage`)).status, 204);
    assert.equal((await rest.ask("DELETE", `${PATH}/meter/stage`)).status, 409);
  });

  it("readers read, administrators of the tenant write", async () => {
    await post(upload("1.0.0"));
    await rest.tenants.createUser("t1", { userName: "eve", password: PASSWORD, roles: ["ROLE_INVENTORY_READ"] });
    assert.equal((await rest.ask("GET", `${PATH}/meter`, { as: "t1/eve" })).status, 200);
    for (const path of ["", "/meter/test", "/meter/stage", "/meter/activate", "/meter/rollback"]) {
      assert.equal((await rest.ask("POST", `${PATH}${path}`, { body: {}, as: "t1/eve" })).status, 403);
    }
    assert.equal((await rest.ask("DELETE", `${PATH}/meter`, { as: "t1/eve" })).status, 403);
  });
});
