/** What a peer is told when its request fails: the code of the failure table and a short diagnostic text (RFC 7252 section 5.5.2). */
import { EMPTY_BYTES, encodeUtf8 } from "../base/bytes.ts";
import { FAILURES, isFailure } from "../base/errors.ts";
import { CODES, parseCode } from "./codes.ts";
import type { CoapResponse } from "./request.ts";

/** How long a refused client is asked to stay away. */
const OVERLOAD_MAX_AGE_SECONDS = 5;
const MAX_DIAGNOSTIC_BYTES = 120;

const CODE_OF_FAILURE = new Map(Object.entries(FAILURES).map(([name, row]) => [name, parseCode(row.coap)]));

/** At most 120 bytes, cut between characters. */
function diagnostic(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  if (bytes.length <= MAX_DIAGNOSTIC_BYTES) return bytes;
  let end = MAX_DIAGNOSTIC_BYTES;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

/** 5.03 comes with the time after which to try again (RFC 7252 section 5.9.3.4). */
export function errorResponse(code: number, text = "", maxAgeSeconds = OVERLOAD_MAX_AGE_SECONDS): CoapResponse {
  const payload = text === "" ? EMPTY_BYTES : diagnostic(text);
  return code === CODES.SERVICE_UNAVAILABLE ? { code, maxAgeSeconds, payload } : { code, payload };
}

/**
 * What a failure says of the time to come back, `details.retryAfterSeconds`, becomes Max-Age.
 * @returns 5.00 without a text for anything but a MooringError: what went wrong inside is nobody's business outside
 */
export function responseOfFailure(error: unknown): CoapResponse {
  if (!isFailure(error)) return errorResponse(CODES.INTERNAL_SERVER_ERROR);
  const { retryAfterSeconds } = error.details;
  const maxAgeSeconds = typeof retryAfterSeconds === "number" ? retryAfterSeconds : undefined;
  return errorResponse(CODE_OF_FAILURE.get(error.code)!, error.message, maxAgeSeconds);
}
