/** When those who were sent away are to come back: one after the other, at the pace at which they can be served. */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";

export interface ReturnTimes {
  /**
   * @param key       those of one key follow each other; a flood under one does not put off the others
   * @param leastMs   nothing is to be had before that
   * @param perSecond how many may come back in a second
   * @returns seconds, 1..300
   */
  next(key: string, leastMs: number, perSecond: number): number;
}

const SHORTEST_MS = 1_000;
const LONGEST_MS = 299_000;

/** @param maxKeys above it the one unused for longest is forgotten, and begins anew */
export function createReturnTimes(clock: Pick<Clock, "monotonic">, random: Random, maxKeys: number): ReturnTimes {
  /** Monotonic ms, in order of last use. */
  const nextMs = new Map<string, number>();
  return {
    next(key, leastMs, perSecond) {
      const nowMs = clock.monotonic();
      const atMs = Math.max(nextMs.get(key) ?? 0, nowMs + Math.max(leastMs, SHORTEST_MS));
      nextMs.delete(key);
      const oldest = nextMs.size >= maxKeys ? nextMs.keys().next().value : undefined;
      if (oldest !== undefined) nextMs.delete(oldest);
      nextMs.set(key, Math.min(atMs + 1000 / perSecond, nowMs + LONGEST_MS));
      // Max-Age has whole seconds; the fraction keeps those of one second from coming back together.
      return Math.floor(Math.min(atMs - nowMs, LONGEST_MS) / 1000 + random.fraction());
    },
  };
}
