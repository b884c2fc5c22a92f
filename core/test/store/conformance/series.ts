/** Measurements (platform API 8). */
import { assert } from "chai";
import type { Measurement, SeriesFilter } from "../../../src/store/series.ts";
import { appendOp, removeOp, type Store } from "../../../src/store/store.ts";
import { type Bench, codeOf } from "./things.ts";

const MINUTE = 60_000;
const T0 = 1_700_000_040_000;

const temperature = (id: number, timeMs: number, T: number, source = "1"): Measurement => ({
  id: String(id),
  tenant: "t",
  source,
  type: "c8y_Test",
  timeMs,
  fragments: { c8y_Temperature: { T: { value: T, unit: "C" } }, meta: "x" },
});

const MEASUREMENTS: readonly Measurement[] = [
  temperature(10, T0, 20),
  temperature(11, T0 + 1000, 22),
  temperature(12, T0 + MINUTE, -4.5),
  {
    ...temperature(13, T0 + 3 * MINUTE, 30),
    type: "other",
    fragments: {
      "a.b": { "c,d": { value: 7 }, bad: { value: "7" } },
      c8y_Temperature: { T: { value: 1e10, unit: "C" } },
    },
  },
  temperature(14, T0 + 1000, 99, "2"),
  { ...temperature(15, T0, 1, "1"), tenant: "u" },
];

async function collect(stream: AsyncIterable<Measurement>): Promise<string> {
  const found: string[] = [];
  for await (const { id } of stream) found.push(id);
  return found.join(" ");
}

const FILTERS: readonly (readonly [filter: Omit<SeriesFilter, "tenant">, found: string])[] = [
  [{}, "10 11 14 12 13"],
  [{ source: "1" }, "10 11 12 13"],
  [{ source: "1", type: "other" }, "13"],
  [{ source: "1", fromMs: T0 + 1000, toMs: T0 + MINUTE }, "11 12"],
  [{ fragment: "a.b" }, "13"],
  [{ fragment: "meta" }, "10 11 14 12"],
  [{ fragment: "meta", series: "x" }, ""],
  [{ source: "1", fragment: "a.b", series: "c,d" }, "13"],
  [{ source: "1", fragment: "a.b", series: "bad" }, ""],
  [{ source: "3" }, ""],
];

async function clear(store: Store): Promise<void> {
  for (const tenant of ["t", "u"]) {
    while ((await store.series.delete({ tenant }, 1000)) === 1000);
    for (const source of ["1", "2"]) await store.series.forget(tenant, source);
  }
}

