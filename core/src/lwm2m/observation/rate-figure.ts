/** Messages per minute, from two windows of one minute: exact when steady, cheap enough to keep for every device. */
export interface RateFigure {
  /** Number of the minute on the monotonic clock. */
  minute: number;
  count: number;
  previous: number;
}

const MINUTE_MS = 60_000;

export const createRateFigure = (): RateFigure => ({ minute: 0, count: 0, previous: 0 });

function turn(figure: RateFigure, monotonicMs: number): void {
  const minute = Math.floor(monotonicMs / MINUTE_MS);
  if (minute === figure.minute) return;
  figure.previous = minute === figure.minute + 1 ? figure.count : 0;
  figure.minute = minute;
  figure.count = 0;
}

export function countOne(figure: RateFigure, monotonicMs: number): void {
  turn(figure, monotonicMs);
  figure.count++;
}

/** The share of the last minute that lies in the previous window is taken from that. */
export function perMinute(figure: RateFigure, monotonicMs: number): number {
  turn(figure, monotonicMs);
  const share = 1 - (monotonicMs % MINUTE_MS) / MINUTE_MS;
  return figure.count + figure.previous * share;
}
