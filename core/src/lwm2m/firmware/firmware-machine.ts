/**
 * A firmware update as states and events (agent specification 14; LwM2M TS 1.0.2 appendix E.6, Core 1.1.1 appendix E.6). Pure:
 * agent/firmware stores each state, then asks the device what `askOf` says, and tells what came of it.
 */
import { chooseDelivery } from "./delivery.ts";
import {
  type DeliveryMethod,
  type FirmwareFacts,
  type FirmwareReport,
  RESULT,
  STATE,
  stateText,
} from "./firmware-object.ts";
import {
  enter,
  type FirmwareContext,
  type FirmwareState,
  fail,
  hasEnded,
  hear,
  inDoubt,
  isUnderWay,
  leaveAlone,
  needsPolling,
  without,
} from "./firmware-state.ts";
import { judgeReport, needsLook } from "./judge-report.ts";

export type FirmwareEvent =
  /** Good answers, each to its `FirmwareAsk`. */
  | { readonly kind: "method"; readonly method: DeliveryMethod | undefined }
  | { readonly kind: "reset" | "delivered" | "triggered" }
  | { readonly kind: "queried"; readonly facts: FirmwareFacts }
  /** `kept`: both are observed. */
  | { readonly kind: "observed"; readonly kept: boolean; readonly report: FirmwareReport }
  /** What cannot be read is absent. */
  | { readonly kind: "checked"; readonly report: FirmwareReport }
  /** An error code, or an answer that cannot be used. */
  | { readonly kind: "refused"; readonly reason: string }
  /** No answer in time. */
  | { readonly kind: "silent" }
  /** The registration, or the life of the host, ended first. */
  | { readonly kind: "interrupted" }
  /** The device has a new address. `progressed`: something was acknowledged since the last time. */
  | { readonly kind: "moved"; readonly progressed: boolean }
  /** A notification or Send. */
  | { readonly kind: "reported"; readonly report: FirmwareReport }
  /** Register or Update. */
  | { readonly kind: "connected"; readonly registrationId: string }
  /** The host has started anew. */
  | { readonly kind: "restored" }
  /** Time to look at what is not observed. */
  | { readonly kind: "due" }
  /** It is not to go on, or cannot. */
  | { readonly kind: "stopped"; readonly reason: string };

/** The device tells something by itself. */
function reported(before: FirmwareState, report: FirmwareReport, context: FirmwareContext): FirmwareState {
  if (!isUnderWay(before)) return before;
  // It is there.
  const state = without(before, "away");
  return needsLook(state, report) ? inDoubt(state) : judgeReport(state, report, context);
}

/** The device was looked at: what was in doubt is decided, as far as it shows. */
function checked(before: FirmwareState, report: FirmwareReport, context: FirmwareContext): FirmwareState {
  const { refusal, doubt: _doubt, repeated: _repeated, ...state } = before;
  const hasUri = state.at === "DELIVER" && state.delivery?.method === "PULL" && report.state === STATE.DOWNLOADING;
  const whole = { result: RESULT.INITIAL, ...report };
  const next = judgeReport(hasUri ? enter(state, "AWAIT_DOWNLOAD") : state, whole, context);
  const isExplained = hasEnded(next) || next.at !== state.at;
  return refusal === undefined || isExplained ? next : fail(state, refusal);
}

function queried(state: FirmwareState, facts: FirmwareFacts, context: FirmwareContext): FirmwareState {
  if (facts.state === undefined) return fail(state, "the device does not show the state of its firmware (/5/0/3)");
  if (facts.state !== STATE.IDLE) {
    return fail(state, `the device is in ${stateText(facts.state)} before the update; it must be idle`);
  }
  const delivery = chooseDelivery(context, facts);
  if (typeof delivery === "string") return fail(state, delivery);
  const { result = RESULT.INITIAL, version } = facts;
  return enter(state, "OBSERVE", {
    delivery,
    ...(version !== undefined && { versionBefore: version }),
    ...(result !== RESULT.INITIAL && { staleResult: result }),
  });
}

function observed(
  before: FirmwareState,
  { kept, report }: Extract<FirmwareEvent, { kind: "observed" }>,
  context: FirmwareContext,
): FirmwareState {
  const state: FirmwareState = { ...without(before, "repeated"), observation: kept ? "kept" : "refused" };
  if (state.at !== "OBSERVE") return reported(state, report, context);
  const { result = RESULT.INITIAL } = report;
  return enter(state, "DELIVER", result === RESULT.INITIAL ? {} : { staleResult: result });
}

function refused(state: FirmwareState, reason: string): FirmwareState {
  // What the device shows says more than its answer.
  const hasResult = (state.at === "DELIVER" || state.at === "TRIGGER") && !state.doubt;
  return hasResult ? { ...state, doubt: true, refusal: reason } : fail(state, reason);
}

/** One step of an update. What comes after its end changes nothing, nor does an answer that belongs to another step. */
export function stepFirmware(state: FirmwareState, event: FirmwareEvent, context: FirmwareContext): FirmwareState {
  if (hasEnded(state)) return state;
  switch (event.kind) {
    case "method":
      if (state.at !== "RESET") return state;
      if (event.method) return { ...without(state, "repeated"), method: event.method };
      return fail(state, "the device does not say how it takes firmware (/5/0/9): set fwUpdateDeliveryMethod");
    case "reset":
      return state.at === "RESET" ? enter(state, "QUERY") : state;
    case "queried":
      return state.at === "QUERY" ? queried(state, event.facts, context) : state;
    case "observed":
      return observed(state, event, context);
    case "delivered":
      if (state.at !== "DELIVER") return state;
      // Whoever has the whole package may have said so already, or in a message that was lost.
      return enter(
        state,
        "AWAIT_DOWNLOAD",
        state.delivery?.method === "PUSH" ? { doubt: true, downloading: true } : {},
      );
    case "triggered":
      return state.at === "TRIGGER" ? enter(state, "AWAIT_RESULT") : state;
    case "checked":
      return isUnderWay(state) ? checked(state, event.report, context) : state;
    case "reported":
      return reported(state, event.report, context);
    case "refused":
      return refused(state, event.reason);
    case "silent":
    case "interrupted":
      return leaveAlone(state);
    case "moved":
      return state.repeated && !event.progressed ? leaveAlone(state) : inDoubt({ ...state, repeated: true });
    case "connected":
      return hear(state, event.registrationId);
    case "restored":
      return inDoubt(without(state, "away"));
    case "due":
      return needsPolling(state) ? { ...state, doubt: true } : state;
    case "stopped":
      return fail(state, event.reason);
  }
}
