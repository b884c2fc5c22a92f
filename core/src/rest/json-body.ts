/** Request bodies as JSON, checked before any rule sees them. */
import type { IncomingMessage } from "node:http";
import getRawBody, { type RawBodyError } from "raw-body";
import { decodeUtf8 } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";

const DEEPEST_NESTING = 64;

/**
 * The whole body.
 * @throws MooringError TOO_LARGE, MALFORMED when the sender stopped early
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  try {
    return await getRawBody(request, { limit: maxBytes, length: request.headers["content-length"] ?? null });
  } catch (error) {
    const { type } = error as RawBodyError;
    if (type === "entity.too.large") throw new MooringError("TOO_LARGE", `the body is larger than ${maxBytes} bytes`);
    throw new MooringError("MALFORMED", "the body ended before it was complete", {}, { cause: error });
  }
}

const invalid = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field || "body"} ${rule}`, { field: field || "body", rule });

const unstorable = (text: string): boolean => text.includes("\0") || !text.isWellFormed();

/**
 * Refuses what JSON can say and no store can keep: numbers past the range of a double, U+0000 and lone surrogates,
 * members named `__proto__`, and nesting that exhausts a stack.
 */
function checkStorable(value: unknown, field: string, depth: number): void {
  if (typeof value === "string") {
    if (unstorable(value)) throw invalid(field, "must not hold U+0000 or half a surrogate pair");
  } else if (typeof value === "number") {
    if (!Number.isFinite(value)) throw invalid(field, "must be a number within the range of a double");
  } else if (typeof value === "object" && value !== null) {
    if (depth === DEEPEST_NESTING) throw invalid("body", `must not nest deeper than ${DEEPEST_NESTING} levels`);
    if (Array.isArray(value)) for (const [i, item] of value.entries()) checkStorable(item, `${field}[${i}]`, depth + 1);
    else for (const [name, member] of Object.entries(value)) checkMember(name, member, field, depth);
  }
}

function checkMember(name: string, member: unknown, parent: string, depth: number): void {
  if (name === "" || name === "__proto__" || unstorable(name)) {
    throw invalid(parent, `must not have a member named ${JSON.stringify(name).slice(0, 40)}`);
  }
  checkStorable(member, parent ? `${parent}.${name}` : name, depth + 1);
}

/**
 * Parses a body whatever its Content-Type says: scripts in the field send JSON as text/plain or without a type.
 * @throws MooringError MALFORMED for what is no JSON in UTF-8, VALIDATION for JSON that cannot be kept
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes)?.replace(/^\uFEFF/, "");
  if (text === undefined) throw new MooringError("MALFORMED", "the body is not UTF-8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new MooringError("MALFORMED", `the body is not JSON: ${(error as Error).message}`, {}, { cause: error });
  }
  checkStorable(value, "", 0);
  return value;
}
