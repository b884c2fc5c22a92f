/** How many Registers a second to ask back: a little more than are served, so that the host is neither idle nor flooded again. */
import type { Clock } from "../../base/clock.ts";

export interface RegisterPace {
  served(): void;
  /** One more came than could be taken. */
  postponed(): void;
  /** A quarter of `mostPerSecond` to `mostPerSecond`. */
  perSecond(): number;
}

const WINDOW_MS = 1000;
/** What was seen before a pause of this length tells nothing any more. */
const FORGOTTEN_MS = 30_000;
/** A moment that was spent on sending devices away shows less than can be served: to be asked back in vain costs little. */
const LEAST_SHARE = 0.25;
const ABOVE_SERVED = 1.25;
const RISE = 1.5;

export function createRegisterPace(clock: Pick<Clock, "monotonic">, mostPerSecond: number): RegisterPace {
  const within = (figure: number): number => Math.min(mostPerSecond, Math.max(LEAST_SHARE * mostPerSecond, figure));
  const initial = within(mostPerSecond / 2);
  let figure = initial;
  let [served, postponed, sinceMs] = [0, 0, clock.monotonic()];

  function next(elapsedMs: number): number {
    if (elapsedMs >= FORGOTTEN_MS) return initial;
    return within(postponed > 0 ? (ABOVE_SERVED * served * 1000) / elapsedMs : RISE * figure);
  }

  function roll(): void {
    const elapsedMs = clock.monotonic() - sinceMs;
    if (elapsedMs < WINDOW_MS) return;
    figure = next(elapsedMs);
    [served, postponed, sinceMs] = [0, 0, clock.monotonic()];
  }

  return {
    served() {
      roll();
      served++;
    },
    postponed() {
      roll();
      postponed++;
    },
    perSecond() {
      roll();
      return figure;
    },
  };
}
