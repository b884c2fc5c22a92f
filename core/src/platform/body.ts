/** Reading what a caller sent: own members by schema, everything else as free fragments. */
import { isFailure, MooringError } from "../base/errors.ts";
import type { Json, JsonObject } from "../store/collection.ts";
import { asId } from "./ids.ts";
import type { Fragments } from "./platform.ts";

export const invalid = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** @throws MooringError VALIDATION where the value is no object */
export function asObject(body: unknown): Fragments {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("body", "must be an object");
  return body as Fragments;
}

/** @throws MooringError VALIDATION where the value is no id */
export function requireId(value: unknown, field: string): string {
  const id = asId(value);
  if (id === undefined) throw invalid(field, "must be an id: decimal digits");
  return id;
}

/** Members of `body` whose names are not in `own`, without those that are undefined. */
export function fragmentsOf(body: Fragments, own: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => !own.has(name) && value !== undefined),
  ) as JsonObject;
}

/** The same without members that are null: at creation there is nothing that null could remove. */
export function withoutNull(fragments: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fragments).filter(([, value]) => value !== null));
}

/** Runs `read` on one item of a list, so that an error names its place: `measurements[2].time ...`. */
export function atIndex<T>(list: string, index: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isFailure(error, "VALIDATION")) throw error;
    const place = `${list}[${index}]`;
    const { field, rule } = error.details;
    throw invalid(field === "body" ? place : `${place}.${String(field)}`, String(rule));
  }
}

/**
 * A value as the store keeps it: 64-bit integers past 2^53 as decimal text, bytes as lower-case hexadecimal, object links
 * as `object:instance`, numbers that JSON lacks as text.
 */
export function toJson(value: unknown): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (typeof value !== "object") return value as boolean | string;
  if (Array.isArray(value)) return value.map(toJson);
  const { objectId, instanceId } = value as { objectId?: unknown; instanceId?: unknown };
  if (typeof objectId === "number" && typeof instanceId === "number") return `${objectId}:${instanceId}`;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toJson(member)]));
}
