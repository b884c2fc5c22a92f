/** Events: what a body may say and what is stored of it (platform API 10). */
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import type { JsonObject, Update } from "../store/collection.ts";
import { EVENTS, type EventDocument } from "../store/collections/platform.ts";
import { deleteOp, insertOp, updateOp, type WriteOp } from "../store/store.ts";
import { asObject, fragmentsOf, toJson } from "./body.ts";
import { fragmentChanges } from "./merge.ts";
import { OCCURRENCE_PROPERTIES, type OccurrenceBody, readOccurrence } from "./occurrence.ts";
import type { Fragments, PlatformEvent } from "./platform.ts";

const OWN = new Set(["id", "self", "source", "type", "text", "time", "creationTime", "lastUpdated"]);

const NEW_EVENT_SCHEMA: JsonSchema = {
  type: "object",
  required: ["source", "type", "text", "time"],
  properties: { ...OCCURRENCE_PROPERTIES, text: { type: "string" } },
};

const EVENT_CHANGE_SCHEMA: JsonSchema = { type: "object", properties: { text: { type: "string" } } };

const checkBody = compileSchema<OccurrenceBody & { readonly text: string }>(NEW_EVENT_SCHEMA);
const checkChange = compileSchema<{ readonly text?: string }>(EVENT_CHANGE_SCHEMA);

export interface NewEvent {
  readonly sourceId: string;
  readonly type: string;
  readonly text: string;
  readonly timeMs: number;
  readonly fragments: Fragments;
}

/** @throws MooringError VALIDATION */
export function parseEvent(body: unknown): NewEvent {
  const checked = checkBody(body);
  return { ...readOccurrence(checked, OWN), text: checked.text };
}

export const toEvent = (document: EventDocument): PlatformEvent => ({
  id: document._id,
  sourceId: document.source,
  type: document.type,
  text: document.text,
  timeMs: document.time,
  creationTimeMs: document.creationTime,
  lastUpdatedMs: document.lastUpdated,
  fragments: document.custom,
});

export function newEventDocument(tenant: string, id: string, event: NewEvent, nowMs: number): EventDocument {
  const { sourceId, type, text, timeMs, fragments } = event;
  return {
    _id: id,
    tenant,
    source: sourceId,
    type,
    text,
    time: timeMs,
    creationTime: nowMs,
    lastUpdated: nowMs,
    custom: toJson(fragments) as JsonObject,
  };
}

/** Stores an event unless its id is there already. */
export const eventOp = (tenant: string, id: string, event: NewEvent, nowMs: number): WriteOp =>
  insertOp(EVENTS, newEventDocument(tenant, id, event, nowMs));

/** Sets text and fragments of an event, if it is there; null removes a fragment. */
export const eventChangeOp = (tenant: string, id: string, changes: Fragments, nowMs: number): WriteOp =>
  updateOp(EVENTS, { _id: id, tenant }, eventChange(toJson(changes) as JsonObject, nowMs));

/** Removes an event, if it is there. */
export const eventDeleteOp = (tenant: string, id: string): WriteOp => deleteOp(EVENTS, { _id: id, tenant });

/** A PUT as an update: text and fragments change, the rest is ignored. @throws MooringError VALIDATION */
export function eventChange(body: Fragments, nowMs: number): Update<EventDocument> {
  const { text } = checkChange(asObject(body));
  const { $set, $unset } = fragmentChanges(fragmentsOf(body, OWN));
  return { $set: { ...$set, ...(text === undefined ? {} : { text }), lastUpdated: nowMs }, $unset };
}
