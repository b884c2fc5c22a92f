/** Whether a device can be reached now (agent specification 6.4). Pure. */
import type { Registration } from "../registration/registration.ts";

/** MAX_TRANSMIT_WAIT: how long a device in Queue Mode stays reachable after a message (LwM2M Core 1.1.1 section 6.5, note on the awake time). */
const QUEUE_MODE_AWAKE_MS = 93_000;

/**
 * ms that the device stays awake after any message of its own; 0: always online. First of: the operator's setting, the device's own `at`,
 * the host's default, and for a device in Queue Mode that none of them speaks of the time that LwM2M names.
 */
export function awakeTimeOf(registration: Registration, defaultMs: number): number {
  const named = registration.settings.awakeTimeMs ?? registration.awakeTimeMs;
  if (named !== undefined) return named;
  return defaultMs === 0 && registration.queueMode ? QUEUE_MODE_AWAKE_MS : defaultMs;
}

export function isReachable(registration: Registration, silentForMs: number, defaultAwakeMs: number): boolean {
  const awakeMs = awakeTimeOf(registration, defaultAwakeMs);
  return awakeMs === 0 || silentForMs <= awakeMs;
}
