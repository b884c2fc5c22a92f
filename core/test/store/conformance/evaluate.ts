/** The filter language said once more, as directly as can be, for documents in memory. */
import type { Condition, Document, Filter, Scalar } from "../../../src/store/collection.ts";
import { compareText } from "../../../src/store/update-plan.ts";

const keysOf = (path: string): string[] => path.split(".").map(key => key.replaceAll("~1", ".").replaceAll("~0", "~"));

function at(document: Document, path: string): { found: boolean; value: unknown } {
  let value: unknown = document;
  for (const key of keysOf(path)) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) {
      return { found: false, value: undefined };
    }
    value = (value as Record<string, unknown>)[key];
  }
  return { found: value !== undefined, value };
}

const order = (a: unknown, b: unknown): number | undefined => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  return undefined;
};

const ordered = (a: unknown, b: unknown, holds: (sign: number) => boolean): boolean => {
  const sign = order(a, b);
  return sign !== undefined && holds(sign);
};

/** @param isList the path is a declared `strings` field */
function equals(value: unknown, wanted: unknown, isList: boolean): boolean {
  if (wanted === null) return value === undefined || value === null;
  return isList && Array.isArray(value) ? value.includes(wanted) : value === wanted;
}

function holds(document: Document, path: string, condition: Condition<Scalar>, isList: boolean): boolean {
  const { found, value } = at(document, path);
  return Object.entries(condition).every(([operator, wanted]) => {
    switch (operator) {
      case "$eq":
        return equals(value, wanted, isList);
      case "$ne":
        return !equals(value, wanted, isList);
      case "$in":
        return (wanted as Scalar[]).some(each => equals(value, each, isList));
      case "$nin":
        return !(wanted as Scalar[]).some(each => equals(value, each, isList));
      case "$gt":
        return ordered(value, wanted, sign => sign > 0);
      case "$gte":
        return ordered(value, wanted, sign => sign >= 0);
      case "$lt":
        return ordered(value, wanted, sign => sign < 0);
      case "$lte":
        return ordered(value, wanted, sign => sign <= 0);
      case "$exists":
        return found === wanted;
      case "$prefix":
        return typeof value === "string" && value.startsWith(wanted as string);
      default:
        return !holds(document, path, wanted as Condition<Scalar>, isList);
    }
  });
}

/** @param lists names of the declared `strings` fields */
export function matches(document: Document, filter: Filter, lists: ReadonlySet<string>): boolean {
  return Object.entries(filter).every(([path, given]) => {
    const filters = given as readonly Filter[];
    if (path === "$and") return filters.every(each => matches(document, each, lists));
    if (path === "$or") return filters.some(each => matches(document, each, lists));
    if (path === "$nor") return !filters.some(each => matches(document, each, lists));
    const condition = typeof given === "object" && given !== null ? given : { $eq: given };
    return holds(document, path, condition as Condition<Scalar>, lists.has(path));
  });
}
