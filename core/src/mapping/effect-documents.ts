/** What measurements, events and alarms of a message look like in the store. Pure. */
import type { Effect } from "../contract/action.ts";
import type { NewAlarm } from "../platform/alarm.ts";
import type { NewEvent } from "../platform/event.ts";
import type { JsonObject } from "../store/collection.ts";
import type { Measurement } from "../store/series.ts";
import type { MessageIdentity } from "./document-ids.ts";

export type EffectOf<K extends Effect["kind"]> = Extract<Effect, { kind: K }>;
type Origin = Pick<MessageIdentity, "tenant" | "deviceId">;

export const measurementOf = (
  { tenant, deviceId: source }: Origin,
  { type, atMs: timeMs, series, properties }: EffectOf<"measurement">,
  id: string,
): Measurement => {
  const fragments = (properties ? { ...properties, ...series } : series) as JsonObject;
  return { id, tenant, source, type, timeMs, fragments };
};

export const newEventOf = (
  { deviceId: sourceId }: Origin,
  { type, text, atMs: timeMs, properties: fragments = {} }: EffectOf<"event">,
): NewEvent => ({ sourceId, type, text, timeMs, fragments });

export const newAlarmOf = (
  { deviceId: sourceId }: Origin,
  { type, text, severity, status, atMs: timeMs, properties: fragments = {} }: EffectOf<"alarm">,
): NewAlarm => ({ sourceId, type, text, severity, status, timeMs, fragments });
