import { assert } from "chai";
import { alarmClearOp, alarmOp, type NewAlarm, newAlarmOp } from "../../src/platform/alarm.ts";
import { deterministicId } from "../../src/platform/ids.ts";
import type { AlarmFilter } from "../../src/platform/platform.ts";
import { failing } from "./failing.ts";
import { createDevice, PAGE, type PlatformFixture, perTest, TENANT } from "./fixture.ts";

const TIME = "2026-01-01T10:00:00.000Z";
const LATER = "2026-01-01T10:05:00.000Z";

describe("platform/alarms", () => {
  let fixture: PlatformFixture;
  let id: string;
  perTest((opened, deviceId) => {
    fixture = opened;
    id = deviceId;
  });

  const good = (more: object = {}) => ({
    source: { id },
    type: "c8y_HighTemperature",
    text: "Too hot",
    severity: "MAJOR",
    time: TIME,
    ...more,
  });
  const all = async (filter: AlarmFilter = {}) => (await fixture.platform.alarms.list(TENANT, filter, PAGE)).items;

  it("platform API 9.1: creates an active alarm", async () => {
    const { alarms } = fixture.platform;
    const created = await alarms.create(TENANT, good({ extra: { a: 1 }, id: "1", count: 99 }));
    assert.deepEqual(created, {
      id: created.id,
      sourceId: id,
      type: "c8y_HighTemperature",
      text: "Too hot",
      severity: "MAJOR",
      status: "ACTIVE",
      timeMs: Date.parse(TIME),
      firstOccurrenceTimeMs: Date.parse(TIME),
      count: 1,
      creationTimeMs: fixture.clock.now(),
      lastUpdatedMs: fixture.clock.now(),
      fragments: { extra: { a: 1 } },
    });
    assert.deepEqual(await alarms.get(TENANT, created.id), created);
  });

  it("platform API 9.2: a further occurrence counts up, moves the time and changes nothing else", async () => {
    const { alarms } = fixture.platform;
    const first = await alarms.create(TENANT, good({ extra: 1 }));
    const again = await alarms.create(
      TENANT,
      good({ time: LATER, text: "other", severity: "MINOR", status: "ACKNOWLEDGED", extra: 2 }),
    );
    assert.deepEqual(again, { ...first, count: 2, timeMs: Date.parse(LATER) });
    assert.lengthOf(await all(), 1);
  });

  it("platform API 9.2: also an acknowledged alarm is open", async () => {
    const { alarms } = fixture.platform;
    const first = await alarms.create(TENANT, good());
    await alarms.update(TENANT, first.id, { status: "ACKNOWLEDGED" });
    assert.include(await alarms.create(TENANT, good()), { id: first.id, count: 2, status: "ACKNOWLEDGED" });
  });

  it("platform API 9.2: after clearing, the next occurrence is a new alarm", async () => {
    const { alarms } = fixture.platform;
    const first = await alarms.create(TENANT, good());
    await alarms.update(TENANT, first.id, { status: "CLEARED" });
    const second = await alarms.create(TENANT, good());
    assert.notEqual(second.id, first.id);
    assert.equal(second.count, 1);
    assert.lengthOf(await all({ resolved: true }), 1);
    assert.lengthOf(await all({ resolved: false }), 1);
  });

  it("platform API 9.2: another source or type is another alarm", async () => {
    const { alarms } = fixture.platform;
    const other = await createDevice(fixture.platform, "other");
    await alarms.create(TENANT, good());
    await alarms.create(TENANT, good({ type: "x" }));
    await alarms.create(TENANT, good({ source: { id: other } }));
    assert.lengthOf(await all(), 3);
  });

  it("platform API 9.2: posted as CLEARED it clears the open one, else stands for itself", async () => {
    const { alarms } = fixture.platform;
    const open = await alarms.create(TENANT, good());
    assert.include(await alarms.create(TENANT, good({ status: "CLEARED" })), { id: open.id, status: "CLEARED" });
    const own = await alarms.create(TENANT, good({ status: "CLEARED" }));
    assert.notEqual(own.id, open.id);
    assert.lengthOf(await all({ statuses: ["CLEARED"] }), 2);
  });

  it("platform API 9.2: many at once make one alarm and lose no occurrence", async () => {
    const { alarms } = fixture.platform;
    await Promise.all(Array.from({ length: 20 }, () => alarms.create(TENANT, good())));
    const found = await all();
    assert.lengthOf(found, 1);
    assert.equal(found[0]!.count, 20);
  });

  it("platform API 9.2: nothing is kept for a source in maintenance", async () => {
    const { alarms, inventory } = fixture.platform;
    await inventory.update(TENANT, id, { c8y_RequiredAvailability: { responseInterval: 0 } });
    assert.equal((await alarms.create(TENANT, good())).id, "null");
    assert.lengthOf(await all(), 0);
  });

  const bad: [name: string, change: object, field: string][] = [
    ["no source", { source: undefined }, "source"],
    ["an unknown source", { source: { id: "1" } }, "source.id"],
    ["no type", { type: undefined }, "type"],
    ["no text", { text: undefined }, "text"],
    ["no severity", { severity: undefined }, "severity"],
    ["an unknown severity", { severity: "BAD" }, "severity"],
    ["an unknown status", { status: "OPEN" }, "status"],
    ["no time", { time: undefined }, "time"],
    ["a bad time", { time: "now" }, "time"],
  ];
  for (const [name, change, field] of bad) {
    it(`platform API 9.2: refuses ${name} and stores nothing`, async () => {
      const body = Object.fromEntries(Object.entries(good(change)).filter(([, value]) => value !== undefined));
      const error = await failing("VALIDATION", () => fixture.platform.alarms.create(TENANT, body));
      assert.equal(error.details["field"], field);
      assert.lengthOf(await all(), 0);
    });
  }

  describe("update (platform API 9.3)", () => {
    it("changes text, severity, status and fragments, ignores the rest", async () => {
      const { alarms } = fixture.platform;
      const first = await alarms.create(TENANT, good({ a: 1, b: 2 }));
      await fixture.clock.advance(1000);
      const whole = { ...good({ text: "new", severity: "MINOR", type: "x", count: 7, time: LATER }), a: null, c: 3 };
      const changed = await alarms.update(TENANT, first.id, whole);
      assert.deepEqual(changed, {
        ...first,
        text: "new",
        severity: "MINOR",
        lastUpdatedMs: first.lastUpdatedMs + 1000,
        fragments: { b: 2, c: 3 },
      });
    });

    it("an identical PUT changes nothing", async () => {
      const { alarms } = fixture.platform;
      const first = await alarms.create(TENANT, good({ a: { b: 1 } }));
      await fixture.clock.advance(1000);
      const same = { text: "Too hot", severity: "MAJOR", status: "ACTIVE", a: { b: 1 }, gone: null };
      assert.deepEqual(await alarms.update(TENANT, first.id, same), first);
    });

    it("opens a cleared alarm again, unless another one is open", async () => {
      const { alarms } = fixture.platform;
      const first = await alarms.create(TENANT, good());
      await alarms.update(TENANT, first.id, { status: "CLEARED" });
      await alarms.update(TENANT, first.id, { status: "ACTIVE" });
      assert.include(await alarms.create(TENANT, good()), { id: first.id, count: 2 });
      await alarms.update(TENANT, first.id, { status: "CLEARED" });
      await alarms.create(TENANT, good());
      await failing("CONFLICT", () => alarms.update(TENANT, first.id, { status: "ACTIVE" }));
      assert.equal((await alarms.get(TENANT, first.id)).status, "CLEARED");
    });

    it("names what is wrong, and what is not there", async () => {
      const { alarms } = fixture.platform;
      const { id: alarm } = await alarms.create(TENANT, good());
      const error = await failing("VALIDATION", () => alarms.update(TENANT, alarm, { status: "GONE" }));
      assert.equal(error.details["field"], "status");
      await failing("NOT_FOUND", () => alarms.update(TENANT, "1", { status: "CLEARED" }));
      await failing("NOT_FOUND", () => alarms.get("t2", alarm));
    });
  });

  it("platform API 9.3: lists newest first and filters", async () => {
    const { alarms } = fixture.platform;
    await alarms.create(TENANT, good({ type: "a", severity: "MINOR" }));
    await alarms.create(TENANT, good({ type: "b", time: LATER }));
    const { id: c } = await alarms.create(TENANT, good({ type: "c", time: "2026-01-01T10:02:00Z" }));
    await alarms.update(TENANT, c, { status: "CLEARED" });
    const types = async (filter: AlarmFilter) => (await all(filter)).map(({ type }) => type);
    assert.deepEqual(await types({}), ["b", "c", "a"]);
    assert.deepEqual(await types({ types: ["a", "b"] }), ["b", "a"]);
    assert.deepEqual(await types({ severities: ["MINOR"] }), ["a"]);
    assert.deepEqual(await types({ statuses: ["ACTIVE"] }), ["b", "a"]);
    assert.deepEqual(await types({ resolved: true, statuses: ["ACTIVE"] }), ["c"]);
    assert.deepEqual(await types({ fromMs: Date.parse(LATER) }), ["b"]);
    assert.deepEqual(await types({ sourceId: "1" }), []);
    assert.deepEqual(await types({ sourceOwner: "admin" }), ["b", "c", "a"]);
    assert.deepEqual(await types({ sourceOwner: "nobody" }), []);
    assert.equal(await alarms.count(TENANT, { resolved: false }), 2);
    assert.equal(await alarms.count("t2", {}), 0);
  });

  describe("of a device's message, without a read", () => {
    const occurrence = (status: NewAlarm["status"], timeMs = 1000): NewAlarm => ({
      sourceId: id,
      type: "t",
      text: "x",
      severity: "MINOR",
      status,
      timeMs,
      fragments: { lwm2m: { path: "/3/0/9", value: 5n } },
    });
    const key = (...parts: string[]) => deterministicId([TENANT, id, ...parts]);

    it("raises, counts up, clears and raises anew", async () => {
      const { write } = fixture.platform;
      const now = fixture.clock.now();
      await write([alarmOp(TENANT, key("1"), occurrence("ACTIVE"), now)]);
      await write([alarmOp(TENANT, key("2"), occurrence("ACTIVE", 2000), now)]);
      assert.deepInclude((await all())[0], { id: key("1"), count: 2, timeMs: 2000, firstOccurrenceTimeMs: 1000 });
      assert.deepEqual((await all())[0]!.fragments, { lwm2m: { path: "/3/0/9", value: "5" } });
      await write([alarmOp(TENANT, key("3"), occurrence("CLEARED"), now)]);
      await write([alarmClearOp(id, "t", key("4"), now)]);
      await write([alarmOp(TENANT, key("5"), occurrence("ACTIVE", 3000), now)]);
      assert.deepEqual(
        (await all()).map(alarm => [alarm.id, alarm.status, alarm.count]),
        [
          [key("5"), "ACTIVE", 1],
          [key("1"), "CLEARED", 2],
        ],
      );
    });

    it("what is to be told only where none is open leaves an open one as it is", async () => {
      const { write } = fixture.platform;
      const now = fixture.clock.now();
      await write([newAlarmOp(TENANT, key("1"), occurrence("ACTIVE"), now)]);
      const [alarm] = await all();
      assert.deepInclude(alarm, { id: key("1"), status: "ACTIVE", count: 1, timeMs: 1000, creationTimeMs: now });
      await write([newAlarmOp(TENANT, key("2"), occurrence("ACKNOWLEDGED", 2000), now + 1)]);
      assert.deepEqual(await all(), [alarm!]);
      await write([alarmClearOp(id, "t", key("3"), now), newAlarmOp(TENANT, key("4"), occurrence("ACTIVE"), now)]);
      assert.deepEqual((await all()).map(({ status }) => status).sort(), ["ACTIVE", "CLEARED"]);
    });

    it("shares its open alarm with REST", async () => {
      const { write, alarms } = fixture.platform;
      await write([alarmOp(TENANT, key("1"), occurrence("ACTIVE"), fixture.clock.now())]);
      assert.include(await alarms.create(TENANT, good({ type: "t" })), { id: key("1"), count: 2 });
    });
  });
});
