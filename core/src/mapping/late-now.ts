/**
 * What stands of alarms and last values when payloads are decoded late: as the store has it, and as plans would leave it that are not carried
 * out, so that a comparison goes through the same states as the change would.
 */
import { openAlarmFilter } from "../platform/alarm.ts";
import { toLastValues } from "../platform/last-values.ts";
import { type Json, MAX_FIND_LIMIT } from "../store/collection.ts";
import { RAW_PAYLOADS, type RawPayloadDocument } from "../store/collections/decoding.ts";
import { keyOf } from "../store/collections/keys.ts";
import { ALARMS } from "../store/collections/platform.ts";
import { LAST_VALUES } from "../store/collections/values.ts";
import type { Store } from "../store/store.ts";
import type { MessageIdentity } from "./document-ids.ts";

/** What is known of an object instance of a device. */
export interface InstanceValues {
  /** Of the newest value. */
  readonly timeMs: number;
  /** By resource id. */
  readonly values: Readonly<Record<string, Json>>;
}

/** What plans that are not carried out would leave: alarms and object instances by their keys. */
export interface Foreseen {
  readonly open: Map<string, boolean>;
  readonly values: Map<string, InstanceValues>;
}

/** Of each kind; the longest known goes first, and is looked up in the store again. */
const MOST_FORESEEN = 50_000;

export const nothingForeseen = (): Foreseen => ({ open: new Map(), values: new Map() });

function remember<T>(all: Map<string, T>, more: ReadonlyMap<string, T>): void {
  for (const [key, value] of more) {
    all.delete(key);
    all.set(key, value);
    if (all.size > MOST_FORESEEN) all.delete(all.keys().next().value!);
  }
}

/** Adds what plans made on top of `all` would leave. */
export function foresee(all: Foreseen, more: Foreseen): void {
  remember(all.open, more.open);
  remember(all.values, more.values);
}

export const alarmKeyOf = (deviceId: string, type: string): string => openAlarmFilter(deviceId, type).activeKey;
export const instanceKeyOf = (deviceId: string, path: readonly number[]): string =>
  keyOf(deviceId, ...path.slice(0, 2).map(String));

type Documents = Pick<Store, "collection">;

/** Payloads of one path and millisecond that are told apart. */
const MOST_OF_ONE_TIME = 100;

interface PlacedPayload {
  readonly rawId: string;
  readonly message: MessageIdentity;
  readonly path: string;
}

/** Whether nothing newer came for the path. Of several values in one message the one with the latest time of its own. */
export async function isNewest(store: Documents, { rawId, message, path }: PlacedPayload): Promise<boolean> {
  const payloads = store.collection(RAW_PAYLOADS);
  const filter = { managedObject: message.deviceId, path };
  const [newest] = await payloads.find(filter, { sort: [["time", -1]], limit: 1 });
  if (!newest || newest._id === rawId) return true;
  if (newest.time !== message.receivedAtMs) return false;
  const together = await payloads.find({ ...filter, time: newest.time }, { limit: MOST_OF_ONE_TIME });
  const atMs = ({ details }: RawPayloadDocument): number => details["atMs"] as number;
  return together.reduce((last, one) => (atMs(one) >= atMs(last) ? one : last))._id === rawId;
}

/** @param read documents of at most {@link MAX_FIND_LIMIT} keys, each of which is that of one document */
async function inParts<T>(keys: readonly string[], read: (keys: readonly string[]) => Promise<T[]>): Promise<T[]> {
  const wanted = [...new Set(keys)];
  const found: T[] = [];
  for (let at = 0; at < wanted.length; at += MAX_FIND_LIMIT) {
    found.push(...(await read(wanted.slice(at, at + MAX_FIND_LIMIT))));
  }
  return found;
}

export interface LateNow {
  /** Whether an alarm is open. @param key of those that were read, as `alarmKeyOf` gives it */
  isOpen(key: string): boolean;
  setOpen(key: string, open: boolean): void;
  /** Undefined: none is known. @param key of those that were read, as `instanceKeyOf` gives it */
  valuesOf(key: string): InstanceValues | undefined;
  setValues(key: string, known: InstanceValues): void;
  /** What was set. */
  readonly leaves: Foreseen;
}

/** @param foreseen stands over what is stored, but for values that are newer */
export async function readNow(
  store: Documents,
  keys: { readonly alarms: readonly string[]; readonly instances: readonly string[] },
  foreseen: Foreseen,
): Promise<LateNow> {
  const limit = MAX_FIND_LIMIT;
  const [alarms, instances] = await Promise.all([
    inParts(keys.alarms, part => store.collection(ALARMS).find({ activeKey: { $in: part } }, { limit })),
    inParts(keys.instances, part => store.collection(LAST_VALUES).find({ _id: { $in: part } }, { limit })),
  ]);
  const open = new Set(alarms.map(({ activeKey }) => activeKey));
  const stored = new Map<string, InstanceValues>(
    instances.map(each => [each._id, { timeMs: each.time, values: toLastValues(each) }]),
  );
  const leaves = nothingForeseen();
  return {
    leaves,
    isOpen: key => leaves.open.get(key) ?? foreseen.open.get(key) ?? open.has(key),
    setOpen: (key, isOpen) => void leaves.open.set(key, isOpen),
    valuesOf(key) {
      const known = stored.get(key);
      const later = leaves.values.get(key) ?? foreseen.values.get(key);
      return later && later.timeMs >= (known?.timeMs ?? 0) ? later : known;
    },
    setValues: (key, known) => void leaves.values.set(key, known),
  };
}
