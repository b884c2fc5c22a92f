/** The states of a firmware update (agent specification 14.3, 14.6), and how one follows another. Pure. */
import { type Delivery, type DeliveryQuestion, resetTarget } from "./delivery.ts";
import type { DeliveryMethod } from "./firmware-object.ts";

export type FirmwareStep = "RESET" | "QUERY" | "OBSERVE" | "DELIVER" | "AWAIT_DOWNLOAD" | "TRIGGER" | "AWAIT_RESULT";

/** What does not change by events: settings as they are now, and what is to be installed. */
export interface FirmwareContext extends DeliveryQuestion {
  /** Whether an update begins with a reset. */
  readonly resets: boolean;
  readonly failOnUnexpected: boolean;
  /** What the device is to have afterwards. */
  readonly version: string;
}

/** Plain data; absent members: not so, not known. */
export interface FirmwareState {
  readonly at: FirmwareStep | "SUCCEEDED" | "FAILED";
  /** Why it FAILED. */
  readonly reason?: string;
  /** The registration that the device was last heard in. */
  readonly registrationId?: string;
  /** Whether state and result are observed in that registration; absent: it was not tried. */
  readonly observation?: "kept" | "refused";
  /** The device did not answer: nothing is asked before it is heard again. */
  readonly away?: true;
  /** The device may have done what the step asks for: it is looked at before it is asked again. */
  readonly doubt?: true;
  /** A request ended because the device had a new address, and was sent once more. */
  readonly repeated?: true;
  /** Of the device. */
  readonly method?: DeliveryMethod;
  readonly delivery?: Delivery;
  /** `/3/0/3` before the update. */
  readonly versionBefore?: string;
  /** A result of an earlier update that the device still shows. */
  readonly staleResult?: number;
  /** Something has come to the device since the delivery began. */
  readonly downloading?: true;
  /** The device refused the delivery or the Update, its result says why. */
  readonly refusal?: string;
  /** The last thing that does not fit, while more is waited for. */
  readonly unexpected?: string;
}

export type FirmwareAsk =
  /** Read `/5/x/9`. */
  | "method"
  /** Write what `resetTarget` says. */
  | "reset"
  /** Read `/5/x` and `/3/0/3`. */
  | "query"
  | "observe"
  | "deliver"
  /** Read state and result, and `/3/0/3`. */
  | "check"
  /** Execute `/5/x/2`. */
  | "trigger";

export const beginFirmware = ({ resets }: Pick<FirmwareContext, "resets">): FirmwareState => ({
  at: resets ? "RESET" : "QUERY",
});

/** Whether the device has answered to the first step. */
export const hasBegun = ({ at }: FirmwareState, context: Pick<FirmwareContext, "resets">): boolean =>
  at !== "RESET" && at !== beginFirmware(context).at;

export const hasEnded = ({ at }: FirmwareState): boolean => at === "SUCCEEDED" || at === "FAILED";

const isWaiting = ({ at }: FirmwareState): boolean => at === "AWAIT_DOWNLOAD" || at === "AWAIT_RESULT";

export const isInstalling = ({ at }: FirmwareState): boolean => at === "TRIGGER" || at === "AWAIT_RESULT";

/** In these steps what the device shows decides. */
export const isUnderWay = (state: FirmwareState): boolean =>
  state.at === "DELIVER" || state.at === "AWAIT_DOWNLOAD" || isInstalling(state);

/** The device's word is awaited, and it does not give it by itself. */
export const needsPolling = (state: FirmwareState): boolean =>
  isWaiting(state) && state.observation === "refused" && !state.away && !state.doubt;

/** @returns undefined: the device is not to be asked for anything now */
export function askOf(state: FirmwareState, { settings }: Pick<FirmwareContext, "settings">): FirmwareAsk | undefined {
  if (state.away) return undefined;
  switch (state.at) {
    case "RESET":
      return resetTarget(settings, state.method) === undefined ? "method" : "reset";
    case "QUERY":
      return "query";
    case "OBSERVE":
      return "observe";
    case "SUCCEEDED":
    case "FAILED":
      return undefined;
  }
  if (state.doubt) return "check";
  if (state.at === "TRIGGER") return "trigger";
  if (state.observation === undefined) return "observe";
  return state.at === "DELIVER" ? "deliver" : undefined;
}

/** Another step; what belonged to the former one goes. */
export function enter(state: FirmwareState, at: FirmwareState["at"], more: Partial<FirmwareState> = {}): FirmwareState {
  const { doubt: _doubt, refusal: _refusal, unexpected: _unexpected, repeated: _repeated, ...rest } = state;
  return { ...rest, at, ...more };
}

export const fail = (state: FirmwareState, reason: string): FirmwareState => enter(state, "FAILED", { reason });

export function without<K extends keyof FirmwareState>(state: FirmwareState, member: K): FirmwareState {
  if (!(member in state)) return state;
  const { [member]: _gone, ...rest } = state;
  return rest as FirmwareState;
}

/** A package that goes out block by block knows itself how far it is; all else is looked at. */
export function inDoubt(state: FirmwareState): FirmwareState {
  const isDoubtful = state.at === "DELIVER" ? state.delivery?.method === "PULL" : isUnderWay(state);
  return isDoubtful ? { ...state, doubt: true } : state;
}

/** Nothing more is asked before the device is heard again. */
export const leaveAlone = (state: FirmwareState): FirmwareState =>
  inDoubt({ ...without(state, "repeated"), away: true });

/** It is heard in this registration. */
export function hear(before: FirmwareState, registrationId: string): FirmwareState {
  const isAnew = before.registrationId !== registrationId;
  const state = { ...without(isAnew ? without(before, "observation") : before, "away"), registrationId };
  return isAnew || before.away || isWaiting(state) ? inDoubt(state) : state;
}
