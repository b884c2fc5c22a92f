/** Sandboxed decodes through a host process: how many a second, and how long one takes at a steady rate. */

import { fileURLToPath } from "node:url";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { loadDecoderFolder } from "@mooring/core/internal/decoding/decoder-registry.ts";
import type { DecoderRuntime, RuntimeInput } from "@mooring/core/internal/sandbox/decoder-runtime.ts";
import { createIsolateRuntime } from "@mooring/core/internal/sandbox/isolate-runtime.ts";

export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly ratio?: number;
  /** What `ratio` compares with. */
  readonly of?: string;
}

const ACME = fileURLToPath(new URL("../../decoders/acme-meter", import.meta.url));
/** A frame of the second generation with four readings. */
const FRAME = "ac0201123456780004010000fde80208fc0302e1f40401001234ffff";
const IN_FLIGHT = 512;
const DECODES = 200_000;
const RATE_PER_S = 5000;
const RATE_SECONDS = 4;

const input: RuntimeInput = {
  value: Uint8Array.from(Buffer.from(FRAME, "hex")),
  resourcePath: "/33456/0/123",
  resourceType: "OPAQUE",
  receivedAt: "2026-01-01T00:00:00.000Z",
  sourceDeviceId: "4711",
  device: {},
};

/** Decodes a second with `IN_FLIGHT` under way at any time. */
async function throughput(runtime: DecoderRuntime, decodes: number): Promise<number> {
  const startMs = performance.now();
  let left = decodes;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await runtime.decode("acme-meter", input);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return decodes / ((performance.now() - startMs) / 1000);
}

/** Latencies in ms, sorted, of decodes that are asked for at a steady rate whatever the answers do. */
async function latencies(runtime: DecoderRuntime): Promise<number[]> {
  const found: Promise<number>[] = [];
  const startMs = performance.now();
  const timed = async (): Promise<number> => {
    const fromMs = performance.now();
    await runtime.decode("acme-meter", input);
    return performance.now() - fromMs;
  };
  while (found.length < RATE_PER_S * RATE_SECONDS) {
    const due = Math.min(RATE_PER_S * RATE_SECONDS, ((performance.now() - startMs) / 1000) * RATE_PER_S);
    while (found.length < due) found.push(timed());
    await new Promise(resolve => setTimeout(resolve, 1));
  }
  return (await Promise.all(found)).sort((a, b) => a - b);
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;

export async function benchDecode(): Promise<BenchRow[]> {
  await using runtime = createIsolateRuntime({ clock: systemClock, log: silentLog });
  const acme = await loadDecoderFolder(ACME);
  await runtime.load(acme);
  await throughput(runtime, DECODES / 10);
  const perSecond = await throughput(runtime, DECODES);
  const { decode } = ((await import(`${ACME}/src/decoder.ts`)) as { default: { decode(input: unknown): unknown } })
    .default;
  const directMs = performance.now();
  for (let index = 0; index < DECODES; index++) decode({ ...input, valueHex: FRAME });
  const direct = DECODES / ((performance.now() - directMs) / 1000);
  const sorted = await latencies(runtime);
  const sent = `at ${RATE_PER_S}/s`;
  return [
    {
      name: "sandboxed decodes",
      value: perSecond,
      unit: "1/s",
      ratio: perSecond / direct,
      of: "the same function called directly",
    },
    { name: `sandboxed decode p50 ${sent}`, value: quantile(sorted, 0.5), unit: "ms" },
    { name: `sandboxed decode p99 ${sent}`, value: quantile(sorted, 0.99), unit: "ms" },
  ];
}

if (import.meta.main) {
  for (const { name, value, unit, ratio, of } of await benchDecode()) {
    console.log(`${name}: ${value.toFixed(2)} ${unit}${ratio === undefined ? "" : ` (${ratio.toFixed(3)} of ${of})`}`);
  }
}
