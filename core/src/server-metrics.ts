/** What `/metrics` tells of each part: its plain counters under standard names. */
import type { Agent } from "./agent/agent.ts";
import type { Connection } from "./agent/device-accounts.ts";
import type { Shadow } from "./decoding/catalog/shadow.ts";
import type { DecodeQueue } from "./decoding/decode-queue.ts";
import type { DeadLetters } from "./decoding/redecode/dead-letters.ts";
import type { Redecodes } from "./decoding/redecode/redecodes.ts";
import type { RemoteRuntime, ServiceStats } from "./decoding/remote/remote-runtime.ts";
import type { BootstrapServer } from "./lwm2m/bootstrap/bootstrap-server.ts";
import type { Uplink } from "./mapping/uplink.ts";
import type { Figures, PluginFigure } from "./plugin-host/figures.ts";
import type { Plugins, PluginView } from "./plugin-host/host.ts";
import type { PointFigures } from "./plugin-host/plugin-calls.ts";
import type { LabelledValue, Metric, Metrics } from "./rest/metrics.ts";
import type { DecoderRuntime } from "./sandbox/decoder-runtime.ts";
import type { Ports } from "./server-ports.ts";
import type { Store } from "./store/store.ts";
import type { DtlsCounters } from "./transport/dtls/dtls.ts";

/** What the CoAP endpoint reports as a size of something open; all else it counts up. */
const COAP_SIZES: ReadonlySet<string> = new Set([
  "peers",
  "observations",
  "transfers",
  "transferBytes",
  "requestsInFlight",
  "requestsWaiting",
  "timers",
]);

const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

/** `retransmissions` of `coap` becomes `mooring_coap_retransmissions_total`; a size goes without the ending. */
function numbers(part: string, values: Readonly<Record<string, number>>, sizes: ReadonlySet<string> = new Set()) {
  const metrics: Record<string, Metric> = {};
  for (const [name, value] of Object.entries(values)) {
    const type = sizes.has(name) ? "gauge" : "counter";
    metrics[`mooring_${part}_${snake(name)}${type === "counter" ? "_total" : ""}`] = {
      help: `${part}: ${snake(name).replaceAll("_", " ")}`,
      type,
      value,
    };
  }
  return metrics;
}

const BREAKER_STATES = ["closed", "open", "trying", "quarantined"] as const;

function decoderMetrics(runtime: DecoderRuntime): Metrics {
  const { decoders, hostDeaths, hostPids, available, isolatesOpen, evictions } = runtime.stats();
  type Decoder = (typeof decoders)[number];
  const labelsOf = ({ key, version, owner }: Decoder) => ({ decoder: key, version, owner });
  const failed: LabelledValue[] = decoders.flatMap(decoder =>
    Object.entries(decoder.failed).map(([reason, value]) => ({ labels: { ...labelsOf(decoder), reason }, value })),
  );
  const each = (value: (decoder: Decoder) => number): LabelledValue[] =>
    decoders.map(decoder => ({ labels: labelsOf(decoder), value: value(decoder) }));
  const breakers: LabelledValue[] = decoders.flatMap(decoder => {
    const { breaker } = decoder;
    if (!breaker) return [];
    const isIn = (state: string): number => (breaker.state === state ? 1 : 0);
    return BREAKER_STATES.map(state => ({ labels: { ...labelsOf(decoder), state }, value: isIn(state) }));
  });
  return {
    mooring_sandbox_available: { help: "Whether decoders can run", type: "gauge", value: available ? 1 : 0 },
    mooring_sandbox_hosts: { help: "Decoder hosts that live", type: "gauge", value: hostPids.length },
    mooring_sandbox_host_deaths_total: { help: "Decoder hosts that ended unasked", type: "counter", value: hostDeaths },
    mooring_sandbox_isolates_open: { help: "Decoders open in hosts", type: "gauge", value: isolatesOpen },
    mooring_sandbox_evictions_total: {
      help: "Decoders closed for others, for their age or their memory",
      type: "counter",
      value: evictions,
    },
    mooring_decoder_decoded_total: { help: "Payloads decoded", type: "counter", value: each(({ decoded }) => decoded) },
    mooring_decoder_failed_total: { help: "Payloads that could not be decoded", type: "counter", value: failed },
    mooring_decoder_batches_total: { help: "Calls of hosts", type: "counter", value: each(({ batches }) => batches) },
    mooring_decoder_cpu_seconds_total: {
      help: "Processor time used",
      type: "counter",
      value: each(({ cpuMs }) => cpuMs / 1000),
    },
    mooring_decoder_duration_seconds: {
      help: "Time from asking for a live payload to its outcome, waiting included",
      type: "histogram",
      value: decoders
        .filter(({ durations }) => durations.count > 0)
        .map(decoder => ({ labels: { ...labelsOf(decoder), kind: decoder.kind }, durations: decoder.durations })),
    },
    mooring_decoder_queued: { help: "Payloads that wait", type: "gauge", value: each(({ queued }) => queued) },
    mooring_decoder_probation: {
      help: "Whether it runs apart, because it ended a host",
      type: "gauge",
      value: each(({ onProbation }) => (onProbation ? 1 : 0)),
    },
    mooring_decoder_host_deaths_total: {
      help: "Hosts that ended while it ran there alone",
      type: "counter",
      value: each(decoder => decoder.hostDeaths),
    },
    mooring_decoder_breaker: { help: "State of its breaker: 1 where it is", type: "gauge", value: breakers },
  };
}

