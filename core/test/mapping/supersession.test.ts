import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import type { Effect } from "../../src/contract/action.ts";
import { createEffectApplier } from "../../src/mapping/apply-effects.ts";
import type { MessageIdentity } from "../../src/mapping/document-ids.ts";
import { planSupersessions, type Supersession } from "../../src/mapping/supersession.ts";
import { createPlatform } from "../../src/platform/create-platform.ts";
import type { ManagedObject, Platform } from "../../src/platform/platform.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { NOW_MS } from "./support.ts";

const PAGE = { currentPage: 1, pageSize: 500, withTotal: false };
const measurement = (number: number): Effect => ({
  kind: "measurement",
  type: "t",
  atMs: NOW_MS,
  series: { f: { s: { value: number } } },
});
const event = (text: string): Effect => ({ kind: "event", type: "e", text, atMs: NOW_MS, properties: { p: 1 } });

describe("mapping/supersession", () => {
  const clock = createManualClock(NOW_MS);
  let store: Store;
  let platform: Platform;
  let object: ManagedObject;

  beforeEach(async () => {
    store = await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" });
    platform = createPlatform({ store, clock, random: createSeededRandom(1), log: silentLog });
    object = await platform.inventory.create("t1", { name: "meter 7" }, { owner: "admin" });
  });
  afterEach(() => store.close());

  const message = (messageKey = "m1"): MessageIdentity => ({
    tenant: "t1",
    deviceId: object.id,
    messageKey,
    receivedAtMs: NOW_MS,
  });
  const made = async (effects: readonly Effect[], messageKey?: string): Promise<void> => {
    const decodes = { displayName: (_: string, key: string) => key, enqueue: () => {}, sweep: () => {} };
    const applier = createEffectApplier({ platform, nowMs: clock.now, decodes });
    await applier.apply({ ...message(messageKey), endpoint: "urn:dev:1", object }, effects);
  };
  const plan = async (effects: readonly Effect[], messageKey?: string): Promise<Supersession> =>
    (await planSupersessions(store, [{ message: message(messageKey), effects }], clock.now()))[0]!;
  const superseded = async (effects: readonly Effect[], messageKey?: string): Promise<Supersession> => {
    const planned = await plan(effects, messageKey);
    if (planned.ops.length > 0) await platform.write(planned.ops);
    return planned;
  };
  const stored = async (): Promise<unknown[]> => {
    const measurements = (await platform.measurements.list("t1", { sourceId: object.id }, PAGE)).items;
    const events = (await platform.events.list("t1", { sourceId: object.id }, PAGE)).items;
    return [
      ...measurements.map(({ fragments }) => (fragments["f"] as { s: { value: number } }).s.value),
      ...events.map(({ text }) => text),
    ].sort();
  };

  it("fewer documents: what is surplus goes, what changed is replaced, what is the same stays untouched", async () => {
    await made([measurement(1), measurement(2), measurement(3), event("a"), event("b")]);
    const planned = await superseded([measurement(1), measurement(20), event("c")]);
    assert.deepEqual(await stored(), [1, 20, "c"]);
    assert.deepEqual(
      planned.places.map(({ kind, place, before, after }) => [kind, place, before !== undefined, after !== undefined]),
      [
        ["measurement", 0, true, true],
        ["measurement", 1, true, true],
        ["measurement", 2, true, false],
        ["event", 0, true, true],
        ["event", 1, true, false],
      ],
    );
    const [first] = planned.places;
    assert.deepEqual(first!.before, { type: "t", time: "2026-01-01T00:00:00.000Z", f: { s: { value: 1 } } });
    assert.deepEqual(first!.before, first!.after);
  });

  it("more documents join those that are there", async () => {
    await made([measurement(1)]);
    await superseded([measurement(1), measurement(2), event("a")]);
    assert.deepEqual(await stored(), [1, 2, "a"]);
  });

  it("the same again writes nothing", async () => {
    await made([measurement(1), event("a")]);
    assert.deepEqual((await superseded([measurement(1), event("a")])).ops, []);
    await superseded([measurement(2)]);
    assert.deepEqual((await superseded([measurement(2)])).ops, []);
  });

  it("documents of other messages stay", async () => {
    await made([measurement(1), event("a")], "other");
    await made([measurement(2)]);
    await superseded([]);
    assert.deepEqual(await stored(), [1, "a"]);
  });

  it("finds what a message made however much it was, also where nobody counted", async () => {
    await made(Array.from({ length: 150 }, (_, at) => measurement(at)));
    const { places } = await superseded([measurement(7)]);
    assert.lengthOf(places, 150);
    assert.deepEqual(await stored(), [7]);
  });

  it("finds it behind a gap that somebody has deleted, where it was counted", async () => {
    await made(Array.from({ length: 60 }, (_, at) => measurement(at)));
    const { places } = await plan([]);
    for (const { id } of places.slice(0, 55)) await store.series.deleteOne("t1", id);
    const counted = { measurements: 60, events: 0 };
    const again = await planSupersessions(store, [{ message: message(), effects: [], made: counted }], clock.now());
    assert.deepEqual(
      again[0]!.places.map(({ place }) => place),
      [55, 56, 57, 58, 59],
    );
  });

  it("an event that is replaced keeps its id and when it was made", async () => {
    await made([event("a")]);
    const [before] = (await platform.events.list("t1", {}, PAGE)).items;
    await clock.advance(1000);
    await superseded([event("b")]);
    const [after] = (await platform.events.list("t1", {}, PAGE)).items;
    assert.deepInclude(after, { id: before!.id, creationTimeMs: before!.creationTimeMs, text: "b" });
    assert.equal(after!.lastUpdatedMs, clock.now());
  });
});
