import { assert } from "chai";
import { createManualClock, type ManualClock } from "../../src/base/clock.ts";
import { isFailure, MooringError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import type { Effect } from "../../src/contract/action.ts";
import type { RawPayload } from "../../src/decoding/raw-payload.ts";
import { type ApplyTarget, createEffectApplier, type EffectApplier } from "../../src/mapping/apply-effects.ts";
import { createPlatform } from "../../src/platform/create-platform.ts";
import { eventOp } from "../../src/platform/event.ts";
import type { Fragments, Platform } from "../../src/platform/platform.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { RAW_PAYLOADS } from "../../src/store/collections/decoding.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store, WriteOp } from "../../src/store/store.ts";
import { NOW_MS, value } from "./support.ts";

const PAGE = { currentPage: 1, pageSize: 100, withTotal: false };
const measurement = (atMs: number, number = 1): Effect => ({
  kind: "measurement",
  type: "t",
  atMs,
  series: { f: { s: { value: number } } },
  properties: { resourcePath: "/9/0/1" },
});
const event: Effect = { kind: "event", type: "e", text: "x", atMs: NOW_MS, properties: { lwm2m: { path: "/9/0/1" } } };
const alarm = (status: "ACTIVE" | "CLEARED"): Effect => ({
  kind: "alarm",
  type: "a",
  text: "x",
  severity: "MAJOR",
  status,
  atMs: NOW_MS,
});

