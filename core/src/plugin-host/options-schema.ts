/**
 * The options of a plugin, described by its manifest in a small part of JSON Schema and read by this file alone: a schema of
 * somebody else never reaches a compiler, and holds nothing that takes long to check (no patterns, no references).
 *
 * `type` is one of those below, always. Further keywords: `title`, `description`, `default`; `enum` for scalars; `minimum`, `maximum`
 * for numbers; `minLength`, `maxLength` for strings; `properties`, `required` for objects, which have no other members;
 * `items`, `minItems`, `maxItems` for arrays.
 */
import { MooringError } from "../base/errors.ts";

const TYPES = ["object", "array", "string", "number", "integer", "boolean"] as const;
type Type = (typeof TYPES)[number];

interface OptionSchema {
  readonly type: Type;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, OptionSchema>>;
  readonly required?: readonly string[];
  readonly items?: OptionSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** Reads options: those that are absent have their defaults. @throws MooringError VALIDATION with `details {field, rule}` */
export type ReadOptions = (given: unknown) => Readonly<Record<string, unknown>>;

const NUMBERS = ["enum", "minimum", "maximum"];
const KEYWORDS: Readonly<Record<Type, readonly string[]>> = {
  object: ["properties", "required", "additionalProperties"],
  array: ["items", "minItems", "maxItems"],
  string: ["enum", "minLength", "maxLength"],
  number: NUMBERS,
  integer: NUMBERS,
  boolean: [],
};
const COMMON: readonly string[] = ["type", "title", "description", "default"];
const LARGEST = 65_536;
const DEEPEST = 8;
const MEMBER = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
const isScalar = (value: unknown): boolean => ["string", "number", "boolean"].includes(typeof value);

function refuse(field: string, rule: string): never {
  throw new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });
}

/** What each keyword must be. */
const SHAPES: Readonly<Record<string, readonly [holds: (value: unknown) => boolean, rule: string]>> = {
  title: [value => typeof value === "string", "must be text"],
  description: [value => typeof value === "string", "must be text"],
  enum: [value => Array.isArray(value) && value.length > 0 && value.every(isScalar), "must be a list of scalars"],
  minimum: [Number.isFinite, "must be a number"],
  maximum: [Number.isFinite, "must be a number"],
  minLength: [isCount, "must be a whole number of 0 or more"],
  maxLength: [isCount, "must be a whole number of 0 or more"],
  minItems: [isCount, "must be a whole number of 0 or more"],
  maxItems: [isCount, "must be a whole number of 0 or more"],
  properties: [isObject, "must be an object"],
  required: [value => Array.isArray(value), "must be a list of names"],
  items: [isObject, "must be an object"],
  additionalProperties: [value => value === false, "must be false: there are no other members"],
};

function checkProperties(schema: Json, field: string, depth: number): void {
  const properties = (schema["properties"] ?? {}) as Json;
  for (const [name, inner] of Object.entries(properties)) {
    if (!MEMBER.test(name)) refuse(`${field}.properties`, `has a member whose name does not match ${MEMBER.source}`);
    checkSchema(inner, `${field}.properties.${name}`, depth + 1);
  }
  for (const name of (schema["required"] ?? []) as readonly unknown[]) {
    if (typeof name !== "string" || !Object.hasOwn(properties, name)) {
      refuse(`${field}.required`, `names ${JSON.stringify(name)}, which is none of its properties`);
    }
  }
}

