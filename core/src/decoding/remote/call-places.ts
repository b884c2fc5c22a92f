/** Places for calls that go on at the same time: what is live goes first, what runs in the background has half of them at most. */
import type { Urgency } from "../../sandbox/decoder-runtime.ts";

export interface CallPlaces {
  /** Resolves when there is a place, for calls of one urgency in their order. */
  take(urgency: Urgency): Promise<void>;
  giveBack(urgency: Urgency): void;
}

/** @param count 1 or more; the background has at least one of them */
export function createCallPlaces(count: number): CallPlaces {
  const most: Readonly<Record<Urgency, number>> = { live: count, background: Math.max(1, Math.floor(count / 2)) };
  const taken: Record<Urgency, number> = { live: 0, background: 0 };
  const waiting: Readonly<Record<Urgency, (() => void)[]>> = { live: [], background: [] };

  const isFree = (urgency: Urgency): boolean => taken.live + taken.background < count && taken[urgency] < most[urgency];
  const pump = (): void => {
    for (const urgency of ["live", "background"] as const) {
      while (waiting[urgency].length > 0 && isFree(urgency)) {
        taken[urgency]++;
        waiting[urgency].shift()!();
      }
    }
  };
  return {
    take: urgency =>
      new Promise(resolve => {
        waiting[urgency].push(resolve);
        pump();
      }),
    giveBack(urgency) {
      taken[urgency]--;
      pump();
    },
  };
}
