/**
 * Alarms and last values of a payload that is decoded later than it came. They tell of now, and later payloads may have said otherwise
 * since: the newest payload of a path speaks, the others are silent.
 */
import type { Effect } from "../contract/action.ts";
import type { MadeDocuments } from "../decoding/raw-payload.ts";
import { formatPath } from "../lwm2m/path.ts";
import { alarmOp, openAlarmFilter } from "../platform/alarm.ts";
import { lastValueOps } from "../platform/last-values.ts";
import { inMaintenance } from "../platform/managed-object.ts";
import type { ManagedObject } from "../platform/platform.ts";
import { RAW_PAYLOADS, type RawPayloadDocument } from "../store/collections/decoding.ts";
import { keyOf } from "../store/collections/keys.ts";
import { ALARMS } from "../store/collections/platform.ts";
import { LAST_VALUES } from "../store/collections/values.ts";
import type { Store, WriteOp } from "../store/store.ts";
import { alarmDocumentId, type MessageIdentity } from "./document-ids.ts";
import { type EffectOf, newAlarmOf } from "./effect-documents.ts";

export interface LatePayload {
  readonly rawId: string;
  /** That its documents have their ids from. */
  readonly message: MessageIdentity;
  readonly object: ManagedObject;
  readonly path: string;
  readonly effects: readonly Effect[];
  /** What it became when it was last decoded. */
  readonly made?: MadeDocuments;
}

type Documents = Pick<Store, "collection">;

/** Payloads of one path and millisecond that are told apart. */
const MOST_OF_ONE_TIME = 100;

/** Whether nothing newer came for the path. Of several values in one message the one with the latest time of its own. */
async function isNewest(store: Documents, { rawId, message, path }: LatePayload): Promise<boolean> {
  const payloads = store.collection(RAW_PAYLOADS);
  const filter = { managedObject: message.deviceId, path };
  const [newest] = await payloads.find(filter, { sort: [["time", -1]], limit: 1 });
  if (!newest || newest._id === rawId) return true;
  if (newest.time !== message.receivedAtMs) return false;
  const together = await payloads.find({ ...filter, time: newest.time }, { limit: MOST_OF_ONE_TIME });
  const atMs = ({ details }: RawPayloadDocument): number => details["atMs"] as number;
  return together.reduce((last, one) => (atMs(one) >= atMs(last) ? one : last))._id === rawId;
}

/** An alarm that is open stays as it is: its count says how often a device reported it, not how often that was decoded. */
async function changesAlarm(store: Documents, deviceId: string, { type, status }: EffectOf<"alarm">): Promise<boolean> {
  if (status === "CLEARED") return true;
  return (await store.collection(ALARMS).findOne(openAlarmFilter(deviceId, type))) === undefined;
}

async function alarmOps(store: Documents, payload: LatePayload, nowMs: number): Promise<WriteOp[]> {
  const { message, object, effects, made } = payload;
  const { tenant, deviceId } = message;
  const done = new Set(made?.alarms);
  const alarms = effects
    .filter(effect => effect.kind === "alarm")
    .filter(({ type, status }) => !done.has(`${status} ${type}`))
    .filter(({ status }) => status === "CLEARED" || !inMaintenance(object));
  if (alarms.length === 0 || !(await isNewest(store, payload))) return [];
  const ops: WriteOp[] = [];
  for (const [place, alarm] of alarms.entries()) {
    if (!(await changesAlarm(store, deviceId, alarm))) continue;
    ops.push(alarmOp(tenant, alarmDocumentId(message, nowMs, place), newAlarmOf(message, alarm), nowMs));
  }
  return ops;
}

/** Only where nothing of the object instance is newer than the payload. */
async function valueOps(store: Documents, { message, effects }: LatePayload): Promise<WriteOp[]> {
  const { tenant, deviceId } = message;
  const values = effects.filter(effect => effect.kind === "lastValue");
  if (values.length === 0) return [];
  const instanceOf = ({ path }: EffectOf<"lastValue">): string => formatPath(path.slice(0, 2));
  const ids = new Map(values.map(value => [instanceOf(value), keyOf(deviceId, ...value.path.slice(0, 2).map(String))]));
  const stored = await store.collection(LAST_VALUES).find({ _id: { $in: [...ids.values()] } }, { limit: ids.size });
  const newest = new Map(stored.map(({ _id, time }) => [_id, time]));
  const current = values.filter(value => (newest.get(ids.get(instanceOf(value))!) ?? 0) <= value.atMs);
  return current.length > 0 ? lastValueOps(tenant, deviceId, current) : [];
}

/** @returns the writes for alarms and last values that the payload still has a say in */
export async function lateOps(store: Documents, payload: LatePayload, nowMs: number): Promise<WriteOp[]> {
  return [...(await alarmOps(store, payload, nowMs)), ...(await valueOps(store, payload))];
}
