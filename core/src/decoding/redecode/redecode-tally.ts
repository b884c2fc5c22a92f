/** What decoding again changes: counts, samples and a hash of the whole. Pure. */
import { createHash } from "node:crypto";
import { toHex } from "../../base/bytes.ts";
import { sameJson } from "../../base/same-json.ts";
import { canonicalJson } from "../../contract/decoder-package.ts";
import type { LatePlan } from "../../mapping/late-effects.ts";
import type { PlaceChange, Supersession } from "../../mapping/supersession.ts";
import { DECODED_BY } from "../decoded-effects.ts";
import type { RawPayload } from "../raw-payload.ts";
import { type Difference, differences } from "./differences.ts";
import { type LateTally, lateTallied, NO_LATE_TALLY } from "./late-tally.ts";
import { type ShownPayload, shortSides, shortText, shownPayload } from "./shown.ts";

/**
 * Payloads by what became of them. equal: the same documents as before, but for the version that they name. changed: others. recovered: it was
 * ERROR and is decoded now. failed: it was decoded, and this version cannot; what it made before stays. stillFailing: it was ERROR and is.
 * skipped: not looked at, since its device is gone or it changed meanwhile.
 */
export interface PayloadCounts {
  readonly read: number;
  readonly equal: number;
  readonly changed: number;
  readonly recovered: number;
  readonly failed: number;
  readonly stillFailing: number;
  readonly skipped: number;
}

/** Measurements and events. */
export interface DocumentCounts {
  readonly equal: number;
  readonly changed: number;
  readonly added: number;
  readonly removed: number;
}

export interface DocumentDifference extends Difference {
  /** `measurement 0`, `event 2`: kind and place among those of the payload. */
  readonly document: string;
}

export interface RedecodeSample extends ShownPayload {
  /** Lower-case hexadecimal; its beginning where it is long. */
  readonly value: string;
  readonly outcome: Exclude<keyof PayloadCounts, "read" | "equal" | "skipped">;
  /** Why it failed. */
  readonly message?: string;
  readonly differences: readonly DocumentDifference[];
}

export interface Tally extends LateTally {
  readonly payloads: PayloadCounts;
  readonly documents: DocumentCounts;
  /** The first that are not equal. */
  readonly samples: readonly RedecodeSample[];
  /** SHA-256, lower-case hexadecimal, over what each payload makes, in order: the same where the same is stored. */
  readonly contentHash: string;
}

export type DecodedPlan = Pick<Supersession, "places"> & Pick<LatePlan, "alarms" | "lastValues">;

export type Verdict =
  | { readonly kind: "decoded"; readonly wasError: boolean; readonly plan: DecodedPlan }
  | { readonly kind: "failed"; readonly wasError: boolean; readonly message: string }
  | { readonly kind: "skipped" };

export const NO_TALLY: Tally = {
  payloads: { read: 0, equal: 0, changed: 0, recovered: 0, failed: 0, stillFailing: 0, skipped: 0 },
  documents: { equal: 0, changed: 0, added: 0, removed: 0 },
  samples: [],
  contentHash: "",
  ...NO_LATE_TALLY,
};

const MOST_SAMPLES = 20;
const MOST_DIFFERENCES = 20;
const SHOWN_BYTES = 256;

type DocumentOutcome = keyof DocumentCounts;

const unsigned = (document: PlaceChange["before"]): Readonly<Record<string, unknown>> | undefined => {
  if (!document) return undefined;
  const { [DECODED_BY]: _, ...rest } = document;
  return rest;
};

function documentOutcome({ before, after }: PlaceChange): DocumentOutcome {
  if (!before) return "added";
  if (!after) return "removed";
  return sameJson(unsigned(before), unsigned(after)) ? "equal" : "changed";
}

function outcomeOf(verdict: Exclude<Verdict, { kind: "skipped" }>): Exclude<keyof PayloadCounts, "read" | "skipped"> {
  if (verdict.kind === "failed") return verdict.wasError ? "stillFailing" : "failed";
  if (verdict.wasError) return "recovered";
  return verdict.plan.places.every(place => documentOutcome(place) === "equal") ? "equal" : "changed";
}

function differencesOf({ places }: DecodedPlan): DocumentDifference[] {
  const found: DocumentDifference[] = [];
  for (const { kind, place, before, after } of places) {
    const left = MOST_DIFFERENCES - found.length;
    if (left <= 0) break;
    const each = differences(unsigned(before), unsigned(after), left);
    found.push(...each.map(difference => ({ document: `${kind} ${place}`, ...shortSides(difference) })));
  }
  return found;
}

function sampleOf(raw: RawPayload, outcome: RedecodeSample["outcome"], verdict: Verdict): RedecodeSample {
  return {
    ...shownPayload(raw),
    value: toHex(raw.bytes.subarray(0, SHOWN_BYTES)),
    outcome,
    ...(verdict.kind === "failed" && { message: shortText(verdict.message) }),
    differences: verdict.kind === "decoded" ? differencesOf(verdict.plan) : [],
  };
}

function hashed(before: string, { id }: RawPayload, verdict: Verdict): string {
  const made = verdict.kind === "decoded" ? verdict.plan.places.flatMap(({ after }) => (after ? [after] : [])) : null;
  return createHash("sha256")
    .update(`${before} ${id} ${canonicalJson(made)}`)
    .digest("hex");
}

/** The same with one more payload. */
export function tallied(tally: Tally, raw: RawPayload, verdict: Verdict): Tally {
  const payloads = { ...tally.payloads, read: tally.payloads.read + 1 };
  const contentHash = hashed(tally.contentHash, raw, verdict);
  if (verdict.kind === "skipped")
    return { ...tally, payloads: { ...payloads, skipped: payloads.skipped + 1 }, contentHash };
  const outcome = outcomeOf(verdict);
  payloads[outcome]++;
  const documents: { -readonly [K in DocumentOutcome]: number } = { ...tally.documents };
  if (verdict.kind === "decoded") for (const place of verdict.plan.places) documents[documentOutcome(place)]++;
  const isShown = outcome !== "equal" && tally.samples.length < MOST_SAMPLES;
  const samples = isShown ? [...tally.samples, sampleOf(raw, outcome, verdict)] : tally.samples;
  const late = verdict.kind === "decoded" ? lateTallied(tally, raw, verdict.plan) : tally;
  return { ...tally, payloads, documents, samples, contentHash, alarms: late.alarms, lastValues: late.lastValues };
}
