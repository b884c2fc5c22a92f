import { assert } from "chai";
import { createDurations, DURATION_BOUNDS_MS, quantileMs } from "../../src/base/durations.ts";

describe("base/durations", () => {
  it("counts each in the bucket of its bound, and what is above all in one of its own", () => {
    const durations = createDurations();
    for (const ms of [0, 0.5, 0.6, 2.5, 9999, 10_000, 10_001]) durations.observe(ms);
    const { counts, count, sumMs } = durations.figures();
    const at = (boundMs: number): number | undefined => counts[DURATION_BOUNDS_MS.indexOf(boundMs)];
    assert.deepEqual([at(0.5), at(1), at(2.5), at(5), at(10_000), counts.at(-1)], [2, 1, 1, 0, 2, 1]);
    assert.equal(count, 7);
    assert.closeTo(sumMs, 30_003.6, 0.001);
  });

  it("figures are those of the moment in which they were asked for", () => {
    const durations = createDurations();
    const before = durations.figures();
    durations.observe(1);
    assert.equal(before.count, 0);
    assert.deepEqual([...new Set(before.counts)], [0]);
  });

  it("quantiles lie within the bucket that holds them", () => {
    const durations = createDurations();
    assert.isUndefined(quantileMs(durations.figures(), 0.5));
    for (let at = 0; at < 90; at++) durations.observe(3);
    for (let at = 0; at < 10; at++) durations.observe(70);
    const figures = durations.figures();
    assert.closeTo(quantileMs(figures, 0.5)!, 2.5 + (2.5 * 50) / 90, 1e-9);
    assert.equal(quantileMs(figures, 0.9), 5);
    assert.closeTo(quantileMs(figures, 0.99)!, 95, 1e-9);
    assert.equal(quantileMs(figures, 1), 100);
    durations.observe(1e9);
    assert.equal(quantileMs(durations.figures(), 1), 10_000);
  });
});
