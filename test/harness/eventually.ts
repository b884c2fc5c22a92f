/** Polling for black-box tests: what another process will have done soon. Prefer an event wherever one can be awaited. */
import { setTimeout as pause } from "node:timers/promises";

export interface Patience {
  /** Time limit in ms. */
  readonly withinMs?: number;
  /** Pause between two looks in ms. */
  readonly everyMs?: number;
  /** What is awaited, for the failure's text. */
  readonly what?: string;
}

/**
 * Looks again until `look` neither throws nor returns undefined.
 * @returns what `look` returned
 * @throws  Error with the last failure seen when the time limit has passed
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  { withinMs = 10_000, everyMs = 25, what = "the expected state" }: Patience = {},
): Promise<NonNullable<T>> {
  const endsAtMs = performance.now() + withinMs;
  let lastSeen: unknown = "nothing";
  for (;;) {
    // One more look when the time is over: this process may have been kept from looking, not that from happening.
    const isLast = performance.now() >= endsAtMs;
    try {
      const seen = await look();
      if (seen !== undefined && seen !== null) return seen;
      lastSeen = "nothing";
    } catch (error) {
      lastSeen = error instanceof Error ? error.message : error;
    }
    if (isLast) throw new Error(`${what} was not seen within ${withinMs} ms; last seen: ${String(lastSeen)}`);
    await pause(everyMs);
  }
}

/** @throws Error naming `what` when the promise has not settled in time */
export async function within<T>(promise: Promise<T>, withinMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen within ${withinMs} ms`)), withinMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
