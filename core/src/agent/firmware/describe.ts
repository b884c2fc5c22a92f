/** What happens in an update, in words: lines of its timeline, and what it waits for. Pure. */
import type { FirmwareEvent } from "../../lwm2m/firmware/firmware-machine.ts";
import { type FirmwareReport, resultText, stateText } from "../../lwm2m/firmware/firmware-object.ts";
import {
  askOf,
  type FirmwareAsk,
  type FirmwareContext,
  type FirmwareState,
} from "../../lwm2m/firmware/firmware-state.ts";

function reportText({ state, result, version }: FirmwareReport): string {
  const said = [
    state !== undefined && stateText(state),
    result !== undefined && resultText(result),
    version !== undefined && `firmware version ${version}`,
  ].filter(Boolean);
  return said.length > 0 ? said.join(", ") : "nothing that can be read";
}

/** @returns undefined: nothing that people would want to read */
function eventText(before: FirmwareState, event: FirmwareEvent): string | undefined {
  switch (event.kind) {
    case "method":
      return `the device takes firmware by ${event.method ?? "nothing that it names"}`;
    case "reset":
      return "the device was reset";
    case "queried": {
      const { method, protocols, ...report } = event.facts;
      const names = protocols.length > 0 ? protocols.map(name => name.toUpperCase()).join(", ") : "none named";
      return `the device shows ${reportText(report)}; takes firmware by ${method ?? "nothing that it names"}, protocols: ${names}`;
    }
    case "observed":
      return event.kept
        ? "state and result are observed"
        : "state and result cannot be observed: they are read from time to time";
    case "delivered":
      return before.delivery?.method === "PUSH" ? "the whole package was taken" : "the URI of the package was taken";
    case "triggered":
      return "the Update was taken";
    case "checked":
      return `the device shows ${reportText(event.report)}`;
    case "reported":
      return `the device tells ${reportText(event.report)}`;
    case "refused":
    case "stopped":
      return event.reason;
    case "silent":
      return "the device did not answer";
    case "interrupted":
      return before.away ? undefined : "the device is not there";
    case "moved":
      return "the device has a new address";
    case "connected":
      if (before.registrationId !== event.registrationId) return "the device registered";
      return before.away ? "the device updated its registration" : undefined;
    case "restored":
      return "the host was started anew";
    case "due":
      return undefined;
  }
}

/** A line for the timeline; undefined: none. */
export function describeStep(before: FirmwareState, event: FirmwareEvent, after: FirmwareState): string | undefined {
  const text = eventText(before, event);
  if (after.unexpected === undefined || after.unexpected === before.unexpected) return text;
  return `${text ?? event.kind}; unexpected: ${after.unexpected}`;
}

const ANSWERS: Readonly<Record<FirmwareAsk, string>> = {
  method: "the device to say how it takes firmware",
  reset: "the device to take the reset",
  query: "the device to show its firmware object",
  observe: "the device to take the observation of state and result",
  deliver: "the device to take the package or its URI",
  check: "the device to show state and result",
  trigger: "the device to take the Update",
};

/** What stands between an update and its next step; undefined: it has ended. */
export function awaited(state: FirmwareState, context: Pick<FirmwareContext, "settings">): string | undefined {
  if (state.away) return "the next registration or update of the device, which did not answer or is not registered";
  const ask = askOf(state, context);
  if (ask) return ANSWERS[ask];
  if (state.at === "AWAIT_DOWNLOAD") return "the device to have downloaded the package (state 2)";
  return state.at === "AWAIT_RESULT" ? "the device to have installed the package (a result)" : undefined;
}
