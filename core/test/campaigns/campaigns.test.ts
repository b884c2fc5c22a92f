import { assert } from "chai";
import { createManualClock, type ManualClock } from "../../src/base/clock.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { type Campaigns, type CampaignView, createCampaigns } from "../../src/campaigns/campaigns.ts";
import { createFirmwareRepository } from "../../src/firmware/repository.ts";
import { createPlatform } from "../../src/platform/create-platform.ts";
import type { Alarm, Operation, Platform } from "../../src/platform/platform.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { DEVICES } from "../../src/store/collections/devices.ts";
import { MANAGED_OBJECTS, OPERATIONS } from "../../src/store/collections/platform.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { failing } from "../platform/failing.ts";

const TENANT = "t1";
const PAGE = { currentPage: 1, pageSize: 2000, withTotal: false };
const FIRMWARE = { name: "meter", version: "2.0", url: "https://fw.example.com/fw.bin" };

/** A store whose life ends with a write: it and all after it are never answered. */
function storeUntil(store: Store, write: number): { readonly store: Store; isAlive(): boolean } {
  let left = write;
  const WRITES = new Set([
    "insertOne",
    "insertMany",
    "updateOne",
    "findOneAndUpdate",
    "deleteMany",
    "replaceOne",
    "write",
  ]);
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const member = Reflect.get(object, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (WRITES.has(String(name)) && left-- <= 0) left = Number.NEGATIVE_INFINITY;
          if (left < 0) return new Promise(() => {});
          const result = member.apply(object, args);
          return name === "collection" ? guard(result) : result;
        };
      },
    });
  return { store: guard(store), isAlive: () => left >= 0 };
}

