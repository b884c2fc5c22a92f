import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { MooringError } from "../../src/base/errors.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import type { PluginTimers } from "../../src/contract/plugin.ts";
import { openTestPlugins } from "./support.ts";

async function setUp(use: (timers: PluginTimers) => void | Promise<void>) {
  const clock = createManualClock();
  const log = createRecordingLog();
  const { plugins, activate } = openTestPlugins({ clock, log });
  let timers!: PluginTimers;
  await activate({
    name: "one",
    activate(host) {
      timers = host.timers;
      return use(timers);
    },
  });
  return { clock, log, plugins, timers };
}

describe("plugin-host/timers", () => {
  it("every and after, from when the plugin is active; disposing ends one, going all", async () => {
    const runs: string[] = [];
    const { clock, plugins, timers } = await setUp(({ every, after }) => {
      every(1000, () => void runs.push("every"));
      after(1500, () => void runs.push("after"));
      after(100, () => void runs.push("never"))[Symbol.dispose]();
    });
    await clock.advance(3000);
    assert.deepEqual(runs, ["every", "after", "every", "every"]);
    const own = timers.every(100, () => void runs.push("own"));
    await clock.advance(100);
    own[Symbol.dispose]();
    timers.after(200, () => void runs.push("too late"));
    await plugins.disable("one");
    await clock.advance(10_000);
    assert.deepEqual(runs, ["every", "after", "every", "every", "own"]);
    assert.equal(clock.pending, 0);
    assert.throws(() => timers.after(1, () => {}), MooringError, "not active any more");
  });

  it("a run that takes long is not overtaken by the next", async () => {
    let running = 0;
    let most = 0;
    const { clock } = await setUp(({ every }) => {
      every(100, async () => {
        most = Math.max(most, ++running);
        await new Promise<void>(resolve => void clock.after(1000, resolve));
        running--;
      });
    });
    await clock.advance(5000);
    assert.equal(most, 1);
  });

  for (const [what, run] of [
    ["throw", () => assert.fail("boom")],
    ["reject", () => Promise.reject(new Error("boom"))],
  ] as const) {
    it(`runs that ${what} are logged and go on; five in a minute stop the plugin`, async () => {
      const { clock, log, plugins } = await setUp(({ every }) => void every(10_000, run));
      await clock.advance(40_000);
      assert.equal(plugins.get("one").state, "ACTIVE");
      const said = log.lines.filter(({ event }) => event === "plugin.timerFailed");
      assert.lengthOf(said, 4);
      assert.deepEqual(said[0]!.fields, { plugin: "one", error: "boom" });
      await clock.advance(10_000);
      assert.deepInclude(plugins.get("one"), { state: "STOPPED", fault: "timer: boom" });
      assert.equal(clock.pending, 0);
    });
  }

  it("a timer that fails and sets itself again is stopped as well", async () => {
    const { clock, plugins, timers } = await setUp(() => {});
    const again = (): never => {
      timers.after(1000, again);
      return assert.fail("boom");
    };
    timers.after(0, again);
    await clock.advance(10_000);
    assert.equal(plugins.get("one").state, "STOPPED");
    assert.equal(plugins.get("one").figures.timer.failures, 5);
  });

  it("bad input: a period that is too short, a time that is none, no function", async () => {
    const { timers } = await setUp(() => {});
    assert.throws(() => timers.every(99, () => {}), MooringError, "must be at least 100 ms");
    assert.throws(() => timers.after(Number.NaN, () => {}), MooringError, "must be at least 0 ms");
    assert.throws(() => timers.after(1, "x" as never), MooringError, "needs a function");
  });
});