describe("mapping/apply-effects", () => {
  let clock: ManualClock;
  let store: Store;
  let platform: Platform;
  let writes: (readonly WriteOp[])[];
  let enqueued: RawPayload[];
  let swept: number;
  let applier: EffectApplier;
  let id: string;

  beforeEach(async () => {
    clock = createManualClock(NOW_MS);
    store = await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" });
    platform = createPlatform({ store, clock, random: createSeededRandom(1), log: silentLog });
    writes = [];
    enqueued = [];
    applier = createEffectApplier({
      platform: {
        write(ops) {
          writes.push(ops);
          return platform.write(ops);
        },
      },
      nowMs: () => clock.now(),
      decodes: {
        displayName: (_, decoder) => `${decoder} decoder`,
        enqueue: payloads => void enqueued.push(...payloads),
        sweep: () => void swept++,
      },
    });
    swept = 0;
    id = (
      await platform.inventory.create(
        "t1",
        { name: "meter 7", c8y_Hardware: { model: "M", revision: "1" } },
        { owner: "admin" },
      )
    ).id;
  });
  afterEach(() => store.close());

  const target = async (messageKey = "m1"): Promise<ApplyTarget> => {
    const object = await platform.inventory.get("t1", id);
    return { tenant: "t1", deviceId: id, endpoint: "urn:dev:1", messageKey, receivedAtMs: clock.now(), object };
  };
  const apply = async (effects: readonly Effect[], messageKey?: string): Promise<void> => {
    assert.isEmpty(await applier.apply(await target(messageKey), effects));
  };
  const measurements = async () => (await platform.measurements.list("t1", { sourceId: id }, PAGE)).items;
  const events = async () => (await platform.events.list("t1", { sourceId: id }, PAGE)).items;
  const alarms = async () => (await platform.alarms.list("t1", { sourceId: id }, PAGE)).items;
  const fragments = async (): Promise<Fragments> => (await platform.inventory.get("t1", id)).fragments;

  it("all documents of one message in one write", async () => {
    const lastValue: Effect = { kind: "lastValue", path: [9, 0, 1], value: 21.3, atMs: NOW_MS };
    await apply([
      lastValue,
      measurement(NOW_MS),
      event,
      alarm("ACTIVE"),
      { kind: "inventory", set: { "c8y_Hardware.model": "N" } },
    ]);
    assert.lengthOf(writes, 1);
    const [stored] = await measurements();
    assert.deepInclude(stored, { type: "t", timeMs: NOW_MS, sourceId: id });
    assert.deepEqual<unknown>(stored?.fragments, { f: { s: { value: 1 } }, resourcePath: "/9/0/1" });
    assert.deepInclude((await events())[0], { type: "e", text: "x", fragments: { lwm2m: { path: "/9/0/1" } } });
    assert.deepInclude((await alarms())[0], { type: "a", severity: "MAJOR", status: "ACTIVE", count: 1 });
    const known = await fragments();
    assert.deepEqual(known["c8y_Hardware"], { model: "N", revision: "1" });
    assert.deepEqual(known["c8y_Lwm2m_9!0"], { instance: 0, operations: null, "1": 21.3 });
  });

  it("20-15: the same message again, also later, stores nothing twice", async () => {
    const effects = [measurement(NOW_MS), measurement(NOW_MS, 2), event];
    await apply(effects);
    await clock.advance(60_000);
    await apply(effects);
    await apply(
      effects.map((effect): Effect => (effect.kind === "measurement" ? { ...effect, atMs: clock.now() } : effect)),
    );
    assert.lengthOf(await measurements(), 2);
    assert.lengthOf(await events(), 1);
  });

  it("a place among its kind makes the id: an alarm less changes no other id", async () => {
    await apply([alarm("CLEARED"), measurement(NOW_MS), event]);
    await apply([measurement(NOW_MS), event]);
    assert.lengthOf(await measurements(), 1);
    assert.lengthOf(await events(), 1);
  });

  it("another message with the same values is stored", async () => {
    await apply([measurement(NOW_MS), event], "m1");
    await apply([measurement(NOW_MS), event], "m2");
    assert.lengthOf(await measurements(), 2);
    assert.lengthOf(await events(), 2);
  });

  it("platform API 9.2: an open alarm is counted up, CLEARED clears it, the next occurrence is a new one", async () => {
    await apply([alarm("ACTIVE")], "m1");
    await apply([alarm("ACTIVE")], "m2");
    assert.deepEqual(
      (await alarms()).map(({ status, count }) => [status, count]),
      [["ACTIVE", 2]],
    );
    await apply([alarm("CLEARED")], "m3");
    assert.deepEqual(
      (await alarms()).map(({ status }) => status),
      ["CLEARED"],
    );
    await clock.advance(1);
    await apply([alarm("ACTIVE")], "m1");
    assert.deepEqual((await alarms()).map(({ status }) => status).sort(), ["ACTIVE", "CLEARED"]);
  });

  it("CLEARED without an open alarm makes none", async () => {
    await apply([alarm("CLEARED")]);
    assert.isEmpty(await alarms());
  });

  it("platform API 5.4: a device in maintenance gets no alarm", async () => {
    await platform.inventory.update("t1", id, { c8y_RequiredAvailability: { responseInterval: -60 } });
    await apply([alarm("ACTIVE"), event]);
    assert.isEmpty(await alarms());
    assert.lengthOf(await events(), 1);
  });

  it("an inventory effect that changes nothing writes nothing", async () => {
    await apply([{ kind: "inventory", set: { "c8y_Hardware.model": "M", name: "meter 7" } }]);
    assert.isEmpty(writes);
  });

  it("inventory effects of one message join, the later wins", async () => {
    await apply([
      { kind: "inventory", set: { "c8y_Mobile.cellId": "1" } },
      { kind: "inventory", set: { "c8y_Mobile.mnc": "01", name: "LWM2M ACME urn:dev:1" } },
      { kind: "inventory", set: { "c8y_Mobile.cellId": "2" } },
    ]);
    assert.lengthOf(writes[0] ?? [], 1);
    const object = await platform.inventory.get("t1", id);
    assert.equal(object.name, "LWM2M ACME urn:dev:1");
    assert.deepEqual(object.fragments["c8y_Mobile"], { cellId: "2", mnc: "01" });
  });

  it("a fragment that people made a text becomes an object again", async () => {
    await platform.inventory.update("t1", id, { c8y_Hardware: "unknown" });
    await apply([{ kind: "inventory", set: { "c8y_Hardware.model": "N" } }]);
    assert.deepEqual((await fragments())["c8y_Hardware"], { model: "N" });
  });

  it("20-12: last values of resource instances merge, a whole resource replaces", async () => {
    const one = (path: readonly number[], known: unknown): Effect => ({
      kind: "lastValue",
      path,
      value: known,
      atMs: NOW_MS,
    });
    await apply([one([3, 0, 7, 0], 1), one([3, 0, 7, 1], 2)]);
    assert.deepEqual((await fragments())["c8y_Lwm2m_3!0"], { instance: 0, operations: null, "7": '{"0":1,"1":2}' });
    await apply([one([3, 0, 7, 1], 3)]);
    assert.deepEqual((await fragments())["c8y_Lwm2m_3!0"], { instance: 0, operations: null, "7": '{"0":1,"1":3}' });
    await apply([one([3, 0, 7], { "4": 4 })]);
    assert.deepEqual((await fragments())["c8y_Lwm2m_3!0"], { instance: 0, operations: null, "7": '{"4":4}' });
  });

  describe("decode", () => {
    const decode: Effect = { kind: "decode", decoder: "acme", value: value("/9/0/1", Uint8Array.of(1)), atMs: NOW_MS };

    it("the payload is kept with the message, the decoder starts afterwards", async () => {
      await apply([decode, measurement(NOW_MS)]);
      assert.lengthOf(writes, 1);
      const [payload] = enqueued;
      assert.deepInclude(payload, { decoder: "acme", path: "/9/0/1", deviceId: id, endpoint: "urn:dev:1" });
      const kept = await store.collection(RAW_PAYLOADS).findOne({ _id: payload!.id });
      assert.deepInclude(kept, { status: "PENDING", bytes: Uint8Array.of(1) });
      const [shown] = await events();
      assert.equal(shown?.type, "c8y_decoder_event");
      assert.equal(shown?.text, "External decoder data received from device. Decoder: acme (acme decoder)");
    });

    it("9.2: the message again keeps the payload once", async () => {
      await apply([decode, decode]);
      await apply([decode, decode]);
      assert.lengthOf(await events(), 2);
      assert.equal(new Set(enqueued.map(payload => payload.id)).size, 2);
      // The store knows whether they are decoded by now.
      assert.lengthOf(enqueued, 2);
      assert.equal(swept, 1);
    });

    it("a value that no decoder can be given is left out and named, the rest is stored", async () => {
      const broken: Effect = { ...decode, value: { path: [9, 0, 1], type: "OPAQUE", value: "text" } };
      const leftOut = await applier.apply(await target(), [broken, measurement(NOW_MS)]);
      assert.lengthOf(leftOut, 1);
      assert.lengthOf(await measurements(), 1);
      assert.isEmpty(enqueued);
    });

    it("nothing starts when the write fails", async () => {
      const full = createEffectApplier({
        platform: { write: async () => Promise.reject(new MooringError("STORE_FULL", "too much waits")) },
        nowMs: () => NOW_MS,
        decodes: {
          displayName: (_, decoder) => decoder,
          enqueue: payloads => void enqueued.push(...payloads),
          sweep: () => assert.fail("nothing is stored"),
        },
      });
      const rejected = await full.apply(await target(), [decode, event]).then(
        () => undefined,
        (error: unknown) => error,
      );
      assert.isTrue(isFailure(rejected, "STORE_FULL"));
      assert.isEmpty(enqueued);
    });
  });

  it("further writes of the caller go into the same group, last", async () => {
    const more = eventOp(
      "t1",
      "7",
      { sourceId: id, type: "more", text: "more", timeMs: NOW_MS, fragments: {} },
      NOW_MS,
    );
    await applier.apply(await target(), [event], [more]);
    assert.lengthOf(writes, 1);
    assert.strictEqual(writes[0]?.at(-1), more);
  });
});
