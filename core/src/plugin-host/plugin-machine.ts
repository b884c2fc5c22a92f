/** States of a plugin, as one table, and the rule by which failures end it. Pure. */

export type PluginStateName = "FOUND" | "STARTING" | "ACTIVE" | "DISABLED" | "FAULTY" | "STOPPED";

export interface PluginState {
  /** FOUND: may be active, and is not yet. DISABLED: by a person. FAULTY: cannot be active. STOPPED: failed too often. */
  readonly at: PluginStateName;
  /** Why it is FAULTY or STOPPED, or what it waits for while it is FOUND. */
  readonly fault?: string;
}

export type PluginEventName =
  | "enable" // a person wants it active, now
  | "disable" // a person wants it away
  | "start" // its code is run
  | "started" // its `activate` has ended
  | "fail" // it cannot be active: manifest, module or `activate`
  | "trip" // it failed too often
  | "wait"; // what it needs is not active (any more)

export interface PluginEvent {
  readonly kind: PluginEventName;
  readonly fault?: string;
}

const NEXT: Readonly<Record<PluginStateName, Readonly<Partial<Record<PluginEventName, PluginStateName>>>>> = {
  FOUND: { enable: "FOUND", disable: "DISABLED", start: "STARTING", fail: "FAULTY", wait: "FOUND" },
  STARTING: { started: "ACTIVE", fail: "FAULTY" },
  ACTIVE: { disable: "DISABLED", trip: "STOPPED", wait: "FOUND" },
  DISABLED: { enable: "FOUND", disable: "DISABLED" },
  FAULTY: { enable: "FOUND", disable: "DISABLED", fail: "FAULTY" },
  STOPPED: { enable: "FOUND", disable: "DISABLED" },
};

/** @returns undefined: the event is not for this state */
export function stepPlugin({ at }: PluginState, { kind, fault }: PluginEvent): PluginState | undefined {
  const next = NEXT[at][kind];
  return next && (fault === undefined ? { at: next } : { at: next, fault });
}

/** One failure of one place of a plugin: an action, a route ... */
export interface Failure {
  /** ms of a clock that never goes back. */
  readonly atMs: number;
  /** Calls of that place so far, this one included. */
  readonly calls: number;
}

export const FAILURE_LIMIT = 5;
export const FAILURE_WITHIN_MS = 60_000;
export const FAILURE_WITHIN_CALLS = 50;

/**
 * Five failures of one place within a minute and within 50 of its calls end the plugin: it is broken, or what it needs is. A few bad
 * payloads among many good ones do not.
 * @param recent the latest failures before, oldest first
 */
export function stepFailures(
  recent: readonly Failure[],
  failure: Failure,
): { readonly recent: readonly Failure[]; readonly isTooOften: boolean } {
  const kept = [...recent, failure].slice(-FAILURE_LIMIT);
  const [oldest] = kept as [Failure];
  const isTooOften =
    kept.length === FAILURE_LIMIT &&
    failure.atMs - oldest.atMs <= FAILURE_WITHIN_MS &&
    failure.calls - oldest.calls < FAILURE_WITHIN_CALLS;
  return { recent: kept, isTooOften };
}
