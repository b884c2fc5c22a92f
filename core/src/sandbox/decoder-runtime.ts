/** What runs decoders, seen from outside: engines in a sandbox, services behind HTTP (`decoding/remote`), or both joined. */
import type { DurationFigures } from "../base/durations.ts";
import { MooringError } from "../base/errors.ts";
import type { DecoderInput, DecoderManifest, DecoderResult } from "../contract/decoder.ts";

/** `service`: it runs elsewhere, behind HTTP. */
export type DecoderLanguage = "javascript" | "typescript" | "service";

/**
 * A decoder as it was written: an ES module without imports at run time whose default export is `{ decode(input) }`; or where
 * its service is (`decoding/remote/sealed-service.ts`).
 */
export interface DecoderSource {
  readonly manifest: DecoderManifest;
  readonly source: string;
  readonly language: DecoderLanguage;
  /**
   * The tenant whose decoder it is; absent: it came with the host. Decoders of one owner and publisher share a host process
   * and processor time, so that what one of them does harms its own partner only.
   */
  readonly owner?: string;
}

/** The runtime makes `valueHex` itself. */
export type RuntimeInput = Omit<DecoderInput, "valueHex">;

/**
 * timeout: over its time limit. memory: over its memory limit. threw: an exception in the decoder. invalidResult: what it
 * returned breaks the contract. inputTooLarge: the payload is over the limit and was not tried. hostDied: the process that
 * ran it, alone, ended. callFailed: a service behind HTTP gave no result: the same payload may succeed later. unavailable: not the payload's fault (no such decoder, no engine, queue full, it has a rest): try again later.
 */
export type DecodeFailureReason =
  | "timeout"
  | "memory"
  | "threw"
  | "invalidResult"
  | "inputTooLarge"
  | "hostDied"
  | "callFailed"
  | "unavailable";

/**
 * live: somebody waits for it. background (shadow runs, decoding again): runs only while nothing live waits on the same host, one
 * small batch at a time, and has a queue of its own; a service is asked on half of its connections, when no live call waits.
 */
export type Urgency = "live" | "background";

export interface DecodeOptions {
  /** Default live. */
  readonly urgency?: Urgency;
  /**
   * Runs this input alone, beside all others, and the outcome tells what the decoder printed. Such a test is also run while
   * the decoder has a rest, or its service is paused; it counts neither for nor against it, nor in its figures.
   */
  readonly console?: boolean;
}

/** Lines that the decoder printed, oldest first, where they were asked for; at most 100 and 8 K characters. */
interface Printed {
  readonly console?: readonly string[];
}

export type DecodeOutcome =
  | (Printed & { readonly ok: true; readonly result: DecoderResult; readonly version: string; readonly cpuMs: number })
  | (Printed & {
      readonly ok: false;
      readonly reason: DecodeFailureReason;
      readonly message: string;
      readonly version?: string;
      /** Absent where it did not run. */
      readonly cpuMs?: number;
      /** Of `unavailable`, where it is known: the decoder is not worth asking before; by the wall clock. */
      readonly retryAtMs?: number;
    });

/** Whether the decoder was given the payload: what became of that took its time. */
export const hasRun = (outcome: DecodeOutcome): boolean =>
  outcome.ok || (outcome.reason !== "unavailable" && outcome.reason !== "inputTooLarge");

export interface DecoderStats {
  /** As it was loaded. */
  readonly id: string;
  readonly key: string;
  readonly version: string;
  /** Empty: it came with the host. */
  readonly owner: string;
  /** In a decoder host of ours, or a service behind HTTP. */
  readonly kind: "sandbox" | "remote";
  readonly decoded: number;
  readonly failed: Readonly<Partial<Record<DecodeFailureReason, number>>>;
  /** Calls of its host; one has up to 64 decodes. */
  readonly batches: number;
  /** Processor time, all decodes together. */
  readonly cpuMs: number;
  /** Of live payloads that it was given, from asking to outcome, waiting included. */
  readonly durations: DurationFigures;
  readonly queued: number;
  /** Of those the ones in the background. */
  readonly queuedInBackground: number;
  /** It did harm and now runs alone, apart from others, until it has proved itself. */
  readonly onProbation: boolean;
  /** Hosts that ended while it ran there alone. */
  readonly hostDeaths: number;
  /** Of its live decodes (`breaker-machine.ts`); a service has none. */
  readonly breaker?: {
    readonly state: "closed" | "open" | "trying" | "quarantined";
    /** Wall clock, ms. */
    readonly retryAtMs?: number;
    readonly why?: string;
  };
}

/** A decoder version got a rest (open), was put into quarantine, or works again (closed). */
export interface DecoderStateChange {
  /** As it was loaded. */
  readonly id: string;
  /** Empty: it came with the host. */
  readonly owner: string;
  readonly key: string;
  readonly version: string;
  /** Its decodes in the background have a breaker of their own. */
  readonly urgency: Urgency;
  readonly state: "closed" | "open" | "quarantined";
  readonly why: string;
  /** Wall clock, ms. */
  readonly retryAtMs?: number;
}

export interface RuntimeStats {
  readonly engine: string;
  readonly available: boolean;
  /** Why not, when it is not. */
  readonly reason?: string;
  /** Process ids of the hosts that live at this moment. */
  readonly hostPids: readonly number[];
  /** Hosts that ended without being asked to. */
  readonly hostDeaths: number;
  /** Decoders that are open in hosts at this moment; the others are opened when they are needed. */
  readonly isolatesOpen: number;
  /** Decoders that were closed for others, for their age or their memory. */
  readonly evictions: number;
  readonly decoders: readonly DecoderStats[];
}

/** Runs versions of decoders; which of them is in force for whom is not its business (decoding/decoder-directory.ts). */
export interface DecoderRuntime extends AsyncDisposable {
  /**
   * Makes a version ready. An id that is loaded stays as it is: what stands under an id never changes.
   * @param id names this version of this decoder for `decode` and `unload`
   * @throws MooringError DECODER_INVALID when it does not compile, imports something, has no `decode` or breaks a limit.
   *         DECODER_UNAVAILABLE when there is no engine.
   */
  load(id: string, decoder: DecoderSource): Promise<void>;
  /** Forgets a version; its waiting decodes end as `unavailable`. An unknown id is no error. */
  unload(id: string): void;
  has(id: string): boolean;
  /** Ends a version's rest or quarantine at once. An unknown id is no error. */
  release(id: string): void;
  /** Never rejects. Decodes of one id and urgency are started in the order of the calls; outcomes may overtake each other after a failure. */
  decode(id: string, input: RuntimeInput, options?: DecodeOptions): Promise<DecodeOutcome>;
  stats(): RuntimeStats;
}

/** The runtime of a machine without an engine: everything else works, decoders say why they do not. */
export function createUnavailableRuntime(reason: string): DecoderRuntime {
  return {
    load: (_, { manifest: { key } }) =>
      Promise.reject(new MooringError("DECODER_UNAVAILABLE", `decoders cannot run here: ${reason}`, { key })),
    unload: () => {},
    has: () => false,
    release: () => {},
    decode: () => Promise.resolve({ ok: false, reason: "unavailable", message: `decoders cannot run here: ${reason}` }),
    stats: () => ({
      engine: "none",
      available: false,
      reason,
      hostPids: [],
      hostDeaths: 0,
      isolatesOpen: 0,
      evictions: 0,
      decoders: [],
    }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
