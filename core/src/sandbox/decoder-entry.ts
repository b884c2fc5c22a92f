/** One loaded decoder version: what waits for it and what became of what it did. */
import { createDurations, type Durations } from "../base/durations.ts";
import type { DecoderManifest } from "../contract/decoder.ts";
import { type BreakerEvent, type BreakerState, CLOSED } from "./breaker-machine.ts";
import {
  type DecodeFailureReason,
  type DecodeOutcome,
  type DecoderStats,
  hasRun,
  type RuntimeInput,
  type Urgency,
} from "./decoder-runtime.ts";
import type { HostReply } from "./host-process.ts";
import type { LoadableDecoder } from "./host-slot.ts";
import type { SandboxLimits } from "./limits.ts";
import type { PartnerBudget } from "./partner-budget.ts";

export interface Job {
  readonly input: RuntimeInput;
  readonly urgency: Urgency;
  /** What is printed is wanted: it runs alone, on the trial host, and says nothing about payloads. */
  readonly console: boolean;
  /** When it was asked for, by its entry's `turnMs`. */
  readonly fromMs: number;
  readonly resolve: (outcome: DecodeOutcome) => void;
}

export interface DecoderEntry extends LoadableDecoder {
  /** By which the runtime's users know it; `id` is that of one load. */
  readonly name: string;
  readonly manifest: DecoderManifest;
  readonly owner: string;
  /** By which it shares host and processor time with other decoders. */
  readonly partner: string;
  /** Not started, oldest first. */
  readonly waiting: Readonly<Record<Urgency, Job[]>>;
  /** Were under way when something failed; each is tried once more, alone, before anything that waits. */
  readonly suspects: Readonly<Record<Urgency, Job[]>>;
  /** Decodes that shall tell what is printed. */
  readonly tests: Job[];
  readonly breakers: Record<Urgency, BreakerState>;
  /** That of its partner, which it may share with other decoders. */
  readonly budget: PartnerBudget;
  /** Time of this turn of the event loop. */
  readonly turnMs: () => number;
  readonly durations: Durations;
  /** Batches under way on the decoder's usual host. */
  underWay: number;
  /** Decodes that it still has to do alone, on the trial host. */
  probation: number;
  hostDeaths: number;
  batches: number;
  decoded: number;
  cpuMs: number;
  readonly failed: Partial<Record<DecodeFailureReason, number>>;
  /** Unloaded: nothing may wait for it any more. */
  retired: boolean;
}

export const createEntry = (
  { id, script }: LoadableDecoder,
  more: Pick<DecoderEntry, "name" | "manifest" | "owner" | "partner" | "budget" | "turnMs">,
): DecoderEntry => ({
  ...more,
  id,
  script,
  waiting: { live: [], background: [] },
  suspects: { live: [], background: [] },
  tests: [],
  breakers: { live: CLOSED, background: CLOSED },
  durations: createDurations(),
  underWay: 0,
  probation: 0,
  hostDeaths: 0,
  batches: 0,
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

/** Everything of one urgency that has not begun, oldest first. */
export const takeAll = ({ suspects, waiting }: DecoderEntry, urgency: Urgency): Job[] => [
  ...suspects[urgency].splice(0),
  ...waiting[urgency].splice(0),
];

type Used = { readonly cpuMs: number } & ({ readonly ok: true } | { readonly ok: false; readonly hostDied: boolean });

/** What a call used, whatever became of it. @param deathMs for one that took its host with it, which nobody could measure */
export function charge(entry: DecoderEntry, used: Used, deathMs: number): void {
  const cpuMs = !used.ok && used.hostDied ? deathMs : used.cpuMs;
  entry.batches++;
  entry.cpuMs += cpuMs;
  entry.budget.charge(cpuMs);
}

/**
 * After a failed call of one input, alone, that did harm: it runs on the trial host until it has proved itself.
 * @returns what that says to its breaker
 */
export function distrust(
  entry: DecoderEntry,
  { hostDied, reason, message }: Extract<HostReply, { ok: false }>,
  { probationDecodes, cautionDecodes }: Pick<SandboxLimits, "probationDecodes" | "cautionDecodes">,
): BreakerEvent {
  if (hostDied) entry.hostDeaths++;
  const decodes = hostDied ? probationDecodes : reason === "threw" ? 0 : cautionDecodes;
  entry.probation = Math.max(entry.probation, decodes);
  return { kind: hostDied ? "hostDeath" : "harm", why: message };
}

function count(entry: DecoderEntry, job: Job, outcome: DecodeOutcome): void {
  if (outcome.ok) entry.decoded++;
  else entry.failed[outcome.reason] = (entry.failed[outcome.reason] ?? 0) + 1;
  if (job.urgency === "live" && hasRun(outcome)) entry.durations.observe(entry.turnMs() - job.fromMs);
}

export function settle(entry: DecoderEntry, job: Job, outcome: DecodeOutcome): void {
  if (!job.console) count(entry, job, outcome);
  job.resolve(outcome);
}

export interface Failure {
  readonly reason: DecodeFailureReason;
  readonly message: string;
  readonly cpuMs?: number;
  readonly console?: readonly string[];
  readonly retryAtMs?: number;
}

export const failedOutcome = (
  { reason, message, cpuMs, console, retryAtMs }: Failure,
  version: string,
): DecodeOutcome => ({
  ok: false,
  reason,
  message,
  version,
  ...(cpuMs === undefined ? {} : { cpuMs }),
  ...(console ? { console } : {}),
  ...(retryAtMs === undefined ? {} : { retryAtMs }),
});

export function fail(entry: DecoderEntry, jobs: readonly Job[], failure: Failure): void {
  const outcome = failedOutcome(failure, entry.manifest.version);
  for (const job of jobs) settle(entry, job, outcome);
}

/** Nothing waits for it any more; what waited ends as `unavailable`. */
export function retire(entry: DecoderEntry, message: string): void {
  entry.retired = true;
  const all = [...takeAll(entry, "live"), ...entry.tests.splice(0), ...takeAll(entry, "background")];
  fail(entry, all, { reason: "unavailable", message });
}

/** Keeps jobs of a failed batch for a try apart; where nobody looks after the entry any more they end. */
export function suspect(entry: DecoderEntry, jobs: readonly Job[]): void {
  if (!entry.retired) for (const job of jobs) entry.suspects[job.urgency].push(job);
  else fail(entry, jobs, { reason: "unavailable", message: "the decoder was unloaded while it ran" });
}

export const statsOf = (entry: DecoderEntry): DecoderStats => {
  const { live } = entry.breakers;
  return {
    id: entry.name,
    key: entry.manifest.key,
    version: entry.manifest.version,
    owner: entry.owner,
    kind: "sandbox",
    decoded: entry.decoded,
    failed: { ...entry.failed },
    batches: entry.batches,
    cpuMs: entry.cpuMs,
    durations: entry.durations.figures(),
    queued: queuedOf(entry, "live") + queuedOf(entry, "background"),
    queuedInBackground: queuedOf(entry, "background"),
    onProbation: entry.probation > 0,
    hostDeaths: entry.hostDeaths,
    breaker: {
      state: live.at,
      ...(live.at === "open" ? { retryAtMs: live.untilMs } : {}),
      ...(live.at === "closed" ? {} : { why: live.why }),
    },
  };
};
