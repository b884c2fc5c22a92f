/** Alarms of the mapping itself, which clear themselves with the next good value (agent specification 15.3). */
import type { Effect } from "../contract/action.ts";
import { formatPath } from "../lwm2m/path.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";
import { toJsonValue } from "./value-conversion.ts";

const NO_MAPPING = "c8y_LWM2MNoMapping_";
const MAPPING_FAILURE = "c8y_LWM2MMappingFailure_";

/** What the types of these alarms begin with, for whoever looks for open ones. */
export const FAILURE_ALARM_PREFIXES: readonly string[] = [NO_MAPPING, MAPPING_FAILURE];

export const isFailureAlarm = (type: string): boolean => FAILURE_ALARM_PREFIXES.some(prefix => type.startsWith(prefix));

export const noMappingAlarmType = (objectId: number): string => `${NO_MAPPING}${objectId}`;

export interface FailureAlarms {
  /** A value of an object without any DDF. */
  noMapping(objectId: number, atMs: number): void;
  /** A value of an object that has one. */
  mapped(objectId: number, atMs: number): void;
  /** A measurement mapping met a value that is no number. */
  notNumeric(value: ResourceValue, atMs: number): void;
  numeric(value: ResourceValue, atMs: number): void;
  effects(): Effect[];
}

interface Found {
  readonly bad: boolean;
  readonly text: string;
  readonly severity: "WARNING" | "MINOR";
  readonly atMs: number;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** @param open types of this kind that are known to be open for the device: only those are cleared */
export function createFailureAlarms(open: ReadonlySet<string>): FailureAlarms {
  const found = new Map<string, Found>();
  // One bad value makes the message's finding bad, whatever its other values are.
  const note = (type: string, finding: Found): void => {
    if (!found.get(type)?.bad) found.set(type, finding);
  };
  const good = (type: string, severity: Found["severity"], atMs: number): void => {
    if (open.has(type)) note(type, { bad: false, text: "The cause is gone", severity, atMs });
  };
  const typeOf = ({ path }: ResourceValue): string => `${MAPPING_FAILURE}${path[0]}_${path[2]}`;
  return {
    noMapping(objectId, atMs) {
      const text = `No mapping known for LwM2M object /${objectId}`;
      note(noMappingAlarmType(objectId), { bad: true, text, severity: "WARNING", atMs });
    },
    mapped(objectId, atMs) {
      if (open.size > 0) good(noMappingAlarmType(objectId), "WARNING", atMs);
    },
    notNumeric(value, atMs) {
      const path = formatPath(value.path);
      const text = `Value of ${path} is not numeric or Boolean; no measurement created`;
      const properties = { lwm2m: { path, value: toJsonValue(value.value) } };
      note(typeOf(value), { bad: true, text, severity: "MINOR", atMs, properties });
    },
    numeric(value, atMs) {
      if (open.size > 0) good(typeOf(value), "MINOR", atMs);
    },
    effects: () =>
      [...found].map(
        ([type, { bad, ...rest }]): Effect => ({ kind: "alarm", type, status: bad ? "ACTIVE" : "CLEARED", ...rest }),
      ),
  };
}
