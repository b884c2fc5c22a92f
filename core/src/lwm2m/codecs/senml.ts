/**
 * SenML records to values and back, whatever they are written in (RFC 8428; LwM2M Core 1.1.1 section 7.4.4). Base fields
 * hold for their own and all later records; a name is the base name followed by the record's name, here always a path;
 * a time below 2^28 is relative to now (RFC 8428 section 4.5.3).
 */
import { MooringError } from "../../base/errors.ts";
import { formatPath, isBelow, type Lwm2mPath, parsePathBelow } from "../path.ts";
import type { ResourceValue } from "../resource-value.ts";
import type { CodecContext } from "./codec.ts";
import {
  assertEncodable,
  assertNumbered,
  describeValue,
  exactInteger,
  fitScalar,
  type NaturalValue,
  naturalType,
  parseObjectLinkText,
} from "./scalar.ts";

/** Labels of RFC 8428 section 4.3 and `vlo` of LwM2M. */
const SENML_LABELS = [
  "bver",
  "bn",
  "bt",
  "bu",
  "bv",
  "bs",
  "n",
  "u",
  "v",
  "vs",
  "vb",
  "s",
  "t",
  "ut",
  "vd",
  "vlo",
] as const;
export type SenmlLabel = (typeof SENML_LABELS)[number];

/** By label; labels that nobody knows are in it, too. `vd` holds bytes. */
export type SenmlRecord = ReadonlyMap<string, unknown>;

/** A record with its base fields applied (RFC 8428 section 4.6). */
export interface ResolvedRecord {
  /** Place in the payload, counted from 0. */
  readonly at: number;
  readonly name: string;
  /** Undefined where neither base time nor time is given. */
  readonly atMs: number | undefined;
  readonly value: NaturalValue;
}

const VALUE_LABELS = ["v", "vs", "vb", "vd", "vlo"] as const;
type ValueLabel = (typeof VALUE_LABELS)[number];

/** Below it a time counts from now, in seconds. */
const RELATIVE_BELOW = 2 ** 28;
const LATEST_MS = 8.64e15;
/** Versions up to 10 (RFC 8428), and 26: secondary units (RFC 9100), which are read past like all units. */
const isKnownVersion = (version: number): boolean => version <= 10 || version === 26;

const invalid = (at: number, rule: string, details: Record<string, unknown> = {}): MooringError =>
  new MooringError("SENML_INVALID", `SenML record ${at}: ${rule}`, { record: at, ...details });

const isNumber = (value: unknown): value is number | bigint => typeof value === "number" || typeof value === "bigint";

/** A number, also in the time tag that some clients put round base times. */
function exactNumberOf(record: SenmlRecord, label: SenmlLabel, at: number): number | bigint | undefined {
  const given = record.get(label);
  if (given === undefined || given === null) return undefined;
  const plain = typeof given === "object" && "epochSeconds" in given ? given.epochSeconds : given;
  if (isNumber(plain) && Number.isFinite(Number(plain))) return plain;
  throw invalid(at, `${label} is no number`, { label });
}

function numberOf(record: SenmlRecord, label: SenmlLabel, at: number): number | undefined {
  const exact = exactNumberOf(record, label, at);
  return exact === undefined ? undefined : Number(exact);
}

function textOf(record: SenmlRecord, label: SenmlLabel, at: number): string | undefined {
  const given = record.get(label);
  if (given === undefined || typeof given === "string") return given;
  throw invalid(at, `${label} is no text`, { label });
}

const fitsLabel: Readonly<Record<ValueLabel, (value: unknown) => NaturalValue | undefined>> = {
  v: value => {
    if (isNumber(value)) return value;
    return typeof value === "object" && value !== null && "epochSeconds" in value ? (value as NaturalValue) : undefined;
  },
  vs: value => (typeof value === "string" ? value : undefined),
  vb: value => (typeof value === "boolean" ? value : undefined),
  vd: value => (value instanceof Uint8Array ? value : undefined),
  vlo: value => (typeof value === "string" ? parseObjectLinkText(value) : undefined),
};

/** @returns the record's one value, or undefined where it has none */
function valueIn(record: SenmlRecord, at: number): NaturalValue | undefined {
  const [label, ...more] = VALUE_LABELS.filter(name => record.has(name));
  if (label === undefined) return undefined;
  if (more.length > 0) throw invalid(at, `has several values: ${[label, ...more].join(", ")}`);
  const value = fitsLabel[label](record.get(label));
  if (value === undefined) throw invalid(at, `${label} cannot be ${describeValue(record.get(label))}`, { label });
  return value;
}

const isWhole = (value: number | bigint): boolean => typeof value === "bigint" || Number.isInteger(value);

/** Whole numbers keep all their digits. */
function addBase(base: number | bigint | undefined, value: NaturalValue): NaturalValue {
  if (base === undefined || !isNumber(value)) return value;
  return isWhole(base) && isWhole(value) ? exactInteger(BigInt(base) + BigInt(value)) : Number(base) + Number(value);
}

/** Section 4.4: a label that ends in an underscore must be understood. */
function assertUnderstood(record: SenmlRecord, at: number): void {
  for (const label of record.keys()) {
    if (label.endsWith("_")) throw invalid(at, `label ${label.slice(0, 40)} must be understood, and is not`, { label });
  }
  const version = numberOf(record, "bver", at);
  if (version !== undefined && !isKnownVersion(version)) throw invalid(at, `SenML version ${version} is not supported`);
}

