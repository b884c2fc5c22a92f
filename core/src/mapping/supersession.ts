/**
 * A message that is mapped or decoded once more: the measurements and events that it makes now take the places of those that it
 * made before. Ids say which those are (`document-ids.ts`), so nothing of another message is touched; and what is stored is compared,
 * not remembered, so a write that was cut short is made good by the next, and a repetition writes nothing.
 */
import { sameJson } from "../base/same-json.ts";
import type { Effect } from "../contract/action.ts";
import { eventDeleteOp, newEventDocument } from "../platform/event.ts";
import { formatTime } from "../platform/time.ts";
import { type JsonObject, MAX_FIND_LIMIT } from "../store/collection.ts";
import { EVENTS, type EventDocument } from "../store/collections/platform.ts";
import type { Measurement } from "../store/series.ts";
import { appendOp, insertOp, removeOp, type Store, updateOp, type WriteOp } from "../store/store.ts";
import { documentId, type MessageIdentity } from "./document-ids.ts";
import { measurementOf, newEventOf } from "./effect-documents.ts";
import { readMade, type Shelf } from "./made-documents.ts";

export interface SupersedingMessage {
  readonly message: MessageIdentity;
  /** What it makes now; other kinds than measurements and events are not looked at. */
  readonly effects: readonly Effect[];
  /** How many documents it is known to have made before. */
  readonly made?: { readonly measurements: number; readonly events: number };
}

/** One place. Documents as `{type, time, text, <fragments>}`, without what the host alone says of them. */
export interface PlaceChange {
  readonly kind: "measurement" | "event";
  /** From 0. */
  readonly place: number;
  readonly id: string;
  /** Absent: there was none. */
  readonly before?: JsonObject;
  /** Absent: there is none any more. */
  readonly after?: JsonObject;
}

export interface Supersession {
  /** Every place that holds a document, before or after; measurements first. */
  readonly places: readonly PlaceChange[];
  /** Makes it so; none where everything stands as it shall. */
  readonly ops: readonly WriteOp[];
}

const REMOVED_AT_ONCE = 1000;

/** A place with the documents as the store has them. */
interface Place<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
  readonly shown: PlaceChange;
}

const showMeasurement = ({ type, timeMs, fragments }: Measurement): JsonObject => ({
  type,
  time: formatTime(timeMs),
  ...fragments,
});

const showEvent = ({ type, text, time, custom }: EventDocument): JsonObject => ({
  type,
  time: formatTime(time),
  text,
  ...custom,
});

function placesOf<T>(
  { message, kind, documents }: Shelf<T>,
  stored: ReadonlyMap<string, T>,
  show: (document: T) => JsonObject,
): Place<T>[] {
  const places: Place<T>[] = [];
  for (let place = 0, left = stored.size; place < documents.length || left > 0; place++) {
    const id = documentId(message, kind, place);
    const [before, after] = [stored.get(id), documents[place]];
    if (before) left--;
    if (!before && !after) continue;
    const shown = { ...(before && { before: show(before) }), ...(after && { after: show(after) }) };
    places.push({ before, after, shown: { kind, place, id, ...shown } });
  }
  return places;
}

const differs = ({ shown: { before, after } }: Place<unknown>): boolean => !sameJson(before, after);

function measurementOps({ tenant }: MessageIdentity, places: readonly Place<Measurement>[]): WriteOp[] {
  const removed = places.flatMap(({ before }) => (before ? [before.id] : []));
  const appended = places.flatMap(({ after }) => (after ? [appendOp(after)] : []));
  const removals: WriteOp[] = [];
  for (let at = 0; at < removed.length; at += REMOVED_AT_ONCE) {
    removals.push(removeOp(tenant, removed.slice(at, at + REMOVED_AT_ONCE)));
  }
  return [...removals, ...appended];
}

function eventOp({ tenant }: MessageIdentity, { before, after, shown: { id } }: Place<EventDocument>): WriteOp {
  if (!after) return eventDeleteOp(tenant, id);
  if (!before) return insertOp(EVENTS, after);
  const { type, text, time, custom, lastUpdated } = after;
  return updateOp(EVENTS, { _id: id, tenant }, { $set: { type, text, time, custom, lastUpdated } });
}

function shelvesOf({ message, effects, made }: SupersedingMessage, nowMs: number) {
  const measurements: Measurement[] = [];
  const events: EventDocument[] = [];
  for (const effect of effects) {
    if (effect.kind === "measurement") {
      measurements.push(measurementOf(message, effect, documentId(message, "measurement", measurements.length)));
    } else if (effect.kind === "event") {
      const id = documentId(message, "event", events.length);
      events.push(newEventDocument(message.tenant, id, newEventOf(message, effect), nowMs));
    }
  }
  const { measurements: measuredBefore = 0, events: toldBefore = 0 } = made ?? {};
  return {
    measured: { message, kind: "measurement", documents: measurements, known: measuredBefore } as const,
    told: { message, kind: "event", documents: events, known: toldBefore } as const,
  };
}

/** @returns what becomes of each message's documents, in order; nothing is written */
export async function planSupersessions(
  store: Pick<Store, "series" | "collection">,
  messages: readonly SupersedingMessage[],
  nowMs: number,
): Promise<Supersession[]> {
  const eventDocuments = store.collection(EVENTS);
  const shelves = messages.map(each => shelvesOf(each, nowMs));
  const [measurements, events] = await Promise.all([
    readMade(
      shelves.map(({ measured }) => measured),
      async (tenant, ids) => new Map((await store.series.getMany(tenant, ids)).map(each => [each.id, each])),
    ),
    readMade(
      shelves.map(({ told }) => told),
      async (tenant, ids) => {
        const found = await eventDocuments.find({ _id: { $in: ids }, tenant }, { limit: MAX_FIND_LIMIT });
        return new Map(found.map(each => [each._id, each]));
      },
    ),
  ]);
  return shelves.map(({ measured, told }, at) => {
    const { message } = measured;
    const measuredPlaces = placesOf(measured, measurements[at]!, showMeasurement);
    const toldPlaces = placesOf(told, events[at]!, showEvent);
    return {
      places: [...measuredPlaces, ...toldPlaces].map(({ shown }) => shown),
      ops: [
        ...measurementOps(message, measuredPlaces.filter(differs)),
        ...toldPlaces.filter(differs).map(place => eventOp(message, place)),
      ],
    };
  });
}
