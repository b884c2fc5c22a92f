/** What the inventory effects of one message really change of a managed object. */
import { sameJson } from "../base/same-json.ts";
import type { Fragments, ManagedObject } from "../platform/platform.ts";

const isObject = (value: unknown): value is Fragments =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A copy of `parent` with the member at `path` set; what stands in the way and is no object is replaced. */
function setIn(parent: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const base = isObject(parent) ? parent : {};
  return { ...base, [name]: setIn(Object.hasOwn(base, name) ? base[name] : undefined, rest, value) };
}

/** Joins sets in order into one in which no path lies below another. */
function joined(sets: readonly Fragments[]): Map<string, unknown> {
  const paths = new Map<string, unknown>();
  for (const [path, value] of sets.flatMap(set => Object.entries(set))) {
    const above = [...paths.keys()].find(known => path.startsWith(`${known}.`));
    if (above !== undefined) {
      paths.set(above, setIn(paths.get(above), path.slice(above.length + 1).split("."), value));
      continue;
    }
    for (const known of paths.keys()) if (known.startsWith(`${path}.`)) paths.delete(known);
    paths.set(path, value);
  }
  return paths;
}

/** Where a path leads in the object as it is: its value, or the place of a value in the way that holds no members. */
function lookUp(
  object: Fragments,
  path: readonly string[],
): { readonly value: unknown } | { readonly blockedAt: number } {
  let value: unknown = object;
  for (const [depth, name] of path.entries()) {
    if (value === undefined) break;
    if (!isObject(value)) return { blockedAt: depth };
    value = Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return { value };
}

/**
 * @param sets dotted paths to values, in order; a later one wins
 * @returns one set without what the object holds already, with no path below another or below a value that has no members; undefined when
 *          nothing is left to write
 */
export function inventoryChanges(object: ManagedObject, sets: readonly Fragments[]): Fragments | undefined {
  const current: Fragments = { ...object.fragments, name: object.name, type: object.type };
  const changes = new Map<string, unknown>();
  for (const [path, value] of joined(sets)) {
    const parts = path.split(".");
    const found = lookUp(current, parts);
    if ("blockedAt" in found) {
      const above = parts.slice(0, found.blockedAt).join(".");
      changes.set(above, setIn(changes.get(above), parts.slice(found.blockedAt), value));
    } else if (!sameJson(found.value, value)) changes.set(path, value);
  }
  return changes.size > 0 ? Object.fromEntries(changes) : undefined;
}
