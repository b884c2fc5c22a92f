import { assert } from "chai";
import { isFailure } from "../../../src/base/errors.ts";
import type { DecoderResult } from "../../../src/contract/decoder.ts";
import { keepOps, type RawPayload } from "../../../src/decoding/raw-payload.ts";
import { createRawRetention } from "../../../src/decoding/raw-retention.ts";
import { RAW_PAYLOADS } from "../../../src/store/collections/decoding.ts";
import { PAGE, TENANT } from "../../platform/fixture.ts";
import { KEY, openRedecodeFixture, type RedecodeFixture } from "./fixture.ts";
import { redecodeSuite } from "./redecode-suite.ts";

const FAILURE_ALARM = `c8y_LWM2MDecoderFailure_${KEY}`;
const readings = (...values: number[]): DecoderResult => ({
  success: true,
  measurements: values.map(value => ({ type: "acme", values: [{ seriesName: "U", value }] })),
});
const threw = { ok: false, reason: "threw", message: "no" } as const;

describe("decoding/redecode", () => {
  let fixture: RedecodeFixture;
  beforeEach(async () => {
    fixture = await openRedecodeFixture();
    fixture.versions.set("1.0.0", ({ value: [byte = 0] }) => readings(byte, byte + 100));
    fixture.versions.set("2.0.0", ({ value: [byte = 0] }) => readings(byte * 2));
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  const codeOf = async (work: Promise<unknown>): Promise<string> => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.isTrue(isFailure(error), String(error));
    return (error as { code: string }).code;
  };
  const measured = async (): Promise<[number, unknown][]> =>
    (await fixture.platform.platform.measurements.list(TENANT, { sourceId: fixture.device }, PAGE)).items.map(
      ({ fragments }) => [
        (fragments["acme"] as { U: { value: number } }).U.value,
        (fragments["decodedBy"] as { version: string }).version,
      ],
    );
  const alarms = async (): Promise<unknown[]> => (await fixture.content())["alarms"] as unknown[];

  /** Decoding in the background stops at that decode, counted from 1, until it is released. */
  const holdFrom = (decode: number) => {
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let decodes = 0;
    fixture.beforeDecode = async () => {
      if (++decodes === decode) reached.resolve();
      if (decodes >= decode) await released.promise;
    };
    const release = (): void => {
      fixture.beforeDecode = async () => {};
      released.resolve();
    };
    return { reached: reached.promise, release };
  };

  it("a dry run says what would change, with samples, and changes nothing", async () => {
    const raws = await fixture.receive([1, 2, 3, 4]);
    const before = await fixture.content();
    const { state, progress, version } = await fixture.run({ version: "2.0.0" });
    assert.equal(state, "DONE");
    assert.equal(version, "2.0.0");
    assert.deepEqual(progress.payloads, {
      read: 4,
      equal: 0,
      changed: 4,
      recovered: 0,
      failed: 0,
      stillFailing: 0,
      skipped: 0,
    });
    assert.deepEqual(progress.documents, { equal: 0, changed: 4, added: 0, removed: 4 });
    const [sample] = progress.samples;
    assert.deepInclude(sample, { payload: raws[0]!.id, deviceId: fixture.device, value: "01", outcome: "changed" });
    assert.deepInclude(sample!.differences[0], {
      document: "measurement 0",
      member: "acme.U.value",
      before: 1,
      after: 2,
    });
    assert.equal(sample!.differences[1]!.document, "measurement 1");
    assert.notProperty(sample!.differences[1], "after");
    assert.deepEqual(await fixture.content(), before);
  });

  it("apply supersedes; again, and after a dry run, it changes nothing and has the same content hash", async () => {
    await fixture.receive([1, 2, 3, 4, 5]);
    const dry = await fixture.run({ version: "2.0.0" });
    const first = await fixture.run({ version: "2.0.0", apply: true });
    assert.deepEqual(
      await measured(),
      [2, 4, 6, 8, 10].map(value => [value, "2.0.0"]),
    );
    const after = await fixture.content();
    const second = await fixture.run({ version: "2.0.0", apply: true });
    assert.deepEqual(await fixture.content(), after);
    assert.deepInclude(second.progress.payloads, { read: 5, equal: 5, changed: 0 });
    assert.match(first.progress.contentHash, /^[0-9a-f]{64}$/);
    assert.deepEqual(
      [first, second].map(({ progress }) => progress.contentHash),
      [dry.progress.contentHash, dry.progress.contentHash],
    );
    await fixture.run({ version: "1.0.0", apply: true });
    assert.deepEqual((await measured()).slice(0, 2), [
      [1, "1.0.0"],
      [101, "1.0.0"],
    ]);
  });

  describe("on the embedded store", () => redecodeSuite());

  it("the same documents by another version are equal, and name that version when it is applied", async () => {
    fixture.versions.set("1.0.1", fixture.versions.get("1.0.0")!);
    const [raw] = await fixture.receive([1]);
    const { progress } = await fixture.run({ version: "1.0.1", apply: true });
    assert.deepInclude(progress.payloads, { equal: 1, changed: 0 });
    assert.deepEqual(progress.samples, []);
    assert.deepEqual(await measured(), [
      [1, "1.0.1"],
      [101, "1.0.1"],
    ]);
    assert.equal((await fixture.raw(raw!.id))!.decoderVersion, "1.0.1");
  });

  it("what a version cannot decode stays as it was made before", async () => {
    await fixture.receive([1, 2]);
    const before = await fixture.content();
    fixture.versions.set("3.0.0", ({ value }) => (value[0] === 1 ? threw : { success: false, message: "odd" }));
    const { progress } = await fixture.run({ version: "3.0.0", apply: true });
    assert.deepInclude(progress.payloads, { read: 2, failed: 2 });
    assert.deepEqual(
      progress.samples.map(({ outcome, message }) => [outcome, message]),
      [
        ["failed", "threw: no"],
        ["failed", "odd"],
      ],
    );
    assert.deepEqual(await fixture.content(), before);
  });

  it("what was ERROR recovers: its event goes, and the alarm with the last of the device", async () => {
    fixture.versions.set("1.0.0", () => threw);
    const raws = await fixture.receive([1, 2]);
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "ACTIVE", 2]]);
    const one = await fixture.run({ version: "2.0.0", apply: true, limit: 1 });
    assert.deepInclude(one.progress.payloads, { read: 1, recovered: 1 });
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "ACTIVE", 2]]);
    const { progress } = await fixture.run({ version: "2.0.0", apply: true });
    assert.deepInclude(progress.payloads, { read: 2, equal: 1, recovered: 1 });
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "CLEARED", 2]]);
    assert.deepEqual((await fixture.content())["events"], []);
    assert.deepEqual(await measured(), [
      [2, "2.0.0"],
      [4, "2.0.0"],
    ]);
    assert.deepInclude(await fixture.raw(raws[0]!.id), { status: "DONE", decoderVersion: "2.0.0" });
  });

  it("goes on after a restart where it was, and counts each payload once", async () => {
    await fixture.receive([1, 2, 3, 4, 5, 6, 7]);
    const held = holdFrom(5);
    const { id } = await fixture.redecodes.create(TENANT, KEY, { version: "2.0.0", apply: true }, "admin");
    await held.reached;
    assert.deepInclude((await fixture.redecodes.get(TENANT, KEY, id)).progress.payloads, { read: 3, changed: 3 });
    held.release();
    await fixture.reopened();
    const { progress, state } = await fixture.ended(id);
    assert.equal(state, "DONE");
    assert.deepInclude(progress.payloads, { read: 7, changed: 7 });
    assert.deepEqual(
      await measured(),
      [2, 4, 6, 8, 10, 12, 14].map(value => [value, "2.0.0"]),
    );
  });

  it("a dry run that was cut short begins anew, and tells the same", async () => {
    await fixture.receive([1, 2, 3, 4, 5, 6, 7]);
    fixture.versions.set("2.0.0", ({ value: [byte = 0] }) => ({
      ...readings(byte),
      dataFragments: [{ key: "/9/0/1", value: String(byte) }],
    }));
    const whole = await fixture.run({ version: "2.0.0" });
    const { added, changed, equal } = whole.progress.lastValues;
    assert.deepEqual([added, changed, equal], [1, 6, 0]);
    const held = holdFrom(5);
    const { id } = await fixture.redecodes.create(TENANT, KEY, { version: "2.0.0" }, "admin");
    await held.reached;
    held.release();
    await fixture.reopened();
    assert.deepEqual((await fixture.ended(id)).progress, whole.progress);
  });

  it("waits for a decoder that cannot run now, and says so", async () => {
    await fixture.receive([1, 2]);
    let down = true;
    fixture.versions.set("2.0.0", ({ value: [byte = 0] }) =>
      down && byte === 2 ? { ok: false, reason: "unavailable", message: "breaker open" } : readings(byte),
    );
    const { id } = await fixture.redecodes.create(TENANT, KEY, { version: "2.0.0", apply: true }, "admin");
    for (let waits: string | undefined; waits === undefined; ) {
      waits = (await fixture.redecodes.get(TENANT, KEY, id)).progress.waitsFor;
      if (waits !== undefined) assert.equal(waits, "breaker open");
      await new Promise(resolve => setImmediate(resolve));
    }
    down = false;
    fixture.asked.length = 0;
    await fixture.platform.clock.advance(1000);
    const { progress } = await fixture.ended(id);
    assert.notProperty(progress, "waitsFor");
    assert.deepInclude(progress.payloads, { read: 2, changed: 2 });
    assert.deepEqual(fixture.asked, ["2.0.0"], "what is decoded is not decoded again");
  });

  it("a service that fails on a payload again and again fails on it; the others go on", async () => {
    await fixture.receive([1, 2]);
    fixture.versions.set("2.0.0", ({ value: [byte = 0] }) =>
      byte === 1 ? { ok: false, reason: "callFailed", message: "status 500" } : readings(byte),
    );
    const { id } = await fixture.redecodes.create(TENANT, KEY, { version: "2.0.0" }, "admin");
    let job = await fixture.redecodes.get(TENANT, KEY, id);
    for (; job.state === "RUNNING"; job = await fixture.redecodes.get(TENANT, KEY, id))
      await fixture.platform.clock.advance(1000);
    assert.deepInclude(job.progress.payloads, { read: 2, changed: 1, failed: 1 });
    assert.equal(job.progress.samples[0]!.message, "callFailed: status 500");
  });

  it("takes the stretch that is asked for: device, path, times, status, limit", async () => {
    const [first, second] = await fixture.receive([1, 2, 3]);
    await fixture.receive([4], "/33456/0/124");
    const read = async (body: object): Promise<number> =>
      (await fixture.run({ version: "2.0.0", ...body })).progress.payloads.read;
    const at = ({ receivedAtMs }: RawPayload): string => new Date(receivedAtMs).toISOString();
    assert.equal(await read({}), 4);
    assert.equal(await read({ deviceId: fixture.device }), 4);
    assert.equal(await read({ deviceId: "4711" }), 0);
    assert.equal(await read({ path: "/33456/0/124" }), 1);
    assert.equal(await read({ dateFrom: at(second!) }), 3);
    assert.equal(await read({ dateTo: at(first!) }), 1);
    assert.equal(await read({ status: ["ERROR"] }), 0);
    assert.equal(await read({ limit: 2 }), 2);
  });

  it("one job of a decoder at a time; a cancelled one ends, keeps what it changed, and makes room", async () => {
    await fixture.receive([1, 2, 3, 4]);
    const held = holdFrom(4);
    const { id } = await fixture.redecodes.create(TENANT, KEY, { version: "2.0.0", apply: true }, "admin");
    assert.equal(await codeOf(fixture.redecodes.create(TENANT, KEY, {}, "admin")), "CONFLICT");
    await held.reached;
    held.release();
    await fixture.redecodes.remove(TENANT, KEY, id);
    assert.equal((await fixture.redecodes.get(TENANT, KEY, id)).state, "CANCELLED");
    assert.deepEqual((await measured())[0], [2, "2.0.0"]);
    assert.equal((await fixture.run({})).state, "DONE");
    await fixture.redecodes.remove(TENANT, KEY, id);
    assert.equal(await codeOf(fixture.redecodes.get(TENANT, KEY, id)), "NOT_FOUND");
    assert.lengthOf((await fixture.redecodes.list(TENANT, KEY, PAGE)).items, 1);
  });

  it("a dry run is carried out by its id: same stretch, same version; one that has changed things is not", async () => {
    await fixture.receive([1]);
    const dry = await fixture.run({ version: "2.0.0" });
    await fixture.receive([2]);
    const { id } = await fixture.redecodes.applyAfter(TENANT, KEY, dry.id, "admin");
    const { progress, version } = await fixture.ended(id);
    assert.equal(version, "2.0.0");
    assert.equal(progress.payloads.read, 1);
    assert.equal(await codeOf(fixture.redecodes.applyAfter(TENANT, KEY, id, "admin")), "CONFLICT");
  });

  for (const [what, body, code] of [
    ["a version that is not there", { version: "9.9.9" }, "NOT_FOUND"],
    ["an unknown member", { versions: "1.0.0" }, "VALIDATION"],
    ["times the wrong way round", { dateFrom: "2026-02-01T00:00:00Z", dateTo: "2026-01-01T00:00:00Z" }, "VALIDATION"],
    ["a time that is none", { dateFrom: "yesterday" }, "VALIDATION"],
    ["a path that is none", { path: "/3/x" }, "PATH_INVALID"],
    ["a path of no resource", { path: "/33456/0" }, "VALIDATION"],
    ["a device that is no id", { deviceId: "meter" }, "VALIDATION"],
    ["no payloads", { limit: 0 }, "VALIDATION"],
    ["a status that is not decoded again", { status: ["PENDING"] }, "VALIDATION"],
    ["apply that is no boolean", { apply: "yes" }, "VALIDATION"],
  ] as const) {
    it(`refuses ${what}`, async () => {
      assert.equal(await codeOf(fixture.redecodes.create(TENANT, KEY, body, "admin")), code);
      assert.lengthOf((await fixture.redecodes.list(TENANT, KEY, PAGE)).items, 0);
    });
  }

  it("a message that is repeated after a redecode brings nothing of the version in force back", async () => {
    const [raw] = await fixture.receive([1]);
    await fixture.run({ version: "2.0.0", apply: true });
    const before = await fixture.content();
    await fixture.platform.platform.write(keepOps(raw!, KEY, fixture.platform.clock.now()));
    await fixture.queue.sweep();
    await fixture.queue.idle();
    assert.deepEqual(await fixture.content(), before);
  });

  it("alarms and last values follow the newest payload of a path alone, and no alarm is counted or raised again", async () => {
    await fixture.receive([1, 2]);
    fixture.versions.set("2.0.0", ({ value: [byte = 0] }) => ({
      ...readings(byte),
      alarms: [{ type: `leak ${byte}`, text: "wet", severity: "MAJOR" }],
      dataFragments: [{ key: "/9/0/1", value: String(byte) }],
    }));
    await fixture.run({ version: "2.0.0", apply: true });
    assert.deepEqual(await alarms(), [["leak 2", "ACTIVE", 1]]);
    assert.deepEqual((await fixture.content())["lastValues"], { instance: 0, 1: "2" });
    await fixture.run({ version: "2.0.0", apply: true });
    assert.deepEqual(await alarms(), [["leak 2", "ACTIVE", 1]]);
    const [open] = (await fixture.platform.platform.alarms.list(TENANT, {}, PAGE)).items;
    await fixture.platform.platform.alarms.update(TENANT, open!.id, { status: "CLEARED" });
    await fixture.run({ version: "1.0.0", apply: true });
    await fixture.run({ version: "2.0.0", apply: true });
    assert.deepEqual(await alarms(), [["leak 2", "CLEARED", 1]]);
  });

  it("payloads whose device is gone, and those that go or wait meanwhile, are skipped", async () => {
    const raws = await fixture.receive([1, 2, 3]);
    let first = true;
    fixture.beforeDecode = async () => {
      if (!first) return;
      first = false;
      const payloads = fixture.platform.store.collection(RAW_PAYLOADS);
      await payloads.deleteMany({ _id: raws[0]!.id });
      await payloads.updateOne({ _id: raws[1]!.id }, { $set: { status: "PENDING" } });
    };
    const { progress } = await fixture.run({ version: "2.0.0", apply: true });
    assert.deepInclude(progress.payloads, { read: 3, skipped: 2, changed: 1 });
    assert.deepEqual(
      (await measured()).map(([value]) => value),
      [1, 101, 2, 102, 6],
    );
  });

  it("retention may take payloads while they are decoded again: what they became stays, by one version or the other", async () => {
    await fixture.receive([1, 2, 3, 4, 5, 6, 7, 8]);
    const { store, platform, clock, log } = fixture.platform;
    const payloads = store.collection(RAW_PAYLOADS);
    await using retention = createRawRetention({ payloads, write: platform.write, clock, log, keepMs: 3500 });
    let decodes = 0;
    fixture.beforeDecode = async () => {
      if (++decodes === 4) await retention.sweep();
    };
    const { progress, state } = await fixture.run({ version: "2.0.0", apply: true });
    assert.equal(state, "DONE");
    assert.equal(await payloads.count({}), 4);
    assert.deepInclude(progress.payloads, { read: 8, changed: 7, skipped: 1 });
    assert.sameDeepMembers(await measured(), [
      ...[1, 2, 3, 5, 6, 7, 8].map((byte): [number, unknown] => [byte * 2, "2.0.0"]),
      [4, "1.0.0"],
      [104, "1.0.0"],
    ]);
  });

  it("remembers a hundred jobs of a decoder", async () => {
    for (let job = 0; job < 103; job++) await fixture.run({});
    const page = { currentPage: 1, pageSize: 500, withTotal: false };
    assert.lengthOf((await fixture.redecodes.list(TENANT, KEY, page)).items, 100);
  });
});
