/**
 * Alarms and last values of payloads that are decoded later than they came. They tell of now, and later payloads may have said otherwise
 * since: the newest payload of a path speaks of alarms, the others are silent, and an open alarm stays as people know it; a last value is taken
 * where nothing of its object instance is newer. Planned one payload after the other, each on what those before it leave.
 */
import { sameJson } from "../base/same-json.ts";
import type { Effect } from "../contract/action.ts";
import type { MadeDocuments } from "../decoding/raw-payload.ts";
import { formatPath } from "../lwm2m/path.ts";
import { alarmClearOp, newAlarmOp } from "../platform/alarm.ts";
import { earlierValueOps, nextLastValue } from "../platform/last-values.ts";
import { inMaintenance } from "../platform/managed-object.ts";
import type { ManagedObject } from "../platform/platform.ts";
import type { Json } from "../store/collection.ts";
import type { Store, WriteOp } from "../store/store.ts";
import { alarmDocumentId, type MessageIdentity } from "./document-ids.ts";
import { type EffectOf, newAlarmOf } from "./effect-documents.ts";
import {
  alarmKeyOf,
  type Foreseen,
  type InstanceValues,
  instanceKeyOf,
  isNewest,
  type LateNow,
  readNow,
} from "./late-now.ts";

export interface LatePayload {
  readonly rawId: string;
  /** That its documents have their ids from. */
  readonly message: MessageIdentity;
  readonly object: ManagedObject;
  readonly path: string;
  readonly effects: readonly Effect[];
  /** Types of alarms that it would give another status, were it decoded when it came. */
  readonly statusTypes?: readonly string[];
  /** Type of the alarm of the host itself that ends with it. */
  readonly ends?: string;
  /** What it became when it was last decoded. */
  readonly made?: MadeDocuments;
}

/**
 * Why an alarm is left as it is. open: one of that type is open; its count, status and times are what the device reported and people did.
 * unmade: one is open of a type that this payload raised, and now it does not. done: the payload has said so before, and says it once. older:
 * a newer payload of the path came. maintenance: the device is in maintenance. notOpen: there is none to clear.
 */
export type LeftAlarm = "open" | "unmade" | "done" | "older" | "maintenance" | "notOpen";

export interface AlarmChange {
  readonly type: string;
  readonly outcome: "raised" | "cleared" | LeftAlarm;
}

export interface LastValueChange {
  /** `/3303/0/5700`, with the instance for a resource instance. */
  readonly resource: string;
  /** older: what is known of the object instance is newer, and stays. */
  readonly outcome: "added" | "changed" | "equal" | "older";
  /** Of the resource as a whole; absent: there is none. */
  readonly before?: Json;
  /** Absent where it is older. */
  readonly after?: Json;
}

export interface LatePlan {
  readonly alarms: readonly AlarmChange[];
  readonly lastValues: readonly LastValueChange[];
  readonly ops: readonly WriteOp[];
}

type AlarmEffect = EffectOf<"alarm">;

const alarmsOf = ({ effects }: LatePayload): AlarmEffect[] => effects.filter(effect => effect.kind === "alarm");
const valuesOf = ({ effects }: LatePayload): EffectOf<"lastValue">[] =>
  effects.filter(effect => effect.kind === "lastValue");

const isClearing = ({ status }: AlarmEffect): boolean => status === "CLEARED";

/** Types that the payload raised when it was last decoded, and does not now. */
function unmadeTypes(payload: LatePayload): string[] {
  const raises = new Set(alarmsOf(payload).flatMap(alarm => (isClearing(alarm) ? [] : [alarm.type])));
  const raised = (payload.made?.alarms ?? []).flatMap(note => /^(?:ACTIVE|ACKNOWLEDGED) (.*)$/s.exec(note)?.[1] ?? []);
  return [...new Set(raised)].filter(type => !raises.has(type));
}

const alarmTypes = (payload: LatePayload): string[] => [
  ...alarmsOf(payload).map(({ type }) => type),
  ...unmadeTypes(payload),
  ...(payload.statusTypes ?? []),
  ...(payload.ends === undefined ? [] : [payload.ends]),
];

const instanceKeys = (payload: LatePayload): string[] =>
  valuesOf(payload).map(({ path }) => instanceKeyOf(payload.message.deviceId, path));

const isDone = ({ made }: LatePayload, { status, type }: AlarmEffect): boolean =>
  made?.alarms.includes(`${status} ${type}`) ?? false;