function timeOf(base: number | undefined, own: number | undefined, nowMs: number, at: number): number | undefined {
  if (base === undefined && own === undefined) return undefined;
  const seconds = (base ?? 0) + (own ?? 0);
  const atMs = Math.round(seconds < RELATIVE_BELOW ? nowMs + seconds * 1000 : seconds * 1000);
  if (Math.abs(atMs) <= LATEST_MS) return atMs;
  throw invalid(at, "the time lies outside what a date can say");
}

/**
 * Applies base fields. Records that carry base fields only, and sums, give no value.
 * @throws MooringError SENML_INVALID naming the record, counted from 0
 */
export function resolveRecords(records: readonly SenmlRecord[], nowMs: number): ResolvedRecord[] {
  let baseName = "";
  let baseTime: number | undefined;
  let baseValue: number | bigint | undefined;
  return records.flatMap((record, at) => {
    assertUnderstood(record, at);
    baseName = textOf(record, "bn", at) ?? baseName;
    baseTime = numberOf(record, "bt", at) ?? baseTime;
    baseValue = exactNumberOf(record, "bv", at) ?? baseValue;
    const ownName = textOf(record, "n", at);
    const value = valueIn(record, at);
    if (value === undefined) {
      if (ownName === undefined || record.has("s")) return [];
      throw invalid(at, `${baseName}${ownName} has no value`.slice(0, 120));
    }
    const atMs = timeOf(baseTime, numberOf(record, "t", at), nowMs, at);
    return [{ at, name: `${baseName}${ownName ?? ""}`, atMs, value: addBase(baseValue, value) }];
  });
}

function pathOf(name: string, at: number, { path: asked, rootPath }: CodecContext): Lwm2mPath {
  let path: Lwm2mPath;
  try {
    path = parsePathBelow(name, rootPath);
  } catch (cause) {
    throw new MooringError("SENML_INVALID", `SenML record ${at}: its name is no path`, { record: at }, { cause });
  }
  if (path.length < 3) throw invalid(at, `${formatPath(path)} is no resource`, { path: formatPath(path) });
  if (isBelow(path, asked)) return path;
  throw invalid(at, `${formatPath(path)} does not lie below ${formatPath(asked)}`, { path: formatPath(path) });
}

/**
 * The type of an unknown resource is the natural one of its value.
 * @throws MooringError SENML_INVALID
 */
export function valuesOfRecords(records: readonly SenmlRecord[], context: CodecContext): ResourceValue[] {
  return resolveRecords(records, context.nowMs).map(({ at, name, atMs, value: natural }) => {
    const path = pathOf(name, at, context);
    const type = context.models.resource(path[0]!, path[2]!)?.dataType ?? naturalType(natural);
    const value = fitScalar(natural, type);
    if (value === undefined) {
      throw invalid(at, `${formatPath(path)}: ${describeValue(natural)} is no ${type}`, {
        path: formatPath(path),
        type,
      });
    }
    return atMs === undefined ? { path, type, value } : { path, type, value, atMs };
  });
}

/** One record to write: its names and time, and the value still as it is here. */
export interface OutgoingRecord {
  readonly bn?: string;
  /** Seconds; only in JSON. */
  readonly bt?: number;
  readonly n?: string;
  /** Seconds. */
  readonly t?: number;
  readonly value?: ResourceValue;
}

/** A whole name: the path, below the alternate root where it is to be written. */
export function nameOf(
  path: Lwm2mPath,
  { rootPath = "/", writesRoot }: Pick<CodecContext, "rootPath" | "writesRoot">,
): string {
  if (!writesRoot || rootPath === "/") return formatPath(path);
  return path.length === 0 ? rootPath : `${rootPath}${formatPath(path)}`;
}

/** Base name and names: the request's path and what lies below it. */
function namesOf(path: Lwm2mPath, context: CodecContext, isFirst: boolean): { bn?: string; n?: string } {
  const { path: base } = context;
  const n = path.slice(base.length).join("/");
  if (base.length === 0) return { n: nameOf(path, context) };
  const root = nameOf(base, context);
  const bn = isFirst ? { bn: path.length > base.length ? `${root}/` : root } : {};
  return n === "" ? bn : { ...bn, n };
}

function timeField({ path, atMs }: ResourceValue): { t?: number } {
  if (atMs === undefined) return {};
  if (atMs >= RELATIVE_BELOW * 1000) return { t: atMs / 1000 };
  throw new MooringError("VALUE_TYPE", `${formatPath(path)}: a time before 1978-07-04 cannot be written in SenML`, {
    path: formatPath(path),
  });
}

/**
 * One record a value; a resource may stand several times, each with its own time.
 * @throws MooringError VALUE_TYPE
 */
export function recordsOfValues(values: readonly ResourceValue[], context: CodecContext): OutgoingRecord[] {
  return values.map((value, at) => {
    assertEncodable(value, context.path);
    assertNumbered(value.path, "SenML");
    return { ...namesOf(value.path, context, at === 0), ...timeField(value), value };
  });
}
