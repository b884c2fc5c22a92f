/** One request to a device within its time, with the patience that busy devices need. */
import type { Clock } from "../../base/clock.ts";
import { MooringError } from "../../base/errors.ts";
import { CODES } from "../../coap/codes.ts";
import type { CoapResponse } from "../../coap/request.ts";
import type { Registration } from "../registration/registration.ts";

export interface RequestLimits {
  readonly requestTimeoutMs: number;
  /** Bounds of what a device's own setting may say (agent specification 3.3). */
  readonly minRequestTimeoutMs: number;
  readonly maxRequestTimeoutMs: number;
}

export const requestTimeoutOf = ({ settings }: Registration, limits: RequestLimits): number =>
  settings.requestTimeoutMs === undefined
    ? limits.requestTimeoutMs
    : Math.min(Math.max(settings.requestTimeoutMs, limits.minRequestTimeoutMs), limits.maxRequestTimeoutMs);

/** Repetitions after 5.03, and the pause where the answer names no Max-Age. */
const MOST_REPETITIONS = 3;
const PAUSE_MS = 2_000;

/** Resolves after `delayMs`; rejects with the signal's reason when that comes first. */
function pause(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      timer[Symbol.dispose]();
      reject(signal?.reason instanceof Error ? signal.reason : new MooringError("EXCHANGE_CANCELLED", "cancelled"));
    };
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

/**
 * A device that answers 5.03 Service Unavailable (another transfer is open, it is starting) is asked again after Max-Age, as long
 * as the whole stays within `timeoutMs` (RFC 7252 section 5.9.3.4).
 * @param send one attempt; its argument is the time left, ms
 */
export async function patiently<T extends { readonly response: CoapResponse }>(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  send: (leftMs: number) => Promise<T>,
): Promise<T> {
  const endMs = clock.monotonic() + timeoutMs;
  for (let repetition = 0; ; repetition++) {
    const answer = await send(endMs - clock.monotonic());
    if (answer.response.code !== CODES.SERVICE_UNAVAILABLE || repetition === MOST_REPETITIONS) return answer;
    const { maxAgeSeconds } = answer.response;
    const waitMs = maxAgeSeconds === undefined ? PAUSE_MS : Math.max(1, maxAgeSeconds) * 1000;
    if (clock.monotonic() + waitMs >= endMs) return answer;
    await pause(clock, waitMs, signal);
  }
}