function serviceMetrics(services: readonly ServiceStats[]): Metrics {
  const calls: LabelledValue[] = services.flatMap(({ key: service, version, calls }) =>
    Object.entries(calls).map(([reason, value]) => ({ labels: { service, version, reason }, value })),
  );
  const each = (value: (of: ServiceStats) => number): LabelledValue[] =>
    services.map(of => ({ labels: { service: of.key, version: of.version }, value: value(of) }));
  return {
    mooring_decoder_service_payloads_total: {
      help: "Payloads sent to decoder services, by what came of the call",
      type: "counter",
      value: calls,
    },
    mooring_decoder_service_paused: {
      help: "Whether a decoder service is left alone for a while",
      type: "gauge",
      value: each(({ pause }) => (pause ? 1 : 0)),
    },
    mooring_decoder_service_queued: {
      help: "Payloads under way to a decoder service",
      type: "gauge",
      value: each(({ queued }) => queued),
    },
  };
}

const COMPARED = ["equal", "slower", "different", "failed", "repaired", "skipped"] as const;

function shadowMetrics(shadow: Shadow): Metrics {
  const value = [...shadow.reports()].flatMap(({ name: { owner: tenant, key: decoder, version }, report }) =>
    COMPARED.map(verdict => ({
      labels: { tenant, decoder, version, verdict },
      value: report.live[verdict] + report.recorded[verdict],
    })),
  );
  return {
    mooring_decoder_shadow_payloads: { help: "Payloads of staged versions by what they showed", type: "gauge", value },
  };
}

/** Each counter once, by server. */
function secureMetrics(ports: MeasuredParts["ports"]): Metrics {
  const each = (value: (of: Ports) => number): LabelledValue[] =>
    Object.entries(ports).map(([server, of]) => ({ labels: { server }, value: value(of) }));
  const metrics: Record<string, Metric> = {
    mooring_dtls_sessions_live: {
      help: "DTLS sessions in memory",
      type: "gauge",
      value: each(({ secured }) => secured.sessions.live),
    },
    mooring_dtls_sessions_sleeping: {
      help: "DTLS sessions asleep in the store",
      type: "gauge",
      value: each(({ secured }) => secured.sessions.sleeping),
    },
  };
  for (const name of Object.keys(ports.server.secured.dtls) as (keyof DtlsCounters)[]) {
    metrics[`mooring_dtls_${snake(name)}_total`] = {
      help: `dtls: ${snake(name).replaceAll("_", " ")}`,
      type: "counter",
      value: each(({ secured }) => secured.dtls[name]),
    };
  }
  return metrics;
}

const bootstrapMetrics = (server: BootstrapServer | undefined): Metrics =>
  server ? numbers("bootstrap", { ...server.counters, sessions: server.sessions }, new Set(["sessions"])) : {};

