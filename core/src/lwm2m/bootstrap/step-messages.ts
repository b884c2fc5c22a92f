/** Steps of a bootstrap session as CoAP requests, answers to them as events. Pure. */
import { isFailure, messageOf } from "../../base/errors.ts";
import { CODES } from "../../coap/codes.ts";
import type { CoapRequest, CoapResponse } from "../../coap/request.ts";
import type { CodecContext } from "../codecs/codec.ts";
import { codecFor, decodePayload } from "../codecs/codec-table.ts";
import type { Lwm2mPath } from "../path.ts";
import { BOOTSTRAP_FINISH } from "../wire/bootstrap-wire.ts";
import { deleteRequest, discoverRequest, readRequest, segmentsOf, writeRequest } from "../wire/to-coap.ts";
import { CORE_MODELS } from "./account-values.ts";
import type { BootstrapEvent, BootstrapStep } from "./bootstrap-machine.ts";
import { readDiscovered } from "./discovered.ts";

const contextOf = (path: Lwm2mPath, nowMs: number): CodecContext => ({ path, models: CORE_MODELS, nowMs });

/**
 * @param contentFormat of what is written and of what is read
 * @throws MooringError VALUE_TYPE where an account holds what its resource cannot
 */
export function requestOf(step: BootstrapStep, contentFormat: number, nowMs: number): CoapRequest {
  if (step.kind === "finish") return BOOTSTRAP_FINISH;
  const segments = segmentsOf("/", step.path);
  switch (step.kind) {
    case "discover":
      return discoverRequest(segments);
    case "delete":
      return deleteRequest(segments);
    case "read":
      return readRequest(segments, contentFormat);
    case "write": {
      const payload = codecFor(contentFormat).encode(step.values, contextOf(step.path, nowMs));
      return writeRequest(segments, { contentFormat, payload }, "replace");
    }
  }
}

const diagnostic = new TextDecoder("utf-8");
const LONGEST_DIAGNOSTIC_BYTES = 120;

/** What the device said about an error, for people. */
function textOf({ payload }: CoapResponse): string {
  const text = diagnostic.decode(payload.subarray(0, LONGEST_DIAGNOSTIC_BYTES));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  return text.replace(/[\u0000-\u001f\u007f]+/g, " ").trim();
}

/** @throws MooringError of a codec */
function readAnswer(step: BootstrapStep, response: CoapResponse, nowMs: number): BootstrapEvent {
  const { code, contentFormat, payload } = response;
  const answered = { kind: "answered", code } as const;
  if (code >= CODES.BAD_REQUEST) {
    const text = textOf(response);
    return text === "" ? answered : { ...answered, text };
  }
  if (code !== CODES.CONTENT) return answered;
  if (step.kind === "discover") return { ...answered, discovered: readDiscovered(payload) };
  if (step.kind !== "read") return answered;
  return { ...answered, values: decodePayload(contentFormat, payload, contextOf(step.path, nowMs)) };
}

export function eventOfAnswer(step: BootstrapStep, response: CoapResponse, nowMs: number): BootstrapEvent {
  try {
    return readAnswer(step, response, nowMs);
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { kind: "refused", reason: `the answer cannot be read: ${error.message}` };
  }
}

/** What is no failure of the exchange itself lies with us. */
export function eventOfFailure(error: unknown): BootstrapEvent {
  if (isFailure(error, "EXCHANGE_TIMEOUT")) return { kind: "silent" };
  if (isFailure(error, "EXCHANGE_RESET")) return { kind: "refused", reason: "the device answered with Reset" };
  if (isFailure(error, "TRANSFER_FAILED", "TRANSFER_TOO_LARGE", "MESSAGE_FORMAT")) {
    return { kind: "refused", reason: error.message };
  }
  return { kind: "broken", reason: messageOf(error) };
}