describe("campaigns", () => {
  const log = createRecordingLog();
  let clock: ManualClock;
  let store: Store;
  let platform: Platform;
  let campaigns: Campaigns;
  let devices: string[];
  let source: string;

  function open(over: Store = store): { platform: Platform; campaigns: Campaigns } {
    const opened = createPlatform({ store: over, clock, random: createSeededRandom(1), log });
    const repository = createFirmwareRepository({ store: over, platform: opened });
    const alarmSource = async (): Promise<string> => source;
    return {
      platform: opened,
      campaigns: createCampaigns({ store: over, platform: opened, repository, clock, log, node: "local", alarmSource }),
    };
  }

  async function device(name: string, tenant = TENANT): Promise<string> {
    const { id } = await platform.inventory.create(
      tenant,
      { name, type: "c8y_lwm2m", c8y_IsDevice: {} },
      { owner: "a" },
    );
    const own = {
      managedObject: id,
      securityMode: "NO_SEC",
      serverIdentity: name,
      bootstrapIdentity: name,
      details: {},
    };
    await store.collection(DEVICES).insertOne({ _id: `${tenant}-${name}`, tenant, ...own });
    return id;
  }

  beforeEach(async () => {
    clock = createManualClock();
    store = await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" });
    ({ platform, campaigns } = open());
    source = (await platform.inventory.create(TENANT, { name: "connector" }, { owner: "a" })).id;
    devices = [];
    for (let i = 0; i < 10; i++) devices.push(await device(`d${i}`));
  });
  afterEach(async () => {
    await campaigns[Symbol.asyncDispose]();
    await store.close();
  });

  const body = (more: object = {}) => ({
    name: "winter",
    firmware: FIRMWARE,
    devices: { ids: devices },
    waves: [{ devices: 5 }, { percent: 100 }],
    ...more,
  });
  const create = (more: object = {}): Promise<CampaignView> => campaigns.create(TENANT, body(more), "admin");
  const change = (id: string, action: string, more: object = {}) => campaigns.change(TENANT, id, { action, ...more });
  /** Until nothing is under way any more, time standing still. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await clock.advance(0);
  };
  const get = async (id: string): Promise<CampaignView> => {
    await settle();
    return await campaigns.get(TENANT, id);
  };
  const operations = async (statuses: readonly Operation["status"][] = ["PENDING"]): Promise<readonly Operation[]> => {
    await settle();
    return (await platform.operations.list(TENANT, { statuses }, PAGE)).items;
  };
  const end = async (given: readonly Operation[], status: string, failureReason?: string): Promise<void> => {
    for (const { id } of given) {
      await platform.operations.update(TENANT, id, { status, ...(failureReason && { failureReason }) });
    }
    await settle();
  };
  const alarms = async (): Promise<readonly Alarm[]> =>
    (await platform.alarms.list(TENANT, { sourceId: source }, PAGE)).items;
  const shown = ({ progress: { state, wave }, tallies }: CampaignView): string =>
    [state, wave + 1, ...tallies.map(each => [each.waiting, each.open, each.successful, each.failed].join("/"))].join(
      " ",
    );

  it("sends nothing before it is started, then the first wave: ordinary firmware operations", async () => {
    const { id } = await create();
    assert.equal(shown(await get(id)), "CREATED 1 5/0/0/0 5/0/0/0");
    assert.lengthOf(await operations(), 0);
    await change(id, "start");
    const sent = await operations();
    assert.deepEqual(
      sent.map(({ deviceId }) => deviceId),
      devices.slice(0, 5),
    );
    assert.deepEqual(sent[0]!.fragments, {
      description: "Update firmware to meter 2.0",
      c8y_Firmware: FIRMWARE,
      c8y_LWM2MCampaign: { id, wave: 1 },
    });
    assert.equal(shown(await get(id)), "RUNNING 1 0/5/0/0 5/0/0/0");
  });

  it("goes on to the next wave when enough have succeeded, and ends when all have", async () => {
    const { id } = await create({ maxFailurePercent: 20 });
    await change(id, "start");
    const first = await operations();
    await end(first.slice(0, 3), "SUCCESSFUL");
    assert.equal(shown(await get(id)), "RUNNING 1 0/2/3/0 5/0/0/0");
    await end(first.slice(3, 4), "SUCCESSFUL");
    assert.equal(shown(await get(id)), "RUNNING 2 0/1/4/0 0/5/0/0");
    await end(await operations(), "SUCCESSFUL");
    assert.equal(shown(await get(id)), "COMPLETED 2 0/0/5/0 0/0/5/0");
    assert.lengthOf(await alarms(), 0);
  });

  it("halts when too many of a wave fail: an alarm, what no device began with is withdrawn, nothing more is sent", async () => {
    const { id } = await create({ maxFailurePercent: 20 });
    await change(id, "start");
    const first = await operations();
    await end(first.slice(0, 1), "EXECUTING");
    await end(first.slice(1, 3), "FAILED", "Update Result 8: firmware update failed");
    const halted = await get(id);
    assert.equal(shown(halted), "HALTED 1 2/1/0/2 5/0/0/0");
    assert.equal(halted.progress.reason, "2 of 5 devices of wave 1 failed (40 %), more than maxFailurePercent 20");
    assert.lengthOf(await operations(["PENDING"]), 0);
    const [alarm, ...others] = await alarms();
    assert.deepEqual(others, []);
    assert.deepInclude(alarm, { type: `c8y_LWM2MCampaignHalted_${id}`, severity: "MAJOR", status: "ACTIVE" });
    assert.include(alarm!.text, halted.progress.reason!);
    const failed = await operations(["FAILED"]);
    assert.sameMembers(
      failed.map(({ failureReason }) => failureReason),
      [
        "Update Result 8: firmware update failed",
        "Update Result 8: firmware update failed",
        "The firmware campaign was halted",
        "The firmware campaign was halted",
      ],
    );
    await clock.advance(3_600_000);
    assert.lengthOf(await operations(["PENDING"]), 0);
    await end(first.slice(0, 1), "SUCCESSFUL");
    assert.equal(shown(await get(id)), "HALTED 1 2/0/1/2 5/0/0/0");
  });

  it("goes on after a halt with other limits, or with the failed tried again; else it says why not", async () => {
    const { id } = await create({ maxFailurePercent: 20 });
    await change(id, "start");
    await end((await operations()).slice(0, 2), "FAILED", "x");
    assert.match((await failing("CONFLICT", () => change(id, "resume"))).message, /2 of 5 .*change the limits/);
    assert.equal((await alarms())[0]!.status, "ACTIVE");
    await change(id, "resume", { maxFailurePercent: 50, gate: { minSuccessPercent: 40 } });
    assert.equal(shown(await get(id)), "RUNNING 1 0/3/0/2 5/0/0/0");
    assert.equal((await alarms())[0]!.status, "CLEARED");
    await end((await operations()).slice(0, 1), "FAILED", "x");
    assert.equal((await get(id)).progress.state, "HALTED");
    await change(id, "resume", { retryFailed: true });
    assert.equal(shown(await get(id)), "RUNNING 1 0/5/0/0 5/0/0/0");
    await end(await operations(), "SUCCESSFUL");
    assert.equal((await get(id)).progress.wave, 1);
  });

  it("a gate of time: the next wave waits for it", async () => {
    const { id } = await create({ gate: { minutes: 60 } });
    await change(id, "start");
    await end(await operations(), "SUCCESSFUL");
    await clock.advance(3_580_000);
    assert.equal((await get(id)).progress.wave, 0);
    await clock.advance(30_000);
    assert.equal(shown(await get(id)), "RUNNING 2 0/0/5/0 0/5/0/0");
  });

  it("retries results that may come out otherwise, after a while, as often as it may", async () => {
    const { id } = await create({
      retries: 1,
      retryDelayMinutes: 5,
      waves: [{ devices: 2 }],
      devices: { ids: devices.slice(0, 2) },
      maxFailurePercent: 50,
    });
    await change(id, "start");
    const [one, other] = await operations();
    await end([one!], "FAILED", "Update Result 4: connection lost while downloading");
    await end([other!], "FAILED", "Update Result 6: package type is not supported");
    assert.equal(shown(await get(id)), "RUNNING 1 0/1/0/1");
    assert.lengthOf(await operations(), 0);
    await clock.advance(310_000);
    const again = await operations();
    assert.deepEqual(
      again.map(({ deviceId }) => deviceId),
      [one!.deviceId],
    );
    await end(again, "FAILED", "Update Result 3: out of memory while downloading");
    assert.equal(shown(await get(id)), "HALTED 1 0/0/0/2");
    const { items } = await campaigns.devices(TENANT, id, "FAILED", PAGE);
    assert.deepEqual(
      items.map(({ reason, attempts }) => [reason, attempts]),
      [
        ["Update Result 3: out of memory while downloading", 2],
        ["Update Result 6: package type is not supported", 1],
      ],
    );
  });

  it("paused: what is sent goes on, nothing more is sent; cancelled: what no device began with is withdrawn", async () => {
    const { id } = await create({ maxFailurePercent: 20 });
    await change(id, "start");
    const first = await operations();
    await change(id, "pause");
    await end(first.slice(0, 4), "SUCCESSFUL");
    assert.equal(shown(await get(id)), "PAUSED 1 0/1/4/0 5/0/0/0");
    assert.lengthOf(await operations(), 1);
    await change(id, "resume");
    assert.equal(shown(await get(id)), "RUNNING 2 0/1/4/0 0/5/0/0");
    await change(id, "cancel");
    assert.equal(shown(await get(id)), "CANCELLED 2 1/0/4/0 5/0/0/0");
    assert.lengthOf(await operations(), 0);
    for (const action of ["start", "pause", "resume", "cancel"]) await failing("CONFLICT", () => change(id, action));
  });

  it("devices that are removed and operations that are deleted are failures with their reason", async () => {
    const { id } = await create({ maxFailurePercent: 100 });
    await change(id, "start");
    await settle();
    await platform.inventory.delete(TENANT, devices[0]!);
    await platform.operations.deleteMatching(TENANT, { deviceId: devices[1]! });
    await platform.inventory.delete(TENANT, devices[9]!);
    assert.equal(shown(await get(id)), "RUNNING 1 0/3/0/2 4/0/0/1");
    const { items } = await campaigns.devices(TENANT, id, "FAILED", PAGE);
    assert.sameMembers(
      items.map(({ reason }) => reason),
      ["the device was removed", "the operation was deleted", "the device was removed"],
    );
  });

  describe("its devices", () => {
    const of = async (targets: object): Promise<number> =>
      (await create({ devices: targets, waves: [{ percent: 100 }] })).sizes[0]!;

    it("a group with its subgroups, and what the inventory finds; LwM2M devices alone", async () => {
      const group = (name: string) =>
        platform.inventory.create(TENANT, { name, c8y_IsDeviceGroup: {} }, { owner: "a" }).then(({ id }) => id);
      const [outer, inner] = [await group("outer"), await group("inner")];
      await platform.children.add(TENANT, outer, "childAssets", [inner, devices[0]!, source]);
      await platform.children.add(TENANT, inner, "childAssets", [devices[1]!, devices[2]!]);
      assert.equal(await of({ groupId: outer }), 3);
      assert.equal(await of({ filter: { type: "c8y_lwm2m" } }), 10);
      assert.equal(await of({ filter: { text: "d3" } }), 1);
      assert.equal(await of({ ids: [devices[0], Number(devices[0]), devices[1]] }), 2);
    });

    for (const [what, targets, field] of [
      ["an id that is none of a device", { ids: ["815"] }, "devices.ids[0]"],
      ["an object that is no LwM2M device", () => ({ ids: [devices[0], source] }), "devices.ids[1]"],
      ["a group that is not there", { groupId: "815" }, "devices.groupId"],
      ["an object that is no group", () => ({ groupId: devices[0] }), "devices.groupId"],
      ["a search that finds no device", { filter: { type: "nothing" } }, "devices"],
      ["no way at all", {}, "devices"],
      ["two ways", { groupId: "1", filter: { type: "x" } }, "devices"],
      ["an empty filter", { filter: {} }, "devices.filter"],
      ["a filter that nobody knows", { filter: { kind: "x" } }, "devices.filter.kind"],
    ] as const) {
      it(`refuses ${what}`, async () => {
        const given = typeof targets === "function" ? targets() : targets;
        const error = await failing("VALIDATION", () => create({ devices: given }));
        assert.equal(error.details["field"], field);
        assert.lengthOf((await campaigns.list(TENANT, PAGE)).items, 0);
      });
    }

    it("another tenant's device is none", async () => {
      const foreign = await device("foreign", "t2");
      await failing("VALIDATION", () => create({ devices: { ids: [foreign] } }));
    });
  });

  for (const [waves, sizes] of [
    [undefined, [10]],
    [[{ devices: 3 }], [3, 7]],
    [
      [{ percent: 10 }, { percent: 50 }, { percent: 40 }],
      [1, 5, 4],
    ],
    [
      [{ percent: 1 }, { percent: 99 }],
      [1, 9],
    ],
    [[{ devices: 100 }, { devices: 1 }], [10]],
  ] as const) {
    it(`waves ${JSON.stringify(waves)} of ten devices: ${sizes.join(", ")}`, async () => {
      const { waves: _usual, ...rest } = body();
      const { sizes: made } = await campaigns.create(TENANT, { ...rest, ...(waves && { waves }) }, "admin");
      assert.deepEqual(made, sizes);
    });
  }

  for (const [field, more] of [
    ["name", { name: "" }],
    ["firmware.version", { firmware: { name: "a", url: FIRMWARE.url } }],
    ["firmware", { firmware: { id: "5", name: "a" } }],
    ["c8y_Firmware.url", { firmware: { ...FIRMWARE, url: "ftp://a/b" } }],
    ["waves[0]", { waves: [{}] }],
    ["waves[1]", { waves: [{ devices: 1 }, { devices: 1, percent: 5 }] }],
    ["waves[0].devices", { waves: [{ devices: 0 }] }],
    ["waves", { waves: [] }],
    ["maxFailurePercent", { maxFailurePercent: 101 }],
    ["gate.minSuccessPercent", { gate: { minSuccessPercent: 0 } }],
    ["gate.hours", { gate: { hours: 1 } }],
    ["retries", { retries: 1.5 }],
    ["retryOn[0]", { retryOn: [1] }],
    ["speed", { speed: 5 }],
  ] as const) {
    it(`refuses a body, naming ${field}`, async () => {
      assert.equal((await failing("VALIDATION", () => create(more))).details["field"], field);
    });
  }

  it("a change that is none, or that nobody knows, is refused with field and rule", async () => {
    const { id } = await create();
    for (const [given, field] of [
      [{}, "action"],
      [{ action: "stop" }, "action"],
      [{ retryFailed: true }, "retryFailed"],
      [{ maxFailurePercent: -1 }, "maxFailurePercent"],
      [{ state: "RUNNING" }, "state"],
    ] as const) {
      const error = await failing("VALIDATION", () => campaigns.change(TENANT, id, given));
      assert.equal(error.details["field"], field);
    }
    await failing("NOT_FOUND", () => campaigns.change("t2", id, { action: "start" }));
    await failing("NOT_FOUND", () => campaigns.get("t2", id));
    await failing("NOT_FOUND", () => campaigns.devices("t2", id, undefined, PAGE));
    assert.equal((await get(id)).progress.state, "CREATED");
  });

  it("thousands of devices: all are sent to, and all that they have not begun with is withdrawn", async function () {
    this.timeout(60_000);
    const count = 5200;
    const many = Array.from({ length: count }, (_, at) => String(7_000_000 + at));
    const custom = { c8y_IsDevice: {} };
    const time = { creationTime: 0, lastUpdated: 0 };
    const objects = many.map(_id => ({ _id, tenant: TENANT, ...time, custom }));
    await store.collection(MANAGED_OBJECTS).insertMany(objects);
    const own = (id: string) => ({
      managedObject: id,
      serverIdentity: id,
      bootstrapIdentity: id,
      securityMode: "NO_SEC",
    });
    await store
      .collection(DEVICES)
      .insertMany(many.map(id => ({ _id: `many-${id}`, tenant: TENANT, ...own(id), details: {} })));
    const { id } = await create({ devices: { ids: many }, waves: [{ percent: 100 }] });
    await change(id, "start");
    while ((await get(id)).tallies[0]!.waiting > 0);
    assert.equal(shown(await get(id)), `RUNNING 1 0/${count}/0/0`);
    await change(id, "cancel");
    assert.equal(shown(await get(id)), `CANCELLED 1 ${count}/0/0/0`);
    assert.equal(await store.collection(OPERATIONS).count({ status: "FAILED" }), count);
    assert.equal(await store.collection(OPERATIONS).count({}), count);
  });

  it("the process dies at any write: every device has one operation, and the campaign goes on where it was", async function () {
    this.timeout(60_000);
    let writes = 0;
    for (let isDone = false; !isDone; writes++) {
      const { id } = await create({
        devices: { ids: devices.slice(0, 4) },
        waves: [{ devices: 2 }],
        name: String(writes),
      });
      const life = storeUntil(store, writes);
      const first = open(life.store);
      const started = first.campaigns.change(TENANT, id, { action: "start" });
      started.catch(() => {});
      await settle();
      // Its devices are done with what they were sent, while nobody watches.
      await end(await operations(), "SUCCESSFUL");
      isDone = life.isAlive();
      if (isDone) await first.campaigns[Symbol.asyncDispose]();
      const second = open();
      await second.campaigns.recover();
      await settle();
      if ((await second.campaigns.get(TENANT, id)).progress.state === "CREATED") {
        await second.campaigns.change(TENANT, id, { action: "start" });
      }
      await settle();
      for (let i = 0; i < 3; i++) {
        const { items } = await second.platform.operations.list(TENANT, { statuses: ["PENDING"] }, PAGE);
        for (const each of items) await second.platform.operations.update(TENANT, each.id, { status: "SUCCESSFUL" });
        await settle();
      }
      assert.equal(
        shown(await second.campaigns.get(TENANT, id)),
        "COMPLETED 2 0/0/2/0 0/0/2/0",
        `after write ${writes}`,
      );
      const made = (await operations(["SUCCESSFUL", "FAILED"])).filter(
        ({ fragments }) => (fragments["c8y_LWM2MCampaign"] as { id: string }).id === id,
      );
      const sent = made.map(({ deviceId }) => deviceId).sort();
      assert.deepEqual(sent, devices.slice(0, 4).sort(), `after write ${writes}`);
      await second.campaigns[Symbol.asyncDispose]();
    }
    assert.isAtLeast(writes, 8);
  });

  it("the process dies at any write while it halts: afterwards it is halted, nothing is left to begin with", async function () {
    this.timeout(60_000);
    let writes = 0;
    for (let isDone = false; !isDone; writes++) {
      const { id } = await create({
        devices: { ids: devices.slice(0, 4) },
        waves: [{ devices: 2 }],
        name: String(writes),
      });
      const life = storeUntil(store, writes);
      const first = open(life.store);
      first.campaigns.change(TENANT, id, { action: "start" }).catch(() => {});
      const [sent] = await operations();
      if (sent)
        first.platform.operations.update(TENANT, sent.id, { status: "FAILED", failureReason: "x" }).catch(() => {});
      await settle();
      isDone = life.isAlive();
      if (isDone) await first.campaigns[Symbol.asyncDispose]();
      const second = open();
      await second.campaigns.recover();
      if ((await second.campaigns.get(TENANT, id)).progress.state === "CREATED") {
        await second.campaigns.change(TENANT, id, { action: "start" });
      }
      await settle();
      const [left] = await operations();
      if (left) await second.platform.operations.update(TENANT, left.id, { status: "FAILED", failureReason: "x" });
      await settle();
      assert.equal(shown(await second.campaigns.get(TENANT, id)), "HALTED 1 1/0/0/1 2/0/0/0", `after write ${writes}`);
      assert.lengthOf(await operations(), 0);
      const raised = (await alarms()).filter(({ type }) => type.endsWith(`_${id}`));
      assert.deepEqual(
        raised.map(({ status }) => status),
        ["ACTIVE"],
      );
      await second.campaigns[Symbol.asyncDispose]();
    }
    assert.isAtLeast(writes, 12);
  });
});
