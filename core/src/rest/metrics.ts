/** `/metrics` in the Prometheus text format. The one home of prom-client; each app has a registry of its own. */
import type { Next } from "koa";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Clock } from "../base/clock.ts";
import { DURATION_BOUNDS_MS, type DurationFigures } from "../base/durations.ts";
import { createRouter, may, type RestContext, type RestRouter } from "./context.ts";

export interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface LabelledDurations {
  readonly labels: LabelledValue["labels"];
  readonly durations: DurationFigures;
}

/** One metric as a part of the host reports it, read when it is asked for. */
export type Metric = NumberMetric | DurationMetric;

export interface NumberMetric {
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly value: number | readonly LabelledValue[];
}

export interface DurationMetric {
  readonly help: string;
  readonly type: "histogram";
  readonly value: readonly LabelledDurations[];
}

export type Metrics = Readonly<Record<string, Metric>>;

const REQUEST_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Buckets with all below them, in seconds, then sum and count. */
function samplesOf(name: string, { labels, durations: { counts, count, sumMs } }: LabelledDurations) {
  const bounds = [...DURATION_BOUNDS_MS.map(ms => String(ms / 1000)), "+Inf"];
  let below = 0;
  const buckets = bounds.map((le, at) => {
    below += counts[at]!;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
  });
  const sum = { metricName: `${name}_sum`, labels, value: sumMs / 1000 };
  return [...buckets, sum, { metricName: `${name}_count`, labels, value: count }];
}

/** prom-client's own histogram observes one at a time; the registry asks it for its samples alone. */
function registerDurations(registry: Registry, name: string, { help, type, value }: DurationMetric): void {
  const values = value.flatMap(each => samplesOf(name, each));
  const histogram = { name, get: async () => ({ name, help, type, values, aggregator: "sum" }) };
  registry.registerMetric(histogram as unknown as Histogram);
}

function registerNumbers(registry: Registry, name: string, { help, type, value }: NumberMetric): void {
  const values = typeof value === "number" ? [{ labels: {}, value }] : value;
  const labelNames = [...new Set(values.flatMap(({ labels }) => Object.keys(labels)))];
  const options = { name, help, labelNames, registers: [registry] };
  if (type === "counter") {
    const counter = new Counter(options);
    for (const each of values) counter.inc(each.labels, each.value);
  } else {
    const gauge = new Gauge(options);
    for (const each of values) gauge.set(each.labels, each.value);
  }
}

function register(registry: Registry, name: string, metric: Metric): void {
  if (metric.type === "histogram") registerDurations(registry, name, metric);
  else registerNumbers(registry, name, metric);
}

function processMetrics(): Metrics {
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    process_resident_memory_bytes: { help: "Resident memory", type: "gauge", value: rss },
    process_cpu_seconds_total: { help: "CPU time, user and system", type: "counter", value: (user + system) / 1e6 },
    process_uptime_seconds: { help: "Time since the process began", type: "gauge", value: process.uptime() },
    nodejs_heap_used_bytes: { help: "JavaScript heap in use", type: "gauge", value: heapUsed },
    nodejs_external_memory_bytes: { help: "Memory outside of the JavaScript heap", type: "gauge", value: external },
  };
}

export interface RequestMetrics {
  /** Measures every request by its route, not by its path: ids make no new series. */
  readonly middleware: (ctx: RestContext, next: Next) => Promise<void>;
  readonly router: RestRouter;
}

/** In the Prometheus text format. */
export function metricsText(all: readonly Metrics[]): Promise<string> {
  const registry = new Registry();
  for (const metrics of all) for (const [name, metric] of Object.entries(metrics)) register(registry, name, metric);
  return registry.metrics();
}

/** @param collectors each asked at every scrape; a name stands in one of them only */
export function createMetrics(clock: Clock, collectors: readonly (() => Metrics)[]): RequestMetrics {
  const own = new Registry();
  const seconds = new Histogram({
    name: "mooring_http_request_duration_seconds",
    help: "Time from request to answer",
    labelNames: ["method", "route", "status"],
    buckets: REQUEST_SECONDS,
    registers: [own],
  });

  const scrape = async (): Promise<string> => {
    const collected = await metricsText([processMetrics, ...collectors].map(collect => collect()));
    return `${collected}\n${await own.metrics()}`;
  };

  const router = createRouter();
  router.get("/metrics", may("metrics:read"), async ctx => {
    const text = await scrape();
    ctx.status = 200;
    ctx.set("Content-Type", own.contentType);
    ctx.body = text;
  });

  return {
    router,
    async middleware(ctx, next) {
      const startMs = clock.monotonic();
      await next();
      const route = typeof ctx._matchedRoute === "string" ? ctx._matchedRoute : "none";
      const labels = { method: ctx.method, route, status: ctx.status };
      seconds.observe(labels, (clock.monotonic() - startMs) / 1000);
    },
  };
}
