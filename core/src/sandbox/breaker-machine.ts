/**
 * When a decoder version gets a rest, as a step function. Only what costs others counts against it: running out of time or
 * memory, and taking its host down. What it throws, or a result that breaks the contract, does not: that costs next to
 * nothing, is answered with its reason at once, and the payload is kept with it; one device that sends nonsense must not
 * stop the payloads of all others.
 */

const BREAKER = {
  /** So many of the last 20 decodes open it. */
  harms: 5,
  firstPauseMs: 30_000,
  longestPauseMs: 600_000,
  /** So many dead hosts within this time put it into quarantine. */
  hostDeaths: 2,
  hostDeathsWithinMs: 600_000,
} as const;

/** The last 20 decodes, one bit each, the newest lowest: 1 is harm. */
const LAST_20 = 0xf_ffff;

interface Record {
  readonly harms: number;
  /** Wall clock, ms. */
  readonly deathsAtMs: readonly number[];
  /** How long it is open next. */
  readonly pauseMs: number;
}

export type BreakerState = Record &
  (
    | { readonly at: "closed" }
    /** Nothing runs before that time (wall clock, ms). */
    | { readonly at: "open"; readonly untilMs: number; readonly why: string }
    /** Half open: one payload is tried, others wait. */
    | { readonly at: "trying"; readonly why: string }
    /** Until somebody releases it. */
    | { readonly at: "quarantined"; readonly why: string }
  );

export type BreakerEvent =
  /** So many decodes that harmed nobody, whatever became of them. */
  | { readonly kind: "harmless"; readonly decodes: number }
  | { readonly kind: "harm"; readonly why: string }
  /** It alone was running when its host died. */
  | { readonly kind: "hostDeath"; readonly why: string }
  /** A payload asks to be decoded. */
  | { readonly kind: "asked" }
  /** The payload that was tried could not be: nothing is known. */
  | { readonly kind: "notTried" }
  | { readonly kind: "released" };

export const CLOSED: BreakerState = { at: "closed", harms: 0, deathsAtMs: [], pauseMs: BREAKER.firstPauseMs };

function countOf(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count++;
  return count;
}

const open = (record: Record, why: string, nowMs: number): BreakerState => ({
  at: "open",
  why,
  harms: 0,
  deathsAtMs: record.deathsAtMs,
  untilMs: nowMs + record.pauseMs,
  pauseMs: Math.min(2 * record.pauseMs, BREAKER.longestPauseMs),
});

function harmed(state: BreakerState, why: string, nowMs: number): BreakerState {
  if (state.at === "trying") return open(state, why, nowMs);
  if (state.at !== "closed") return state;
  const harms = ((state.harms << 1) | 1) & LAST_20;
  return countOf(harms) < BREAKER.harms ? { ...state, harms } : open(state, why, nowMs);
}

/** @returns the same value where nothing changes */
export function stepBreaker(state: BreakerState, event: BreakerEvent, nowMs: number): BreakerState {
  switch (event.kind) {
    case "harmless":
      if (state.at === "trying") return { ...CLOSED, deathsAtMs: state.deathsAtMs };
      if (state.at !== "closed" || state.harms === 0) return state;
      return { ...state, harms: event.decodes >= 20 ? 0 : (state.harms << event.decodes) & LAST_20 };
    case "harm":
      return harmed(state, event.why, nowMs);
    case "hostDeath": {
      if (state.at === "quarantined") return state;
      const recent = state.deathsAtMs.filter(atMs => nowMs - atMs < BREAKER.hostDeathsWithinMs);
      const next = { ...state, deathsAtMs: [...recent, nowMs] };
      if (next.deathsAtMs.length < BREAKER.hostDeaths) return harmed(next, event.why, nowMs);
      return { ...next, at: "quarantined", why: event.why };
    }
    case "asked":
      if (state.at !== "open" || nowMs < state.untilMs) return state;
      return { at: "trying", why: state.why, harms: 0, deathsAtMs: state.deathsAtMs, pauseMs: state.pauseMs };
    case "notTried":
      return state.at === "trying" ? { ...state, at: "open", untilMs: nowMs } : state;
    case "released":
      return CLOSED;
  }
}
