/**
 * The one home of QuickJS, an interpreter in WebAssembly: slower than isolated-vm, but at home wherever Node is. One decoder
 * version in one WebAssembly instance with a memory of its own, whose growth is limited here: the engine's own limit does
 * not count everything that a decoder can make grow, and what is thrown there can be caught. Runs in decoder host processes only.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { QuickJSSyncVariant } from "@jitl/quickjs-ffi-types";
import quickJs from "@jitl/quickjs-ng-wasmfile-release-sync";
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
} from "quickjs-emscripten-core";
import type { EngineParts, OpenEngineDecoder, RunOptions, RunReply } from "./engine.ts";
import { BRIDGE_SOURCE, foreignImport, GUEST_SOURCE } from "./guest-modules.ts";
import { MESSAGE_CHARACTERS } from "./limits.ts";
import type { CallFailure } from "./protocol.ts";

/** TypeScript has the types of WebAssembly with those of browsers only. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
declare const WebAssembly: { readonly Module: new (bytes: Uint8Array) => object };

const MB = 2 ** 20;
const PAGE_BYTES = 65_536;
/** Far below WebAssembly's own stack, of which each of the engine's frames takes some. */
const STACK_BYTES = 256 * 1024;
/** The engine's stack and data, and a decoder's source with what surrounds it. */
const OWN_MEMORY_MB = 8;
/** Turns of promises that a call may leave behind and still have done within its time. */
const TURNS = 1000;

const require = createRequire(import.meta.url);
const WASM = new WebAssembly.Module(readFileSync(require.resolve("@jitl/quickjs-ng-wasmfile-release-sync/wasm")));
// Its types are those of its CommonJS form, whose default export is one level deeper.
const VARIANT = newVariant(quickJs as unknown as QuickJSSyncVariant, { wasmModule: WASM }) as QuickJSSyncVariant;

const OVER_MEMORY: CallFailure = { reason: "memory", message: "over the memory limit" };
const OVER_TIME: CallFailure = { reason: "timeout", message: "over the time limit" };

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: CallFailure };
const failed = (failure: CallFailure): { readonly ok: false; readonly failure: CallFailure } => ({
  ok: false,
  failure,
});

/** Processor time of this thread, ms. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * Texts cross as C strings, which end at a NUL: each byte goes as a character from 256 on, of which the guest, writing it into
 * an array of bytes, keeps the low eight bits.
 */
function withoutNul(latin1: string): string {
  const units = new Uint16Array(latin1.length);
  for (let at = 0; at < units.length; at++) units[at] = 0x100 | latin1.charCodeAt(at);
  return Buffer.from(units.buffer).toString("utf16le");
}

interface GrowthLimit {
  /** Whether more was wanted than there may be; asking forgets it. A smaller attempt that succeeded afterwards makes it good. */
  takeRefusal(): boolean;
}

function limitGrowth(memory: Memory, bytes: number): GrowthLimit {
  const grow = memory.grow.bind(memory);
  let refused = false;
  memory.grow = pages => {
    refused = memory.buffer.byteLength + pages * PAGE_BYTES > bytes;
    if (refused) throw new RangeError(OVER_MEMORY.message);
    return grow(pages);
  };
  return {
    takeRefusal() {
      const was = refused;
      refused = false;
      return was;
    },
  };
}

function failureOf(context: QuickJSContext, error: QuickJSHandle): CallFailure {
  const shown = context.dump(error) as unknown;
  const { name, message } = (typeof shown === "object" && shown !== null ? shown : {}) as Partial<Error>;
  if (name === "InternalError" && message === "interrupted") return OVER_TIME;
  if (name === "InternalError" && message === "out of memory") return OVER_MEMORY;
  const text = name === undefined ? String(shown) : `${name}: ${message}`;
  return { reason: "threw", message: text.slice(0, MESSAGE_CHARACTERS) };
}

/** An engine with a clock of its own. Never disposed of: one that has failed cannot be. It goes when nobody holds it. */
interface Engine {
  readonly runtime: QuickJSRuntime;
  readonly context: QuickJSContext;
  /** Does the work, with the promises that it leaves behind, within that much processor time. Never throws. */
  within<T>(timeoutMs: number, work: () => Attempt<T>): Attempt<T>;
  /** Whether the work at hand has had its time: what is cut short in a module leaves no error, only a promise. */
  isLate(): boolean;
}

