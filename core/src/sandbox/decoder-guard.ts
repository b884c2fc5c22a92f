/** Who may be decoded at all: the breakers of all decoder versions, and what follows when one opens or closes. */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type BreakerEvent, type BreakerState, stepBreaker } from "./breaker-machine.ts";
import { type DecoderEntry, type Failure, fail, takeAll } from "./decoder-entry.ts";
import type { DecoderStateChange, Urgency } from "./decoder-runtime.ts";

export interface GuardParts {
  readonly clock: Clock;
  readonly log: Log;
  onState?(change: DecoderStateChange): void;
}

export interface DecoderGuard {
  /** Whether a decode may go on: not at all, on the trial host as the one that is tried, or as usual. */
  admit(entry: DecoderEntry, urgency: Urgency): Failure | "trial" | "usual";
  /** Something became of a decode. What waits is given back when the decoder is to have a rest. */
  judge(entry: DecoderEntry, urgency: Urgency, event: BreakerEvent): void;
}

/** Asked again after this while one payload is tried, or a decoder is in quarantine, ms. */
const TRYING_MS = 5000;
const QUARANTINED_MS = 600_000;

function refusalOf(state: BreakerState, nowMs: number): Failure | undefined {
  if (state.at === "closed") return undefined;
  const told: Readonly<Record<typeof state.at, string>> = {
    open: "has a rest",
    trying: "is being tried with one payload",
    quarantined: "is in quarantine until another version is in force or it is released",
  };
  const retryAtMs = state.at === "open" ? state.untilMs : nowMs + (state.at === "trying" ? TRYING_MS : QUARANTINED_MS);
  return { reason: "unavailable", message: `the decoder ${told[state.at]}: ${state.why}`, retryAtMs };
}

const shown = ({ at }: BreakerState): DecoderStateChange["state"] => (at === "trying" ? "open" : at);

export function createDecoderGuard({ clock, log, onState }: GuardParts): DecoderGuard {
  const tell = (entry: DecoderEntry, urgency: Urgency, state: BreakerState): void => {
    const { key, version } = entry.manifest;
    const why = state.at === "closed" ? "it works again" : state.why;
    const fields = { key, version, urgency, state: shown(state), why };
    log[state.at === "closed" ? "info" : "warn"]("decoder.breaker", fields);
    const retry = state.at === "open" ? { retryAtMs: state.untilMs } : {};
    onState?.({ id: entry.name, owner: entry.owner, key, version, urgency, state: shown(state), why, ...retry });
  };
  const judge = (entry: DecoderEntry, urgency: Urgency, event: BreakerEvent): void => {
    const before = entry.breakers[urgency];
    const state = stepBreaker(before, event, clock.now());
    if (state === before) return;
    entry.breakers[urgency] = state;
    if (state.at === "open" || state.at === "quarantined") {
      fail(entry, takeAll(entry, urgency), refusalOf(state, clock.now())!);
    }
    if (shown(state) !== shown(before)) tell(entry, urgency, state);
  };
  return {
    judge,
    admit(entry, urgency) {
      const before = entry.breakers[urgency];
      if (before.at === "closed") return "usual";
      judge(entry, urgency, { kind: "asked" });
      const state = entry.breakers[urgency];
      return before.at === "open" && state.at === "trying" ? "trial" : refusalOf(state, clock.now())!;
    },
  };
}