function outcomeOf(payload: LatePayload, alarm: AlarmEffect, speaks: boolean, isOpen: boolean): AlarmChange["outcome"] {
  if (isDone(payload, alarm)) return "done";
  if (!isClearing(alarm) && inMaintenance(payload.object)) return "maintenance";
  if (!speaks) return "older";
  if (isClearing(alarm)) return isOpen ? "cleared" : "notOpen";
  return isOpen ? "open" : "raised";
}

function planAlarms(payload: LatePayload, speaks: boolean, now: LateNow, nowMs: number) {
  const { message, statusTypes = [], ends } = payload;
  const { tenant, deviceId } = message;
  const alarms: AlarmChange[] = [];
  const ops: WriteOp[] = [];
  const keyOf = (type: string): string => alarmKeyOf(deviceId, type);
  const clear = (type: string, id: string): void => {
    now.setOpen(keyOf(type), false);
    ops.push(alarmClearOp(deviceId, type, id, nowMs));
  };
  const leave = (types: readonly string[], outcome: LeftAlarm): void => {
    for (const type of types) if (now.isOpen(keyOf(type))) alarms.push({ type, outcome });
  };
  const all = alarmsOf(payload);
  for (const [place, alarm] of all.entries()) {
    const { type } = alarm;
    const id = alarmDocumentId(message, nowMs, place);
    const outcome = outcomeOf(payload, alarm, speaks, now.isOpen(keyOf(type)));
    alarms.push({ type, outcome });
    if (outcome === "cleared") clear(type, id);
    if (outcome !== "raised") continue;
    now.setOpen(keyOf(type), true);
    ops.push(newAlarmOp(tenant, id, newAlarmOf(message, alarm), nowMs));
  }
  leave(statusTypes, "open");
  leave(unmadeTypes(payload), "unmade");
  if (ends !== undefined && now.isOpen(keyOf(ends))) {
    alarms.push({ type: ends, outcome: "cleared" });
    clear(ends, alarmDocumentId(message, nowMs, all.length));
  }
  return { alarms, ops };
}

const NOTHING_KNOWN: InstanceValues = { timeMs: 0, values: {} };

function planValues(payload: LatePayload, now: LateNow) {
  const { tenant, deviceId } = payload.message;
  const lastValues: LastValueChange[] = [];
  const taken: EffectOf<"lastValue">[] = [];
  const known = new Set(instanceKeys(payload).filter(key => now.valuesOf(key)));
  for (const value of valuesOf(payload)) {
    const { path, atMs } = value;
    const key = instanceKeyOf(deviceId, path);
    const { timeMs, values } = now.valuesOf(key) ?? NOTHING_KNOWN;
    const id = String(path[2]);
    const before = values[id];
    const said = { resource: formatPath(path), ...(before !== undefined && { before }) };
    if (timeMs > atMs) {
      lastValues.push({ ...said, outcome: "older" });
      continue;
    }
    const after = nextLastValue(before, value);
    const outcome = before === undefined ? "added" : sameJson(before, after) ? "equal" : "changed";
    lastValues.push({ ...said, outcome, after });
    taken.push(value);
    now.setValues(key, { timeMs: atMs, values: { ...values, [id]: after } });
  }
  return { lastValues, ops: earlierValueOps(tenant, deviceId, taken, key => known.has(key)) };
}

/**
 * @param foreseen what plans would leave that are not carried out
 * @returns plans in order, and what they would leave
 */
export async function planLate(
  store: Pick<Store, "collection">,
  payloads: readonly LatePayload[],
  foreseen: Foreseen,
  nowMs: number,
): Promise<{ readonly plans: readonly LatePlan[]; readonly leaves: Foreseen }> {
  const alarms = payloads.flatMap(each => alarmTypes(each).map(type => alarmKeyOf(each.message.deviceId, type)));
  const instances = payloads.flatMap(instanceKeys);
  const [now, speaks] = await Promise.all([
    readNow(store, { alarms, instances }, foreseen),
    Promise.all(
      payloads.map(async each => alarmsOf(each).some(alarm => !isDone(each, alarm)) && (await isNewest(store, each))),
    ),
  ]);
  const plans = payloads.map((payload, at): LatePlan => {
    const { alarms, ops } = planAlarms(payload, speaks[at]!, now, nowMs);
    const { lastValues, ops: valueOps } = planValues(payload, now);
    return { alarms, lastValues, ops: [...ops, ...valueOps] };
  });
  return { plans, leaves: now.leaves };
}
