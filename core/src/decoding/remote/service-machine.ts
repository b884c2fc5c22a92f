/**
 * Whether a decoder service is asked (agent specification 9.2 item 4): who cannot be reached is left alone for a while, and so is who
 * fails again and again; then one call tries, and its end decides. A pause after failures doubles each time.
 */
export type ServiceState =
  | { readonly at: "up"; readonly failures: number }
  /** `nextPauseMs`: of the next pause after failures. */
  | { readonly at: "paused"; readonly untilMs: number; readonly reason: string; readonly nextPauseMs: number }
  | { readonly at: "trying"; readonly reason: string; readonly nextPauseMs: number };

export type ServiceEvent =
  | { readonly kind: "asked" }
  | { readonly kind: "answered" }
  /** It can be reached, but the call gave no result. */
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "unreachable"; readonly reason: string }
  /** Whoever goes first has found that it is to be left alone. */
  | { readonly kind: "leftAlone"; readonly untilMs: number; readonly reason: string };

export interface ServiceRules {
  /** Calls in a row that fail, until it is paused. */
  readonly failures: number;
  /** First and longest pause after failures. */
  readonly pauseMs: number;
  readonly maxPauseMs: number;
  /** Pause of a service that cannot be reached. */
  readonly unreachableMs: number;
}

export const serviceUp: ServiceState = { at: "up", failures: 0 };

/** @param nowMs by the monotonic clock, as `untilMs` */
export function stepService(
  state: ServiceState,
  event: ServiceEvent,
  nowMs: number,
  { failures: most, pauseMs, maxPauseMs, unreachableMs }: ServiceRules,
): ServiceState {
  const pauseFor = (ms: number, reason: string, nextPauseMs: number): ServiceState => ({
    at: "paused",
    untilMs: nowMs + ms,
    reason,
    nextPauseMs: Math.min(nextPauseMs, maxPauseMs),
  });
  if (event.kind === "leftAlone") {
    const { untilMs, reason } = event;
    const nextPauseMs = state.at === "up" ? pauseMs : state.nextPauseMs;
    return state.at === "paused" && state.untilMs >= untilMs ? state : { at: "paused", untilMs, reason, nextPauseMs };
  }
  switch (state.at) {
    case "up":
      if (event.kind === "unreachable") return pauseFor(unreachableMs, event.reason, pauseMs);
      if (event.kind === "answered") return state.failures === 0 ? state : serviceUp;
      if (event.kind !== "failed") return state;
      return state.failures + 1 < most
        ? { at: "up", failures: state.failures + 1 }
        : pauseFor(pauseMs, event.reason, 2 * pauseMs);
    case "paused": {
      // What was under way when it was paused ends as it ends.
      const { reason, nextPauseMs } = state;
      return event.kind === "asked" && nowMs >= state.untilMs ? { at: "trying", reason, nextPauseMs } : state;
    }
    case "trying": {
      const { nextPauseMs } = state;
      if (event.kind === "answered") return serviceUp;
      if (event.kind === "unreachable") return pauseFor(unreachableMs, event.reason, nextPauseMs);
      return event.kind === "failed" ? pauseFor(nextPauseMs, event.reason, 2 * nextPauseMs) : state;
    }
  }
}
