/**
 * What devices said, kept as it came: one row a message, written with what the message became. It holds all that is needed to map the
 * message once more (`remapping`). It stands in the way of every message, so a row is one short text.
 */
import { formatPath, type Lwm2mPath, parsePath } from "../lwm2m/path.ts";
import { isObjectLink, RESOURCE_TYPES, type ResourceValue, type ScalarValue } from "../lwm2m/resource-value.ts";
import type { ValueBatch, ValueSource } from "../lwm2m/server/value-batch.ts";
import type { Json } from "../store/collection.ts";
import { historyPlace, readHistoryId, VALUE_HISTORY, type ValueHistoryDocument } from "../store/collections/values.ts";
import { insertOp, updateOp, type WriteOp } from "../store/store.ts";
import type { MappingSettings } from "./device-settings.ts";
import type { Places } from "./document-ids.ts";

/** What of a message is kept beside its identity. */
export interface Said extends Pick<ValueBatch, "source" | "requestPath" | "compositePaths"> {
  /** As `keepableValues` gives them; undefined: they were too long to be kept. */
  readonly values: readonly ResourceValue[] | undefined;
  /** As they were when it came. */
  readonly settings: MappingSettings;
  readonly inMaintenance: boolean;
  /** Earlier values that default handlers were given with it. */
  readonly earlier: readonly EarlierValue[];
}

export type EarlierValue = readonly [path: Lwm2mPath, value: ScalarValue];

/** A message and what it became. */
export interface KeptMessage extends Said {
  /** Of its row. */
  readonly id: string;
  readonly deviceId: string;
  readonly messageKey: string;
  readonly receivedAtMs: number;
  readonly appliedAtMs: number;
  readonly places: Places;
  /** Types of alarms that were made of it afterwards, under ids of `historyAlarmId`. */
  readonly laterAlarms: readonly string[];
}

type Identity = Pick<KeptMessage, "deviceId" | "messageKey" | "receivedAtMs">;

/** Characters of a row; what is longer, such as a file that was read, is kept without its values. */
const LONGEST_ROW = 250_000;
const SOURCES: readonly ValueSource[] = ["NOTIFICATION", "SEND", "OBSERVATION_RESPONSE", "READ_RESPONSE"];
const TYPE_NUMBERS = new Map(RESOURCE_TYPES.map((type, at) => [type, at]));
const SOURCE_TIMES = 1;
const DEFAULT_HANDLERS = 2;
const IN_MAINTENANCE = 4;

type Written = string | number | boolean | { readonly [kind: string]: Json };

/** JSON has no bytes, no large integers and not every number. */
function writeValue(value: ScalarValue): Written {
  if (typeof value === "number")
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { n: numberText(value) };
  if (typeof value !== "object") return typeof value === "bigint" ? { i: String(value) } : value;
  if (isObjectLink(value)) return { l: [value.objectId, value.instanceId] };
  return { b: Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64") };
}

const numberText = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

function readValue(written: Written): ScalarValue {
  if (typeof written !== "object") return written;
  const { n, i, l, b } = written as { n?: string; i?: string; l?: [number, number]; b?: string };
  if (n !== undefined) return Number(n);
  if (i !== undefined) return BigInt(i);
  if (l !== undefined) return { objectId: l[0], instanceId: l[1] };
  return new Uint8Array(Buffer.from(b!, "base64"));
}

type WrittenValue = readonly [path: string, type: number, value: Written, atMs?: number];
type Row = readonly [
  source: number,
  appliedAfterMs: number,
  flags: number,
  places: readonly [measurement: number, event: number, alarm: number, decode: number, ...laterAlarms: string[]],
  requested: string | readonly string[],
  values: readonly WrittenValue[] | null,
  ...earlier: readonly (readonly [path: string, value: Written])[],
];

function writeOne({ path, type, value, atMs }: ResourceValue): WrittenValue {
  const number = TYPE_NUMBERS.get(type)!;
  return atMs === undefined
    ? [path.join("/"), number, writeValue(value)]
    : [path.join("/"), number, writeValue(value), atMs];
}

function readOne([path, type, value, atMs]: WrittenValue): ResourceValue {
  const read = { path: parsePath(path), type: RESOURCE_TYPES[type]!, value: readValue(value) };
  return atMs === undefined ? read : { ...read, atMs };
}

function rowOf(
  { receivedAtMs }: Identity,
  said: Said,
  appliedAtMs: number,
  places: Places,
  laterAlarms: readonly string[] = [],
): Row {
  const { source, requestPath, compositePaths, values, settings, earlier } = said;
  const flags =
    (settings.sourceTimes ? SOURCE_TIMES : 0) +
    (settings.defaultHandlers ? DEFAULT_HANDLERS : 0) +
    (said.inMaintenance ? IN_MAINTENANCE : 0);
  return [
    SOURCES.indexOf(source),
    appliedAtMs - receivedAtMs,
    flags,
    [places.measurement, places.event, places.alarm, places.decode, ...laterAlarms],
    compositePaths ? compositePaths.map(formatPath) : requestPath.join("/"),
    values ? values.map(writeOne) : null,
    ...earlier.map(([path, value]) => [path.join("/"), writeValue(value)] as const),
  ];
}

/** The write that keeps a message; once, however often it is done. */
export function keepMessageOp(message: Identity, said: Said, appliedAtMs: number, places: Places): WriteOp {
  const { deviceId, messageKey, receivedAtMs } = message;
  let text = JSON.stringify(rowOf(message, said, appliedAtMs, places));
  if (text.length > LONGEST_ROW)
    text = JSON.stringify(rowOf(message, { ...said, values: undefined }, appliedAtMs, places));
  return insertOp(VALUE_HISTORY, { _id: `${historyPlace(deviceId, receivedAtMs)}/${messageKey}`, message: text });
}

/** Names alarms that are made of a message afterwards. */
export const laterAlarmsOp = (message: KeptMessage, laterAlarms: readonly string[]): WriteOp => {
  const row = rowOf(message, message, message.appliedAtMs, message.places, laterAlarms);
  return updateOp(VALUE_HISTORY, { _id: message.id }, { $set: { message: JSON.stringify(row) } });
};

export function readMessage({ _id: id, message }: ValueHistoryDocument): KeptMessage {
  const [receivedAtMs, deviceId, messageKey] = readHistoryId(id);
  const [source, appliedAfterMs, flags, places, requested, values, ...earlier] = JSON.parse(message) as Row;
  const [measurement, event, alarm, decode, ...laterAlarms] = places;
  return {
    id,
    deviceId,
    messageKey,
    receivedAtMs,
    source: SOURCES[source]!,
    appliedAtMs: receivedAtMs + appliedAfterMs,
    settings: { sourceTimes: (flags & SOURCE_TIMES) > 0, defaultHandlers: (flags & DEFAULT_HANDLERS) > 0 },
    inMaintenance: (flags & IN_MAINTENANCE) > 0,
    places: { measurement, event, alarm, decode },
    laterAlarms,
    requestPath: typeof requested === "string" ? parsePath(requested) : [],
    compositePaths: typeof requested === "string" ? undefined : requested.map(parsePath),
    values: values?.map(readOne),
    earlier: earlier.map(([path, value]) => [parsePath(path), readValue(value)]),
  };
}
