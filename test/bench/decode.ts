/** Sandboxed decodes through a host process: how many a second, and how long one takes at a steady rate. */
import { fileURLToPath } from "node:url";
import { every, systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { VECTOR_DEFAULTS } from "@mooring/core/internal/contract/decoder-vector.ts";
import { loadDecoderFolder } from "@mooring/core/internal/decoding/decoder-registry.ts";
import type { DecoderRuntime, RuntimeInput } from "@mooring/core/internal/sandbox/decoder-runtime.ts";
import { createIsolateRuntime } from "@mooring/core/internal/sandbox/isolate-runtime.ts";
import { checkDecoderResult, type DecoderInput } from "@mooring/sdk";
import { perSecond, type Row, times } from "./row.ts";

const ACME = fileURLToPath(new URL("../../decoders/acme-meter", import.meta.url));
const KEY = "acme-meter";
/** Voltage, current and power. */
const FRAME = Buffer.from("ac21001234567803 01ff000008fd 02fd000004d2 0300fffffe0c 793b".replaceAll(" ", ""), "hex");
const IN_FLIGHT = 512;
const RATE_PER_S = 5000;
const TARGET_PER_S = 60_000;
const TARGET_P99_MS = 5;
const MOST_TIMES = 2;

const input: RuntimeInput = { ...VECTOR_DEFAULTS, value: FRAME };

async function decodeOnce(runtime: DecoderRuntime): Promise<void> {
  const outcome = await runtime.decode(KEY, input);
  if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.message}`);
}

/** Decodes a second with `IN_FLIGHT` under way at any time. */
async function throughput(runtime: DecoderRuntime, decodes: number): Promise<number> {
  const startMs = performance.now();
  let left = decodes;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await decodeOnce(runtime);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return decodes / ((performance.now() - startMs) / 1000);
}

/** The same work in this process, without any wall: decode, JSON both ways, check. */
async function unwalled(decodes: number): Promise<number> {
  const { default: decoder } = (await import(`${ACME}/src/decoder.ts`)) as {
    default: { decode(input: DecoderInput): unknown };
  };
  const startMs = performance.now();
  for (let left = decodes; left > 0; left--) {
    checkDecoderResult(JSON.parse(JSON.stringify(decoder.decode({ ...input, valueHex: "" }))));
  }
  return decodes / ((performance.now() - startMs) / 1000);
}

/** Harms in all ways that are not the end of its host, until its breaker opens. */
const HOSTILE = `export default { decode({ value }) {
  if (value[0] === 0) for (;;);
  if (value[0] === 1) { const all = []; for (;;) all.push({ a: 1 }); }
  throw new Proxy({}, { get() { for (;;); } });
} };`;
const HARM_EVERY_MS = 100;

/** Asks a hostile decoder to do its worst, again and again. @param heldClosed its breaker never has the time to open */
function harm(runtime: DecoderRuntime, heldClosed: boolean): Disposable {
  let kind = 0;
  return every(
    systemClock,
    HARM_EVERY_MS,
    async () => {
      if (heldClosed) runtime.release("hostile");
      await runtime.decode("hostile", { ...input, value: Uint8Array.of(kind++ % 3) });
    },
    () => {},
  );
}

/** Latencies in ms, sorted, of decodes that are asked for at a steady rate whatever the answers do. */
async function latencies(runtime: DecoderRuntime, seconds: number): Promise<number[]> {
  const found: Promise<number>[] = [];
  const startMs = performance.now();
  const timed = async (): Promise<number> => {
    const fromMs = performance.now();
    await decodeOnce(runtime);
    return performance.now() - fromMs;
  };
  const total = RATE_PER_S * seconds;
  while (found.length < total) {
    const due = Math.min(total, ((performance.now() - startMs) / 1000) * RATE_PER_S);
    while (found.length < due) found.push(timed());
    await new Promise(resolve => setTimeout(resolve, 1));
  }
  return (await Promise.all(found)).sort((a, b) => a - b);
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;

/** @param quick fewer decodes, for a first impression */
export async function benchDecode(quick = false): Promise<Row[]> {
  const decodes = quick ? 30_000 : 200_000;
  await using runtime = createIsolateRuntime({
    clock: systemClock,
    log: silentLog,
    limits: { queuedPerDecoder: RATE_PER_S },
  });
  await runtime.load("acme-meter", await loadDecoderFolder(ACME));
  await throughput(runtime, decodes / 10);
  const rate = await throughput(runtime, decodes);
  // A steady rate is one that has been going on for a while.
  await latencies(runtime, 0.5);
  const sorted = await latencies(runtime, quick ? 1 : 4);
  const manifest = { key: "hostile", name: "hostile", version: "1.0.0" };
  await runtime.load("hostile", { manifest, source: HOSTILE, language: "javascript" });
  const base = await unwalled(decodes);
  const p99 = quantile(sorted, 0.99);
  const besideHarm = async (what: string, heldClosed: boolean): Promise<Row> => {
    using _ = harm(runtime, heldClosed);
    const figure = quantile(await latencies(runtime, quick ? 1 : 4), 0.99);
    return {
      what,
      figure: `${figure.toFixed(2)} ms`,
      ratio: `${times(figure / p99)} of that`,
      target: times(MOST_TIMES),
      met: figure < MOST_TIMES * p99,
    };
  };
  return [
    {
      what: "sandboxed decodes through a host process",
      figure: perSecond(rate),
      ratio: `${times(rate / base)} of the same work in this process`,
      target: perSecond(TARGET_PER_S),
      met: rate >= TARGET_PER_S,
    },
    { what: `one of them at ${perSecond(RATE_PER_S)}, p50`, figure: `${quantile(sorted, 0.5).toFixed(2)} ms` },
    {
      what: `one of them at ${perSecond(RATE_PER_S)}, p99`,
      figure: `${p99.toFixed(2)} ms`,
      target: `${TARGET_P99_MS} ms`,
      met: p99 < TARGET_P99_MS,
    },
    await besideHarm("the same beside a hostile decoder", false),
    await besideHarm("the same, its breaker held closed", true),
  ];
}

if (import.meta.main) {
  const { table } = await import("./row.ts");
  console.log(table(await benchDecode(process.argv.includes("--quick"))));
}
