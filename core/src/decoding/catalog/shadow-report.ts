/** What the shadow of a staged version has shown: counts, samples, and whether they allow it to come into force. Pure. */
import { toHex } from "../../base/bytes.ts";
import { canonicalJson } from "../../contract/decoder-package.ts";
import { formatTime } from "../../platform/time.ts";
import type { DecodeOutcome } from "../../sandbox/decoder-runtime.ts";
import type { Json, Scalar } from "../../store/collection.ts";
import type { InstalledDecoder } from "../decoder-directory.ts";
import type { RawPayload } from "../raw-payload.ts";
import type { Comparison, Difference, Verdict } from "./compare.ts";

export type Counts = Readonly<Record<Verdict, number>> & {
  /** Not compared: too much was going on, or one of the versions could not run. */
  readonly skipped: number;
  /** CPU time of what was compared. */
  readonly activeCpuMs: number;
  readonly stagedCpuMs: number;
};

export interface Sample {
  readonly verdict: Verdict;
  readonly from: "live" | "recorded";
  readonly rawId: string;
  readonly tenant: string;
  readonly deviceId: string;
  readonly path: string;
  /** ISO 8601, of the value. */
  readonly time: string;
  /** Of the payload, or of as much of it as fits. */
  readonly hex: string;
  /** Results, or why there is none; the beginning of their JSON where they are long. */
  readonly active: Json;
  readonly staged: Json;
  readonly differences: readonly Difference[];
}

/** Over kept payloads, the newest first. */
export interface RecordedRun {
  readonly state: "running" | "done" | "stopped";
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Payloads at most. */
  readonly limit: number;
  /** Payloads looked at. */
  readonly done: number;
  /** Where it goes on. */
  readonly after?: readonly Scalar[];
  /** Why it stopped. */
  readonly reason?: string;
}

export interface ShadowReport {
  /** Id of the version that it is compared with. */
  readonly against: string;
  readonly againstVersion: string;
  readonly sinceMs: number;
  readonly live: Counts;
  readonly recorded: Counts;
  readonly samples: readonly Sample[];
  readonly run?: RecordedRun;
}

const SAMPLES_OF_A_VERDICT = 8;
const MOST_DIFFERENCES = 20;
const LONGEST_HEX = 4096;
const LONGEST_JSON = 4096;

export const NO_COUNTS: Counts = {
  equal: 0,
  slower: 0,
  different: 0,
  failed: 0,
  repaired: 0,
  skipped: 0,
  activeCpuMs: 0,
  stagedCpuMs: 0,
};

/** @param active the version that it is compared with */
export const newReport = (active: InstalledDecoder, sinceMs: number): ShadowReport => ({
  against: active.id,
  againstVersion: active.manifest.version,
  sinceMs,
  live: NO_COUNTS,
  recorded: NO_COUNTS,
  samples: [],
});

export interface Compared {
  readonly raw: RawPayload;
  readonly from: Sample["from"];
  readonly active: DecodeOutcome;
  readonly staged: DecodeOutcome;
  /** Absent: not comparable. */
  readonly comparison: Comparison | undefined;
}

function short(value: unknown): Json {
  const text = canonicalJson(value);
  return text.length <= LONGEST_JSON ? (JSON.parse(text) as Json) : `${text.slice(0, LONGEST_JSON).toWellFormed()}...`;
}

const shownOutcome = (outcome: DecodeOutcome): Json =>
  short(outcome.ok ? outcome.result : { error: { reason: outcome.reason, message: outcome.message } });

function sampleOf({ raw, from, active, staged }: Compared, { verdict, differences }: Comparison): Sample {
  const { id: rawId, tenant, deviceId, path, atMs, bytes } = raw;
  const shown = differences.slice(0, MOST_DIFFERENCES).map(({ what, ...sides }) => ({
    what,
    ...("active" in sides && { active: short(sides.active) }),
    ...("staged" in sides && { staged: short(sides.staged) }),
  }));
  return {
    verdict,
    from,
    rawId,
    tenant,
    deviceId,
    path,
    time: formatTime(atMs),
    hex: toHex(bytes.subarray(0, LONGEST_HEX / 2)),
    active: shownOutcome(active),
    staged: shownOutcome(staged),
    differences: shown,
  };
}

export const skip = (report: ShadowReport, from: Sample["from"]): ShadowReport => ({
  ...report,
  [from]: { ...report[from], skipped: report[from].skipped + 1 },
});

export function count(report: ShadowReport, compared: Compared): ShadowReport {
  const { from, active, staged, comparison } = compared;
  if (!comparison) return skip(report, from);
  const { verdict } = comparison;
  const before = report[from];
  const counts: Counts = {
    ...before,
    [verdict]: before[verdict] + 1,
    activeCpuMs: before.activeCpuMs + (active.cpuMs ?? 0),
    stagedCpuMs: before.stagedCpuMs + (staged.cpuMs ?? 0),
  };
  const isSampled =
    verdict !== "equal" && report.samples.filter(sample => sample.verdict === verdict).length < SAMPLES_OF_A_VERDICT;
  const samples = isSampled ? [...report.samples, sampleOf(compared, comparison)] : report.samples;
  return { ...report, [from]: counts, samples };
}

export interface Findings extends Readonly<Record<Verdict, number>> {
  /** All five together. */
  readonly compared: number;
  readonly skipped: number;
  /** Share of different and failed, 0 to 100. */
  readonly differentPercent: number;
}

/** Live and recorded payloads together; what was compared with another version than that in force does not count. */
export function findingsOf(report: ShadowReport | undefined, inForce: string | undefined): Findings {
  const isOfThis = report !== undefined && report.against === inForce;
  const { live, recorded } = isOfThis ? report : { live: NO_COUNTS, recorded: NO_COUNTS };
  const sum = (name: Verdict | "skipped"): number => live[name] + recorded[name];
  const verdicts = {
    equal: sum("equal"),
    slower: sum("slower"),
    different: sum("different"),
    failed: sum("failed"),
    repaired: sum("repaired"),
  };
  const compared = Object.values(verdicts).reduce((all, each) => all + each, 0);
  const differentPercent = compared === 0 ? 0 : (100 * (verdicts.different + verdicts.failed)) / compared;
  return { ...verdicts, compared, skipped: sum("skipped"), differentPercent };
}

/** @returns why the version must not come into force; undefined: it may */
export function objection(findings: Findings, run: RecordedRun | undefined, maxDifferent: number): string | undefined {
  const { different, failed, compared, differentPercent } = findings;
  if (differentPercent > maxDifferent) {
    const share = Math.round(differentPercent * 100) / 100;
    return `${different} of ${compared} payloads would be stored otherwise and ${failed} not at all: ${share} %, allowed are ${maxDifferent} %`;
  }
  return run?.state === "running" ? "the run over recorded payloads has not ended" : undefined;
}
