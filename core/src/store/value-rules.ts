/** What may be kept, for every engine alike: the rules at the head of `collection.ts`, checked before an engine is asked. */
import { MooringError } from "../base/errors.ts";
import type { Document, FieldType } from "./collection.ts";
import type { Shape } from "./shape.ts";

const MAX_ID_LENGTH = 1024;
export const MAX_DEPTH = 64;
/** As JSON, in UTF-16 code units. */
export const MAX_DOCUMENT_LENGTH = 4 * 1024 * 1024;
/** All `bytes` fields of a document together. */
const MAX_BYTES_LENGTH = 8 * 1024 * 1024;
const MAX_TIME_MS = 8.64e15;

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

export const invalid = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

export const tooLarge = (what: string, limit: number): MooringError =>
  new MooringError("TOO_LARGE", `${what} is larger than ${limit}`, { field: what, limit });

/** Rule that a text breaks, or undefined. */
function textRule(text: string): string | undefined {
  if (text.includes("\0")) return "must not contain NUL";
  return text.isWellFormed() ? undefined : "must be well-formed Unicode";
}

function checkText(text: string, field: string): void {
  const rule = textRule(text);
  if (rule) throw invalid(field, rule);
}

/** A segment of a path or a member's name below the top level. */
export function checkKey(key: string, field: string): void {
  checkText(key, field);
  if (key === "__proto__") throw invalid(field, "must not be called __proto__");
}

/** Way to the value at hand, members by name and elements by place; its length is the level. */
type Way = (string | number)[];

const wayText = (way: Way): string =>
  way.reduce<string>(
    (text, step) => (typeof step === "number" ? `${text}[${step}]` : text ? `${text}.${step}` : step),
    "",
  );

/** Rule that a value breaks, or undefined; on a broken rule `way` leads to it. */
function brokenRule(value: unknown, way: Way): string | undefined {
  switch (typeof value) {
    case "string":
      return textRule(value);
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : "must be a finite number";
    case "object":
      if (value === null) return undefined;
      if (way.length >= MAX_DEPTH) return `must not be deeper than ${MAX_DEPTH} levels`;
      return Array.isArray(value) ? brokenInArray(value, way) : brokenInObject(value, way);
    default:
      return `must be JSON, not ${typeof value}`;
  }
}

function brokenInArray(value: readonly unknown[], way: Way): string | undefined {
  for (let i = 0; i < value.length; i++) {
    way.push(i);
    const rule = brokenRule(value[i], way);
    if (rule) return rule;
    way.pop();
  }
  return undefined;
}

function brokenInObject(value: object, way: Way): string | undefined {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return "must be a plain object";
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined) continue;
    way.push(key);
    const rule = key === "__proto__" ? "must not be called __proto__" : (textRule(key) ?? brokenRule(member, way));
    if (rule) return rule;
    way.pop();
  }
  return undefined;
}

/** @param keys way to the value from the top of its document. @throws MooringError VALIDATION */
export function checkJson(value: unknown, ...keys: readonly [string, ...string[]]): void {
  const way: Way = [...keys];
  const rule = brokenRule(value, way);
  if (rule) throw invalid(wayText(way), rule);
}

const isText = (value: unknown): value is string => typeof value === "string" && textRule(value) === undefined;

const FIELD_RULES: Readonly<Record<FieldType, readonly [holds: (value: unknown) => boolean, rule: string]>> = {
  string: [isText, "must be a text without NUL, well-formed"],
  int: [Number.isSafeInteger, "must be a whole number within 2^53"],
  double: [Number.isFinite, "must be a finite number"],
  bool: [value => typeof value === "boolean", "must be true or false"],
  time: [
    value => Number.isSafeInteger(value) && Math.abs(value as number) <= MAX_TIME_MS,
    "must be whole milliseconds since the epoch",
  ],
  strings: [value => Array.isArray(value) && value.every(isText), "must be an array of texts without NUL, well-formed"],
  bytes: [value => value instanceof Uint8Array, "must be a Uint8Array"],
};

export function checkField(type: FieldType, value: unknown, field: string): void {
  const [holds, rule] = FIELD_RULES[type];
  if (!holds(value)) throw invalid(field, rule);
}

export function checkId(id: unknown): asserts id is string {
  if (!isText(id) || id.length === 0 || id.length > MAX_ID_LENGTH) {
    throw invalid("_id", `must be a text of 1 to ${MAX_ID_LENGTH} characters without NUL, well-formed`);
  }
}

/** The member of a document or of `$set`: declared or not. `_id` is not for here. */
export function checkMember(shape: Shape, name: string, value: unknown): void {
  const type = shape.typeOf(name);
  if (type) checkField(type, value, name);
  else if (!IDENTIFIER.test(name) || name === "__proto__")
    throw invalid(name, "must be an identifier at the top level");
  else checkJson(value, name);
}

/** @throws MooringError VALIDATION with `details {field, rule}`; size is checked where the document is encoded */
export function checkDocument(shape: Shape, document: Document): void {
  checkId(document._id);
  let byteLength = 0;
  for (const name of Object.keys(document)) {
    const value = (document as unknown as Record<string, unknown>)[name];
    if (value === undefined || name === "_id") continue;
    checkMember(shape, name, value);
    if (value instanceof Uint8Array) byteLength += value.length;
  }
  if (byteLength > MAX_BYTES_LENGTH) throw tooLarge("bytes of the document", MAX_BYTES_LENGTH);
  checkRequired(shape, document);
}

function checkRequired(shape: Shape, document: Document): void {
  for (const [name] of shape.fields) {
    if (shape.isRequired(name) && (document as unknown as Record<string, unknown>)[name] === undefined) {
      throw invalid(name, "is missing");
    }
  }
}
