/** Confirmable message as a state machine (RFC 7252 section 4.2). The owner sends and arms timers. */

export type ConState =
  | { readonly at: "waiting"; readonly retransmits: number; readonly timeoutMs: number }
  | { readonly at: "acknowledged" | "reset" | "gaveUp" };

export type ConEvent = "timer" | "ack" | "rst";

const ACKNOWLEDGED: ConState = { at: "acknowledged" };
const RESET: ConState = { at: "reset" };
const GAVE_UP: ConState = { at: "gaveUp" };

/** The state after the first transmission. */
export const startCon = (timeoutMs: number): ConState => ({ at: "waiting", retransmits: 0, timeoutMs });

/** One step. A step by `timer` that stays in `waiting` means: send again, wait `timeoutMs`. */
export function stepCon(state: ConState, event: ConEvent, maxRetransmit: number): ConState {
  if (state.at !== "waiting") return state; // a late acknowledgement changes nothing
  if (event === "ack") return ACKNOWLEDGED;
  if (event === "rst") return RESET;
  if (state.retransmits >= maxRetransmit) return GAVE_UP;
  return { at: "waiting", retransmits: state.retransmits + 1, timeoutMs: state.timeoutMs * 2 };
}
