import { assert } from "chai";
import { mapWithPlugin, NOW_MS, ofKind, protocol, value } from "../../../core/test/mapping/support.ts";
import location from "../src/index.ts";

const run = (values: Parameters<typeof mapWithPlugin>[2], over: Parameters<typeof mapWithPlugin>[3] = {}) =>
  mapWithPlugin(location, [protocol(6)], values, over);

describe("plugin location (agent specification 1.1)", () => {
  it("position on the device and one event per message", async () => {
    const result = await run([value("/6/0/0", 52.5), value("/6/0/1", 13.4), value("/6/0/2", 34), value("/6/0/3", 5)]);
    const c8y_Position = { lat: 52.5, lng: 13.4, alt: 34 };
    assert.deepEqual(ofKind(result, "inventory"), [{ kind: "inventory", set: { c8y_Position } }]);
    assert.deepEqual(ofKind(result, "event"), [
      {
        kind: "event",
        type: "c8y_LocationUpdate",
        text: "Location updated",
        atMs: NOW_MS,
        properties: { c8y_Position },
      },
    ]);
  });

  it("without altitude there is none", async () => {
    const result = await run([value("/6/0/1", 13.4), value("/6/0/0", 52.5)]);
    assert.deepEqual(ofKind(result, "inventory")[0]?.set, { c8y_Position: { lat: 52.5, lng: 13.4 } });
  });

  it("waits until latitude and longitude are known, then takes the earlier one", async () => {
    assert.isEmpty(ofKind(await run([value("/6/0/0", 52.5)]), "event"));
    const lastValue = (path: readonly number[]) => (path[2] === 1 ? 13.4 : undefined);
    const result = await run([value("/6/0/0", 52.5)], { lastValue });
    assert.deepEqual(ofKind(result, "inventory")[0]?.set, { c8y_Position: { lat: 52.5, lng: 13.4 } });
  });

  it("16.3: the event has the time of /6/0/5 when source times are on", async () => {
    const values = [value("/6/0/0", 1), value("/6/0/1", 2), value("/6/0/5", 1_736_960_596, { type: "TIME" })];
    const on = { settings: { sourceTimes: true, defaultHandlers: true } };
    assert.equal(ofKind(await run(values, on), "event")[0]?.atMs, 1_736_960_596_000);
    assert.equal(ofKind(await run(values), "event")[0]?.atMs, NOW_MS);
  });

  it("D11: a history of positions is an event each, the newest stays on the device", async () => {
    const at = (resource: number, degrees: number, atMs: number) => value(`/6/0/${resource}`, degrees, { atMs });
    const result = await run([at(0, 2, 2000), at(1, 2, 2000), at(0, 1, 1000), at(1, 1, 1000)]);
    assert.deepEqual(
      ofKind(result, "event").map(({ atMs }) => atMs),
      [1000, 2000],
    );
    assert.deepEqual(ofKind(result, "inventory").at(-1)?.set, { c8y_Position: { lat: 2, lng: 2 } });
  });

  it("LwM2M 1.0: decimal text", async () => {
    const result = await run([value("/6/0/0", "-43.5723"), value("/6/0/1", "153.21760")]);
    assert.deepEqual(ofKind(result, "inventory")[0]?.set, { c8y_Position: { lat: -43.5723, lng: 153.2176 } });
  });

  for (const [lat, lng] of [
    [90.1, 0],
    [0, -180.5],
    [Number.NaN, 1],
    ["north", 1],
    ["", 1],
  ] as const) {
    it(`${lat}, ${lng} is no position`, async () => {
      assert.isEmpty(ofKind(await run([value("/6/0/0", lat), value("/6/0/1", lng)]), "event"));
    });
  }

  it("does nothing without a coordinate, or when the device disables it", async () => {
    assert.isEmpty(ofKind(await run([value("/6/0/5", 1)]), "event"));
    const off = { settings: { sourceTimes: false, defaultHandlers: false } };
    assert.isEmpty(ofKind(await run([value("/6/0/0", 1), value("/6/0/1", 2)], off), "event"));
  });
});
