/** Which time each value of a message has (agent specification 16.3). */
import { formatPath } from "../lwm2m/path.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";

export interface MessageTimes {
  /** Per value of the message, in its order: ms since the epoch. */
  readonly atMs: readonly number[];
  /** The message holds several times of one resource. */
  readonly isHistory: boolean;
}

/** Reusable resources of the OMA registry. */
const TIMESTAMP = 5518;
const FRACTIONAL_TIMESTAMP = 6050;
const LOCATION = 6;
const LOCATION_TIMESTAMP = 5;
/** 9999-12-31T23:59:59.999Z, the last time that ISO 8601 says in four digits. */
const LATEST_MS = 253_402_300_799_999;

/** A device's clock may be anything; what is no date counts as not given. */
const usable = (ms: number | undefined): ms is number => ms !== undefined && ms >= 0 && ms <= LATEST_MS;

/** Whether one resource occurs with different times of its own. */
function isHistory(values: readonly ResourceValue[]): boolean {
  if (values.length < 2 || values.every(({ atMs }) => atMs === undefined)) return false;
  const seen = new Map<string, number | undefined>();
  for (const { path, atMs } of values) {
    const key = formatPath(path);
    if (seen.has(key) && seen.get(key) !== atMs) return true;
    seen.set(key, atMs);
  }
  return false;
}

/** Times that resources of the message give for the other resources of their object instance, by `object/instance`. */
function instanceTimes(values: readonly ResourceValue[]): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  const fractions = new Map<string, number>();
  for (const { path, value } of values) {
    const [objectId, instanceId, resourceId] = path;
    if (typeof value !== "number" && typeof value !== "bigint") continue;
    const key = `${objectId}/${instanceId}`;
    if (resourceId === TIMESTAMP) seconds.set(key, Number(value));
    else if (resourceId === FRACTIONAL_TIMESTAMP && value >= 0 && value <= 1) fractions.set(key, Number(value));
    else if (objectId === LOCATION && resourceId === LOCATION_TIMESTAMP && !seconds.has(key))
      seconds.set(key, Number(value));
  }
  const times = new Map<string, number>();
  for (const [key, whole] of seconds) {
    const ms = Math.round((whole + (fractions.get(key) ?? 0)) * 1000);
    if (usable(ms)) times.set(key, ms);
  }
  return times;
}

/**
 * With `sourceTimes`: the value's own time (SenML), else resource 5518 with 6050 of its instance, else resource 5 for object 6,
 * else the time of receipt. Without: the time of receipt, unless the message is a history: its values could not be told apart
 * by one time, so they keep their own.
 */
export function messageTimes(
  values: readonly ResourceValue[],
  receivedAtMs: number,
  sourceTimes: boolean,
): MessageTimes {
  const history = isHistory(values);
  if (!sourceTimes && !history) return { atMs: values.map(() => receivedAtMs), isHistory: false };
  const byInstance = sourceTimes ? instanceTimes(values) : new Map<string, number>();
  const timeOf = ({ atMs, path }: ResourceValue): number => {
    const own = atMs === undefined ? undefined : Math.round(atMs);
    return usable(own) ? own : (byInstance.get(`${path[0]}/${path[1]}`) ?? receivedAtMs);
  };
  return { atMs: values.map(timeOf), isHistory: history };
}
