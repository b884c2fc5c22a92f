/** A flight and its repetitions (RFC 6347 section 4.2.4). The owner sends and arms timers. */

export type FlightState =
  | { readonly at: "waiting"; readonly retransmissions: number; readonly timeoutMs: number }
  | { readonly at: "gaveUp" | "finished" };

/** `peerRepeated`: the peer has sent its own flight again, so ours was lost. `answered`: all is there that was waited for. */
export type FlightEvent = "timer" | "peerRepeated" | "answered";

export interface FlightTiming {
  readonly retransmissionTimeoutMs: number;
  readonly maxRetransmissionTimeoutMs: number;
  readonly maxRetransmissions: number;
}

const GAVE_UP: FlightState = { at: "gaveUp" };
const FINISHED: FlightState = { at: "finished" };

/** The state after the first transmission of a flight. */
export const startFlight = ({ retransmissionTimeoutMs }: FlightTiming): FlightState => ({
  at: "waiting",
  retransmissions: 0,
  timeoutMs: retransmissionTimeoutMs,
});

/**
 * One step. A step that stays in `waiting` means: send the flight again, wait `timeoutMs`. A repetition by the peer does not count
 * towards giving up and does not lengthen the pause: it shows that the peer is there.
 */
export function stepFlight(state: FlightState, event: FlightEvent, timing: FlightTiming): FlightState {
  if (state.at !== "waiting") return state;
  if (event === "answered") return FINISHED;
  if (event === "peerRepeated") return { ...state };
  if (state.retransmissions >= timing.maxRetransmissions) return GAVE_UP;
  return {
    at: "waiting",
    retransmissions: state.retransmissions + 1,
    timeoutMs: Math.min(2 * state.timeoutMs, timing.maxRetransmissionTimeoutMs),
  };
}
