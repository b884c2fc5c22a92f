import { assert } from "chai";
import { isFailure, type MooringError } from "../../../src/base/errors.ts";
import type { ShadowReport } from "../../../src/decoding/catalog/shadow-report.ts";
import { keepOps, type RawPayload } from "../../../src/decoding/raw-payload.ts";
import type { DecodeOutcome } from "../../../src/sandbox/decoder-runtime.ts";
import { RAW_PAYLOADS } from "../../../src/store/collections/decoding.ts";
import { type CatalogFixture, INPUT, measured, openCatalog, TENANT } from "./support.ts";

describe("decoding/catalog/shadow", () => {
  let fixture: CatalogFixture;
  beforeEach(async () => {
    fixture = await openCatalog();
    await fixture.upload("1.0.0");
    await fixture.upload("2.0.0", "1");
    await fixture.upload("3.0.0");
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  const raw = (first: number): RawPayload => ({
    id: `r${first}`,
    tenant: TENANT,
    deviceId: "1",
    endpoint: "urn:dev:7",
    path: "/33456/0/123",
    resourceType: "OPAQUE",
    receivedAtMs: first,
    atMs: first,
    bytes: Uint8Array.of(first),
    decoder: "meter",
    attempts: 0,
  });
  const stage = (version: string, recorded?: object) =>
    fixture.decoders.services.stage(TENANT, "meter", { version, ...(recorded && { recorded }) }, "admin");
  const activate = (body: object = {}) => fixture.decoders.services.activate(TENANT, "meter", body, "admin");
  const report = async (version: string): Promise<ShadowReport> =>
    (await fixture.decoders.shadow.report({ owner: TENANT, key: "meter", version }))!;
  /** As the decode queue does it. */
  async function live(payload: RawPayload): Promise<DecodeOutcome> {
    const { catalog, shadow } = fixture.decoders;
    const decoder = catalog.find(TENANT, "meter")!;
    const outcome = await catalog.decode(decoder, { ...INPUT, value: payload.bytes });
    shadow.observe(payload, decoder, outcome);
    return outcome;
  }
  async function keep(count: number): Promise<void> {
    for (let n = 1; n <= count; n++) {
      await fixture.platform.write(keepOps(raw(n), "Meter", 0));
      await fixture.store.collection(RAW_PAYLOADS).updateOne({ _id: `r${n}` }, { $set: { status: "DONE" } });
    }
  }
  async function refused(work: Promise<unknown>): Promise<MooringError> {
    const error = await work.then(
      () => assert.fail("not refused"),
      (reason: unknown) => reason,
    );
    assert.isTrue(isFailure(error, "CONFLICT"), String(error));
    return error as MooringError;
  }

  it("counts live payloads of the staged version, with samples of what would change", async () => {
    await stage("2.0.0");
    for (let n = 1; n <= 12; n++) await live(raw(n));
    await fixture.decoders.shadow.idle();
    const { live: counts, samples, againstVersion } = await report("2.0.0");
    assert.equal(againstVersion, "1.0.0");
    assert.deepInclude(counts, { different: 12, equal: 0, failed: 0, skipped: 0 });
    assert.lengthOf(samples, 8);
    assert.deepInclude(samples[0], { verdict: "different", from: "live", rawId: "r1", deviceId: "1", hex: "01" });
    const what = "measurement m at 1970-01-01T00:00:00.001Z: m.a.value";
    assert.deepEqual(samples[0]!.differences, [{ what, active: 1, staged: 2 }]);
    const error = await refused(activate());
    assert.match(error.message, /12 of 12 payloads would be stored otherwise and 0 not at all: 100 %, allowed are 0 %/);
    assert.deepInclude(error.details["counts"] as object, { compared: 12, different: 12, differentPercent: 100 });
  });

  it("nothing speaks against a version that does the same; what another version did counts for nothing", async () => {
    await stage("3.0.0");
    for (let n = 1; n <= 3; n++) await live(raw(n));
    await fixture.decoders.shadow.idle();
    const activation = await activate();
    assert.include(activation, { previous: "1.0.0", version: "3.0.0" });
    assert.deepInclude(activation.findings, { compared: 3, equal: 3 });
    assert.isUndefined(fixture.decoders.catalog.staged(TENANT, "meter"));
    await stage("2.0.0");
    await live(raw(4));
    await fixture.decoders.shadow.idle();
    assert.equal((await report("2.0.0")).againstVersion, "3.0.0");
    await fixture.decoders.services.rollback(TENANT, "meter", "admin");
    assert.equal((await fixture.decoders.services.staged(TENANT, "meter")).findings.compared, 0);
    assert.equal((await report("2.0.0")).againstVersion, "1.0.0");
  });

  it("what is over the limit is allowed by force, or by a limit of the request's own", async () => {
    await stage("2.0.0");
    await live(raw(1));
    await fixture.decoders.shadow.idle();
    await refused(activate({ maxDifferent: 99 }));
    assert.equal((await activate({ maxDifferent: 100 })).version, "2.0.0");
    await fixture.decoders.services.rollback(TENANT, "meter", "admin");
    // Its report is still there, and still speaks against it.
    await refused(activate({ version: "2.0.0" }));
    assert.equal((await activate({ version: "2.0.0", force: true })).version, "2.0.0");
    assert.isTrue(fixture.decoders.catalog.record(TENANT, "meter")!.state.history.at(-1)!.forced);
  });

  it("a version that was never staged has nothing against it, and its activation says that nothing was compared", async () => {
    assert.equal((await activate({ version: "2.0.0" })).findings?.compared, 0);
  });

  it("a failure of the staged version is counted and refused, one of the active version is none of its", async () => {
    const { answer } = fixture.runtime;
    const broken: DecodeOutcome = { ok: false, reason: "threw", message: "oops", cpuMs: 1 };
    fixture.runtime.answer = (id, input, source) =>
      input.value[0] === (id.endsWith("@3.0.0") ? 5 : 6) ? broken : answer(id, input, source);
    await stage("3.0.0");
    for (const n of [4, 5, 6, 7]) await live(raw(n));
    await fixture.decoders.shadow.idle();
    assert.deepInclude((await report("3.0.0")).live, { equal: 2, failed: 1, repaired: 1 });
    const error = await refused(activate());
    assert.match(error.message, /0 of 4 payloads would be stored otherwise and 1 not at all: 25 %/);
  });

  it("live work is never held up: what does not fit is skipped and counted", async () => {
    const { answer } = fixture.runtime;
    const { promise, resolve } = Promise.withResolvers<void>();
    fixture.runtime.answer = async (...given) => {
      if (given[0].endsWith("@2.0.0")) await promise;
      return answer(...given);
    };
    await stage("2.0.0");
    for (let n = 0; n < 300; n++) assert.isTrue((await live(raw(n % 256))).ok);
    resolve();
    await fixture.decoders.shadow.idle();
    assert.deepInclude((await report("2.0.0")).live, { different: 256, skipped: 44 });
  });

  it("one that cannot run now is skipped, not failed", async () => {
    const { answer } = fixture.runtime;
    fixture.runtime.answer = (...given) =>
      given[0].endsWith("@2.0.0") ? { ok: false, reason: "unavailable", message: "queue full" } : answer(...given);
    await stage("2.0.0");
    await live(raw(1));
    await fixture.decoders.shadow.idle();
    assert.deepInclude((await report("2.0.0")).live, { failed: 0, skipped: 1 });
  });

  it("runs over kept payloads, the newest first, and says how far it is; activation waits for its end", async () => {
    await keep(250);
    const { answer } = fixture.runtime;
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen: number[] = [];
    fixture.runtime.answer = async (...given) => {
      if (given[0].endsWith("@3.0.0")) seen.push(given[1].value[0]!);
      if (seen.length > 40) await promise;
      return answer(...given);
    };
    await stage("3.0.0", { limit: 200 });
    assert.match((await refused(activate())).message, /the run over recorded payloads has not ended/);
    resolve();
    await fixture.decoders.shadow.idle();
    const { recorded, run } = await report("3.0.0");
    assert.deepInclude(run, { state: "done", done: 200, limit: 200 });
    assert.deepInclude(recorded, { equal: 200, skipped: 0 });
    assert.equal(Math.min(...seen), 51);
    assert.equal((await activate()).version, "3.0.0");
  });

  it("a run is bounded by time", async () => {
    await keep(20);
    const at = (ms: number): string => new Date(ms).toISOString();
    await stage("3.0.0", { dateFrom: at(5), dateTo: at(9) });
    await fixture.decoders.shadow.idle();
    assert.equal((await report("3.0.0")).recorded.equal, 5);
  });

  it("after a restart the report is there, and the run goes on where it was", async () => {
    await keep(250);
    const { answer } = fixture.runtime;
    let decoded = 0;
    const stopped = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    fixture.runtime.answer = async (...given) => {
      if (given[0].endsWith("@2.0.0") && ++decoded > 150) {
        stopped.resolve();
        await released.promise;
      }
      return answer(...given);
    };
    await stage("2.0.0", { limit: 250 });
    await stopped.promise;
    const closing = fixture.reopen();
    released.resolve();
    fixture.runtime.answer = answer;
    await closing;
    await fixture.decoders.shadow.idle();
    const { recorded, run, samples } = await report("2.0.0");
    assert.deepInclude(run, { state: "done", done: 250 });
    assert.isAtLeast(recorded.different, 250);
    assert.lengthOf(samples, 8);
    await refused(activate());
  });

  it("ends when the version is not staged any more, or another one is", async () => {
    await stage("2.0.0");
    await live(raw(1));
    await fixture.decoders.shadow.idle();
    await stage("3.0.0");
    await live(raw(2));
    await fixture.decoders.services.unstage(TENANT, "meter", "admin");
    await live(raw(3));
    await fixture.decoders.shadow.idle();
    assert.equal((await report("2.0.0")).live.different, 1);
    await refused(activate({ version: "2.0.0" }));
  });

  it("reports of deleted versions go with them", async () => {
    await stage("2.0.0");
    await live(raw(1));
    await fixture.decoders.shadow.idle();
    await fixture.decoders.services.unstage(TENANT, "meter", "admin");
    await fixture.decoders.services.removeVersion(TENANT, "meter", "2.0.0", "admin");
    assert.isUndefined(await report("2.0.0"));
  });

  it("a version that is much slower is told, and not refused", async () => {
    fixture.runtime.answer = (id, input) => measured(input.value[0]!, "1.0.0", id.endsWith("@3.0.0") ? 5 : 1);
    await stage("3.0.0");
    await live(raw(1));
    await fixture.decoders.shadow.idle();
    assert.deepInclude((await report("3.0.0")).live, { slower: 1, equal: 0, activeCpuMs: 1, stagedCpuMs: 5 });
    assert.equal((await activate()).version, "3.0.0");
  });
});
