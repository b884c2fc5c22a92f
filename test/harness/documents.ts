/** Reading what the host has stored about a device. */
import { expectStatus, type ManagedObject, type Measurement, measurements, seriesValue } from "./agent.ts";
import type { Api } from "./api.ts";
import { eventually } from "./eventually.ts";

/** What {@link measurements} asks for at a time. */
const PAGE_SIZE = 2000;

export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly text: string;
  readonly time: string;
  readonly [fragment: string]: unknown;
}

export interface StoredAlarm extends StoredEvent {
  readonly status: string;
  readonly severity: string;
  readonly count: number;
}

export async function managedObject(api: Api, id: string): Promise<ManagedObject> {
  const answer = await api.get<ManagedObject>(`/inventory/managedObjects/${id}`);
  return expectStatus(answer, 200, `managed object ${id}`);
}

export async function events(api: Api, source: string, type?: string): Promise<readonly StoredEvent[]> {
  const query = new URLSearchParams({ source, pageSize: "2000", ...(type ? { type } : {}) });
  const answer = await api.get<{ readonly events: readonly StoredEvent[] }>(`/event/events?${query}`);
  return expectStatus(answer, 200, "events").events;
}

/** Lifecycle events are stored beside the device's answer, not before it: waits until there are `count` of that type. */
export function eventsOf(api: Api, source: string, type: string, count = 1): Promise<readonly StoredEvent[]> {
  return eventually(
    async () => {
      const all = await events(api, source, type);
      if (all.length !== count) throw new Error(`${all.length} of them`);
      return all;
    },
    { what: `${count} events ${type} of device ${source}` },
  );
}

export async function alarms(api: Api, source: string): Promise<readonly StoredAlarm[]> {
  const query = new URLSearchParams({ source, pageSize: "2000" });
  const answer = await api.get<{ readonly alarms: readonly StoredAlarm[] }>(`/alarm/alarms?${query}`);
  return expectStatus(answer, 200, "alarms").alarms;
}

/**
 * Waits for a measurement of `source` with that value of `series` (`c8y_Temperature.T`).
 * @throws Error naming the values seen when time runs out
 */
export function measuredValue(
  api: Api,
  source: string,
  series: string,
  value: number,
  withinMs?: number,
): Promise<Measurement> {
  const fragment = series.slice(0, series.lastIndexOf("."));
  return eventually(
    async () => {
      const all = await measurements(api, { source, valueFragmentType: fragment });
      const found = all.find(measurement => seriesValue(measurement, series) === value);
      if (!found) throw new Error(JSON.stringify(all.map(measurement => seriesValue(measurement, series))));
      return found;
    },
    { ...(withinMs === undefined ? {} : { withinMs }), what: `${series} = ${value} of device ${source}` },
  );
}

/** As {@link measurements}, all pages. */
export async function allMeasurements(api: Api, filter: Readonly<Record<string, string>>): Promise<Measurement[]> {
  const found: Measurement[] = [];
  for (let currentPage = 1; ; currentPage++) {
    const page = await measurements(api, { ...filter, currentPage: String(currentPage) });
    found.push(...page);
    if (page.length < PAGE_SIZE) return found;
  }
}

/** Values of a series of a device, all of them. */
export async function storedValues(api: Api, source: string, series: string): Promise<number[]> {
  const all = await allMeasurements(api, { source, valueFragmentType: series.split(".")[0]! });
  return all.map(each => seriesValue(each, series)!);
}

/** Those that are there again. */
export const duplicates = (values: readonly number[]): number[] => {
  const seen = new Set<number>();
  return values.filter(value => seen.has(value) || !seen.add(value));
};

/** Those of `wanted` that are not among `stored`. */
export const missing = (wanted: readonly number[], stored: readonly number[]): number[] => {
  const present = new Set(stored);
  return wanted.filter(value => !present.has(value));
};
