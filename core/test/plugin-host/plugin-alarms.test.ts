import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { MooringError } from "../../src/base/errors.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { createPlatform } from "../../src/platform/create-platform.ts";
import { createPluginAlarms } from "../../src/plugin-host/plugin-alarms.ts";
import { createPluginStates } from "../../src/plugin-host/plugin-states.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";

async function setUp() {
  const clock = createManualClock();
  const log = createRecordingLog();
  const store = await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" });
  return { clock, log, store, platform: createPlatform({ store, clock, random: createSeededRandom(1), log }) };
}

describe("plugin-host/plugin-alarms", () => {
  it("one open alarm for a plugin, cleared when it is well again; where there is no source there is none to clear", async () => {
    const { clock, log, platform } = await setUp();
    let source: string | undefined;
    const alarms = createPluginAlarms({
      alarms: platform.alarms,
      clock,
      log,
      tenant: "t1",
      alarmSource: {
        ensure: async tenant => (source ??= (await platform.inventory.create(tenant, {}, { owner: "x" })).id),
        find: async () => source,
      },
    });
    const open = async () => {
      const { items } = await platform.alarms.list("t1", {}, { currentPage: 1, pageSize: 10, withTotal: false });
      return items.map(({ type, severity, status, text, count }) => ({ type, severity, status, text, count }));
    };
    await alarms.clear("acme");
    assert.isUndefined(source);
    await alarms.raise("acme", "broken");
    await alarms.raise("acme", "broken");
    const alarm = { type: "c8y_LWM2MPluginFailure_acme", severity: "MAJOR", text: "broken", count: 2 };
    assert.deepEqual(await open(), [{ ...alarm, status: "ACTIVE" }]);
    await alarms.clear("other");
    assert.equal((await open())[0]?.status, "ACTIVE");
    await alarms.clear("acme");
    assert.equal((await open())[0]?.status, "CLEARED");
    assert.isEmpty(log.lines.filter(({ event }) => event === "plugin.alarmFailed"));
  });

  it("a store that keeps none keeps nobody from going on", async () => {
    const { clock, log, platform } = await setUp();
    const ensure = () => Promise.reject(new MooringError("STORE_FAILED", "the disk is full"));
    const parts = { alarms: platform.alarms, clock, log, tenant: "t1", alarmSource: { ensure, find: ensure } };
    const alarms = createPluginAlarms(parts);
    await alarms.raise("acme", "x");
    await alarms.clear("acme");
    const said = log.lines.filter(({ event }) => event === "plugin.alarmFailed");
    assert.deepEqual(
      said.map(({ fields }) => fields),
      [1, 2].map(() => ({ plugin: "acme", error: "the disk is full" })),
    );
  });
});

describe("plugin-host/plugin-states", () => {
  it("keeps what is not to be active, with its fault", async () => {
    const { clock, store } = await setUp();
    const states = createPluginStates(store, clock);
    await states.save("a", { at: "DISABLED" });
    await states.save("b", { at: "STOPPED", fault: "action b:x: boom" });
    await states.save("c", { at: "ACTIVE" });
    await states.save("b", { at: "DISABLED" });
    await states.save("d", { at: "STOPPED", fault: "x" });
    await states.save("a", undefined);
    assert.deepEqual(
      [...(await states.load())],
      [
        ["b", { at: "DISABLED" }],
        ["d", { at: "STOPPED", fault: "x" }],
      ],
    );
  });
});
