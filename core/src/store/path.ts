/** Paths of filters and updates: `name`, or `name.key.key` below a member that is not declared. */
import { MooringError } from "../base/errors.ts";
import type { FieldType } from "./collection.ts";
import type { Shape } from "./shape.ts";
import { checkKey, MAX_DEPTH } from "./value-rules.ts";

export interface Path {
  /** As it was given. */
  readonly text: string;
  readonly segments: readonly [string, ...string[]];
  /** Of a declared field or `_id`. */
  readonly type: FieldType | undefined;
}

export const unsupported = (shape: Shape, rule: string): MooringError =>
  new MooringError("QUERY_UNSUPPORTED", `${shape.name}: ${rule}`, { collection: shape.name, rule });

const MEMBER = /^[A-Za-z_][A-Za-z0-9_]*$/;

function unescapeKey(shape: Shape, key: string, path: string): string {
  if (!key.includes("~")) return key;
  if (/~(?![01])/.test(key)) throw unsupported(shape, `${path}: write ~0 for ~ and ~1 for . in a key`);
  return key.replaceAll("~1", ".").replaceAll("~0", "~");
}

/** @throws MooringError QUERY_UNSUPPORTED, or VALIDATION for a key that no document can have */
export function parsePath(shape: Shape, text: string): Path {
  const [first, ...rest] = text.split(".") as [string, ...string[]];
  if (!MEMBER.test(first) || first === "__proto__") throw unsupported(shape, `${text} is not a path`);
  const type = shape.typeOf(first);
  if (type && rest.length > 0) throw unsupported(shape, `${text}: nothing lies below the declared field ${first}`);
  if (rest.length >= MAX_DEPTH) throw unsupported(shape, `${first}...: deeper than ${MAX_DEPTH} levels`);
  const keys = rest.map(key => unescapeKey(shape, key, text));
  for (const key of keys) checkKey(key, text);
  return { text, segments: [first, ...keys], type };
}
