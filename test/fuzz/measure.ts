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
function collectGarbage(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

export interface RunMeter {
  /** After each input, or batch of them: how many there were. */
  after(done: number): void;
  /** @returns what the run took, and by how many bytes the heap grew after its first third */
  end(): { readonly seconds: number; readonly growth: number };
}

/** @param count inputs of the run, which begins now */
export function createRunMeter(count: number): RunMeter {
  const startedMs = performance.now();
  let earlyHeap = 0;
  return {
    after(done) {
      if (earlyHeap === 0 && done >= count / 3) earlyHeap = collectGarbage();
    },
    end() {
      const seconds = (performance.now() - startedMs) / 1000;
      return { seconds, growth: collectGarbage() - earlyHeap };
    },
  };
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
