/** Measurements: what a body may say and what is stored of it (platform API 8). */
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import type { Json, JsonObject } from "../store/collection.ts";
import type { Measurement as StoredMeasurement } from "../store/series.ts";
import { OCCURRENCE_PROPERTIES, type OccurrenceBody, readOccurrence } from "./occurrence.ts";
import type { Measurement } from "./platform.ts";

const OWN = new Set(["id", "self", "source", "type", "time"]);

const NEW_MEASUREMENT_SCHEMA: JsonSchema = {
  type: "object",
  required: ["source", "type", "time"],
  properties: OCCURRENCE_PROPERTIES,
};

const checkBody = compileSchema<OccurrenceBody>(NEW_MEASUREMENT_SCHEMA);

export type NewMeasurement = Omit<Measurement, "id">;

/** @throws MooringError VALIDATION */
export function parseMeasurement(body: unknown): NewMeasurement {
  const occurrence = readOccurrence(checkBody(body), OWN);
  return { ...occurrence, fragments: keepSeries(occurrence.fragments) };
}

/** A member of a fragment with a numeric `value`. */
const isSeries = (member: Json): member is JsonObject =>
  typeof member === "object" &&
  member !== null &&
  !Array.isArray(member) &&
  typeof (member as JsonObject)["value"] === "number";

/** An empty unit, or one that is no text, says nothing: the value is kept without it. */
function withUsableUnit(series: JsonObject): JsonObject {
  const { unit, ...rest } = series;
  return typeof unit === "string" && unit !== "" ? series : (rest as JsonObject);
}

/** Invalid series beside valid ones are dropped; a fragment with none is a plain property (platform API 8.2). */
function keepFragment(fragment: Json): Json {
  if (typeof fragment !== "object" || fragment === null || Array.isArray(fragment)) return fragment;
  const series = Object.entries(fragment as JsonObject).filter(([, member]) => isSeries(member));
  if (series.length === 0) return fragment;
  return Object.fromEntries(series.map(([name, member]) => [name, withUsableUnit(member as JsonObject)]));
}

function keepSeries(fragments: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fragments).map(([name, fragment]) => [name, keepFragment(fragment)]));
}

export const toMeasurement = (stored: StoredMeasurement): Measurement => ({
  id: stored.id,
  sourceId: stored.source,
  type: stored.type,
  timeMs: stored.timeMs,
  fragments: stored.fragments,
});

export const toStored = (
  tenant: string,
  { id, sourceId, type, timeMs, fragments }: Measurement,
): StoredMeasurement => ({
  id,
  tenant,
  source: sourceId,
  type,
  timeMs,
  fragments: fragments as JsonObject,
});
