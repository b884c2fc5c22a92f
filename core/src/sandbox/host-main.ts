/**
 * A decoder host process: reads frames on standard input, answers on standard output, knows nothing else. It has no
 * timers, no network, no environment and no secrets; limits that matter are kept by its parent, which ends it by SIGKILL.
 */
import { stripTypeScriptTypes } from "node:module";
import { ENGINES, type EngineDecoder, type EngineName, type OpenEngineDecoder } from "./engine.ts";
import { createFrameReader, encodeFrame, type Frame } from "./frames.ts";
import { FRAME_BYTES, MESSAGE_CHARACTERS } from "./limits.ts";
import type { CallFailure, FromHost, ToHost } from "./protocol.ts";

type Message<K extends ToHost["kind"]> = Extract<ToHost, { kind: K }>;

/** Loaded when it is known which one is wanted: where one is missing, another may be there. */
const OPENERS: Readonly<Record<EngineName, () => Promise<OpenEngineDecoder>>> = {
  "isolated-vm": async () => (await import("./isolate-decoder.ts")).createIsolateEngine(),
  quickjs: async () => (await import("./quickjs-decoder.ts")).openQuickJsDecoder,
};

/** `process.exit` waits for threads, and a thread of a hanging isolate never ends. */
const end = (): void => void process.kill(process.pid, "SIGKILL");
const send = (head: FromHost, parts: readonly (string | Uint8Array)[] = []): void =>
  void process.stdout.write(encodeFrame(head, parts));
const textOf = (part: Uint8Array | undefined, encoding: "utf8" | "latin1"): string =>
  part ? Buffer.from(part.buffer, part.byteOffset, part.length).toString(encoding) : "";

/** Types become blanks, so that lines and columns of error messages stay true. */
function plainSource(source: string): { source: string } | { failure: CallFailure } {
  try {
    return { source: stripTypeScriptTypes(source) };
  } catch (error) {
    const { code, name, message } = error as { code?: string; name: string; message: string };
    // Its parser does not survive some inputs: this process is done for, which only a trial host ever meets.
    if (!code?.includes("TYPESCRIPT")) end();
    return { failure: { reason: "threw", message: `${name}: ${message}`.slice(0, MESSAGE_CHARACTERS) } };
  }
}

function serve(open: OpenEngineDecoder): (frame: Frame) => Promise<void> {
  const decoders = new Map<string, EngineDecoder>();
  const drop = (id: string): void => {
    decoders.get(id)?.[Symbol.dispose]();
    decoders.delete(id);
  };
  const fail = (call: number, failure: CallFailure, cpuMs = 0, parts: readonly string[] = []): void =>
    send({ kind: "done", call, cpuMs, failure }, parts);

  const load = async (message: Message<"load">, parts: Frame["parts"]): Promise<void> => {
    const { memoryMb, timeoutMs } = message;
    const opened = await open({ source: textOf(parts[0], "utf8"), memoryMb, timeoutMs, onCatastrophe: end });
    if (!opened.ok) return fail(message.call, opened.failure);
    drop(message.decoder);
    decoders.set(message.decoder, opened.decoder);
    send({ kind: "done", call: message.call, cpuMs: 0 });
  };
  const strip = ({ call }: Message<"strip">, parts: Frame["parts"]): void => {
    const plain = plainSource(textOf(parts[0], "utf8"));
    if ("failure" in plain) fail(call, plain.failure);
    else send({ kind: "done", call, cpuMs: 0 }, [plain.source]);
  };

  const decode = async (message: Message<"decode">, parts: Frame["parts"]): Promise<void> => {
    const { call, decoder: id, timeoutMs } = message;
    const decoder = decoders.get(id);
    if (!decoder) return fail(call, { reason: "memory", message: "its isolate is gone" });
    const [items, bytes] = [textOf(parts[0], "utf8"), textOf(parts[1], "latin1")];
    const reply = await decoder.run(items, bytes, { timeoutMs, console: message.console === true });
    const printed = reply.console === undefined ? [] : [reply.console];
    const { cpuMs, heapBytes } = reply;
    const account = { cpuMs, ...(heapBytes === undefined ? {} : { heapBytes }) };
    if (reply.ok) return send({ kind: "done", call, ...account }, [reply.output, ...printed]);
    if (reply.failure.reason === "memory" && decoders.get(id) === decoder) drop(id);
    fail(call, reply.failure, cpuMs, ["", ...printed]);
  };

  return async ({ head, parts }) => {
    const message = head as ToHost;
    if (message.kind === "strip") return strip(message, parts);
    if (message.kind === "load") return load(message, parts);
    if (message.kind === "decode") return decode(message, parts);
    drop(message.decoder);
  };
}

async function main(): Promise<void> {
  // A stop meant for the whole process group reaches this process too: it goes on until its parent closes the pipe.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  process.stdin.on("end", end).on("error", end);
  process.stdout.on("error", end);
  const engine = ENGINES.find(name => name === process.argv[2]);
  let open: OpenEngineDecoder;
  try {
    if (!engine) throw new Error(`there is no engine ${process.argv[2]}`);
    open = await OPENERS[engine]();
  } catch (error) {
    return send({ kind: "hello", ok: false, message: error instanceof Error ? error.message : String(error) });
  }
  const handle = serve(open);
  const reader = createFrameReader(FRAME_BYTES, frame => void handle(frame));
  process.stdin.on("data", (chunk: Buffer) => {
    if (!reader.push(chunk)) end();
  });
  send({ kind: "hello", ok: true, message: process.version });
}

await main();
