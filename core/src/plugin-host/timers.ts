/** Timers of one life of a plugin: they run from when it is in force, and end with it. */
import { type Clock, every } from "../base/clock.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { PluginTimers } from "../contract/plugin.ts";
import type { PluginCalls } from "./plugin-calls.ts";

export interface OwnTimers extends Disposable {
  readonly timers: PluginTimers;
  /** What was set before runs from here on. */
  start(): void;
}

const SHORTEST_PERIOD_MS = 100;
/** All timers are one place: those that are set again and again would each have a clean record. */
const PLACE = "timer";

export function createTimers(parts: {
  readonly plugin: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly calls: Pick<PluginCalls, "async">;
}): OwnTimers {
  const { plugin, clock, log, calls } = parts;
  const waiting = new Map<symbol, () => Disposable>();
  const running = new Map<symbol, Disposable>();
  let state: "waiting" | "running" | "ended" = "waiting";

  function add(arm: (done: () => void) => Disposable): Disposable {
    if (state === "ended") throw new MooringError("CLOSED", `plugin ${plugin} is not active any more`, { plugin });
    const id = Symbol();
    const open = (): Disposable => arm(() => running.delete(id));
    if (state === "running") running.set(id, open());
    else waiting.set(id, open);
    return {
      [Symbol.dispose]() {
        waiting.delete(id);
        running.get(id)?.[Symbol.dispose]();
        running.delete(id);
      },
    };
  }

  function check(ms: number, least: number, run: unknown): void {
    const isTime = Number.isFinite(ms) && ms >= least;
    const rule = isTime ? "needs a function" : `must be at least ${least} ms`;
    if (!isTime || typeof run !== "function") {
      throw new MooringError("PLUGIN_INVALID", `plugin ${plugin}: a timer ${rule}`, { plugin, field: "timers", rule });
    }
  }

  const failed = (error: unknown): void => log.warn("plugin.timerFailed", { plugin, error: messageOf(error) });

  return {
    timers: {
      every(periodMs, run) {
        check(periodMs, SHORTEST_PERIOD_MS, run);
        return add(() => every(clock, periodMs, () => calls.async("timer", PLACE, run), failed));
      },
      after(delayMs, run) {
        check(delayMs, 0, run);
        return add(done =>
          clock.after(delayMs, () => {
            done();
            calls.async("timer", PLACE, run).catch(failed);
          }),
        );
      },
    },
    start() {
      if (state !== "waiting") return;
      state = "running";
      for (const [id, open] of waiting) running.set(id, open());
      waiting.clear();
    },
    [Symbol.dispose]() {
      state = "ended";
      waiting.clear();
      for (const timer of running.values()) timer[Symbol.dispose]();
      running.clear();
    },
  };
}
