/** What decoding again does to alarms and last values is what its dry run told, on every engine. */
import { assert } from "chai";
import type { LateTally } from "../../../src/decoding/redecode/late-tally.ts";
import type { RedecodeJob } from "../../../src/decoding/redecode/redecode-job.ts";
import { lastValueOps } from "../../../src/platform/last-values.ts";
import type { Alarm, AlarmStatus } from "../../../src/platform/platform.ts";
import type { Store } from "../../../src/store/store.ts";
import { createDevice, PAGE, TENANT } from "../../platform/fixture.ts";
import { KEY, openRedecodeFixture, type RedecodeFixture } from "./fixture.ts";

const PATHS = ["/33456/0/123", "/33456/0/124"] as const;
const VERSION = "2.0.0";
const alarm = (type: string, status: AlarmStatus = "ACTIVE") =>
  ({ type, text: "by the decoder", severity: "MAJOR", status }) as const;

/** The first raises one alarm and knows one value; the second says of everything something. */
function results({ versions }: RedecodeFixture): void {
  versions.set("1.0.0", ({ value: [byte = 0] }) =>
    byte === 8
      ? { ok: false, reason: "threw", message: "eight" }
      : {
          success: true,
          alarms: byte === 1 ? [alarm("mistaken")] : byte === 7 ? [alarm("again")] : [],
          dataFragments:
            byte === 1
              ? [
                  { key: "/9/0/1", value: "1" },
                  { key: "/9/0/2", value: "same" },
                ]
              : [],
        },
  );
  versions.set(VERSION, ({ value: [byte = 0] }) => ({
    success: true,
    alarms: [alarm("leak"), alarm("seen"), alarm("leak"), ...(byte === 7 ? [alarm("again")] : [])],
    alarmTypesToUpdate: { CLEARED: ["stuck"], ACKNOWLEDGED: ["seen"] },
    dataFragments: [
      { key: "/9/0/1", value: String(byte) },
      { key: "/9/0/2", value: "same" },
      { key: `/11/0/5/${byte % 3}`, value: String(byte) },
      { key: "/10/0/1", value: String(byte) },
    ],
  }));
}

const alarmsOf = async ({ platform }: RedecodeFixture, sourceId: string): Promise<readonly Alarm[]> =>
  (await platform.platform.alarms.list(TENANT, { sourceId }, PAGE)).items;
const valuesOf = ({ platform }: RedecodeFixture, device: string) =>
  Promise.all(([9, 10, 11] as const).map(object => platform.platform.inventory.lastValues(TENANT, device, object, 0)));

/** Two devices with payloads of two paths, over several pages; the second is in maintenance. Other alarms and values are there. */
async function prepared(fixture: RedecodeFixture): Promise<readonly [string, string]> {
  const { platform, clock } = fixture.platform;
  results(fixture);
  const devices = [fixture.device, await createDevice(platform, "meter 8")] as const;
  for (const device of devices) {
    fixture.device = device;
    await fixture.receive([1, 2, 3, 4], PATHS[0]);
    await fixture.receive([5, 6, 7, 8], PATHS[1]);
  }
  for (const type of ["seen", "stuck"]) {
    const source = { id: devices[0] };
    const time = new Date(clock.now()).toISOString();
    const { id } = await platform.alarms.create(TENANT, { source, type, text: type, severity: "MINOR", time });
    if (type === "seen") await platform.alarms.update(TENANT, id, { status: "ACKNOWLEDGED" });
  }
  await platform.inventory.update(TENANT, devices[1], { c8y_RequiredAvailability: { responseInterval: -1 } });
  const newer = { path: [10, 0, 1], value: "newer", atMs: clock.now() + 1000 };
  for (const device of devices) await platform.write(lastValueOps(TENANT, device, [newer]));
  return devices;
}

const late = ({ progress: { alarms, lastValues } }: RedecodeJob): LateTally => ({ alarms, lastValues });

