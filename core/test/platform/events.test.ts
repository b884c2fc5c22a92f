import { assert } from "chai";
import { eventChangeOp, eventDeleteOp, eventOp } from "../../src/platform/event.ts";
import type { EventFilter } from "../../src/platform/platform.ts";
import { failing } from "./failing.ts";
import { PAGE, type PlatformFixture, perTest, TENANT } from "./fixture.ts";

const TIME = "2026-01-01T10:00:00.000Z";

describe("platform/events", () => {
  let fixture: PlatformFixture;
  let id: string;
  perTest((opened, deviceId) => {
    fixture = opened;
    id = deviceId;
  });

  const good = (more: object = {}) => ({
    source: { id },
    type: "c8y_LocationUpdate",
    text: "moved",
    time: TIME,
    ...more,
  });
  const all = async (filter: EventFilter = {}) => (await fixture.platform.events.list(TENANT, filter, PAGE)).items;

  it("platform API 10: creates, reads, changes and deletes", async () => {
    const { events } = fixture.platform;
    const created = await events.create(TENANT, good({ c8y_Position: { lat: 51.2, lng: 6.7 }, a: 1 }));
    assert.deepEqual(await events.get(TENANT, created.id), created);
    assert.include(created, { sourceId: id, type: "c8y_LocationUpdate", text: "moved", timeMs: Date.parse(TIME) });
    await fixture.clock.advance(1000);
    const changed = await events.update(TENANT, created.id, { text: "again", type: "x", a: null, b: 2 });
    assert.deepEqual(changed, {
      ...created,
      text: "again",
      lastUpdatedMs: created.lastUpdatedMs + 1000,
      fragments: { c8y_Position: { lat: 51.2, lng: 6.7 }, b: 2 },
    });
    await events.delete(TENANT, created.id);
    await failing("NOT_FOUND", () => events.get(TENANT, created.id));
    await failing("NOT_FOUND", () => events.delete(TENANT, created.id));
    await failing("NOT_FOUND", () => events.update(TENANT, created.id, { text: "x" }));
  });

  const bad: [name: string, change: object, field: string][] = [
    ["no source", { source: undefined }, "source"],
    ["an unknown source", { source: { id: "1" } }, "source.id"],
    ["no type", { type: undefined }, "type"],
    ["no text", { text: undefined }, "text"],
    ["a text that is none", { text: 5 }, "text"],
    ["no time", { time: undefined }, "time"],
  ];
  for (const [name, change, field] of bad) {
    it(`platform API 10: refuses ${name} and stores nothing`, async () => {
      const body = Object.fromEntries(Object.entries(good(change)).filter(([, value]) => value !== undefined));
      const error = await failing("VALIDATION", () => fixture.platform.events.create(TENANT, body));
      assert.equal(error.details["field"], field);
      assert.lengthOf(await all(), 0);
    });
  }

  it("platform API 10: newest first, revert oldest first, and filters", async () => {
    const { events } = fixture.platform;
    await events.create(TENANT, good({ text: "1" }));
    await events.create(TENANT, good({ text: "3", time: "2026-01-01T12:00:00Z", type: "other", status: "open" }));
    await events.create(TENANT, good({ text: "2", time: "2026-01-01T11:00:00Z", c8y_Position: {} }));
    const texts = async (filter: EventFilter) => (await all(filter)).map(({ text }) => text);
    assert.deepEqual(await texts({}), ["3", "2", "1"]);
    assert.deepEqual(await texts({ revert: true }), ["1", "2", "3"]);
    assert.deepEqual(await texts({ type: "other" }), ["3"]);
    assert.deepEqual(await texts({ fragmentType: "c8y_Position" }), ["2"]);
    assert.deepEqual(await texts({ fragmentType: "status", fragmentValue: "open" }), ["3"]);
    assert.deepEqual(await texts({ fragmentType: "status", fragmentValue: "shut" }), []);
    assert.deepEqual(await texts({ toMs: Date.parse(TIME) }), ["1"]);
    assert.deepEqual(await texts({ sourceId: "1" }), []);
  });

  it("of a device's message: a replay stores once; it can be changed and removed without a read", async () => {
    const { write } = fixture.platform;
    const now = fixture.clock.now();
    const event = { sourceId: id, type: "t", text: "x", timeMs: 1000, fragments: { status: "PENDING", n: 1n } };
    await write([eventOp(TENANT, "77", event, now)]);
    assert.equal((await write([eventOp(TENANT, "77", event, now)]))[0]?.outcome, "duplicate");
    await write([eventChangeOp(TENANT, "77", { status: "ERROR", n: null, text: "y" }, now)]);
    assert.deepEqual(
      (await all()).map(({ text, fragments }) => [text, fragments]),
      [["y", { status: "ERROR" }]],
    );
    await write([eventDeleteOp(TENANT, "77")]);
    assert.lengthOf(await all(), 0);
  });
});
