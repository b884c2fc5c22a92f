import { assert } from "chai";
import { createDurations } from "../../src/base/durations.ts";
import { metricsText } from "../../src/rest/metrics.ts";

describe("rest/metrics", () => {
  it("durations are a histogram in seconds, each bucket with all below it", async () => {
    const durations = createDurations();
    for (const ms of [0.2, 0.4, 3, 2000, 20_000]) durations.observe(ms);
    const labels = { decoder: "acme", kind: "sandbox" };
    const value = [{ labels, durations: durations.figures() }];
    const text = await metricsText([{ waits_seconds: { help: "Time waited", type: "histogram", value } }]);
    const lines = text.trimEnd().split("\n");
    assert.deepEqual(lines.slice(0, 2), ["# HELP waits_seconds Time waited", "# TYPE waits_seconds histogram"]);
    const own = 'decoder="acme",kind="sandbox"';
    for (const [le, count] of [
      ["0.0005", 2],
      ["0.001", 2],
      ["0.005", 3],
      ["1", 3],
      ["2.5", 4],
      ["10", 4],
      ["+Inf", 5],
    ] as const) {
      assert.include(lines, `waits_seconds_bucket{${own},le="${le}"} ${count}`);
    }
    assert.deepEqual(lines.slice(-2), [`waits_seconds_sum{${own}} 22.0036`, `waits_seconds_count{${own}} 5`]);
  });

  it("numbers are counters and gauges, with labels or none", async () => {
    const value = [
      { labels: { reason: "threw" }, value: 2 },
      { labels: { reason: "timeout" }, value: 0 },
    ];
    const text = await metricsText([
      { failed_total: { help: "Failures", type: "counter", value } },
      { waiting: { help: "Now", type: "gauge", value: 7 } },
    ]);
    for (const line of ['failed_total{reason="threw"} 2', 'failed_total{reason="timeout"} 0', "waiting 7"]) {
      assert.include(text.split("\n"), line);
    }
  });
});