/** @param openStore as for `redecodeSuite` */
export function lateSuite(openStore?: () => Promise<Store>): void {
  let fixture: RedecodeFixture;
  let devices: readonly [string, string];
  beforeEach(async function () {
    this.timeout(60_000);
    fixture = await openRedecodeFixture(openStore);
    devices = await prepared(fixture);
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  it("a dry run tells of alarms and last values what is then done to them, and does nothing", async () => {
    const [device, inMaintenance] = devices;
    const alarmsBefore = await alarmsOf(fixture, device);
    const valuesBefore = await valuesOf(fixture, device);
    const dry = await fixture.run({ version: VERSION });
    assert.deepEqual(await alarmsOf(fixture, device), alarmsBefore);
    assert.deepEqual(await valuesOf(fixture, device), valuesBefore);

    const told = late(dry);
    const { samples: alarmSamples, ...alarms } = told.alarms;
    assert.deepEqual(alarms, {
      // The first device alone: leak by the newest of the first path, which clears stuck. Each device: its failure alarm with its last failure.
      raised: 1,
      cleared: 3,
      // open: leak and seen of the newest of both paths but for that first leak, and the status of seen of all eight payloads.
      // notOpen: stuck of the newest of the other three paths.
      left: { open: 13, unmade: 2, done: 2, older: 30, maintenance: 24, notOpen: 3 },
    });
    assert.isAbove(alarmSamples.length, 8);
    const { samples: valueSamples, ...values } = told.lastValues;
    assert.deepEqual(values, { added: 2, changed: 28, equal: 18, older: 16 });
    assert.notInclude(
      valueSamples.map(({ outcome }) => outcome),
      "equal",
    );

    const applied = await fixture.run({ version: VERSION, apply: true });
    assert.deepEqual(late(applied), told);

    const alarmsAfter = await alarmsOf(fixture, device);
    const byId = new Map(alarmsBefore.map(each => [each.id, each]));
    assert.deepEqual(
      alarmsAfter.filter(({ id }) => !byId.has(id)).map(({ type, count }) => [type, count]),
      [["leak", 1]],
    );
    for (const is of alarmsAfter.filter(({ id }) => byId.has(id))) {
      const { lastUpdatedMs: _, ...was } = byId.get(is.id)!;
      const isCleared = is.type === "stuck" || is.type.startsWith("c8y_LWM2MDecoderFailure_");
      assert.deepInclude(is, isCleared ? { ...was, status: "CLEARED" } : was);
    }
    assert.deepEqual((await alarmsOf(fixture, inMaintenance)).map(({ type, status }) => [type, status]).sort(), [
      ["again", "ACTIVE"],
      [`c8y_LWM2MDecoderFailure_${KEY}`, "CLEARED"],
      ["mistaken", "ACTIVE"],
    ]);
    for (const each of devices) {
      assert.deepEqual(await valuesOf(fixture, each), [
        { instance: 0, 1: "8", 2: "same" },
        { instance: 0, 1: "newer" },
        { instance: 0, 5: { 0: "6", 1: "7", 2: "8" } },
      ]);
    }
  }).timeout(60_000);

  it("what devices and people say while a page is on its way to the store stays", async () => {
    const [device] = devices;
    const { platform, clock } = fixture.platform;
    const live = [9, 11].map(object => ({ path: [object, 0, 7], value: "live", atMs: clock.now() + 1000 }));
    fixture.beforeWrite = async () => {
      fixture.beforeWrite = async () => {};
      const time = new Date(clock.now()).toISOString();
      const leak = { source: { id: device }, type: "leak", text: "live", severity: "MINOR", time };
      await platform.alarms.create(TENANT, leak);
      await platform.write(lastValueOps(TENANT, device, live));
    };
    await fixture.run({ version: VERSION, apply: true, deviceId: device, limit: 3 });
    fixture.beforeWrite = async () => {};
    await fixture.run({ version: VERSION, apply: true, deviceId: device });
    assert.deepEqual(
      (await alarmsOf(fixture, device)).filter(({ type }) => type === "leak").map(({ text, count }) => [text, count]),
      [["live", 1]],
    );
    const [of9, , of11] = await valuesOf(fixture, device);
    assert.deepEqual(of9, { instance: 0, 1: "1", 2: "same", 7: "live" });
    assert.deepEqual(of11, { instance: 0, 7: "live" });
  }).timeout(60_000);
}
