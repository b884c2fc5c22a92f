/** One loaded decoder version: what waits for it and what became of what it did. */
import type { DecoderManifest } from "../contract/decoder.ts";
import type { DecodeFailureReason, DecodeOutcome, DecoderStats, RuntimeInput } from "./decoder-runtime.ts";
import type { LoadableDecoder } from "./host-slot.ts";

export interface Job {
  readonly input: RuntimeInput;
  readonly resolve: (outcome: DecodeOutcome) => void;
}

export interface DecoderEntry extends LoadableDecoder {
  /** By which the runtime's users know it; `id` is that of one load. */
  readonly name: string;
  readonly manifest: DecoderManifest;
  /** Not started, oldest first. */
  readonly waiting: Job[];
  /** Were under way when something failed; each is tried once more, alone, before anything that waits. */
  readonly suspects: Job[];
  /** Batches under way on the decoder's usual host. */
  underWay: number;
  /** Decodes that it still has to do alone, on the trial host. */
  probation: number;
  hostDeaths: number;
  decoded: number;
  cpuMs: number;
  readonly failed: Partial<Record<DecodeFailureReason, number>>;
  /** Unloaded: nothing may wait for it any more. */
  retired: boolean;
}

export const createEntry = (
  name: string,
  { id, script }: LoadableDecoder,
  manifest: DecoderManifest,
): DecoderEntry => ({
  id,
  name,
  manifest,
  script,
  waiting: [],
  suspects: [],
  underWay: 0,
  probation: 0,
  hostDeaths: 0,
  decoded: 0,
  cpuMs: 0,
  failed: {},
  retired: false,
});

export const queuedOf = (entry: DecoderEntry): number => entry.waiting.length + entry.suspects.length;

/** Whether its usual host may run it now. */
export const isTrusted = (entry: DecoderEntry): boolean => entry.suspects.length === 0 && entry.probation === 0;

export function settle(entry: DecoderEntry, job: Job, outcome: DecodeOutcome): void {
  if (outcome.ok) {
    entry.decoded++;
    entry.cpuMs += outcome.cpuMs;
  } else entry.failed[outcome.reason] = (entry.failed[outcome.reason] ?? 0) + 1;
  job.resolve(outcome);
}

export function fail(
  entry: DecoderEntry,
  jobs: readonly Job[],
  { reason, message }: { readonly reason: DecodeFailureReason; readonly message: string },
): void {
  for (const job of jobs) settle(entry, job, { ok: false, reason, message, version: entry.manifest.version });
}

/** Nothing waits for it any more; what waited ends as `unavailable`. */
export function retire(entry: DecoderEntry, message: string): void {
  entry.retired = true;
  fail(entry, [...entry.suspects.splice(0), ...entry.waiting.splice(0)], { reason: "unavailable", message });
}

/** Keeps jobs of a failed batch for a try apart; where nobody looks after the entry any more they end. */
export function suspect(entry: DecoderEntry, jobs: readonly Job[]): void {
  if (!entry.retired) entry.suspects.push(...jobs);
  else fail(entry, jobs, { reason: "unavailable", message: "the decoder was unloaded while it ran" });
}

export const statsOf = (entry: DecoderEntry): DecoderStats => ({
  id: entry.name,
  key: entry.manifest.key,
  version: entry.manifest.version,
  decoded: entry.decoded,
  failed: { ...entry.failed },
  cpuMs: entry.cpuMs,
  queued: queuedOf(entry),
  onProbation: entry.probation > 0,
});