export function seriesSuite(bench: Bench): void {
  beforeEach(async () => {
    await clear(bench.store);
    await bench.store.series.append(MEASUREMENTS);
  });
  after(() => clear(bench.store));

  it("stores a measurement once", async () => {
    const { series } = bench.store;
    assert.deepEqual(await series.append([...MEASUREMENTS, temperature(16, T0, 1)]), {
      inserted: 1,
      duplicates: [0, 1, 2, 3, 4, 5],
    });
    assert.equal(await series.count({ tenant: "t" }), 6);
    assert.deepEqual(await series.get("t", "13"), MEASUREMENTS[3]);
    assert.isUndefined(await series.get("u", "13"));
  });

  for (const [filter, found] of FILTERS) {
    it(`${JSON.stringify(filter)} finds ${found || "nothing"}, both ways`, async () => {
      const { series } = bench.store;
      const given = { tenant: "t", ...filter };
      const query = (order: "oldestFirst" | "newestFirst") => series.query({ ...given, order, limit: 100 });
      const wanted = found === "" ? [] : found.split(" ");
      assert.deepEqual(
        (await query("oldestFirst")).map(({ id }) => id),
        wanted,
      );
      assert.deepEqual(
        (await query("newestFirst")).map(({ id }) => id),
        [...wanted].reverse(),
      );
      assert.equal(await series.count(given), wanted.length);
      assert.equal(await collect(series.stream({ ...given, order: "newestFirst" })), [...wanted].reverse().join(" "));
    });
  }

  it("pages by place and by number", async () => {
    const { series } = bench.store;
    const [, second] = await series.query({ tenant: "t", order: "oldestFirst", limit: 2 });
    const next = await series.query({ tenant: "t", order: "oldestFirst", limit: 2, after: second! });
    assert.deepEqual(
      next.map(({ id }) => id),
      ["14", "12"],
    );
    const skipped = await series.query({ tenant: "t", order: "oldestFirst", limit: 2, skip: 3 });
    assert.deepEqual(
      skipped.map(({ id }) => id),
      ["12", "13"],
    );
  });

  it("finds the latest, of all or of a series", async () => {
    const { series } = bench.store;
    assert.equal((await series.latest("t", "1"))!.id, "13");
    assert.equal((await series.latest("t", "1", { fragment: "c8y_Temperature", series: "T" }))!.id, "13");
    assert.isUndefined(await series.latest("t", "2", { fragment: "a.b", series: "c,d" }));
  });

  it("aggregates into buckets, leaving empty ones out", async () => {
    const query = {
      tenant: "t",
      source: "1",
      fromMs: T0,
      toMs: T0 + 60 * MINUTE,
      bucketMs: MINUTE,
      limit: 100,
    } as const;
    const T = { fragment: "c8y_Temperature", series: "T" };
    const CD = { fragment: "a.b", series: "c,d" };
    const start = T0 - (T0 % MINUTE);
    const moments = (...values: number[]) => ({
      count: values.length,
      min: Math.min(...values),
      max: Math.max(...values),
      sum: values.reduce((sum, value) => sum + value),
      sumOfSquares: values.reduce((sum, value) => sum + value * value, 0),
    });
    assert.deepEqual(await bench.store.series.aggregate({ ...query, of: [T, CD], order: "oldestFirst" }), [
      { startMs: start, values: [moments(20, 22), undefined] },
      { startMs: start + MINUTE, values: [moments(-4.5), undefined] },
      { startMs: start + 3 * MINUTE, values: [moments(1e10), moments(7)] },
    ]);
    assert.deepEqual(await bench.store.series.aggregate({ ...query, of: [CD], order: "oldestFirst" }), [
      { startMs: start + 3 * MINUTE, values: [moments(7)] },
    ]);
    const newest = await bench.store.series.aggregate({
      ...query,
      of: [T],
      order: "newestFirst",
      limit: 2,
      originMs: 7,
    });
    assert.deepEqual(
      newest.map(({ startMs }) => startMs),
      [start + 3 * MINUTE, start + MINUTE].map(ms => ms + 7 - MINUTE),
    );
  });

  it("aggregates before 1970 into buckets that begin before their values", async () => {
    await bench.store.series.append([temperature(20, -1, 5), temperature(21, -MINUTE, 6)]);
    const [bucket] = await bench.store.series.aggregate({
      ...{ tenant: "t", source: "1", fromMs: -10 * MINUTE, toMs: 0, bucketMs: MINUTE, limit: 10, order: "oldestFirst" },
      of: [{ fragment: "c8y_Temperature", series: "T" }],
    });
    assert.deepEqual([bucket!.startMs, bucket!.values[0]!.count], [-MINUTE, 2]);
  });

  it("knows the series of a source until it is forgotten, and again afterwards", async () => {
    const { series } = bench.store;
    const wanted = [
      { fragment: "a.b", series: "c,d" },
      { fragment: "c8y_Temperature", series: "T", unit: "C" },
    ];
    assert.deepEqual(await series.supportedSeries("t", "1"), wanted);
    await series.delete({ tenant: "t" }, 1000);
    assert.deepEqual(await series.supportedSeries("t", "1"), wanted);
    await series.forget("t", "1");
    assert.deepEqual(await series.supportedSeries("t", "1"), []);
    await series.append([MEASUREMENTS[0]!]);
    assert.deepEqual(await series.supportedSeries("t", "1"), [wanted[1]]);
  });

  it("deletes one, what matches in slices, and what is old", async () => {
    const { series } = bench.store;
    assert.isFalse(await series.deleteOne("u", "10"));
    assert.isTrue(await series.deleteOne("t", "10"));
    assert.equal(await series.deleteBefore("t", T0 + MINUTE, 1), 1);
    assert.equal(await series.deleteBefore("t", T0 + MINUTE, 10), 1);
    assert.equal(await series.delete({ tenant: "t", source: "1", type: "other" }, 10), 1);
    assert.equal(await series.count({ tenant: "t" }), 1);
    assert.equal(await series.count({ tenant: "u" }), 1);
  });

  it("removes and replaces in a group of writes, and gets many", async () => {
    const { series } = bench.store;
    const [first, second] = MEASUREMENTS as [Measurement, Measurement];
    const other: Measurement = { ...first, type: "other", fragments: { x: { y: { value: 1 } } } };
    await bench.store.write([removeOp("t", ["10", "11", "15", "99"]), appendOp(other), removeOp("u", ["12"])]);
    const found = await series.getMany("t", ["10", "11", "12", "15", "99"]);
    assert.sameDeepMembers(found, [other, MEASUREMENTS[2]]);
    assert.equal(await series.count({ tenant: "u" }), 1);
    assert.deepEqual(await series.getMany("u", ["10"]), []);
    assert.deepEqual(await series.getMany("t", []), []);
    await bench.store.write([appendOp(second), removeOp("t", ["11"])]);
    assert.isUndefined(await series.get("t", "11"));
  });

  it("refuses what is no measurement, and queries outside of the rules", async () => {
    const { series } = bench.store;
    const append = (change: object) => () => series.append([{ ...temperature(30, T0, 1), ...change } as Measurement]);
    for (const change of [{ id: "x" }, { id: "" }, { timeMs: 1.5 }, { timeMs: Number.NaN }, { source: 1 }]) {
      assert.equal(await codeOf(append(change)), "VALIDATION", JSON.stringify(change));
    }
    const query = { tenant: "t", source: "1", fromMs: 0, toMs: 1, order: "oldestFirst", limit: 1 } as const;
    assert.equal(await codeOf(() => series.query({ ...query, limit: 0 })), "VALIDATION");
    assert.equal(await codeOf(() => series.aggregate({ ...query, of: [], bucketMs: 1 })), "VALIDATION");
    assert.equal(
      await codeOf(() => series.aggregate({ ...query, of: [{ fragment: "a", series: "b" }], bucketMs: 0 })),
      "VALIDATION",
    );
  });
}