function checkSchema(given: unknown, field: string, depth: number): void {
  const schema = isObject(given) ? given : refuse(field, "must be an object");
  if (depth > DEEPEST) refuse(field, `is nested deeper than ${DEEPEST} levels`);
  const type = schema["type"] as Type;
  if (!TYPES.includes(type)) refuse(`${field}.type`, `must be one of ${TYPES.join(", ")}`);
  for (const [keyword, value] of Object.entries(schema)) {
    if (!COMMON.includes(keyword) && !KEYWORDS[type].includes(keyword)) {
      refuse(`${field}.${keyword}`, `is not known here for ${type}`);
    }
    const [holds, rule] = SHAPES[keyword] ?? [];
    if (holds && !holds(value)) refuse(`${field}.${keyword}`, rule!);
  }
  if (type === "object") checkProperties(schema, field, depth);
  if (type === "array" && schema["items"] === undefined) refuse(`${field}.items`, "is missing");
  if (type === "array") checkSchema(schema["items"], `${field}.items`, depth + 1);
  if (schema["default"] !== undefined) read(schema as unknown as OptionSchema, schema["default"], `${field}.default`);
}

const within = (size: number, { minimum = -Infinity, maximum = Infinity }: OptionSchema): boolean =>
  size >= minimum && size <= maximum;

/** The rule that a scalar breaks. */
function scalarRule(schema: OptionSchema, value: unknown): string | undefined {
  const { type, minimum, maximum, minLength = 0, maxLength = LARGEST } = schema;
  if (schema.enum && !schema.enum.includes(value)) return `must be one of ${schema.enum.join(", ")}`;
  if (type === "string") {
    if (typeof value !== "string") return "must be text";
    const fits = value.length >= minLength && value.length <= maxLength;
    return fits ? undefined : `must have ${minLength} to ${maxLength} characters`;
  }
  if (type === "boolean") return typeof value === "boolean" ? undefined : "must be true or false";
  const isNumber = type === "integer" ? Number.isInteger(value) : Number.isFinite(value);
  if (isNumber && within(value as number, schema)) return undefined;
  const range = [
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    ...(maximum === undefined ? [] : [`at most ${maximum}`]),
  ];
  return `must be ${[type === "integer" ? "a whole number" : "a number", ...range].join(", ")}`;
}

function readMembers(schema: OptionSchema, given: Json, field: string): Json {
  const { properties = {}, required = [] } = schema;
  const inner = (name: string): string => (field ? `${field}.${name}` : name);
  const unknown = Object.keys(given).find(name => !Object.hasOwn(properties, name));
  if (unknown !== undefined) refuse(inner(unknown.slice(0, 64)), "is not known here");
  const members: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(properties)) {
    const value = given[name] ?? member.default;
    if (value !== undefined) members[name] = read(member, value, inner(name));
    else if (required.includes(name)) refuse(inner(name), "is missing");
  }
  return Object.freeze(members);
}

/** Frozen, with defaults. */
function read(schema: OptionSchema, value: unknown, field: string): unknown {
  if (schema.type === "object") {
    return isObject(value) ? readMembers(schema, value, field) : refuse(field || "options", "must be an object");
  }
  if (schema.type === "array") {
    const { items, minItems = 0, maxItems = LARGEST } = schema;
    if (!Array.isArray(value)) return refuse(field, "must be a list");
    if (value.length < minItems || value.length > maxItems) refuse(field, `must have ${minItems} to ${maxItems} items`);
    return Object.freeze(value.map((item, at) => read(items!, item, `${field}[${at}]`)));
  }
  const rule = scalarRule(schema, value);
  return rule === undefined ? value : refuse(field, rule);
}

/**
 * @param schema the member `configuration` of a manifest, unchecked; absent: the plugin has no options
 * @throws MooringError VALIDATION with `details {field, rule}`: larger than 64 K characters, deeper than 8 levels, or outside of the part above
 */
export function compileOptions(schema: unknown = { type: "object" }): ReadOptions {
  const field = "configuration";
  if ((JSON.stringify(schema) ?? "").length > LARGEST) refuse(field, `must be at most ${LARGEST} characters long`);
  checkSchema(schema, field, 1);
  const root = schema as OptionSchema;
  if (root.type !== "object") refuse(`${field}.type`, "must be object");
  return given => readMembers(root, isObject(given) ? given : refuse("options", "must be an object"), "");
}
