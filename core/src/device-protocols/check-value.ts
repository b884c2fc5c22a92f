/** One value held against the validation rules of its resource (agent specification 12). */
import { isWholeMatch } from "../base/whole-match.ts";
import { formatPath } from "../lwm2m/path.ts";
import { isObjectLink, type ResourceValue } from "../lwm2m/resource-value.ts";
import type { Json } from "../store/collection.ts";
import {
  type Comparison,
  type LinkedResource,
  parseLink,
  type ValidationRule,
  type ValidationRules,
} from "./validation-rules.ts";

/** Last known values of a linked resource, as last values keep them: of every instance that the link names; none: not known. */
export type LinkedValues = (link: LinkedResource) => readonly Json[];

/** Least time that a pattern gets. */
const SHORTEST_MATCH_MS = 1;
const LONGEST_SHOWN = 100;

export interface CheckParts {
  readonly linkedValues: LinkedValues;
  /** Time that is left for matching patterns, ms: they come from outside, and hold the process while they run. */
  patternMs(): number;
}

type Ordered = number | bigint;
/** What both sides of a rule are read as: times in ms, other numbers exactly, everything else as its text. */
type Side = Ordered | string;
type Reading = "number" | "time" | "text";

const READINGS: Readonly<Partial<Record<ResourceValue["type"], Reading>>> = {
  INTEGER: "number",
  UNSIGNED_INTEGER: "number",
  FLOAT: "number",
  TIME: "time",
};

/** Texts are decimal where 64 bits do not fit a number. */
function numberOf(value: unknown): Ordered | undefined {
  if (typeof value === "number" || typeof value === "bigint") return value;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  if (/^-?\d+$/.test(value)) return BigInt(value);
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}

function inMs(seconds: Ordered | undefined): Ordered | undefined {
  return typeof seconds === "bigint" ? seconds * 1000n : seconds === undefined ? undefined : seconds * 1000;
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;

/** A value that a device holds or is to hold. */
function sideOf(value: unknown, reading: Reading): Side | undefined {
  if (reading === "text") return textOf(value);
  const number = numberOf(value);
  return reading === "time" ? inMs(number) : number;
}

/** Exact between numbers and 64-bit integers; NaN stands in no relation. */
const ORDERS: Readonly<Record<Exclude<Comparison, "neq">, (a: Side, b: Side) => boolean>> = {
  gt: (a, b) => a > b,
  lt: (a, b) => a < b,
  gte: (a, b) => a >= b,
  lte: (a, b) => a <= b,
  eq: (a, b) => a >= b && a <= b,
};

const compare = (type: Comparison, a: Side, b: Side): boolean =>
  type === "neq" ? !ORDERS.eq(a, b) : ORDERS[type](a, b);

const WORDS: Readonly<Record<Comparison, string>> = {
  gt: "be greater than",
  lt: "be lower than",
  gte: "be at least",
  lte: "be at most",
  eq: "equal",
  neq: "not equal",
};

const shorten = (text: string): string => (text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text);

function shownDate(ms: string): string {
  const date = new Date(Number(ms));
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

/** `be lower than 100`, `match ".*asd"`, `equal /3/0/15, which is "UTC" now` */
function sayRule({ type, arg }: ValidationRule, linked: readonly Json[]): string {
  const text = shorten(String(arg.value));
  switch (arg.valueType) {
    case "regex":
      return `${type === "neq" ? "not match" : "match"} "${text}"`;
    case "objectLink": {
      const known = shorten(linked.map(value => JSON.stringify(value)).join(" or "));
      return `${WORDS[type]} ${text}, which is ${linked.length === 0 ? "not known" : `${known} now`}`;
    }
    case "date":
      return `${WORDS[type]} ${shownDate(text)}`;
    case "string":
      return `${WORDS[type]} "${text}"`;
    case "number":
      return `${WORDS[type]} ${text}`;
  }
}

function matches(pattern: string, text: string, { patternMs }: CheckParts): boolean {
  return isWholeMatch(pattern, text, Math.max(SHORTEST_MATCH_MS, Math.floor(patternMs())));
}

function holds(
  { type, arg }: ValidationRule,
  side: Side,
  reading: Reading,
  linked: readonly Json[],
  parts: CheckParts,
): boolean {
  const text = String(arg.value);
  switch (arg.valueType) {
    case "regex":
      return matches(text, String(side), parts) === (type === "eq");
    case "objectLink":
      return linked.some(value => {
        const other = sideOf(value, reading);
        return other !== undefined && compare(type, side, other);
      });
    case "date":
    case "number":
      return compare(type, side, numberOf(text)!);
    case "string":
      return compare(type, side, text);
  }
}

const linkedBy = ({ arg }: ValidationRule, values: LinkedValues): readonly Json[] =>
  arg.valueType === "objectLink" ? values(parseLink(String(arg.value))!) : [];

/** What the rules compare with: the last values that have to be known to hold a value against them. */
export const linksOf = (rules: ValidationRules): LinkedResource[] =>
  rules.arg.flatMap(({ arg: group }) =>
    group.flatMap(({ arg }) => (arg.valueType === "objectLink" ? [parseLink(String(arg.value))!] : [])),
  );

/** Object links in the form of last values, `3:0`. */
function valueSide({ value, type }: ResourceValue): { readonly side: Side | undefined; readonly reading: Reading } {
  const reading = READINGS[type] ?? "text";
  const plain = isObjectLink(value) ? `${value.objectId}:${value.instanceId}` : value;
  return { side: sideOf(plain, reading), reading };
}

/**
 * @param rules  checked, of the value's resource
 * @returns why the value is refused, for people; undefined: it may be written
 * @throws  MooringError OVERLOADED when a pattern takes too long to match
 */
export function refusalOf(rules: ValidationRules, value: ResourceValue, parts: CheckParts): string | undefined {
  const { side, reading } = valueSide(value);
  const wanted: string[] = [];
  for (const { arg: group } of rules.arg) {
    const broken = group.flatMap(rule => {
      const linked = linkedBy(rule, parts.linkedValues);
      return side !== undefined && holds(rule, side, reading, linked, parts) ? [] : [sayRule(rule, linked)];
    });
    if (broken.length === 0) return undefined;
    wanted.push(broken.join(" and "));
  }
  const shown = typeof side === "string" ? `"${shorten(side)}"` : String(value.value);
  return `${formatPath(value.path)}: ${shown} is refused by the validation rules: it must ${wanted.join(", or ")}`;
}
