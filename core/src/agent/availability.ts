/** The interval within which a device must be heard (agent specification 6.5). */

import type { Registration } from "../lwm2m/registration/registration.ts";
import type { ManagedObject } from "../platform/platform.ts";

/** Minutes: the lifetime and two minutes more. */
export const requiredInterval = (lifetimeSeconds: number): number => Math.ceil(lifetimeSeconds / 60) + 2;

/**
 * What the device's `c8y_RequiredAvailability` should become after a Register or Update.
 * @param manageByDefault the host's setting, where the device has none
 * @returns undefined where it stays: not managed, without end, or right already
 */
export function availabilityChange(
  object: ManagedObject,
  { lifetimeSeconds }: Registration,
  manageByDefault: boolean,
): { readonly responseInterval: number } | undefined {
  const managed = object.fragments["autoManageAvailabilityRequiredInterval"] ?? manageByDefault;
  if (managed !== true || lifetimeSeconds === 0) return undefined;
  const required = object.fragments["c8y_RequiredAvailability"] as { readonly responseInterval?: unknown } | undefined;
  const before = required?.responseInterval;
  // 0 and less is maintenance (platform API 5.4): an operator began that and ends it.
  if (typeof before === "number" && before <= 0) return undefined;
  const responseInterval = requiredInterval(lifetimeSeconds);
  return before === responseInterval ? undefined : { responseInterval };
}
