/** `SeriesStore` over the collections of `series-documents.ts`. */

import { foldBuckets } from "./aggregate.ts";
import { type DocumentCollection, type Filter, type Json, MAX_FIND_LIMIT, pathOf, type Sort } from "./collection.ts";
import { keyOf } from "./collections/keys.ts";
import { checkCount, parseFilter } from "./condition.ts";
import { deleteCommand, insertCommand, runAll } from "./create-collection.ts";
import type { Command, Engine } from "./engine.ts";
import { parsePath } from "./path.ts";
import type {
  AggregateQuery,
  Measurement,
  SeriesBucket,
  SeriesName,
  SeriesQuery,
  SeriesStore,
  SupportedSeries,
} from "./series.ts";
import {
  type MeasurementDocument,
  measurementDocument,
  measurementFilter,
  measurementOf,
  type SeriesNameDocument,
  seriesOf,
} from "./series-documents.ts";
import type { Shape } from "./shape.ts";
import { invalid } from "./value-rules.ts";

const MAX_SERIES_ASKED = 100;
const FOLD_PAGE = 2000;

export interface SeriesParts {
  readonly engine: Engine;
  readonly measurementShape: Shape;
  readonly nameShape: Shape;
  readonly measurements: DocumentCollection<MeasurementDocument>;
  readonly names: DocumentCollection<SeriesNameDocument>;
  /** Series names remembered as stored, at most; more only cost an insert that finds them there. */
  readonly rememberedNames: number;
}

/** The writes of one measurement: it, then the names that are not known to be stored. */
export interface Append {
  readonly commands: readonly [Command, ...Command[]];
  /** To be called once they are stored. */
  stored(): void;
}

export interface Series extends SeriesStore {
  appendCommands(measurement: Measurement): Append;
  removeCommand(tenant: string, ids: readonly string[]): Command;
}

/** Recently seen keys, bounded: two halves, the older forgotten when the younger is full. */
function createMemory(capacity: number): { has(key: string): boolean; add(key: string): void; clear(): void } {
  let young = new Set<string>();
  let old = new Set<string>();
  return {
    has: key => young.has(key) || old.has(key),
    add(key) {
      young.add(key);
      if (young.size * 2 < capacity) return;
      old = young;
      young = new Set();
    },
    clear() {
      young = new Set();
      old = new Set();
    },
  };
}

const inOrder = (order: "oldestFirst" | "newestFirst"): Sort<MeasurementDocument> => {
  const direction = order === "oldestFirst" ? 1 : -1;
  return [
    ["time", direction],
    ["_id", direction],
  ];
};

const seriesPath = ({ fragment, series }: SeriesName) => pathOf("body", fragment, series, "value");

function valueIn(document: MeasurementDocument, { fragment, series }: SeriesName): Json | undefined {
  let value: unknown = document.body;
  for (const key of [fragment, series, "value"]) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key))
      return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value as Json;
}

function checkAggregate({ of, bucketMs, limit, originMs = 0 }: AggregateQuery): void {
  checkCount(of.length, "series", 1, MAX_SERIES_ASKED);
  checkCount(bucketMs, "bucketMs", 1, Number.MAX_SAFE_INTEGER);
  checkCount(limit, "limit", 1, MAX_FIND_LIMIT);
  if (!Number.isSafeInteger(originMs)) throw invalid("originMs", "must be a whole number");
}

