/** Slows down whoever guesses passwords: so many tries for a user from an address, then a pause. */
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";

export interface AttemptLimits {
  readonly attempts: number;
  /** From the first attempt that is counted. */
  readonly windowMs: number;
  /** Users and addresses remembered; the oldest go first. */
  readonly remembered: number;
}

export const ATTEMPT_LIMITS: AttemptLimits = { attempts: 10, windowMs: 60_000, remembered: 10_000 };

export interface AttemptLimit {
  /** Counts an attempt before it is made, so that many at once do not slip through. @throws MooringError TOO_MANY_REQUESTS */
  begin(key: string): void;
  /** The attempt was a good one: forgets those before it. */
  succeeded(key: string): void;
}

export function createAttemptLimit(clock: Clock, limits: AttemptLimits): AttemptLimit {
  const windows = new Map<string, { count: number; readonly endsAtMs: number }>();

  const open = (key: string): { count: number; readonly endsAtMs: number } => {
    const known = windows.get(key);
    if (known && known.endsAtMs > clock.monotonic()) return known;
    windows.delete(key);
    if (windows.size >= limits.remembered) windows.delete(windows.keys().next().value!);
    const fresh = { count: 0, endsAtMs: clock.monotonic() + limits.windowMs };
    windows.set(key, fresh);
    return fresh;
  };

  return {
    begin(key) {
      const window = open(key);
      if (window.count >= limits.attempts) {
        const retryAfterSeconds = Math.ceil((window.endsAtMs - clock.monotonic()) / 1000);
        throw new MooringError("TOO_MANY_REQUESTS", "too many failed logins, try again later", { retryAfterSeconds });
      }
      window.count++;
    },
    succeeded: key => void windows.delete(key),
  };
}
