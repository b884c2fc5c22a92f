import { assert } from "chai";
import { createManualClock, type ManualClock } from "../../src/base/clock.ts";
import { isFailure, MooringError } from "../../src/base/errors.ts";
import { createRecordingLog, type LogLine, silentLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import type { DefaultHandler, Effect, MappingAction } from "../../src/contract/action.ts";
import { parsePath } from "../../src/lwm2m/path.ts";
import type { Registration } from "../../src/lwm2m/registration/registration.ts";
import type { ResourceValue } from "../../src/lwm2m/resource-value.ts";
import type { ValueBatch } from "../../src/lwm2m/server/value-batch.ts";
import type { ActionRegistry } from "../../src/mapping/action-registry.ts";
import { createEffectApplier } from "../../src/mapping/apply-effects.ts";
import { clearNoMappingAlarms } from "../../src/mapping/clear-no-mapping.ts";
import { createSuperseder } from "../../src/mapping/superseder.ts";
import { createUplink, type Uplink } from "../../src/mapping/uplink.ts";
import { readMessage } from "../../src/mapping/value-history.ts";
import { createPlatform } from "../../src/platform/create-platform.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { VALUE_HISTORY } from "../../src/store/collections/values.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { maker, NOW_MS, type ObjectProtocol, parts, position, protocol, value } from "./support.ts";

const PAGE = { currentPage: 1, pageSize: 100, withTotal: false };
const FAILURE = "c8y_LWM2MMappingFailure_3303_5700";
const temperature = protocol(3303, { 5700: { measurementCreation: { type: "c8y_Temperature", series: "T" } } });
const naming: MappingAction = {
  name: "test:name",
  deviceFragments: ["c8y_Mobile"],
  run: ({ device }) => [
    { kind: "event", type: "named", text: `${device.name} ${JSON.stringify(device.fragments)}`, atMs: NOW_MS },
  ],
};

function countingReads(store: Store, onRead: () => void): Store {
  return {
    ...store,
    collection(spec) {
      const collection = store.collection(spec);
      return {
        ...collection,
        find(...given) {
          onRead();
          return collection.find(...given);
        },
        findOne(...given) {
          onRead();
          return collection.findOne(...given);
        },
      };
    },
  };
}

describe("mapping/uplink", () => {
  let clock: ManualClock;
  let store: Store;
  let platform: Platform;
  let log: ReturnType<typeof createRecordingLog>;
  let uplink: Uplink;
  let reads: number;
  let fail: MooringError | undefined;
  let protocols: readonly ObjectProtocol[];
  let id: string;
  let message: number;

  let actions: ActionRegistry;

  const open = (keepsValues?: "marked" | "all"): Uplink => {
    const setup = parts({ actions: [naming, maker], handlers: [position] });
    ({ actions } = setup);
    return createUplink({
      platform,
      store,
      log,
      ...(keepsValues && { keepsValues }),
      mapping: {
        ...setup,
        protocol: (_, objectId) => protocols.find(({ objectModel }) => objectModel.id === objectId),
      },
      applier: createEffectApplier({
        platform: { write: ops => (fail ? Promise.reject(fail) : platform.write(ops)) },
        nowMs: () => clock.now(),
        decodes: {
          displayName: (_, decoder) => decoder,
          enqueue: () => assert.fail("no decoder here"),
          sweep: () => {},
        },
      }),
      superseder: createSuperseder({ store, nowMs: () => clock.now() }),
    });
  };

  beforeEach(async () => {
    clock = createManualClock(NOW_MS);
    store = countingReads(
      await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" }),
      () => void reads++,
    );
    platform = createPlatform({ store, clock, random: createSeededRandom(1), log: silentLog });
    log = createRecordingLog();
    [reads, message, fail, protocols] = [0, 0, undefined, [temperature]];
    id = (await platform.inventory.create("t1", { name: "meter 7" }, { owner: "admin" })).id;
    uplink = open();
  });
  afterEach(() => store.close());

  const batch = (values: readonly ResourceValue[], over: Partial<ValueBatch> = {}): ValueBatch => ({
    registration: { id: "r1", endpoint: "urn:dev:1", tenant: "t1", deviceId: id } as Registration,
    values,
    source: "NOTIFICATION",
    messageKey: `m${message++}`,
    requestPath: parsePath("/3303/0/5700"),
    receivedAtMs: clock.now(),
    ...over,
  });
  const measurements = async () => (await platform.measurements.list("t1", { sourceId: id }, PAGE)).items;
  const events = async (type: string) => (await platform.events.list("t1", { sourceId: id, type }, PAGE)).items;
  const openAlarms = async (): Promise<string[]> =>
    (await platform.alarms.list("t1", { sourceId: id, resolved: false }, PAGE)).items.map(({ type }) => type);
  const lines = (event: string): LogLine[] => log.lines.filter(line => line.event === event);
  const rejection = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => assert.fail("was accepted"),
      (error: unknown) => error,
    );

  it("a value is stored when the promise resolves", async () => {
    await uplink.values(batch([value("/3303/0/5700", 21.3)]));
    assert.lengthOf(await measurements(), 1);
    assert.deepInclude(uplink.counters, { messages: 1, values: 1, effects: 2, failures: 0 });
  });

  it("the same message in another life of the host stores nothing twice", async () => {
    const sent = batch([value("/3303/0/5700", 1), value("/3303/1/5700", 2)], { source: "SEND", requestPath: [] });
    await uplink.values(sent);
    await clock.advance(90_000);
    await open().values({ ...sent, receivedAtMs: clock.now() });
    assert.lengthOf(await measurements(), 2);
  });

  it("no read of the store per message, apart from the first of a device", async () => {
    reads = 0;
    await uplink.values(batch([value("/3303/0/5700", 1)]));
    assert.equal(reads, 2, "the managed object and its open alarms");
    for (let round = 0; round < 5; round++) await uplink.values(batch([value("/3303/0/5700", round)]));
    assert.equal(reads, 2);
  });

  it("8.5: a read or notification of a resource replaces its instances, a Send merges", async () => {
    const instances = [value("/3303/0/9/0", 1), value("/3303/0/9/1", 2)];
    await uplink.values(batch(instances, { source: "SEND", requestPath: [] }));
    await uplink.values(batch([value("/3303/0/9/5", 5)], { source: "SEND", requestPath: [] }));
    assert.deepEqual(await platform.inventory.lastValues("t1", id, 3303, 0), {
      instance: 0,
      "9": { "0": 1, "1": 2, "5": 5 },
    });
    await uplink.values(
      batch([value("/3303/0/9/7", 7)], { source: "READ_RESPONSE", requestPath: parsePath("/3303/0") }),
    );
    assert.deepEqual(await platform.inventory.lastValues("t1", id, 3303, 0), { instance: 0, "9": { "7": 7 } });
  });

  it("15.3: a mapping failure is raised, counted, and cleared by the next good value", async () => {
    await uplink.values(batch([value("/3303/0/5700", "warm")]));
    await uplink.values(batch([value("/3303/0/5700", "hot")]));
    assert.deepEqual(await openAlarms(), [FAILURE]);
    await uplink.values(batch([value("/3303/0/5700", 20)]));
    assert.isEmpty(await openAlarms());
    await uplink.values(batch([value("/3303/0/5700", "warm")]));
    assert.deepEqual(await openAlarms(), [FAILURE]);
  });

  it("lets the next message begin when the writes of this one are handed over, where it is mapped no differently then", async () => {
    const letsBegin = async (one: ResourceValue): Promise<boolean> => {
      let hasBegun = false;
      const letNextBegin = (): void => void (hasBegun = true);
      await uplink.values(batch([one], { letNextBegin }));
      return hasBegun;
    };
    assert.isTrue(await letsBegin(value("/3303/0/5700", 1)));
    assert.isFalse(await letsBegin(value("/3303/0/5700", "warm")), "raises an alarm");
    assert.isFalse(await letsBegin(value("/3303/0/5700", 2)), "clears it");
    assert.isTrue(await letsBegin(value("/3303/0/5700", 3)));
    assert.isFalse(await letsBegin(value("/6/0/0", 48.1)), "a handler asks for it beside the next");
  });

  it("messages that began so are stored in their order", async () => {
    await uplink.values(batch([value("/3303/0/5700", 0)]));
    const ended: number[] = [];
    const send = async (at: number): Promise<void> => {
      let next: Promise<void> | undefined;
      const letNextBegin = (): void => {
        assert.isEmpty(ended);
        if (at < 5) next = send(at + 1);
      };
      await uplink.values(batch([value("/3303/0/5700", at)], { letNextBegin }));
      ended.push(at);
      await next;
    };
    await send(1);
    assert.deepEqual(ended, [1, 2, 3, 4, 5]);
    assert.lengthOf(await measurements(), 6);
    assert.deepEqual(await platform.inventory.lastValues("t1", id, 3303, 0), { instance: 0, "5700": 5 });
  });

  describe("messages of a device that come while one is worked on", () => {
    /** The first look of that name into the inventory is answered after those that follow. */
    const slowly = (name: "findCached" | "lastValues"): void => {
      const { inventory } = platform;
      const look = inventory[name] as (...given: readonly unknown[]) => Promise<unknown>;
      let isFirst = true;
      const late = async (...given: readonly unknown[]): Promise<unknown> => {
        const isSlow = isFirst;
        isFirst = false;
        const found = await look(...given);
        for (let turn = 0; isSlow && turn < 10; turn++) await new Promise(setImmediate);
        return found;
      };
      Object.assign(inventory, { [name]: late });
    };
    const all = async (...messages: readonly (readonly ResourceValue[])[]): Promise<void> => {
      const ended: number[] = [];
      const send = async (values: readonly ResourceValue[], at: number) => {
        await uplink.values(batch(values, { source: "SEND", requestPath: [] }));
        ended.push(at);
      };
      await Promise.all(messages.map(send));
      assert.deepEqual(ended, [...messages.keys()]);
    };
    const lastValues = (objectId: number) => platform.inventory.lastValues("t1", id, objectId, 0);

    it("are stored after it, where its device is looked for", async () => {
      slowly("findCached");
      await all([value("/3303/0/5700", 1)], [value("/3303/0/5700", 2)], [value("/3303/0/5700", 3)]);
      assert.deepEqual(await lastValues(3303), { instance: 0, "5700": 3 });
    });

    it("are stored after it, where earlier values are looked for", async () => {
      await all([value("/6/0/0", 1), value("/6/0/1", 1)]);
      slowly("lastValues");
      await all([value("/6/0/0", 2)], [value("/6/0/0", 3), value("/6/0/1", 3)], [value("/6/0/1", 4)]);
      assert.deepEqual(await lastValues(6), { instance: 0, "0": 3, "1": 4 });
      assert.sameMembers(
        (await events("position")).map(({ text }) => text),
        ["1 1", "2 1", "3 3", "3 4"],
      );
    });

    it("find the alarms that it raises", async () => {
      await all([value("/3303/0/5700", 1)]);
      await all([value("/3303/0/5700", "warm")], [value("/3303/0/5700", 2)]);
      assert.isEmpty(await openAlarms());
    });

    it("find the device as it leaves it", async () => {
      protocols = [protocol(3, { 0: { customAction: { actionName: "test:maker" } } })];
      await all([value("/3/0/0", "a")]);
      await all([value("/3/0/0", "b")], [value("/3/0/0", "a")]);
      assert.equal((await platform.inventory.get("t1", id)).fragments["maker"], "a");
    });

    it("go on where it could not be stored", async () => {
      await all([value("/3303/0/5700", 1)]);
      fail = new MooringError("STORE_FULL", "too much waits");
      const refused = rejection(uplink.values(batch([value("/3303/0/5700", "warm")])));
      fail = undefined;
      await all([value("/3303/0/5700", 2)]);
      assert.isTrue(isFailure(await refused, "STORE_FULL"));
      assert.deepEqual(await lastValues(3303), { instance: 0, "5700": 2 });
    });
  });

  it("15.3: an alarm raised before a restart is known and cleared", async () => {
    await uplink.values(batch([value("/3303/0/5700", "warm")]));
    await open().values(batch([value("/3303/0/5700", 20)]));
    assert.isEmpty(await openAlarms());
  });

  it("15.3: no mapping clears with the next value after the import, or at once", async () => {
    protocols = [];
    await uplink.values(batch([value("/3303/0/5700", 1), value("/9/0/1", 1)]));
    assert.sameMembers(await openAlarms(), ["c8y_LWM2MNoMapping_3303", "c8y_LWM2MNoMapping_9"]);
    protocols = [temperature];
    await uplink.values(batch([value("/3303/0/5700", 1)]));
    assert.deepEqual(await openAlarms(), ["c8y_LWM2MNoMapping_9"]);
    assert.equal(await clearNoMappingAlarms(store, clock.now(), "t2", [9]), 0);
    assert.equal(await clearNoMappingAlarms(store, clock.now(), "t1", [9, 10]), 1);
    assert.isEmpty(await openAlarms());
    await uplink.values(batch([value("/9/0/1", 1)]));
    assert.deepEqual(await openAlarms(), ["c8y_LWM2MNoMapping_9"]);
  });

  it("1.1: a handler gets what an earlier message said", async () => {
    await uplink.values(batch([value("/6/0/1", 13.4)]));
    await uplink.values(batch([value("/6/0/0", 52.5)]));
    assert.deepEqual((await events("position")).map(({ text }) => text).sort(), ["52.5 13.4", "undefined 13.4"]);
  });

  it("a handler that comes while earlier values are looked up gets its own, too", async () => {
    await uplink.values(batch([value("/6/0/1", 13.4), value("/6/0/5", 7)]));
    const { lastValues } = platform.inventory;
    let looks = 0;
    Object.assign(platform.inventory, {
      async lastValues(...given: Parameters<typeof lastValues>) {
        const found = await lastValues(...given);
        const run: DefaultHandler["run"] = ({ value: known, atMs }) => [
          { kind: "event", type: "late", text: `${known(0)} ${known(5)}`, atMs },
        ];
        if (looks++ === 0) actions.addHandler({ objectId: 6, resources: [0, 5], needsLastValues: true, run });
        return found;
      },
    });
    await uplink.values(batch([value("/6/0/0", 52.5)]));
    assert.equal(looks, 2);
    assert.deepEqual(
      (await events("late")).map(({ text }) => text),
      ["52.5 7"],
    );
    assert.include(
      (await events("position")).map(({ text }) => text),
      "52.5 13.4",
    );
  });

  it("settings, name and wanted fragments of the device are those of now", async () => {
    protocols = [protocol(6, { 5: { customAction: { actionName: "test:name" } } })];
    const texts = async (): Promise<string[]> => (await events("named")).map(({ text }) => text);
    await uplink.values(batch([value("/6/0/5", 1)]));
    await platform.inventory.update("t1", id, { name: "renamed", c8y_Mobile: { mcc: "262" }, other: 1 });
    await uplink.values(batch([value("/6/0/5", 1)]));
    assert.sameMembers(await texts(), ["meter 7 {}", 'renamed {"c8y_Mobile":{"mcc":"262"}}']);
    await platform.inventory.update("t1", id, { disableObjectInstanceActions: true });
    await uplink.values(batch([value("/6/0/0", 1)]));
    assert.isEmpty(await events("position"));
  });

  it("16.3: enableResourceLevelTimestamp on the device", async () => {
    await platform.inventory.update("t1", id, { enableResourceLevelTimestamp: true });
    await uplink.values(batch([value("/3303/0/5700", 1, { atMs: 1_736_960_632_882 })]));
    assert.equal((await measurements())[0]?.timeMs, 1_736_960_632_882);
  });

  it("an action that fails is logged once at warn, then at debug", async () => {
    protocols = [protocol(9, { 1: { customAction: { actionName: "no:such" } } })];
    for (let round = 0; round < 3; round++) await uplink.values(batch([value("/9/0/1", 1)]));
    assert.deepEqual(
      lines("mapping.failed").map(({ level }) => level),
      ["warn", "debug", "debug"],
    );
    assert.deepInclude(lines("mapping.failed")[0]?.fields, {
      endpoint: "urn:dev:1",
      path: "/9/0/1",
      action: "no:such",
    });
    assert.equal(uplink.counters.failures, 3);
  });

  describe("values as they came", () => {
    const kept = async () => (await store.collection(VALUE_HISTORY).find({}, { limit: 9 })).map(readMessage);

    it("are kept with the message, what it became, and what handlers were given with it", async () => {
      uplink = open("all");
      await uplink.values(batch([value("/6/0/0", 52.5)], { source: "SEND", requestPath: [] }));
      await clock.advance(5);
      const second = [value("/6/0/1", 13.25), value("/3303/0/5700", 21.5), value("/9/0/1", 1)];
      await uplink.values(batch(second, { source: "SEND", requestPath: [], receivedAtMs: clock.now() - 2 }));
      const [, message] = await kept();
      assert.deepInclude(message, { deviceId: id, messageKey: "m1", source: "SEND", values: second });
      assert.deepInclude(message, { receivedAtMs: clock.now() - 2, appliedAtMs: clock.now() });
      assert.deepEqual(message!.places, { measurement: 1, event: 1, alarm: 2, decode: 0 });
      assert.deepEqual(message!.earlier, [[[6, 0, 0], 52.5]]);
      assert.deepEqual(message!.settings, { sourceTimes: false, defaultHandlers: true });
    });

    it("the same message of the same moment stands there once", async () => {
      uplink = open("all");
      const sent = batch([value("/3303/0/5700", 1)]);
      await uplink.values(sent);
      await uplink.values(sent);
      assert.lengthOf(await kept(), 1);
    });

    it("of a device that is marked alone, where not all are kept", async () => {
      uplink = open("marked");
      await uplink.values(batch([value("/3303/0/5700", 1)]));
      assert.deepEqual(await kept(), []);
      await platform.inventory.update("t1", id, { keepValueHistory: true });
      await uplink.values(batch([value("/3303/0/5700", 2)]));
      assert.lengthOf(await kept(), 1);
    });

    it("never those of objects that hold keys, and none where nothing is to be kept", async () => {
      uplink = open("all");
      const secret = value("/0/0/5", Uint8Array.of(1, 2, 3));
      await uplink.values(batch([secret], { requestPath: [0, 0, 5] }));
      assert.deepEqual(await kept(), []);
      await uplink.values(batch([secret, value("/3303/0/5700", 1)], { requestPath: [] }));
      assert.deepEqual((await kept())[0]!.values, [value("/3303/0/5700", 1)]);
      uplink = open();
      await uplink.values(batch([value("/3303/0/5700", 2)]));
      assert.lengthOf(await kept(), 1);
    });
  });

  it("a device without a managed object: NOT_FOUND", async () => {
    const gone = batch([value("/3303/0/5700", 1)]);
    await platform.inventory.delete("t1", id);
    assert.isTrue(isFailure(await rejection(uplink.values(gone)), "NOT_FOUND"));
  });

  it("another tenant's managed object is none", async () => {
    const foreign = batch([value("/3303/0/5700", 1)]);
    const registration = { ...foreign.registration, tenant: "t2" };
    assert.isTrue(isFailure(await rejection(uplink.values({ ...foreign, registration })), "NOT_FOUND"));
  });

  it("a store that is full rejects, so that the device repeats", async () => {
    fail = new MooringError("STORE_FULL", "too much waits");
    assert.isTrue(isFailure(await rejection(uplink.values(batch([value("/3303/0/5700", 1)]))), "STORE_FULL"));
  });

  it("what no store would keep is logged, not repeated for ever", async () => {
    fail = new MooringError("TOO_LARGE", "4 MiB");
    await uplink.values(batch([value("/3303/0/5700", 1)]));
    assert.equal(uplink.counters.unstorable, 1);
    assert.deepInclude(lines("uplink.unstorable")[0]?.fields, { endpoint: "urn:dev:1", reason: "4 MiB" });
  });

  describe("results of decoders", () => {
    const event: Effect = { kind: "event", type: "decoded", text: "x", atMs: NOW_MS };
    const decoded = (effects: readonly Effect[]) =>
      uplink.applyDecoded({
        tenant: "t1",
        deviceId: id,
        endpoint: "urn:dev:1",
        rawId: "99",
        receivedAtMs: NOW_MS,
        effects,
        more: [],
      });

    it("applying twice stores once", async () => {
      assert.isEmpty(await decoded([event, event]));
      await decoded([event, event]);
      assert.lengthOf(await events("decoded"), 2);
    });

    it("an effect that cannot be stored is left out and named", async () => {
      assert.deepEqual(await decoded([{ ...event, text: "" }, event]), ["text must be text that is not empty"]);
      assert.lengthOf(await events("decoded"), 1);
    });
  });
});
