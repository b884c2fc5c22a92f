/**
 * The one home of isolated-vm (7.0.1 or later: earlier ones let a guest corrupt the host's memory, GHSA-864f-rcv7-6rh4).
 * One decoder version in one isolate with one context. Runs in decoder host processes only.
 */
import ivm from "isolated-vm";
import { type CpuShare, createCpuMeter } from "./cpu-meter.ts";
import type { EngineParts, OpenEngineDecoder, RunOptions, RunReply } from "./engine.ts";
import { BRIDGE_SOURCE, foreignImport, GUEST_SOURCE } from "./guest-modules.ts";
import { MESSAGE_CHARACTERS } from "./limits.ts";
import type { CallFailure } from "./protocol.ts";

/** Wall time for another try of a call that ran out of time without having had the processor. */
const STARVED_FACTORS = [1, 4, 8] as const;
/** Share of its time limit that a decoder must have had on the processor to count as too slow. */
const FAIR_SHARE = 0.6;

/** After so many runs an isolate's heap is looked at. */
const HEAP_EVERY_RUNS = 50;

function failureOf(error: unknown, isolate: ivm.Isolate): CallFailure {
  const message = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(
    0,
    MESSAGE_CHARACTERS,
  );
  if (isolate.isDisposed) return { reason: "memory", message: "over the memory limit" };
  if (message.includes("Script execution timed out")) return { reason: "timeout", message: "over the time limit" };
  return { reason: "threw", message };
}

interface Calls {
  readonly run: ivm.Reference;
  readonly runPrinting: ivm.Reference;
  readonly printed: ivm.Reference;
}

/** The guest first, so that the decoder finds the world as the guest leaves it; nothing else can be imported. */
async function instantiate(isolate: ivm.Isolate, parts: EngineParts): Promise<Calls> {
  const context = await isolate.createContext();
  const guest = await isolate.compileModule(GUEST_SOURCE, { filename: "guest.js" });
  const decoder = await isolate.compileModule(parts.source, { filename: "decoder.js" });
  const bridge = await isolate.compileModule(BRIDGE_SOURCE, { filename: "bridge.js" });
  const [foreign] = decoder.dependencySpecifiers;
  if (foreign !== undefined) throw foreignImport(foreign);
  await bridge.instantiate(context, specifier => (specifier === "guest" ? guest : decoder));
  await bridge.evaluate({ timeout: parts.timeoutMs });
  const call = (name: keyof Calls): Promise<ivm.Reference> => bridge.namespace.get(name, { reference: true });
  const [run, runPrinting, printed] = await Promise.all([call("run"), call("runPrinting"), call("printed")]);
  return { run, runPrinting, printed };
}

async function open(parts: EngineParts, share: CpuShare): ReturnType<OpenEngineDecoder> {
  const isolate = new ivm.Isolate({ memoryLimit: parts.memoryMb, onCatastrophicError: () => parts.onCatastrophe() });
  const dispose = (): void => {
    if (!isolate.isDisposed) isolate.dispose();
  };
  let calls: Calls;
  try {
    calls = await instantiate(isolate, parts);
  } catch (error) {
    const failure = failureOf(error, isolate);
    dispose();
    return { ok: false, failure };
  }
  const runOnce = async (items: string, bytes: string, { timeoutMs, console }: RunOptions): Promise<RunReply> => {
    const reference = console ? calls.runPrinting : calls.run;
    share.begin();
    try {
      const output = (await reference.apply(undefined, [items, bytes], { timeout: timeoutMs })) as string;
      return { ok: true, output, cpuMs: share.end() };
    } catch (error) {
      return { ok: false, failure: failureOf(error, isolate), cpuMs: share.end() };
    }
  };
  /** The engine's time limit is one by the clock: a run that did not get the processor is repeated with more of it. */
  const runFairly = async (items: string, bytes: string, options: RunOptions): Promise<RunReply> => {
    const { timeoutMs } = options;
    let reply = await runOnce(items, bytes, options);
    for (const factor of STARVED_FACTORS.slice(1)) {
      const starved = !reply.ok && reply.failure.reason === "timeout" && reply.cpuMs < FAIR_SHARE * timeoutMs;
      if (!starved) return reply;
      reply = await runOnce(items, bytes, { ...options, timeoutMs: factor * timeoutMs });
    }
    return reply;
  };
  /** A run that was cut off has printed, too, and that is what its author wants to see. */
  const takePrinted = async (timeoutMs: number): Promise<string | undefined> => {
    try {
      return (await calls.printed.apply(undefined, [], { timeout: timeoutMs })) as string;
    } catch {
      return undefined;
    }
  };
  /** What shall print does so one after the other. */
  let printing: Promise<unknown> = Promise.resolve();
  const runPrinting = (items: string, bytes: string, options: RunOptions): Promise<RunReply> => {
    const reply = printing.then(async () => {
      const run = await runFairly(items, bytes, options);
      const console = await takePrinted(options.timeoutMs);
      return console === undefined ? run : { ...run, console };
    });
    printing = reply;
    return reply;
  };
  let runs = 0;
  const withHeap = async (reply: RunReply): Promise<RunReply> => {
    try {
      const { used_heap_size, externally_allocated_size } = await isolate.getHeapStatistics();
      return { ...reply, heapBytes: used_heap_size + externally_allocated_size };
    } catch {
      return reply;
    }
  };
  return {
    ok: true,
    decoder: {
      async run(items, bytes, options) {
        const reply = await (options.console ? runPrinting : runFairly)(items, bytes, options);
        return ++runs % HEAP_EVERY_RUNS === 0 ? withHeap(reply) : reply;
      },
      [Symbol.dispose]: dispose,
    },
  };
}

export function createIsolateEngine(): OpenEngineDecoder {
  const meter = createCpuMeter();
  return parts => open(parts, meter.share());
}
