/** What collections are described with: keys of their indexes, and ids that are made of parts. */
import type { IndexSpec } from "../collection.ts";

/** An index on fields, ascending. */
export const by = (...fields: readonly string[]): IndexSpec => ({ keys: fields.map(field => [field, 1] as const) });
export const uniqueBy = (...fields: readonly string[]): IndexSpec => ({ ...by(...fields), unique: true });

/** A key from parts that may hold any character: `,` and `~` are escaped, so that different parts give different keys. */
export function keyOf(first: string, ...more: readonly string[]): string {
  let key = escapePart(first);
  for (const part of more) key += `,${escapePart(part)}`;
  return key;
}

const escapePart = (part: string): string =>
  part.includes("~") || part.includes(",") ? part.replaceAll("~", "~0").replaceAll(",", "~1") : part;
