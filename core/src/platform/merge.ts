/**
 * What a PUT does to stored fragments: it merges on the top level. A member present replaces the stored one as a whole,
 * null removes it, absent ones stay (platform API 5.2).
 */
import { type DottedPath, type Json, type JsonObject, pathOf } from "../store/collection.ts";

export interface FragmentChanges {
  readonly $set: { readonly [path: DottedPath]: Json };
  readonly $unset: { readonly [path: DottedPath]: true };
}

/** The change as paths below `custom`, where every document keeps its fragments. */
export function fragmentChanges(fragments: JsonObject): FragmentChanges {
  const $set: { [path: DottedPath]: Json } = {};
  const $unset: { [path: DottedPath]: true } = {};
  for (const [name, value] of Object.entries(fragments)) {
    if (value === null) $unset[pathOf("custom", name)] = true;
    else $set[pathOf("custom", name)] = value;
  }
  return { $set, $unset };
}

/** Whether the change would leave the stored fragments as they are. */
export function changesNothing(stored: JsonObject, fragments: JsonObject): boolean {
  return Object.entries(fragments).every(([name, value]) =>
    value === null ? stored[name] === undefined : JSON.stringify(stored[name]) === JSON.stringify(value),
  );
}

/** The keys that `pathOf` made a path from. */
export const keysOf = (path: string): string[] =>
  path.split(".").map(key => key.replaceAll("~1", ".").replaceAll("~0", "~"));
