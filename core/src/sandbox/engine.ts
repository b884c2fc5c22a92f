/**
 * What a decoder host asks of an engine: one decoder version, walled in, that runs batches (`guest.ts` says what goes in and
 * comes out). An engine is used in decoder host processes only (`host-main.ts`), never in the main one.
 */
import type { CallFailure } from "./protocol.ts";

/** Best first. */
export const ENGINES = ["isolated-vm", "quickjs"] as const;
export type EngineName = (typeof ENGINES)[number];

export interface RunOptions {
  /** For the whole batch, ms of processor time; what did not get the processor may take longer by the clock. */
  readonly timeoutMs: number;
  /** What the decoder prints is wanted. */
  readonly console: boolean;
}

/** What one run cost and, where it was wanted, printed: a JSON array of texts, also of a run that failed where that is possible. */
interface RunAccount {
  /** Processor time, not time by the clock. */
  readonly cpuMs: number;
  /** What the decoder holds in memory; told now and then. */
  readonly heapBytes?: number;
  readonly console?: string;
}

export type RunReply = RunAccount &
  ({ readonly ok: true; readonly output: string } | { readonly ok: false; readonly failure: CallFailure });

export interface EngineDecoder extends Disposable {
  /** Runs a batch; calls may overlap. Never rejects. After a failure for memory the decoder is gone: open another. */
  run(items: string, bytes: string, options: RunOptions): Promise<RunReply>;
}

export interface EngineParts {
  /** Plain JavaScript, an ES module. */
  readonly source: string;
  readonly memoryMb: number;
  /** For the module's top level, ms. */
  readonly timeoutMs: number;
  /** The engine lost control of the decoder: this process is not to be used any more. */
  onCatastrophe(): void;
}

/** Runs the module's top level and holds its decoder. Never rejects. */
export type OpenEngineDecoder = (
  parts: EngineParts,
) => Promise<
  { readonly ok: true; readonly decoder: EngineDecoder } | { readonly ok: false; readonly failure: CallFailure }
>;