export function createSeries(parts: SeriesParts): Series {
  const { engine, measurementShape, nameShape, measurements, names } = parts;
  const known = createMemory(parts.rememberedNames);

  const nameCommand = ({ tenant, source }: Measurement, each: SupportedSeries, _id: string): Command =>
    insertCommand(nameShape, { _id, tenant, source, ...each } as SeriesNameDocument);

  const appendCommands = (measurement: Measurement): Append => {
    const series = seriesOf(measurement.fragments);
    const commands: [Command, ...Command[]] = [
      insertCommand(measurementShape, measurementDocument(measurement, series)),
    ];
    const keys: string[] = [];
    for (const each of series) {
      const key = keyOf(measurement.source, each.fragment, each.series);
      if (known.has(key)) continue;
      keys.push(key);
      commands.push(nameCommand(measurement, each, key));
    }
    return {
      commands,
      stored() {
        for (const key of keys) known.add(key);
      },
    };
  };

  async function* folded(query: AggregateQuery, filter: Filter<MeasurementDocument>) {
    for await (const document of measurements.stream(filter, { sort: inOrder(query.order), pageSize: FOLD_PAGE })) {
      yield [document.time, query.of.map(each => valueIn(document, each))] as const;
    }
  }

  return {
    appendCommands,

    removeCommand: (tenant, ids) =>
      deleteCommand(measurementShape, { _id: { $in: ids }, tenant } as Filter, Number.MAX_SAFE_INTEGER),

    async append(batch) {
      const appends = batch.map(appendCommands);
      const results = await runAll(
        engine,
        appends.flatMap(({ commands }) => commands),
      );
      for (const each of appends) each.stored();
      const duplicates: number[] = [];
      let place = 0;
      for (const [i, { commands }] of appends.entries()) {
        if (results[place]!.outcome === "duplicate") duplicates.push(i);
        place += commands.length;
      }
      return { inserted: batch.length - duplicates.length, duplicates };
    },

    async get(tenant, id) {
      const document = await measurements.findOne({ _id: id, tenant });
      return document && measurementOf(document);
    },

    async getMany(tenant, ids) {
      if (ids.length === 0) return [];
      return (await measurements.find({ _id: { $in: ids }, tenant }, { limit: MAX_FIND_LIMIT })).map(measurementOf);
    },

    async query({ order, limit, skip = 0, after, ...filter }: SeriesQuery) {
      const place = after && { after: [after.timeMs, after.id] };
      const options = { sort: inOrder(order), limit, skip, ...place };
      return (await measurements.find(measurementFilter(filter), options)).map(measurementOf);
    },

    async *stream({ order, ...filter }) {
      for await (const document of measurements.stream(measurementFilter(filter), { sort: inOrder(order) })) {
        yield measurementOf(document);
      }
    },

    count: (filter, cap) => measurements.count(measurementFilter(filter), cap),

    async latest(tenant, source, of) {
      const filter = measurementFilter({ tenant, source, ...of });
      const document = await measurements.findOne(filter, { sort: inOrder("newestFirst") });
      return document && measurementOf(document);
    },

    async aggregate(query): Promise<SeriesBucket[]> {
      checkAggregate(query);
      const { of, bucketMs, originMs = 0, order, limit } = query;
      const [only] = of;
      const filter = measurementFilter(of.length === 1 ? { ...query, ...only } : query);
      if (!engine.aggregate) return foldBuckets(folded(query, filter), { bucketMs, originMs, limit });
      return engine.aggregate({
        shape: measurementShape,
        where: parseFilter(measurementShape, filter as Filter),
        time: "time",
        paths: of.map(each => parsePath(measurementShape, seriesPath(each))),
        bucketMs,
        originMs,
        direction: order === "oldestFirst" ? 1 : -1,
        limit,
      });
    },

    async supportedSeries(tenant, source) {
      const found: SupportedSeries[] = [];
      for await (const { fragment, series, unit } of names.stream({ tenant, source })) {
        found.push({ fragment, series, ...(unit !== undefined && { unit }) });
      }
      return found;
    },

    deleteOne: async (tenant, id) => (await measurements.deleteMany({ _id: id, tenant })) > 0,

    delete: (filter, limit) => measurements.deleteMany(measurementFilter(filter), { limit }),

    deleteBefore: (tenant, timeMs, limit) => measurements.deleteMany({ tenant, time: { $lt: timeMs } }, { limit }),

    async forget(tenant, source) {
      await names.deleteMany({ tenant, source });
      known.clear();
    },
  };
}
