/** Query parameters: lists both ways, booleans, times, ids. Unknown parameters are never looked at (platform API 2.1). */
import type { ParsedUrlQuery } from "node:querystring";
import { MooringError } from "../base/errors.ts";
import { asId } from "../platform/ids.ts";
import type { TimeRange } from "../platform/platform.ts";
import { parseQueryTime } from "../platform/time.ts";

export type Query = ParsedUrlQuery;

const invalid = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** The first value; undefined where the parameter is absent or empty. */
export function text(query: Query, name: string): string | undefined {
  const value = query[name];
  const first = typeof value === "string" ? value : value?.[0];
  return first === "" ? undefined : first;
}

/** Comma-separated, repeated, or both; undefined where nothing is named. */
export function list(query: Query, name: string): readonly string[] | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  const items = (typeof value === "string" ? [value] : value)
    .flatMap(part => part.split(","))
    .map(item => item.trim())
    .filter(item => item !== "");
  return items.length === 0 ? undefined : items;
}

/** A list of words of a fixed set. @throws MooringError VALIDATION */
export function words<T extends string>(query: Query, name: string, allowed: readonly T[]): readonly T[] | undefined {
  const items = list(query, name);
  const unknown = items?.find(item => !(allowed as readonly string[]).includes(item));
  if (unknown !== undefined) throw invalid(name, `must be of ${allowed.join(", ")}, not "${unknown.slice(0, 40)}"`);
  return items as readonly T[] | undefined;
}

/** `true` and `false` in any case. @throws MooringError VALIDATION */
export function flag(query: Query, name: string): boolean | undefined {
  const value = text(query, name)?.toLowerCase();
  if (value === undefined) return undefined;
  if (value !== "true" && value !== "false") throw invalid(name, "must be true or false");
  return value === "true";
}

/** @throws MooringError VALIDATION */
export function id(query: Query, name: string): string | undefined {
  const value = text(query, name);
  if (value === undefined) return undefined;
  const known = asId(value);
  if (known === undefined) throw invalid(name, "must be an id: decimal digits");
  return known;
}

/** A whole number of 0 or more. @throws MooringError VALIDATION */
export function count(query: Query, name: string): number | undefined {
  const value = text(query, name);
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw invalid(name, "must be a whole number of 0 or more");
  return Number(value);
}

/** @throws MooringError VALIDATION */
function time(query: Query, name: string): number | undefined {
  const value = text(query, name);
  return value === undefined ? undefined : parseQueryTime(value, name);
}

/** `dateFrom` and `dateTo`, or another pair of that form; both inclusive. */
export function timeRange(query: Query, name = "date"): TimeRange {
  return defined({ fromMs: time(query, `${name}From`), toMs: time(query, `${name}To`) });
}

/** The same where it is asked for at all. */
export function optionalTimeRange(query: Query, name: string): TimeRange | undefined {
  const range = timeRange(query, name);
  return Object.keys(range).length > 0 ? range : undefined;
}

/** Leaves out members that are undefined, as exact optional members want it. */
export function defined<T extends object>(members: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}
