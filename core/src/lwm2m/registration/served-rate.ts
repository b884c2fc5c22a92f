/** How many a second are served when more come than that. */
import type { Clock } from "../../base/clock.ts";

export interface ServedRate {
  /** @param isRush others wait already: a pace without a rush tells of the demand only */
  count(isRush: boolean): void;
  /** At least 1; of the last rush, or half of `mostPerSecond` before there was one. */
  perSecond(): number;
}

const WINDOW_MS = 1000;

export function createServedRate(clock: Pick<Clock, "monotonic">, mostPerSecond: number): ServedRate {
  let figure = Math.max(1, mostPerSecond / 2);
  let [count, rushed, sinceMs] = [0, 0, clock.monotonic()];

  function roll(): void {
    const elapsedMs = clock.monotonic() - sinceMs;
    if (elapsedMs < WINDOW_MS) return;
    // A window that ended long ago holds a pause as well.
    const isTelling = rushed * 2 > count && elapsedMs < 2 * WINDOW_MS;
    if (isTelling) figure = Math.max(1, Math.min(mostPerSecond, (count * 1000) / elapsedMs));
    [count, rushed, sinceMs] = [0, 0, clock.monotonic()];
  }

  return {
    count(isRush) {
      roll();
      count++;
      if (isRush) rushed++;
    },
    perSecond() {
      roll();
      return figure;
    },
  };
}
