/** One loaded decoder version: what waits for it and what became of what it did. */
import type { DecoderManifest } from "../contract/decoder.ts";
import type {
  DecodeFailureReason,
  DecodeOptions,
  DecodeOutcome,
  DecoderStats,
  RuntimeInput,
} from "./decoder-runtime.ts";
import type { LoadableDecoder } from "./host-slot.ts";

export type Urgency = NonNullable<DecodeOptions["urgency"]>;

export interface Job {
  readonly input: RuntimeInput;
  readonly urgency: Urgency;
  /** What is printed is wanted: it runs alone. */
  readonly console: boolean;
  readonly resolve: (outcome: DecodeOutcome) => void;
}

export interface DecoderEntry extends LoadableDecoder {
  /** By which the runtime's users know it; `id` is that of one load. */
  readonly name: string;
  readonly manifest: DecoderManifest;
  /** Not started, oldest first. */
  readonly waiting: Readonly<Record<Urgency, Job[]>>;
  /** Were under way when something failed; each is tried once more, alone, before anything that waits. */
  readonly suspects: Readonly<Record<Urgency, Job[]>>;
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
  waiting: { live: [], background: [] },
  suspects: { live: [], background: [] },
  underWay: 0,
  probation: 0,
  hostDeaths: 0,
  decoded: 0,
  cpuMs: 0,
  failed: {},
  retired: false,
});

export const queuedOf = ({ waiting, suspects }: DecoderEntry, urgency: Urgency): number =>
  waiting[urgency].length + suspects[urgency].length;

/** Whether its usual host may run it now; suspects of the background do not hold up what is live. */
export const isTrusted = ({ suspects, probation }: DecoderEntry, urgency: Urgency): boolean =>
  probation === 0 && suspects.live.length === 0 && suspects[urgency].length === 0;

/** The next jobs for one call: what shall print runs alone. */
export function takeBatch(waiting: Job[], most: number): Job[] {
  const alone = waiting.slice(0, most).findIndex(job => job.console);
  return waiting.splice(0, alone < 0 ? most : Math.max(1, alone));
}

export function settle(entry: DecoderEntry, job: Job, outcome: DecodeOutcome): void {
  if (outcome.ok) {
    entry.decoded++;
    entry.cpuMs += outcome.cpuMs;
  } else entry.failed[outcome.reason] = (entry.failed[outcome.reason] ?? 0) + 1;
  job.resolve(outcome);
}

export interface Failure {
  readonly reason: DecodeFailureReason;
  readonly message: string;
  readonly cpuMs?: number;
  readonly console?: readonly string[];
}

export const failedOutcome = ({ reason, message, cpuMs, console }: Failure, version: string): DecodeOutcome => ({
  ok: false,
  reason,
  message,
  version,
  ...(cpuMs === undefined ? {} : { cpuMs }),
  ...(console ? { console } : {}),
});

export function fail(entry: DecoderEntry, jobs: readonly Job[], failure: Failure): void {
  const outcome = failedOutcome(failure, entry.manifest.version);
  for (const job of jobs) settle(entry, job, outcome);
}

/** Nothing waits for it any more; what waited ends as `unavailable`. */
export function retire(entry: DecoderEntry, message: string): void {
  entry.retired = true;
  const { waiting, suspects } = entry;
  const all = [suspects.live, waiting.live, suspects.background, waiting.background].flatMap(jobs => jobs.splice(0));
  fail(entry, all, { reason: "unavailable", message });
}

/** Keeps jobs of a failed batch for a try apart; where nobody looks after the entry any more they end. */
export function suspect(entry: DecoderEntry, jobs: readonly Job[]): void {
  if (!entry.retired) for (const job of jobs) entry.suspects[job.urgency].push(job);
  else fail(entry, jobs, { reason: "unavailable", message: "the decoder was unloaded while it ran" });
}

export const statsOf = (entry: DecoderEntry): DecoderStats => ({
  id: entry.name,
  key: entry.manifest.key,
  version: entry.manifest.version,
  decoded: entry.decoded,
  failed: { ...entry.failed },
  cpuMs: entry.cpuMs,
  queued: queuedOf(entry, "live") + queuedOf(entry, "background"),
  queuedInBackground: queuedOf(entry, "background"),
  onProbation: entry.probation > 0,
});
