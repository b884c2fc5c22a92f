import { assert } from "chai";
import type { MeasurementFilter } from "../../src/platform/platform.ts";
import { failing } from "./failing.ts";
import { PAGE, type PlatformFixture, perTest, TENANT } from "./fixture.ts";

const TIME = "2026-01-01T10:00:00.000Z";

describe("platform/measurements", () => {
  let fixture: PlatformFixture;
  let id: string;
  perTest((opened, deviceId) => {
    fixture = opened;
    id = deviceId;
  });

  const good = (more: object = {}) => ({
    source: { id },
    type: "c8y_lwm2m",
    time: TIME,
    c8y_Temperature: { T: { value: 21.5, unit: "C" } },
    ...more,
  });
  const total = async (filter: MeasurementFilter = {}): Promise<number | undefined> =>
    (await fixture.platform.measurements.list(TENANT, filter, { ...PAGE, withTotal: true })).total;

  it("platform API 8.2: creates and gives back what was sent", async () => {
    const { measurements } = fixture.platform;
    const [created] = await measurements.create(TENANT, [good({ resourcePath: "/3303/0/5700", id: "1", none: null })]);
    assert.deepEqual(created, {
      id: created!.id,
      sourceId: id,
      type: "c8y_lwm2m",
      timeMs: Date.parse(TIME),
      fragments: { c8y_Temperature: { T: { value: 21.5, unit: "C" } }, resourcePath: "/3303/0/5700" },
    });
    assert.notEqual(created!.id, "1");
    assert.deepEqual(await measurements.get(TENANT, created!.id), created);
    await failing("NOT_FOUND", () => measurements.get("t2", created!.id));
  });

  it("platform API 8.2: two equal posts are two measurements", async () => {
    await fixture.platform.measurements.create(TENANT, [good(), good()]);
    await fixture.platform.measurements.create(TENANT, [good()]);
    assert.equal(await total(), 3);
  });

  it("platform API 8.2: drops invalid series beside valid ones, keeps a fragment with none as it is", async () => {
    const [created] = await fixture.platform.measurements.create(TENANT, [
      good({
        c8y_Temperature: { T: { value: 1, unit: "" }, H: { value: "high" }, N: null, more: { value: 2, quality: 3 } },
        c8y_Position: { lat: 51.2, lng: 6.7 },
        list: [1, { value: 2 }],
      }),
    ]);
    assert.deepEqual(created!.fragments, {
      c8y_Temperature: { T: { value: 1 }, more: { value: 2, quality: 3 } },
      c8y_Position: { lat: 51.2, lng: 6.7 },
      list: [1, { value: 2 }],
    });
  });

  const bad: [name: string, body: unknown, field: string][] = [
    ["no object", 5, "body"],
    ["no source", { type: "t", time: TIME }, "source"],
    ["a source without id", { source: {}, type: "t", time: TIME }, "source.id"],
    ["an id that is none", { source: { id: "x" }, type: "t", time: TIME }, "source.id"],
    ["an unknown source", { source: { id: "1" }, type: "t", time: TIME }, "source.id"],
    ["no type", { source: { id: "1" }, time: TIME }, "type"],
    ["an empty type", { source: { id: "1" }, type: "", time: TIME }, "type"],
    ["no time", { source: { id: "1" }, type: "t" }, "time"],
    ["a time without zone", { source: { id: "1" }, type: "t", time: "2026-01-01T10:00:00" }, "time"],
  ];
  for (const [name, body, field] of bad) {
    it(`platform API 8.2: refuses ${name}, alone and among good ones, and stores nothing`, async () => {
      const { measurements } = fixture.platform;
      const alone = await failing("VALIDATION", () => measurements.create(TENANT, [body]));
      assert.equal(alone.details["field"], field);
      const among = await failing("VALIDATION", () => measurements.create(TENANT, [good(), body]));
      assert.equal(among.details["field"], field === "body" ? "measurements[1]" : `measurements[1].${field}`);
      assert.equal(await total(), 0);
    });
  }

  it("platform API 8.3: filters, both ends inclusive, oldest first, revert newest first", async () => {
    const { measurements } = fixture.platform;
    const at = (minute: number) => ({ time: `2026-01-01T10:0${minute}:00Z` });
    await measurements.create(TENANT, [
      good({ ...at(2), type: "other" }),
      good(at(0)),
      good({ ...at(1), c8y_Humidity: { RH: { value: 40 } } }),
    ]);
    const minutes = async (filter: MeasurementFilter): Promise<number[]> =>
      (await measurements.list(TENANT, filter, PAGE)).items.map(({ timeMs }) => new Date(timeMs).getUTCMinutes());
    const base = Date.parse(TIME);
    assert.deepEqual(await minutes({}), [0, 1, 2]);
    assert.deepEqual(await minutes({ revert: true }), [2, 1, 0]);
    assert.deepEqual(await minutes({ sourceId: id, fromMs: base + 60_000, toMs: base + 120_000 }), [1, 2]);
    assert.deepEqual(await minutes({ type: "other" }), [2]);
    assert.deepEqual(await minutes({ valueFragmentType: "c8y_Humidity" }), [1]);
    assert.deepEqual(await minutes({ valueFragmentType: "c8y_Humidity", valueFragmentSeries: "RH" }), [1]);
    assert.deepEqual(await minutes({ valueFragmentType: "c8y_Humidity", valueFragmentSeries: "T" }), []);
    assert.deepEqual(await minutes({ sourceId: "1" }), []);
  });

  it("platform API 8.3: deletes one, and by filter, never without one", async () => {
    const { measurements } = fixture.platform;
    const [first] = await measurements.create(TENANT, [good(), good({ type: "other" }), good()]);
    await measurements.delete(TENANT, first!.id);
    await failing("NOT_FOUND", () => measurements.delete(TENANT, first!.id));
    await failing("VALIDATION", () => measurements.deleteMatching(TENANT, { type: "other" }));
    assert.equal(await total(), 2);
    await measurements.deleteMatching(TENANT, { sourceId: id, type: "other" });
    assert.equal(await total(), 1);
  });
});
