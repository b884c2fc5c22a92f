/**
 * A filter as a small tree that says exactly what holds, made and checked here once, so that each engine has only to write it in
 * its own words. Every node is true or false for every document, never unknown.
 */
import type { Filter, Scalar, Sort } from "./collection.ts";
import { type Path, parsePath, unsupported } from "./path.ts";
import type { Shape } from "./shape.ts";
import { checkField, checkJson, invalid } from "./value-rules.ts";

export type Comparable = string | number | boolean;
export type Comparison = "eq" | "gt" | "gte" | "lt" | "lte";

export type Node =
  | { readonly is: "all" | "any"; readonly of: readonly Node[] }
  | { readonly is: "not"; readonly of: Node }
  /** A value of the same kind that compares so; on `strings`, an element that equals. */
  | { readonly is: Comparison; readonly path: Path; readonly value: Comparable }
  /** Equals one of the values, which are not empty. */
  | { readonly is: "in"; readonly path: Path; readonly values: readonly Comparable[] }
  /** There, null or not. */
  | { readonly is: "exists"; readonly path: Path }
  /** There and not null. */
  | { readonly is: "present"; readonly path: Path };

export const ALWAYS: Node = { is: "all", of: [] };
export const NEVER: Node = { is: "any", of: [] };
const MAX_NODES = 1000;
const MAX_NESTING = 32;
const MAX_IN = 10_000;

export const not = (of: Node): Node => ({ is: "not", of });
export const all = (of: readonly Node[]): Node => (of.length === 1 ? of[0]! : { is: "all", of });
export const any = (of: readonly Node[]): Node => (of.length === 1 ? of[0]! : { is: "any", of });

const OPERATORS: ReadonlySet<string> = new Set([
  ...["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$prefix", "$not"],
]);
const ORDERED = { $gt: "gt", $gte: "gte", $lt: "lt", $lte: "lte" } as const;

const isScalar = (value: unknown): value is Scalar => value === null || typeof value !== "object";

/** @throws MooringError VALIDATION for a value that a document could not hold either */
export function checkComparable(shape: Shape, path: Path, value: unknown): Comparable {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
    throw unsupported(shape, `${path.text} cannot be compared with ${value === null ? "null" : typeof value}`);
  }
  checkJson(value, path.text);
  const { type } = path;
  if (type === undefined) return value;
  if (type === "bytes") throw unsupported(shape, `${path.text} holds bytes and cannot be compared`);
  const numeric = type === "int" || type === "double" || type === "time";
  const wanted = numeric ? "number" : type === "bool" ? "boolean" : "string";
  if (typeof value !== wanted)
    throw unsupported(shape, `${path.text} is compared with a ${typeof value}, not ${wanted}`);
  if (type === "time") checkField("time", value, path.text);
  return value;
}

function ordered(shape: Shape, path: Path, is: Comparison, value: unknown): Node {
  if (typeof value === "boolean" || path.type === "bool" || path.type === "strings") {
    throw unsupported(shape, `${path.text} has no order`);
  }
  return { is, path, value: checkComparable(shape, path, value) };
}

function equals(shape: Shape, path: Path, value: unknown): Node {
  if (value === null) return not({ is: "present", path });
  return { is: "eq", path, value: checkComparable(shape, path, value) };
}

function oneOf(shape: Shape, path: Path, values: unknown): Node {
  if (!Array.isArray(values)) throw unsupported(shape, `${path.text}: $in and $nin take an array`);
  if (values.length > MAX_IN) throw unsupported(shape, `${path.text}: more than ${MAX_IN} values`);
  const compared = values.filter(value => value !== null).map(value => checkComparable(shape, path, value));
  const nodes: Node[] = compared.length > 0 ? [{ is: "in", path, values: compared }] : [];
  if (compared.length < values.length) nodes.push(not({ is: "present", path }));
  return any(nodes);
}

const LAST_CODE_POINT = 0x10ffff;

/** The least text above every text that begins with `prefix`; undefined: there is none. */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, character => character.codePointAt(0)!);
  while (points.at(-1) === LAST_CODE_POINT) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  // Surrogates are no characters.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}

function begins(shape: Shape, path: Path, prefix: unknown): Node {
  if (typeof prefix !== "string") throw unsupported(shape, `${path.text}: $prefix takes a text`);
  const from = ordered(shape, path, "gte", prefix);
  const end = afterPrefix(prefix);
  return end === undefined ? from : all([from, { is: "lt", path, value: end }]);
}

