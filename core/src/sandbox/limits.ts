import { availableParallelism } from "node:os";

/** Every limit of the sandbox, in one value, so that a test or an operator can set other ones. */
export interface SandboxLimits {
  /**
   * Decoder host processes; a decoder's host follows from its partner, so that one partner's crash hits only itself.
   * 0: one for each processor core but one, at least one and at most 4.
   */
  readonly hosts: number;
  /** Heap of one decoder's isolate, MB. V8 treats it as a guideline; `hostRssBytes` is the wall. */
  readonly isolateMemoryMb: number;
  /** Time for one decode, ms; a batch has `perItemMs` more for each further item. */
  readonly decodeMs: number;
  readonly perItemMs: number;
  /** Time for running a decoder's module once, when it is loaded, ms. */
  readonly loadMs: number;
  readonly batchItems: number;
  /** The same in the background: so few that what is live waits for them no longer than for one slow decode. */
  readonly backgroundBatchItems: number;
  /** Batches of one decoder, and of all decoders of one host, that are under way at the same time. */
  readonly batchesPerDecoder: number;
  readonly batchesPerHost: number;
  /** Decoders kept open in one host; the one used longest ago is closed for another, and opened again when needed. */
  readonly isolatesPerHost: number;
  /** One that was not used for this long is closed, ms. */
  readonly isolateIdleMs: number;
  /** One that has run so often, or holds so much memory, is closed and opened afresh. */
  readonly isolateDecodes: number;
  readonly isolateHeapBytes: number;
  /** Decodes that wait for one decoder; more are refused as `unavailable`. */
  readonly queuedPerDecoder: number;
  /** The same in the background. */
  readonly queuedInBackground: number;
  /** A call that a host has not answered after this long ends the host, ms; its end is seen, and told, within a second. */
  readonly hostWallMs: number;
  /** The same on the trial host, where one suspect runs alone, ms. */
  readonly trialWallMs: number;
  /** The same while the types of a decoder's source are stripped, ms. */
  readonly stripWallMs: number;
  /** The same while a decoder is opened: compiling and running its module, ms. */
  readonly openWallMs: number;
  /** Resident memory at which a host is ended, bytes. */
  readonly hostRssBytes: number;
  /** How often a busy host is looked at, ms. */
  readonly watchMs: number;
  /** Time from spawn to the host's first word, ms. */
  readonly startMs: number;
  /** A trial host without work for this long is ended, ms. */
  readonly trialIdleMs: number;
  /** Decodes without harm, alone on the trial host, after which a decoder that took a host down is trusted again. */
  readonly probationDecodes: number;
  /** The same after one that ran over its time or memory: opening its isolate anew would hold up its neighbours. */
  readonly cautionDecodes: number;
  /** What one partner may use of a processor core while others of its host want their turn, and at once after a calm time. */
  readonly partnerCpuPercent: number;
  readonly partnerBurstMs: number;
  /** Decodes that wait for a decoder whose partner has used that up and is passed over; more are refused. */
  readonly queuedOverBudget: number;
  readonly inputBytes: number;
  readonly sourceBytes: number;
}

const KB = 1024;
const MB = 1024 * KB;

export const DEFAULT_SANDBOX_LIMITS: SandboxLimits = {
  hosts: 0,
  isolateMemoryMb: 16,
  decodeMs: 50,
  perItemMs: 1,
  loadMs: 250,
  batchItems: 64,
  backgroundBatchItems: 16,
  batchesPerDecoder: 3,
  batchesPerHost: 4,
  isolatesPerHost: 40,
  isolateIdleMs: 600_000,
  isolateDecodes: 1_000_000,
  isolateHeapBytes: 12 * MB,
  queuedPerDecoder: 1000,
  queuedInBackground: 1000,
  hostWallMs: 800,
  trialWallMs: 450,
  stripWallMs: 1500,
  openWallMs: 600,
  hostRssBytes: 350 * MB,
  watchMs: 25,
  startMs: 10_000,
  trialIdleMs: 10_000,
  probationDecodes: 100,
  cautionDecodes: 20,
  partnerCpuPercent: 10,
  partnerBurstMs: 1000,
  queuedOverBudget: 200,
  inputBytes: 64 * KB,
  sourceBytes: 512 * KB,
};

/** The watch must not end a host while the isolate's own, milder limit has not spoken. */
const WALL_FACTOR = 3;

/** Defaults, what is set instead, and walls that leave room for the longest call. */
export function sandboxLimits(given: Partial<SandboxLimits> = {}): SandboxLimits {
  const limits = { ...DEFAULT_SANDBOX_LIMITS, ...given };
  const batchMs = limits.decodeMs + limits.perItemMs * (limits.batchItems - 1);
  return {
    ...limits,
    hosts: limits.hosts || Math.max(1, Math.min(4, availableParallelism() - 1)),
    hostWallMs: Math.max(limits.hostWallMs, WALL_FACTOR * batchMs),
    trialWallMs: Math.max(limits.trialWallMs, WALL_FACTOR * limits.decodeMs),
  };
}

/** What the guest wrapper enforces inside the isolate; the parent checks again (contract/manifest.ts). */
export const OUTPUT_CHARACTERS = 64 * KB;
export const OUTPUT_DEPTH = 16;
export const MESSAGE_CHARACTERS = 300;
/** What is kept of that which a decoder prints. */
export const CONSOLE_LINES = 100;
export const CONSOLE_CHARACTERS = 8 * KB;
/** Largest frame between the processes: a full batch of largest items and some room. */
export const FRAME_BYTES = 8 * MB;