/** Figures of plugins; those that cannot be read now are left out. */
const pluginMetrics = (figures: readonly PluginFigure[]): Metrics =>
  Object.fromEntries(
    figures
      .map(({ plugin, figure: { name, help, type, value } }): [string, Metric & { readonly value: number }] => {
        const ending = type === "counter" ? "_total" : "";
        return [`mooring_plugin_${plugin.replaceAll("-", "_")}_${name}${ending}`, { help, type, value: value() }];
      })
      .filter(([, { value }]) => Number.isFinite(value)),
  );

/** What the host has of each plugin: whether it is active, and how its calls went. */
function pluginCallMetrics(plugins: readonly PluginView[]): Metrics {
  const each = (value: (figures: PointFigures) => number): LabelledValue[] =>
    plugins.flatMap(({ name: plugin, figures }) =>
      Object.entries(figures)
        .filter(([, { calls, failures }]) => calls + failures > 0)
        .map(([point, of]) => ({ labels: { plugin, point }, value: value(of) })),
    );
  return {
    mooring_plugins_active: {
      help: "Whether the plugin is active",
      type: "gauge",
      value: plugins.map(({ name: plugin, state }) => ({ labels: { plugin }, value: state === "ACTIVE" ? 1 : 0 })),
    },
    mooring_plugins_calls_total: { help: "Calls of plugins", type: "counter", value: each(({ calls }) => calls) },
    mooring_plugins_failures_total: {
      help: "Calls of plugins that failed, and what failed outside of calls",
      type: "counter",
      value: each(({ failures }) => failures),
    },
    mooring_plugins_seconds_total: {
      help: "Time in calls of plugins",
      type: "counter",
      value: each(({ ms }) => ms / 1000),
    },
  };
}

export interface MeasuredParts {
  readonly store: Store;
  readonly ports: Readonly<Record<Connection, Ports>>;
  readonly agent: Agent;
  readonly uplink: Uplink;
  readonly decodeQueue: DecodeQueue;
  readonly redecodes: Redecodes;
  readonly deadLetters: DeadLetters;
  readonly runtime: DecoderRuntime;
  readonly shadow: Shadow;
  readonly remote: RemoteRuntime;
  readonly figures: Figures;
  readonly plugins: Pick<Plugins, "list">;
}

/** One collector for all parts, asked at every scrape. */
export function collectMetrics(parts: MeasuredParts): Metrics {
  const {
    store,
    ports,
    agent,
    uplink,
    decodeQueue,
    redecodes,
    deadLetters,
    runtime,
    shadow,
    remote,
    figures,
    plugins,
  } = parts;
  const lwm2m = agent.server;
  const { behind, ...decodes } = decodeQueue.stats();
  return {
    ...numbers("udp", { ...ports.server.plain.counters }),
    ...secureMetrics(ports),
    ...bootstrapMetrics(agent.bootstrap),
    ...numbers("coap", { ...lwm2m.coap.counters }, COAP_SIZES),
    ...numbers("lwm2m", { ...lwm2m.counters }),
    ...numbers(
      "agent",
      { ...agent.figures },
      new Set(["operationsWaiting", "firmwareUpdatesWaiting", "lifecycleEventsWaiting"]),
    ),
    ...numbers("uplink", { ...uplink.counters }),
    ...numbers("store", { ...store.statistics() }, new Set(["queuedWrites", "pendingReads"])),
    ...numbers("decode_queue", { ...decodes, behind: behind ? 1 : 0 }, new Set(["queued", "behind"])),
    ...numbers("redecode", { ...redecodes.figures }, new Set(["running"])),
    ...numbers("dead_letters", { ...deadLetters.figures }),
    mooring_lwm2m_registrations: {
      help: "Devices that are registered",
      type: "gauge",
      value: lwm2m.registrations.size,
    },
    ...decoderMetrics(runtime),
    ...shadowMetrics(shadow),
    ...serviceMetrics(remote.stats()),
    ...pluginMetrics(figures.list()),
    ...pluginCallMetrics(plugins.list()),
  };
}
