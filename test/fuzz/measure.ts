/** What a fuzz run measures about the process it runs in. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Longest time that one input may take, and most that the heap may grow after the first third of a run. */
const MAX_STALL_MS = 100;
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;

/** @param what one input is called. @returns what of a run was over its bound */
export function boundsBroken(what: string, maxMs: number, growthBytes: number): string[] {
  const broken: string[] = [];
  if (maxMs > MAX_STALL_MS) broken.push(`one ${what} took ${maxMs.toFixed(1)} ms`);
  if (growthBytes > MAX_GROWTH_BYTES) broken.push(`the heap grew by ${growthBytes >> 20} MiB over the last two thirds`);
  return broken;
}

export const heapFigure = (growthBytes: number): string =>
  `heap ${growthBytes >= 0 ? "+" : ""}${(growthBytes / 2 ** 20).toFixed(1)} MiB after the first third`;

/** @returns bytes of the heap in use afterwards */
export function collectGarbage(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

/** Longest time on the processor of one call in ms: on a shared machine the clock on the wall also measures the others. */
export function createStallMeter(): { maxMs: number; measure(run: () => void): void } {
  const meter = {
    maxMs: 0,
    measure(run: () => void): void {
      const startedMs = performance.now();
      const before = process.cpuUsage();
      run();
      if (performance.now() - startedMs <= meter.maxMs) return;
      const { user, system } = process.cpuUsage(before);
      meter.maxMs = Math.max(meter.maxMs, (user + system) / 1000);
    },
  };
  return meter;
}