async function openEngine(memoryMb: number): Promise<Engine> {
  const module = await newQuickJSWASMModuleFromVariant(VARIANT);
  const growth = limitGrowth(module.getWasmMemory(), (OWN_MEMORY_MB + memoryMb) * MB);
  let endMs = 0;
  const isLate = (): boolean => cpuMs() > endMs;
  const runtime = module.newRuntime({
    maxStackSizeBytes: STACK_BYTES,
    interruptHandler: isLate,
  });
  const context = runtime.newContext();

  const settle = (): CallFailure | undefined => {
    for (let turn = 0; runtime.hasPendingJob(); turn++) {
      if (turn === TURNS) return OVER_TIME;
      const done = runtime.executePendingJobs(1);
      const failure = done.error && failureOf(context, done.error);
      done.dispose();
      if (failure && failure.reason !== "threw") return failure;
    }
    return undefined;
  };
  return {
    runtime,
    context,
    isLate,
    within(timeoutMs, work) {
      endMs = cpuMs() + timeoutMs;
      try {
        const done = work();
        const failure = done.ok ? settle() : undefined;
        if (growth.takeRefusal()) return failed(OVER_MEMORY);
        return failure ? failed(failure) : done;
      } catch (error) {
        // Thrown by the engine itself, mostly when a stack or its memory ran over: it is not to be used any more.
        const message = error instanceof RangeError ? OVER_MEMORY.message : `the engine failed: ${String(error)}`;
        return failed({ reason: "memory", message: message.slice(0, MESSAGE_CHARACTERS) });
      }
    },
  };
}

interface Calls {
  readonly run: QuickJSHandle;
  readonly runPrinting: QuickJSHandle;
  readonly printed: QuickJSHandle;
}

/** Nothing but the three modules can be imported, by nothing but the bridge, and not later either. */
function evaluate({ runtime, context, within, isLate }: Engine, { source, timeoutMs }: EngineParts): Attempt<Calls> {
  if (source.includes("\0")) return failed({ reason: "threw", message: "SyntaxError: the source holds a NUL" });
  const modules = new Map([
    ["guest", GUEST_SOURCE],
    ["decoder", source],
  ]);
  let foreign: SyntaxError | undefined;
  runtime.setModuleLoader(
    name => modules.get(name) ?? { error: foreignImport(name) },
    (from, name) => {
      if (from === "bridge") return name;
      foreign = foreignImport(name);
      return { error: foreign };
    },
  );
  return within(timeoutMs, () => {
    const bridge = context.evalCode(BRIDGE_SOURCE, "bridge", { type: "module" });
    if (foreign) return failed({ reason: "threw", message: `SyntaxError: ${foreign.message}` });
    if (bridge.error) return failed(failureOf(context, bridge.error));
    const state = context.getPromiseState(bridge.value);
    if (state.type === "rejected") return failed(failureOf(context, state.error));
    if (state.type === "pending") {
      return failed(isLate() ? OVER_TIME : { reason: "threw", message: "the module waits for a promise" });
    }
    const call = (name: keyof Calls): QuickJSHandle => context.getProp(state.value, name);
    return { ok: true, value: { run: call("run"), runPrinting: call("runPrinting"), printed: call("printed") } };
  });
}

export const openQuickJsDecoder: OpenEngineDecoder = async parts => {
  const engine = await openEngine(parts.memoryMb);
  const { context, within } = engine;
  const evaluated = evaluate(engine, parts);
  if (!evaluated.ok) return evaluated;
  const calls = evaluated.value;

  const call = (name: keyof Calls, texts: readonly string[], timeoutMs: number): Attempt<string> =>
    within(timeoutMs, () => {
      const given = texts.map(text => context.newString(text));
      const reply = context.callFunction(calls[name], context.undefined, ...given);
      for (const handle of given) handle.dispose();
      if (reply.error) return failed(reply.error.consume(error => failureOf(context, error)));
      return { ok: true, value: reply.value.consume(value => context.getString(value)) };
    });
  const run = (items: string, bytes: string, options: RunOptions): RunReply => {
    const fromMs = cpuMs();
    const texts = [items, withoutNul(bytes)];
    const done = call(options.console ? "runPrinting" : "run", texts, options.timeoutMs);
    const printed = options.console ? call("printed", [], options.timeoutMs) : undefined;
    const account = { cpuMs: cpuMs() - fromMs, ...(printed?.ok && { console: printed.value }) };
    return done.ok ? { ok: true, output: done.value, ...account } : { ok: false, failure: done.failure, ...account };
  };
  return {
    ok: true,
    decoder: { run: async (items, bytes, options) => run(items, bytes, options), [Symbol.dispose]: () => {} },
  };
};
