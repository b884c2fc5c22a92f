/** The interval within which a device must be heard (agent specification 6.5), and what its object shows of it (platform API 5.4, 5.5). Pure. */
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Fragments, ManagedObject } from "../platform/platform.ts";

export type DataStatus = "AVAILABLE" | "UNAVAILABLE" | "MAINTENANCE";

export interface Availability {
  /** ms since the epoch; undefined: never heard. */
  readonly lastMessageMs: number | undefined;
  /** Minutes; 0 and less is maintenance. */
  readonly interval: number;
  readonly dataStatus: DataStatus;
  readonly connectionStatus: "CONNECTED" | "DISCONNECTED" | "MAINTENANCE";
}

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

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Fragments)[name] : undefined;

/** Minutes; 0 and less: maintenance; undefined: not monitored. */
export function intervalOf(fragments: Fragments): number | undefined {
  const interval = memberOf(fragments["c8y_RequiredAvailability"], "responseInterval");
  return typeof interval === "number" && Number.isFinite(interval) ? interval : undefined;
}

/** ms since the epoch. */
export function lastMessageOf(fragments: Fragments): number | undefined {
  const ms = Date.parse(String(memberOf(fragments["c8y_Availability"], "lastMessage")));
  return Number.isNaN(ms) ? undefined : ms;
}

export const statusOf = (fragments: Fragments): unknown => memberOf(fragments["c8y_Availability"], "status");
export const connectionOf = (fragments: Fragments): unknown => memberOf(fragments["c8y_Connection"], "status");
