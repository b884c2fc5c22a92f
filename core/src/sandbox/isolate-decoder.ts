/**
 * The one home of isolated-vm (7.0.1 or later: earlier ones let a guest corrupt the host's memory, GHSA-864f-rcv7-6rh4).
 * One decoder version in one isolate with one context. Runs in decoder host processes only.
 */
import ivm from "isolated-vm";
import { guestModuleSource } from "./guest.ts";
import { MESSAGE_CHARACTERS, OUTPUT_CHARACTERS, OUTPUT_DEPTH } from "./limits.ts";
import type { CallFailure } from "./protocol.ts";

/** Wall time for another try of a call that ran out of time without having had the processor. */
const STARVED_FACTORS = [1, 4, 8] as const;
/** Share of its time limit that a decoder must have had on the processor to count as too slow. */
const FAIR_SHARE = 0.6;

const GUEST = guestModuleSource({
  outputCharacters: OUTPUT_CHARACTERS,
  outputDepth: OUTPUT_DEPTH,
  messageCharacters: MESSAGE_CHARACTERS,
});
const BRIDGE =
  'import { accept } from "guest"; import * as decoder from "decoder"; export const run = accept(decoder);';

export type RunReply =
  | { readonly ok: true; readonly output: string; readonly cpuMs: number }
  | { readonly ok: false; readonly failure: CallFailure; readonly cpuMs: number };

export interface IsolateDecoder extends Disposable {
  /** Runs a batch (`guest.ts`). After a failure for memory the isolate is gone: open another. */
  run(items: string, bytes: string, timeoutMs: number): Promise<RunReply>;
}

export interface IsolateParts {
  /** Plain JavaScript, an ES module. */
  readonly source: string;
  readonly memoryMb: number;
  /** For the module's top level, ms. */
  readonly timeoutMs: number;
  /** V8 lost control of the isolate: this process is not to be used any more. */
  onCatastrophe(): void;
}

const cpuMsOf = (isolate: ivm.Isolate): number => (isolate.isDisposed ? 0 : Number(isolate.cpuTime) / 1e6);

function failureOf(error: unknown, isolate: ivm.Isolate): CallFailure {
  const message = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(
    0,
    MESSAGE_CHARACTERS,
  );
  if (isolate.isDisposed) return { reason: "memory", message: "over the memory limit" };
  if (message.includes("Script execution timed out")) return { reason: "timeout", message: "over the time limit" };
  return { reason: "threw", message };
}

/** The guest first, so that the decoder finds the world as the guest leaves it; nothing else can be imported. */
async function instantiate(isolate: ivm.Isolate, parts: IsolateParts): Promise<ivm.Reference> {
  const context = await isolate.createContext();
  const guest = await isolate.compileModule(GUEST, { filename: "guest.js" });
  const decoder = await isolate.compileModule(parts.source, { filename: "decoder.js" });
  const bridge = await isolate.compileModule(BRIDGE, { filename: "bridge.js" });
  const [foreign] = decoder.dependencySpecifiers;
  if (foreign !== undefined) {
    throw new SyntaxError(`a decoder imports nothing at run time, but this one imports "${foreign.slice(0, 100)}"`);
  }
  await bridge.instantiate(context, specifier => (specifier === "guest" ? guest : decoder));
  await bridge.evaluate({ timeout: parts.timeoutMs });
  return bridge.namespace.get("run", { reference: true });
}

export async function openIsolateDecoder(
  parts: IsolateParts,
): Promise<
  { readonly ok: true; readonly decoder: IsolateDecoder } | { readonly ok: false; readonly failure: CallFailure }
> {
  const isolate = new ivm.Isolate({ memoryLimit: parts.memoryMb, onCatastrophicError: () => parts.onCatastrophe() });
  const dispose = (): void => {
    if (!isolate.isDisposed) isolate.dispose();
  };
  let reference: ivm.Reference;
  try {
    reference = await instantiate(isolate, parts);
  } catch (error) {
    const failure = failureOf(error, isolate);
    dispose();
    return { ok: false, failure };
  }
  /** Calls may overlap on the one thread: each accounts for what was used since the last account. */
  let accountedMs = cpuMsOf(isolate);
  const takeCpuMs = (): number => {
    const used = Math.max(0, cpuMsOf(isolate) - accountedMs);
    accountedMs += used;
    return used;
  };
  const runOnce = async (items: string, bytes: string, timeoutMs: number): Promise<RunReply> => {
    try {
      const output = (await reference.apply(undefined, [items, bytes], { timeout: timeoutMs })) as string;
      return { ok: true, output, cpuMs: takeCpuMs() };
    } catch (error) {
      return { ok: false, failure: failureOf(error, isolate), cpuMs: takeCpuMs() };
    }
  };
  const run = async (items: string, bytes: string, timeoutMs: number): Promise<RunReply> => {
    let reply = await runOnce(items, bytes, timeoutMs);
    for (const factor of STARVED_FACTORS.slice(1)) {
      const starved = !reply.ok && reply.failure.reason === "timeout" && reply.cpuMs < FAIR_SHARE * timeoutMs;
      if (!starved) return reply;
      reply = await runOnce(items, bytes, factor * timeoutMs);
    }
    return reply;
  };
  return { ok: true, decoder: { run, [Symbol.dispose]: dispose } };
}
