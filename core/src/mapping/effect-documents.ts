/** What measurements and events of a message look like in the store. Pure. */
import type { Effect } from "../contract/action.ts";
import type { NewEvent } from "../platform/event.ts";
import type { JsonObject } from "../store/collection.ts";
import type { Measurement } from "../store/series.ts";
import type { MessageIdentity } from "./document-ids.ts";

type EffectOf<K extends Effect["kind"]> = Extract<Effect, { kind: K }>;
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