function operator(shape: Shape, path: Path, name: string, value: unknown, level: number): Node {
  switch (name) {
    case "$eq":
      return equals(shape, path, value);
    case "$ne":
      return not(equals(shape, path, value));
    case "$in":
      return oneOf(shape, path, value);
    case "$nin":
      return not(oneOf(shape, path, value));
    case "$prefix":
      return begins(shape, path, value);
    case "$not":
      return not(condition(shape, path, value, level + 1));
    case "$exists": {
      if (typeof value !== "boolean") throw unsupported(shape, `${path.text}: $exists takes true or false`);
      return value ? { is: "exists", path } : not({ is: "exists", path });
    }
    default:
      return ordered(shape, path, ORDERED[name as keyof typeof ORDERED], value);
  }
}

function checkNesting(shape: Shape, level: number): void {
  if (level > MAX_NESTING) throw unsupported(shape, `more than ${MAX_NESTING} levels of conditions`);
}

function condition(shape: Shape, path: Path, given: unknown, level: number): Node {
  checkNesting(shape, level);
  if (given === null || typeof given !== "object") throw unsupported(shape, `${path.text}: a condition is an object`);
  const entries = Object.entries(given);
  if (entries.length === 0) throw unsupported(shape, `${path.text}: a condition needs an operator`);
  return all(
    entries.map(([name, value]) => {
      if (!OPERATORS.has(name)) throw unsupported(shape, `${path.text}: there is no operator ${name}`);
      return operator(shape, path, name, value, level);
    }),
  );
}

/** Where a filter stands: how deep, and how many conditions are left of {@link MAX_NODES}. */
interface Bounds {
  readonly level: number;
  readonly budget: { left: number };
}

function group(shape: Shape, name: string, given: unknown, { level, budget }: Bounds): Node {
  if (!Array.isArray(given) || given.length === 0) {
    throw unsupported(shape, `${name} takes an array of filters, not empty`);
  }
  const nodes = given.map(each => parse(shape, each, { level: level + 1, budget }));
  return name === "$and" ? all(nodes) : name === "$or" ? any(nodes) : not(any(nodes));
}

function parse(shape: Shape, given: unknown, bounds: Bounds): Node {
  checkNesting(shape, bounds.level);
  if (given === null || typeof given !== "object" || Array.isArray(given)) {
    throw unsupported(shape, "a filter is an object");
  }
  return all(
    Object.entries(given).map(([name, value]) => {
      if (--bounds.budget.left < 0) throw unsupported(shape, `more than ${MAX_NODES} conditions`);
      if (name === "$and" || name === "$or" || name === "$nor") return group(shape, name, value, bounds);
      if (value === undefined) throw unsupported(shape, `${name} is compared with undefined`);
      const path = parsePath(shape, name);
      return isScalar(value) ? equals(shape, path, value) : condition(shape, path, value, bounds.level);
    }),
  );
}

/** @throws MooringError QUERY_UNSUPPORTED for what the filter language does not have, VALIDATION for a value outside of JSON */
export const parseFilter = (shape: Shape, filter: Filter): Node =>
  parse(shape, filter, { level: 1, budget: { left: MAX_NODES } });

export type SortKeys = readonly (readonly [path: Path, direction: 1 | -1])[];

/** The keys of an order that tells any two documents apart. @throws MooringError QUERY_UNSUPPORTED */
export function parseSort(shape: Shape, sort: Sort = []): SortKeys {
  const seen = new Set<string>();
  const keys = sort.map(([name, direction]): readonly [Path, 1 | -1] => {
    const path = parsePath(shape, name);
    const { type } = path;
    if (!type || type === "strings" || type === "bytes") throw unsupported(shape, `${name} cannot be sorted by`);
    if (direction !== 1 && direction !== -1) throw unsupported(shape, `${name}: the direction is 1 or -1`);
    if (seen.size === seen.add(name).size) throw unsupported(shape, `${name} is named twice in a sort`);
    return [path, direction];
  });
  if (seen.has("_id")) return keys;
  return [...keys, [parsePath(shape, "_id"), keys.at(-1)?.[1] ?? 1]];
}

/** Seeds of an upsert: the filter's equalities. @throws MooringError QUERY_UNSUPPORTED where it holds anything else */
export function equalitiesOf(shape: Shape, node: Node): Map<string, Comparable> {
  const seeds = new Map<string, Comparable>();
  for (const each of node.is === "all" ? node.of : [node]) {
    if (each.is !== "eq" || !each.path.type || each.path.type === "strings") {
      throw unsupported(shape, "the filter of an upsert holds equalities of declared fields only");
    }
    if (seeds.has(each.path.text))
      throw unsupported(shape, `${each.path.text} is named twice in the filter of an upsert`);
    checkField(each.path.type, each.value, each.path.text);
    seeds.set(each.path.text, each.value);
  }
  return seeds;
}

/** Checks a number that counts something. @throws MooringError VALIDATION */
export function checkCount(value: number, name: string, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw invalid(name, `must be a whole number from ${least} to ${most}`);
}
