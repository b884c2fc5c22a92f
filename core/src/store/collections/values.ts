/** Values of devices before mapping: the last ones, and what messages said. */
import type { CollectionSpec, Document, JsonObject } from "../collection.ts";
import { by } from "./keys.ts";

/** The last known values of an object instance. `_id`: `keyOf(managedObject, object, instance)`. */
export interface LastValuesDocument extends Document {
  readonly tenant: string;
  readonly managedObject: string;
  readonly object: number;
  readonly instance: number;
  /** Of the newest value. */
  readonly time: number;
  /** By resource id: what is one value. */
  readonly values?: JsonObject;
  /** By resource id: what has instances, by instance id. Kept apart, so that one form can follow the other. */
  readonly instances?: JsonObject;
}
export const LAST_VALUES: CollectionSpec<LastValuesDocument> = {
  name: "lastValues",
  fields: { tenant: "string", managedObject: "string", object: "int", instance: "int", time: "time" },
  required: ["tenant", "managedObject", "object", "instance", "time"],
  indexes: [by("managedObject", "_id")],
  durability: "normal",
};

/**
 * What one message of a device said, before mapping (`mapping/value-history.ts`). `_id`: day and time of receipt, device and message,
 * so that a device's day is one range and what is old lies at the beginning.
 */
export interface ValueHistoryDocument extends Document {
  /** JSON. */
  readonly message: string;
}
export const VALUE_HISTORY: CollectionSpec<ValueHistoryDocument> = {
  name: "valueHistory",
  fields: { message: "string" },
  required: ["message"],
  indexes: [],
  clustered: true,
  durability: "normal",
};

const DAY_MS = 86_400_000;
const DAY_DIGITS = 6;
const MS_DIGITS = 8;

/** Before the ids of all rows of a day. */
export const historyDay = (atMs: number): string => String(Math.floor(atMs / DAY_MS)).padStart(DAY_DIGITS, "0");
/** The day in an id of a row. */
export const historyDayOf = (id: string): string => id.slice(0, DAY_DIGITS);
/** Before the ids of a device's rows of that day. */
export const historyPrefix = (day: string, deviceId: string): string => `${day}/${deviceId}/`;
/** Before the ids of a device's rows of that very time: an id is this, `/`, and the message's key. */
export const historyPlace = (deviceId: string, atMs: number): string =>
  historyPrefix(historyDay(atMs), deviceId) + String(atMs % DAY_MS).padStart(MS_DIGITS, "0");
/** Ids of a device's rows between two times of one day, both inclusive. */
export const historyRange = (
  deviceId: string,
  fromMs: number,
  toMs: number,
): { readonly $gte: string; readonly $lt: string } => ({
  $gte: historyPlace(deviceId, fromMs),
  $lt: historyPrefix(historyDay(toMs), deviceId) + String((toMs % DAY_MS) + 1).padStart(MS_DIGITS, "0"),
});

/** Time of receipt, device and message key of an id. */
export function readHistoryId(id: string): readonly [receivedAtMs: number, deviceId: string, messageKey: string] {
  const [day, deviceId, ms, ...key] = id.split("/");
  return [Number(day) * DAY_MS + Number(ms), deviceId!, key.join("/")];
}
