/** Time is given, never taken: only this file reads the machine's clock or arms its timers. */
export interface Clock {
  /** Milliseconds since the epoch. May jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds since some fixed point; never goes back. For durations and time limits. */
  monotonic(): number;
  /** Runs once after `delayMs` (0 or more); disposing cancels. The timer does not keep the process alive. */
  after(delayMs: number, run: () => void): Disposable;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    let timer: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      const step = Math.min(Math.max(0, leftMs), LONGEST_TIMER_MS);
      timer = setTimeout(() => (leftMs > step ? arm(leftMs - step) : run()), step).unref();
    };
    arm(delayMs);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Repeats `run` every `periodMs` after the previous run has ended; a rejection is passed to `onError`. */
export function every(
  clock: Clock,
  periodMs: number,
  run: () => void | Promise<void>,
  onError: (error: unknown) => void,
): Disposable {
  let stopped = false;
  let timer: Disposable | undefined;
  const arm = (): void => {
    if (!stopped) timer = clock.after(periodMs, () => void tick());
  };
  const tick = async (): Promise<void> => {
    try {
      await run();
    } catch (error) {
      onError(error);
    }
    arm();
  };
  arm();
  return {
    [Symbol.dispose]() {
      stopped = true;
      timer?.[Symbol.dispose]();
    },
  };
}

/**
 * Monotonic time for what is measured in great numbers: read once in a turn of the event loop, since reading it costs more than what
 * is done with it.
 */
export function createTurnTime({ monotonic }: Pick<Clock, "monotonic">): () => number {
  let readMs: number | undefined;
  const forget = (): void => {
    readMs = undefined;
  };
  return () => {
    if (readMs === undefined) {
      readMs = monotonic();
      setImmediate(forget);
    }
    return readMs;
  };
}

export interface ManualClock extends Clock {
  /** Moves time on by `ms`, running what falls due in order, and lets promises settle between timers. */
  advance(ms: number): Promise<void>;
  /** Timers armed and not yet run or cancelled. */
  readonly pending: number;
}

/** A clock that a test moves: 24 hours of Lifetime take no time. */
export function createManualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsed = 0;
  let sequence = 0;
  const timers = new Map<number, { atMs: number; run: () => void }>();
  const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
  const due = (limitMs: number): [number, { atMs: number; run: () => void }] | undefined => {
    let first: [number, { atMs: number; run: () => void }] | undefined;
    for (const entry of timers)
      if (entry[1].atMs <= limitMs && (!first || entry[1].atMs < first[1].atMs)) first = entry;
    return first;
  };
  return {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    after(delayMs, run) {
      const id = ++sequence;
      timers.set(id, { atMs: elapsed + Math.max(0, delayMs), run });
      return { [Symbol.dispose]: () => void timers.delete(id) };
    },
    async advance(ms) {
      const target = elapsed + ms;
      await settle();
      for (let next = due(target); next; next = due(target)) {
        timers.delete(next[0]);
        elapsed = Math.max(elapsed, next[1].atMs);
        next[1].run();
        await settle();
      }
      elapsed = target;
    },
    get pending() {
      return timers.size;
    },
  };
}
