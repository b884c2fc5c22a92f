/**
 * What two versions make of one payload, compared by what would be stored: times, values, units, texts. The order of documents counts
 * only where it has an effect: among alarms of one type, and among last values of one path. Pure.
 */
import type { Effect } from "../../contract/action.ts";
import { canonicalJson } from "../../contract/decoder-package.ts";
import { formatPath } from "../../lwm2m/path.ts";
import { formatTime } from "../../platform/time.ts";
import type { DecodeOutcome } from "../../sandbox/decoder-runtime.ts";
import type { Json, JsonObject } from "../../store/collection.ts";
import { type DecodedDevice, decodedEffects } from "../decoded-effects.ts";

/**
 * equal: the same is stored, or neither could decode it. slower: the same for much more CPU time. different: something else is stored.
 * failed: only the staged one fails. repaired: only the active one fails.
 */
export type Verdict = "equal" | "slower" | "different" | "failed" | "repaired";

export interface Difference {
  /** `measurement acme_meter at 2026-01-01T00:00:00.000Z: acme_meter.U.value` */
  readonly what: string;
  /** Absent where that side does not have it. */
  readonly active?: Json;
  readonly staged?: Json;
}

export interface Comparison {
  readonly verdict: Verdict;
  readonly differences: readonly Difference[];
}

export interface ComparedPayload {
  readonly device: DecodedDevice;
  /** Of what names no time itself. */
  readonly atMs: number;
}

/** Documents by what they are; those under one name in an order that means something or is made. */
type Documents = ReadonlyMap<string, readonly JsonObject[]>;

const SLOWER_FACTOR = 2;
/** Less is noise. */
const SLOWER_BY_MS = 1;

const json = (value: unknown): Json => JSON.parse(canonicalJson(value)) as Json;

function documentOf(effect: Effect): { readonly name: string; readonly isOrdered: boolean; readonly body: unknown } {
  switch (effect.kind) {
    case "measurement": {
      const name = `measurement ${effect.type} at ${formatTime(effect.atMs)}`;
      return { name, isOrdered: false, body: { ...effect.properties, ...effect.series } };
    }
    case "event": {
      const name = `event ${effect.type} at ${formatTime(effect.atMs)}`;
      return { name, isOrdered: false, body: { ...effect.properties, text: effect.text } };
    }
    case "alarm": {
      const { type, severity, status, text, atMs, properties } = effect;
      const body = { ...properties, severity, status, text, time: formatTime(atMs) };
      return { name: `alarm ${type}`, isOrdered: true, body };
    }
    case "lastValue": {
      const body = { value: effect.value, time: formatTime(effect.atMs) };
      return { name: `last value ${formatPath(effect.path)}`, isOrdered: true, body };
    }
    default:
      return { name: effect.kind, isOrdered: true, body: effect };
  }
}

function documentsOf(outcome: DecodeOutcome, { device, atMs }: ComparedPayload): Documents {
  const documents = new Map<string, JsonObject[]>();
  if (!outcome.ok) return documents;
  const { effects, alarmStatuses } = decodedEffects(outcome.result, device, atMs);
  const unordered = new Set<string>();
  const add = (name: string, body: unknown): void => {
    documents.set(name, [...(documents.get(name) ?? []), json(body) as JsonObject]);
  };
  for (const effect of effects) {
    const { name, isOrdered, body } = documentOf(effect);
    if (!isOrdered) unordered.add(name);
    add(name, body);
  }
  for (const { type, status } of alarmStatuses) add(`open alarms ${type}`, { status });
  for (const name of unordered) documents.get(name)!.sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));
  return documents;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Members that differ, down to values. */
function* inside(what: string, active: Json | undefined, staged: Json | undefined): Iterable<Difference> {
  if (isObject(active) && isObject(staged)) {
    for (const name of new Set([...Object.keys(active), ...Object.keys(staged)])) {
      const separator = what.includes(": ") ? "." : ": ";
      yield* inside(`${what}${separator}${name}`, active[name], staged[name]);
    }
  } else if (canonicalJson(active) !== canonicalJson(staged)) {
    yield { what, ...(active !== undefined && { active }), ...(staged !== undefined && { staged }) };
  }
}

/** Without what both have. */
function apart(active: readonly JsonObject[], staged: readonly JsonObject[]): [JsonObject[], JsonObject[]] {
  const texts = staged.map(canonicalJson);
  const left = active.filter(document => {
    const at = texts.indexOf(canonicalJson(document));
    if (at >= 0) texts.splice(at, 1);
    return at < 0;
  });
  return [left, texts.map(text => JSON.parse(text) as JsonObject)];
}

function* between(active: Documents, staged: Documents): Iterable<Difference> {
  for (const what of new Set([...active.keys(), ...staged.keys()])) {
    const [ours, theirs] = [active.get(what) ?? [], staged.get(what) ?? []];
    if (canonicalJson(ours) === canonicalJson(theirs)) continue;
    const [left, right] = apart(ours, theirs);
    if (left.length === 1 && right.length === 1) yield* inside(what, left[0], right[0]);
    else if (left.length + right.length === 0) yield { what, active: ours, staged: theirs };
    else {
      for (const document of left) yield { what, active: document };
      for (const document of right) yield { what, staged: document };
    }
  }
}

const isDecoded = (outcome: DecodeOutcome): boolean => outcome.ok && outcome.result.success;

/** `decoded`, or why not. */
function ending(outcome: DecodeOutcome): string {
  if (!outcome.ok) return `${outcome.reason}: ${outcome.message}`;
  return outcome.result.success ? "decoded" : `undecodable: ${outcome.result.message ?? "no reason given"}`;
}

function isSlower(active: DecodeOutcome, staged: DecodeOutcome): boolean {
  const [before, after] = [active.cpuMs ?? 0, staged.cpuMs ?? 0];
  return after > SLOWER_FACTOR * before && after - before > SLOWER_BY_MS;
}

/** As most are: then nothing need be looked at. */
const isSameResult = (active: DecodeOutcome, staged: DecodeOutcome): boolean =>
  active.ok && staged.ok && JSON.stringify(active.result) === JSON.stringify(staged.result);

/** @returns undefined where one of them did not get to run */
export function compareOutcomes(
  active: DecodeOutcome,
  staged: DecodeOutcome,
  payload: ComparedPayload,
): Comparison | undefined {
  for (const outcome of [active, staged]) if (!outcome.ok && outcome.reason === "unavailable") return undefined;
  // The payload is tried again later.
  if (!active.ok && active.reason === "callFailed") return undefined;
  const differences = isSameResult(active, staged)
    ? []
    : [...between(documentsOf(active, payload), documentsOf(staged, payload))];
  if (isDecoded(active) !== isDecoded(staged)) {
    const result = { what: "result", active: ending(active), staged: ending(staged) };
    return { verdict: isDecoded(active) ? "failed" : "repaired", differences: [result, ...differences] };
  }
  if (differences.length > 0) return { verdict: "different", differences };
  return { verdict: isDecoded(active) && isSlower(active, staged) ? "slower" : "equal", differences };
}
