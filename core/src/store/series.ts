/** Measurements: documents by source and time, inserted once, never changed. Platform API 8. */
import type { JsonObject } from "./collection.ts";

export interface Measurement {
  /**
   * Decimal digits, 1 to 40, given by the caller and the same for the same measurement, so that a replay stores once.
   * Ids that begin with the time keep inserts at the end of the index: see {@link measurementId} in `measurement-id.ts`.
   */
  readonly id: string;
  readonly tenant: string;
  /** Id of the managed object. */
  readonly source: string;
  readonly type: string;
  readonly timeMs: number;
  /** Fragments and other properties, by name: `{c8y_Temperature: {T: {value: 21.5, unit: "C"}}}`. */
  readonly fragments: JsonObject;
}

/** `{fragment: "c8y_Temperature", series: "T"}`: a member of a fragment with a numeric `value` (platform API 8.1). */
export interface SeriesName {
  readonly fragment: string;
  readonly series: string;
}

export interface SupportedSeries extends SeriesName {
  readonly unit?: string;
}

export interface SeriesFilter {
  readonly tenant: string;
  readonly source?: string;
  readonly type?: string;
  /** Inclusive. */
  readonly fromMs?: number;
  /** Inclusive. */
  readonly toMs?: number;
  /** A top-level fragment, with series in it or not. */
  readonly fragment?: string;
  /** A series of `fragment`. */
  readonly series?: string;
}

/** Place of a measurement in the order of a query. */
export interface SeriesPlace {
  readonly timeMs: number;
  readonly id: string;
}

export interface SeriesQuery extends SeriesFilter {
  readonly order: "oldestFirst" | "newestFirst";
  /** 1 to 5000. */
  readonly limit: number;
  readonly skip?: number;
  readonly after?: SeriesPlace;
}

export interface AggregateQuery extends SeriesFilter {
  readonly source: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Which series; at least one, at most 100. */
  readonly of: readonly SeriesName[];
  /** Width of a bucket; buckets begin at multiples of it since the epoch plus `originMs`. */
  readonly bucketMs: number;
  readonly originMs?: number;
  readonly order: "oldestFirst" | "newestFirst";
  /** At most so many buckets, 1 to 5000. */
  readonly limit: number;
}

/** Enough for min, max, avg, sum, count and both standard deviations. Buckets without values do not appear. */
export interface SeriesBucket {
  readonly startMs: number;
  /** One per asked series, in order; undefined where it has no value here. */
  readonly values: readonly (
    | {
        readonly count: number;
        readonly min: number;
        readonly max: number;
        readonly sum: number;
        readonly sumOfSquares: number;
      }
    | undefined
  )[];
}

export interface SeriesStore {
  /** Inserts what is not there; resolves when all is stored. */
  append(
    measurements: readonly Measurement[],
  ): Promise<{ readonly inserted: number; readonly duplicates: readonly number[] }>;
  get(tenant: string, id: string): Promise<Measurement | undefined>;
  /** Those that are there, in no given order. @param ids at most 5000 */
  getMany(tenant: string, ids: readonly string[]): Promise<Measurement[]>;
  query(query: SeriesQuery): Promise<Measurement[]>;
  stream(filter: SeriesFilter & { readonly order: "oldestFirst" | "newestFirst" }): AsyncIterable<Measurement>;
  count(filter: SeriesFilter, cap?: number): Promise<number>;
  /** The newest measurement that holds the series, or the newest of all. */
  latest(tenant: string, source: string, of?: SeriesName): Promise<Measurement | undefined>;
  aggregate(query: AggregateQuery): Promise<SeriesBucket[]>;
  /** All series that the source ever sent, by fragment and name. */
  supportedSeries(tenant: string, source: string): Promise<SupportedSeries[]>;
  /** @returns whether it was there */
  deleteOne(tenant: string, id: string): Promise<boolean>;
  /** Deletes at most `limit` of the matching. @returns how many; call again while it is `limit` */
  delete(filter: SeriesFilter, limit: number): Promise<number>;
  /** Retention: deletes at most `limit` of a tenant's measurements older than `timeMs`. @returns how many */
  deleteBefore(tenant: string, timeMs: number, limit: number): Promise<number>;
  /** Forgets the series names of a deleted source. */
  forget(tenant: string, source: string): Promise<void>;
}
