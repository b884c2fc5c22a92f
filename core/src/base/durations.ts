/** How long something takes, counted in fixed buckets: an observation adds to three numbers and keeps nothing. */

/** Upper bounds of the buckets, ms, inclusive; one more takes what is longer. */
export const DURATION_BOUNDS_MS: readonly number[] = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000];

export interface DurationFigures {
  /** Of each bucket by itself, those above all bounds last. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sumMs: number;
}

export interface Durations {
  observe(ms: number): void;
  /** As they are now; a copy. */
  figures(): DurationFigures;
}

export function createDurations(): Durations {
  const counts = new Float64Array(DURATION_BOUNDS_MS.length + 1);
  let count = 0;
  let sumMs = 0;
  return {
    observe(ms) {
      let at = 0;
      while (at < DURATION_BOUNDS_MS.length && ms > DURATION_BOUNDS_MS[at]!) at++;
      counts[at]!++;
      count++;
      sumMs += ms;
    },
    figures: () => ({ counts: [...counts], count, sumMs }),
  };
}

/**
 * Which duration `share` of all do not exceed, taken as spread evenly within a bucket; the highest bound where it is above all.
 * @param share 0 to 1
 * @returns ms, or undefined where nothing was observed
 */
export function quantileMs({ counts, count }: DurationFigures, share: number): number | undefined {
  if (count === 0) return undefined;
  const rank = share * count;
  let below = 0;
  for (const [at, toMs] of DURATION_BOUNDS_MS.entries()) {
    const inside = counts[at]!;
    const fromMs = at === 0 ? 0 : DURATION_BOUNDS_MS[at - 1]!;
    if (inside > 0 && below + inside >= rank) return fromMs + ((toMs - fromMs) * (rank - below)) / inside;
    below += inside;
  }
  return DURATION_BOUNDS_MS.at(-1)!;
}
