/** Measurements over the series store (platform API 8). */
import { toHex } from "../base/bytes.ts";
import type { Random } from "../base/random.ts";
import { measurementId } from "../store/measurement-id.ts";
import type { SeriesFilter } from "../store/series.ts";
import type { Store } from "../store/store.ts";
import { atIndex } from "./body.ts";
import { notFound, unknownReference } from "./failures.ts";
import { inSlices, SLICE } from "./in-slices.ts";
import { type NewMeasurement, parseMeasurement, toMeasurement, toStored } from "./measurement.ts";
import type { Inventory, MeasurementFilter, Measurements } from "./platform.ts";
import { requireNarrow } from "./time-filter.ts";

export interface MeasurementsParts {
  readonly store: Store;
  readonly random: Random;
  readonly inventory: Pick<Inventory, "findCached">;
}

function toFilter(tenant: string, filter: MeasurementFilter): SeriesFilter {
  return {
    tenant,
    ...(filter.sourceId === undefined ? {} : { source: filter.sourceId }),
    ...(filter.type === undefined ? {} : { type: filter.type }),
    ...(filter.fromMs === undefined ? {} : { fromMs: filter.fromMs }),
    ...(filter.toMs === undefined ? {} : { toMs: filter.toMs }),
    ...(filter.valueFragmentType === undefined ? {} : { fragment: filter.valueFragmentType }),
    ...(filter.valueFragmentSeries === undefined ? {} : { series: filter.valueFragmentSeries }),
  };
}

/** An error names the place in a list; a single measurement has none. */
const placed = <T>(bodies: readonly unknown[], index: number, read: () => T): T =>
  bodies.length === 1 ? read() : atIndex("measurements", index, read);

export function createMeasurements({ store, random, inventory }: MeasurementsParts): Measurements {
  const series = store.series;

  const requireSources = async (tenant: string, measurements: readonly NewMeasurement[]): Promise<void> => {
    for (const [i, { sourceId }] of measurements.entries()) {
      if (await inventory.findCached(tenant, sourceId)) continue;
      placed(measurements, i, () => {
        throw unknownReference("source.id", sourceId);
      });
    }
  };

  return {
    async create(tenant, bodies) {
      const parsed = bodies.map((body, i) => placed(bodies, i, () => parseMeasurement(body)));
      await requireSources(tenant, parsed);
      // Two equal posts are two measurements: what REST creates has an id of its own.
      const created = parsed.map(measurement => ({
        id: measurementId(measurement.timeMs, toHex(random.bytes(16))),
        ...measurement,
      }));
      await series.append(created.map(measurement => toStored(tenant, measurement)));
      return created;
    },

    async get(tenant, id) {
      const stored = await series.get(tenant, id);
      if (!stored) throw notFound("measurement", id);
      return toMeasurement(stored);
    },

    async list(tenant, filter, page) {
      const selected = toFilter(tenant, filter);
      const order = filter.revert ? "newestFirst" : "oldestFirst";
      const skip = (page.currentPage - 1) * page.pageSize;
      const [items, total] = await Promise.all([
        series.query({ ...selected, order, limit: page.pageSize, skip }),
        page.withTotal ? series.count(selected) : undefined,
      ]);
      return { items: items.map(toMeasurement), ...(total === undefined ? {} : { total }) };
    },

    async delete(tenant, id) {
      if (!(await series.deleteOne(tenant, id))) throw notFound("measurement", id);
    },

    async deleteMatching(tenant, filter) {
      requireNarrow(filter);
      await inSlices(() => series.delete(toFilter(tenant, filter), SLICE));
    },

    supportedSeries: (tenant, sourceId) => series.supportedSeries(tenant, sourceId),
  };
}
