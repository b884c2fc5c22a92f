/** What `/metrics` tells of each part: its plain counters under standard names. */
import type { Agent } from "./agent/agent.ts";
import type { DecodeQueue } from "./decoding/decode-queue.ts";
import type { Uplink } from "./mapping/uplink.ts";
import type { LabelledValue, Metric, Metrics } from "./rest/metrics.ts";
import type { DecoderRuntime } from "./sandbox/decoder-runtime.ts";
import type { Store } from "./store/store.ts";
import type { Transport } from "./transport/transport.ts";

/** What the CoAP endpoint reports as a size of something open; all else it counts up. */
const COAP_SIZES: ReadonlySet<string> = new Set([
  "peers",
  "observations",
  "transfers",
  "transferBytes",
  "requestsInFlight",
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

function decoderMetrics(runtime: DecoderRuntime): Metrics {
  const { decoders, hostDeaths, available } = runtime.stats();
  const failed: LabelledValue[] = decoders.flatMap(({ key, version, failed }) =>
    Object.entries(failed).map(([reason, value]) => ({ labels: { decoder: key, version, reason }, value })),
  );
  const each = (value: (decoder: (typeof decoders)[number]) => number): LabelledValue[] =>
    decoders.map(decoder => ({ labels: { decoder: decoder.key, version: decoder.version }, value: value(decoder) }));
  return {
    mooring_sandbox_available: { help: "Whether decoders can run", type: "gauge", value: available ? 1 : 0 },
    mooring_sandbox_host_deaths_total: { help: "Decoder hosts that ended unasked", type: "counter", value: hostDeaths },
    mooring_decoder_decoded_total: { help: "Payloads decoded", type: "counter", value: each(({ decoded }) => decoded) },
    mooring_decoder_failed_total: { help: "Payloads that could not be decoded", type: "counter", value: failed },
    mooring_decoder_cpu_seconds_total: {
      help: "CPU time inside the isolate",
      type: "counter",
      value: each(({ cpuMs }) => cpuMs / 1000),
    },
  };
}

export interface MeasuredParts {
  readonly store: Store;
  readonly transport: Transport;
  readonly agent: Agent;
  readonly uplink: Uplink;
  readonly decodeQueue: DecodeQueue;
  readonly runtime: DecoderRuntime;
}

/** One collector for all parts, asked at every scrape. */
export function collectMetrics({ store, transport, agent, uplink, decodeQueue, runtime }: MeasuredParts): Metrics {
  const lwm2m = agent.server;
  const { queued, behind, decoded, failed } = decodeQueue.stats();
  return {
    ...numbers("udp", { ...transport.counters }),
    ...numbers("coap", { ...lwm2m.coap.counters }, COAP_SIZES),
    ...numbers("lwm2m", { ...lwm2m.counters }),
    ...numbers("agent", { ...agent.figures }, new Set(["operationsWaiting", "lifecycleEventsWaiting"])),
    ...numbers("uplink", { ...uplink.counters }),
    ...numbers("store", { ...store.statistics() }, new Set(["queuedWrites", "pendingReads"])),
    ...numbers("decode_queue", { queued, behind: behind ? 1 : 0, decoded, failed }, new Set(["queued", "behind"])),
    mooring_lwm2m_registrations: {
      help: "Devices that are registered",
      type: "gauge",
      value: lwm2m.registrations.size,
    },
    ...decoderMetrics(runtime),
  };
}
