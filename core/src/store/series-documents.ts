/** How measurements lie in collections. */
import type { CollectionSpec, Document, Filter, JsonObject } from "./collection.ts";
import { by, keyOf } from "./collections/keys.ts";
import type { Measurement, SeriesFilter, SupportedSeries } from "./series.ts";
import { invalid } from "./value-rules.ts";

export interface MeasurementDocument extends Document {
  readonly tenant: string;
  readonly source: string;
  readonly type: string;
  readonly time: number;
  /** `keyOf(fragment)` and `keyOf(fragment, series)` of all that it holds. */
  readonly names: readonly string[];
  readonly body: JsonObject;
}
export const MEASUREMENTS: CollectionSpec<MeasurementDocument> = {
  name: "measurements",
  fields: { tenant: "string", source: "string", type: "string", time: "time", names: "strings" },
  required: ["tenant", "source", "type", "time"],
  coarse: ["tenant"],
  indexes: [by("source", "time"), by("tenant", "time")],
  durability: "normal",
};

/** A series that a source has sent. `_id`: `keyOf(source, fragment, series)`. */
export interface SeriesNameDocument extends Document {
  readonly tenant: string;
  readonly source: string;
  readonly fragment: string;
  readonly series: string;
  readonly unit?: string;
}
export const SERIES_NAMES: CollectionSpec<SeriesNameDocument> = {
  name: "seriesNames",
  fields: { tenant: "string", source: "string", fragment: "string", series: "string", unit: "string" },
  required: ["tenant", "source"],
  indexes: [by("source", "_id")],
  durability: "normal",
};

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The series in a measurement's fragments (platform API 8.1). */
export function seriesOf(fragments: JsonObject): SupportedSeries[] {
  const found: SupportedSeries[] = [];
  for (const [fragment, members] of Object.entries(fragments)) {
    if (!isObject(members)) continue;
    for (const [series, member] of Object.entries(members)) {
      if (!isObject(member) || typeof member["value"] !== "number") continue;
      const unit = member["unit"];
      found.push({ fragment, series, ...(typeof unit === "string" && { unit }) });
    }
  }
  return found;
}

/** @throws MooringError VALIDATION for an id that is not 1 to 40 decimal digits */
export function measurementDocument(measurement: Measurement, series: readonly SupportedSeries[]): MeasurementDocument {
  const { id, tenant, source, type, timeMs, fragments } = measurement;
  if (!/^[0-9]{1,40}$/.test(id)) throw invalid("id", "must be 1 to 40 decimal digits");
  const names = Object.keys(fragments).map(fragment => keyOf(fragment));
  for (const each of series) names.push(keyOf(each.fragment, each.series));
  return { _id: id, tenant, source, type, time: timeMs, names, body: fragments };
}

export const measurementOf = ({ _id, tenant, source, type, time, body }: MeasurementDocument): Measurement => ({
  id: _id,
  tenant,
  source,
  type,
  timeMs: time,
  fragments: body,
});

export function measurementFilter(filter: SeriesFilter): Filter<MeasurementDocument> {
  const { tenant, source, type, fromMs, toMs, fragment, series } = filter;
  const name = fragment === undefined ? undefined : series === undefined ? keyOf(fragment) : keyOf(fragment, series);
  const time = { ...(fromMs !== undefined && { $gte: fromMs }), ...(toMs !== undefined && { $lte: toMs }) };
  return {
    tenant,
    ...(source !== undefined && { source }),
    ...(type !== undefined && { type }),
    ...(Object.keys(time).length > 0 && { time }),
    ...(name !== undefined && { names: name }),
  };
}
