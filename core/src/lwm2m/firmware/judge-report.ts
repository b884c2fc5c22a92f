/** What the state and result that a device shows mean to its update (agent specification 14.2 to 14.4). Pure. */
import { type FirmwareReport, RESULT, resultText, STATE, stateText } from "./firmware-object.ts";
import { enter, type FirmwareContext, type FirmwareState, fail, isInstalling, without } from "./firmware-state.ts";

/**
 * What does not fit: the update fails where that is asked for, and otherwise waits for what does (agent specification 14.4).
 * @param at where it waits
 */
function unexpected(
  state: FirmwareState,
  what: string,
  { failOnUnexpected }: FirmwareContext,
  at: FirmwareState["at"] = state.at,
): FirmwareState {
  if (failOnUnexpected) return fail(state, `unexpected: ${what}`);
  return { ...(at === state.at ? state : enter(state, at)), unexpected: what };
}

function judgeDownload(
  state: FirmwareState,
  { state: shown }: FirmwareReport,
  context: FirmwareContext,
): FirmwareState {
  switch (shown) {
    case STATE.IDLE:
      if (!state.downloading || (state.at === "DELIVER" && state.delivery?.method === "PUSH")) return state;
      return unexpected(state, `${stateText(shown)} without a result`, context);
    case STATE.DOWNLOADING:
      return { ...state, downloading: true };
    case STATE.DOWNLOADED:
      return enter(state, "TRIGGER", { downloading: true });
    case STATE.UPDATING:
      return unexpected(state, `${stateText(shown)} before the Update`, context, "AWAIT_RESULT");
  }
  return state;
}

function judgeInstall(
  state: FirmwareState,
  { state: shown, version }: FirmwareReport,
  context: FirmwareContext,
): FirmwareState {
  // A start may have wiped the result, and new firmware may lack the object: the version that runs decides then.
  const isInstalled = version !== undefined && version === context.version && version !== state.versionBefore;
  switch (shown) {
    case undefined:
      return isInstalled ? enter(state, "SUCCEEDED") : state;
    case STATE.IDLE: {
      if (isInstalled) return enter(state, "SUCCEEDED");
      const runs = version === undefined ? "" : `, firmware version ${version}`;
      return unexpected(state, `${stateText(shown)} without a result${runs}`, context, "AWAIT_RESULT");
    }
    case STATE.DOWNLOADING:
      return unexpected(state, `${stateText(shown)} after it was downloaded`, context, "AWAIT_DOWNLOAD");
    case STATE.UPDATING:
      return state.at === "TRIGGER" ? enter(state, "AWAIT_RESULT") : state;
  }
  return state;
}

/** @param report whole: what is absent could not be read */
export function judgeReport(before: FirmwareState, report: FirmwareReport, context: FirmwareContext): FirmwareState {
  const { state: shown, result } = report;
  const isLeftBehind = result === before.staleResult && !(shown === STATE.IDLE && before.downloading);
  if (result !== undefined && !isLeftBehind) {
    if (result > RESULT.SUCCESS && result !== RESULT.DEFERRED) return fail(before, resultText(result));
    if (result === RESULT.DEFERRED) return unexpected(before, resultText(result), context);
    if (result === RESULT.SUCCESS) {
      if (isInstalling(before) || !context.failOnUnexpected) return enter(before, "SUCCEEDED");
      return fail(before, `unexpected: ${resultText(result)} before the Update`);
    }
  }
  const state = result === undefined || isLeftBehind ? before : without(before, "staleResult");
  if (shown !== undefined && (shown < STATE.IDLE || shown > STATE.UPDATING)) {
    return unexpected(state, stateText(shown), context);
  }
  return isInstalling(state) ? judgeInstall(state, report, context) : judgeDownload(state, report, context);
}

/** Idle again says nothing without its result, and without both the version has to: they are read first. */
export function needsLook(state: FirmwareState, { state: shown, result }: FirmwareReport): boolean {
  if (shown !== STATE.IDLE) return false;
  if (isInstalling(state)) return result === undefined || result === RESULT.INITIAL;
  return state.downloading === true && result === undefined;
}
