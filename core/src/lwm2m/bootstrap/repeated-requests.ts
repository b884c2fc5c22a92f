/**
 * Devices that ask again (field finding B6): what a second Bootstrap-Request of one endpoint means. While a session runs the first
 * repetition begins it anew, since a device that asks twice has most likely forgotten what it was given so far; shortly after the
 * end of a session the first one is served. A further one within the window changes nothing, so that a device which answers each session
 * with another request, and one whose requests cross ours, comes to rest.
 */
import type { Clock } from "../../base/clock.ts";

export const REPEAT_WINDOW_MS = 15_000;
/** In the name of a device without keys anybody may ask, from as many ports as he likes: one device must not use up the turns of all. */
export const MOVE_WINDOW_MS = 1_000;

export type RepeatVerdict =
  /** @param repeated to be handed to {@link RepeatedRequests.ended} */
  | { readonly kind: "begin"; readonly repeated: boolean }
  | { readonly kind: "restart" }
  | { readonly kind: "ignore" }
  /** What it asks for has just failed twice. */
  | { readonly kind: "wait"; readonly forMs: number };

/** The endpoint's session. */
export interface RunningSession {
  /** The request comes from another peer than the session goes to: that one will not answer any more. */
  readonly moved: boolean;
  /** Monotonic. */
  readonly restartedAtMs: number | undefined;
}

export interface RepeatedRequests {
  judge(endpoint: string, running: RunningSession | undefined): RepeatVerdict;
  ended(endpoint: string, how: { readonly repeated: boolean; readonly failed: boolean }): void;
  /** The device is gone. */
  forget(endpoint: string): void;
  /** Endpoints whose session has ended within the window. */
  readonly size: number;
}

interface Ended {
  /** Monotonic. */
  readonly untilMs: number;
  readonly repeated: boolean;
  readonly failed: boolean;
}

export function createRepeatedRequests(clock: Pick<Clock, "monotonic">): RepeatedRequests {
  /** In order of `untilMs`. */
  const ended = new Map<string, Ended>();

  function dropExpired(nowMs: number): void {
    for (const [endpoint, { untilMs }] of ended) {
      if (untilMs > nowMs) return;
      ended.delete(endpoint);
    }
  }

  function judgeRunning({ moved, restartedAtMs }: RunningSession, nowMs: number): RepeatVerdict {
    const windowMs = moved ? MOVE_WINDOW_MS : REPEAT_WINDOW_MS;
    const isFirst = restartedAtMs === undefined || restartedAtMs + windowMs <= nowMs;
    return { kind: isFirst ? "restart" : "ignore" };
  }

  return {
    judge(endpoint, running) {
      const nowMs = clock.monotonic();
      dropExpired(nowMs);
      if (running) return judgeRunning(running, nowMs);
      const last = ended.get(endpoint);
      if (!last?.repeated) return { kind: "begin", repeated: last !== undefined };
      return last.failed ? { kind: "wait", forMs: last.untilMs - nowMs } : { kind: "ignore" };
    },
    ended(endpoint, how) {
      const nowMs = clock.monotonic();
      dropExpired(nowMs);
      ended.delete(endpoint);
      ended.set(endpoint, { untilMs: nowMs + REPEAT_WINDOW_MS, ...how });
    },
    forget: endpoint => void ended.delete(endpoint),
    get size() {
      return ended.size;
    },
  };
}
