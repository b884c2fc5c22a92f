/** SenML packs (RFC 8428), in JSON or CBOR, of many samples with times of their own, by the rules of README.md. */
import type { Decoder, DecoderResult } from "@mooring/sdk";
import { type Collector, createCollector, orUndecodable, PayloadError, toHex, treeOptions } from "@mooring/sdk/bytes";
import { type Field, isCbor, readCborRecords, readJsonRecords, type SenmlRecord } from "./records.ts";

/** Below it a time counts from that of receipt (section 4.5.3), in seconds. */
const RELATIVE_BELOW = 2 ** 28;
/** Versions that change nothing of what is read here (section 4.4; 26: RFC 9100). */
const isKnownVersion = (version: number): boolean => version <= 10 || version === 26;

/** Base fields hold for their own record and all later ones (section 4.1). */
interface Bases {
  bn: string;
  bt: number | undefined;
  bu: string | undefined;
  bv: number | undefined;
  bs: number | undefined;
}

const describe = (field: string, at: number, why: string): PayloadError =>
  new PayloadError(`SenML record ${at}: ${field} ${why}`);

function numberOf(record: SenmlRecord, field: Field, at: number): number | undefined {
  const value = record.get(field);
  if (value === undefined || typeof value === "number") return value;
  throw describe(field, at, "is no number");
}

function textOf(record: SenmlRecord, field: Field, at: number): string | undefined {
  const value = record.get(field);
  if (value === undefined || typeof value === "string") return value;
  throw describe(field, at, "is no text");
}

/** A label that ends in an underscore must be understood (section 4.4). */
function assertUnderstood(record: SenmlRecord, at: number): void {
  for (const label of record.keys()) {
    if (label.endsWith("_")) throw describe(label.slice(0, 40), at, "must be understood, and is not");
  }
  const version = numberOf(record, "bver", at);
  if (version !== undefined && !isKnownVersion(version)) throw describe("bver", at, `${version} is not supported`);
}

function takeBases(bases: Bases, record: SenmlRecord, at: number): void {
  bases.bn = textOf(record, "bn", at) ?? bases.bn;
  bases.bt = numberOf(record, "bt", at) ?? bases.bt;
  bases.bu = textOf(record, "bu", at) ?? bases.bu;
  bases.bv = numberOf(record, "bv", at) ?? bases.bv;
  bases.bs = numberOf(record, "bs", at) ?? bases.bs;
}

/** @returns undefined for the time of receipt */
function timeOf(bt: number | undefined, t: number | undefined, nowMs: number): number | undefined {
  const seconds = (bt ?? 0) + (t ?? 0);
  if (seconds === 0) return undefined;
  return Math.round(seconds < RELATIVE_BELOW ? nowMs + seconds * 1000 : seconds * 1000);
}

/** Where all names of a device begin alike, its fragment can say so. */
const prefixOf = (fragment: unknown): string => {
  const { prefix } = typeof fragment === "object" && fragment !== null ? (fragment as { prefix?: unknown }) : {};
  return typeof prefix === "string" ? prefix : "";
};

/** A position is two values of one name, told apart by their units. */
const POSITION_UNITS: ReadonlySet<string> = new Set(["lon", "lat"]);
const named = (path: readonly string[], suffix: string): string[] => [...path.slice(0, -1), `${path.at(-1)}_${suffix}`];

/** `urn:dev:ow:10e2/temp` as its parts between `:` and `/`; without the prefix. */
function pathOf(name: string, prefix: string, at: number): string[] {
  const path = (name.startsWith(prefix) ? name.slice(prefix.length) : name).split(/[:/]/).filter(part => part !== "");
  if (path.length > 0) return path;
  throw describe("n", at, name === "" ? "and bn are missing" : "is nothing but separators");
}

const VALUES = ["v", "vs", "vb", "vd"] as const;

function assertOneValue(record: SenmlRecord, at: number): void {
  const given = VALUES.filter(field => record.has(field));
  if (given.length > 1) throw describe(given.join(", "), at, "stand together");
}

/** @throws PayloadError for a value that is not of its field's type */
function addSample(
  collector: Collector,
  record: SenmlRecord,
  bases: Bases,
  path: readonly string[],
  more: { at: number; timeMs: number | undefined },
): void {
  const { at, timeMs } = more;
  const v = numberOf(record, "v", at);
  const s = numberOf(record, "s", at);
  const unit = textOf(record, "u", at) ?? bases.bu;
  const flag = record.get("vb");
  const bytes = record.get("vd");
  const text = textOf(record, "vs", at);
  if (flag !== undefined && typeof flag !== "boolean") throw describe("vb", at, "is neither true nor false");
  if (bytes !== undefined && !(bytes instanceof Uint8Array)) throw describe("vd", at, "is no bytes");
  const series = unit !== undefined && POSITION_UNITS.has(unit) ? named(path, unit) : path;
  if (v !== undefined) collector.number(series, v + (bases.bv ?? 0), unit, timeMs);
  if (flag !== undefined) collector.number(path, flag ? 1 : 0, unit, timeMs);
  if (text !== undefined) collector.text(path, text, timeMs);
  if (bytes !== undefined) collector.text(path, toHex(bytes), timeMs);
  if (s === undefined) return;
  collector.number(named(path, "sum"), s + (bases.bs ?? 0), unit && `${unit}*s`, timeMs);
}

function resultOf(records: readonly SenmlRecord[], fragment: unknown, nowMs: number): DecoderResult {
  const collector = createCollector(treeOptions(fragment, "senml"));
  const prefix = prefixOf(fragment);
  const bases: Bases = { bn: "", bt: undefined, bu: undefined, bv: undefined, bs: undefined };
  for (const [at, record] of records.entries()) {
    assertUnderstood(record, at);
    takeBases(bases, record, at);
    assertOneValue(record, at);
    if (!record.has("s") && !VALUES.some(field => record.has(field))) continue;
    const name = `${bases.bn}${textOf(record, "n", at) ?? ""}`;
    const timeMs = timeOf(bases.bt, numberOf(record, "t", at), nowMs);
    addSample(collector, record, bases, pathOf(name, prefix, at), { at, timeMs });
  }
  return collector.result();
}

export default {
  decode: orUndecodable(({ value, receivedAt, device }) => {
    const records = isCbor(value) ? readCborRecords(value) : readJsonRecords(value);
    return resultOf(records, device["mooring_Senml"], Date.parse(receivedAt));
  }),
} satisfies Decoder;
