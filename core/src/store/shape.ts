/** A collection's spec, checked once and made ready to be asked. */
import { MooringError } from "../base/errors.ts";
import type { CollectionSpec, FieldType } from "./collection.ts";
import type { UpdateForm } from "./update-form.ts";

export interface Shape {
  readonly spec: CollectionSpec;
  readonly name: string;
  /** In the order of the spec; `_id` is not among them. */
  readonly fields: readonly (readonly [name: string, type: FieldType])[];
  /** Type of a declared field or of `_id`; undefined for any other member. */
  typeOf(name: string): FieldType | undefined;
  isRequired(name: string): boolean;
  isCoarse(name: string): boolean;
  /** Forms of updates that came so far, by what tells them apart; see `update-form.ts`. */
  readonly forms: Map<string, UpdateForm>;
}

const NAME = /^[a-z][A-Za-z0-9]{0,39}$/;
const TYPES: ReadonlySet<FieldType> = new Set(["string", "int", "double", "bool", "time", "strings", "bytes"]);

const refuse = (spec: CollectionSpec, rule: string): MooringError =>
  new MooringError("QUERY_UNSUPPORTED", `collection ${spec.name}: ${rule}`, { collection: spec.name, rule });

function checkFields(spec: CollectionSpec, fields: ReadonlyMap<string, FieldType>): void {
  if (!NAME.test(spec.name)) throw refuse(spec, "the name must be a letter, then letters and digits, at most 40");
  const seen = new Set<string>();
  for (const [name, type] of fields) {
    if (!NAME.test(name)) throw refuse(spec, `field ${name} must be a letter, then letters and digits, at most 40`);
    if (!TYPES.has(type)) throw refuse(spec, `field ${name} has the unknown type ${type}`);
    // SQLite's column names do not tell capital from small letters.
    if (seen.size === seen.add(name.toLowerCase()).size) throw refuse(spec, `two fields are called ${name}`);
  }
}

function checkIndexes(spec: CollectionSpec, fields: ReadonlyMap<string, FieldType>): void {
  for (const { keys, unique } of spec.indexes) {
    if (keys.length === 0) throw refuse(spec, "an index has no key");
    for (const [name] of keys) {
      const type = name === "_id" ? "string" : fields.get(name);
      if (!type || type === "bytes") throw refuse(spec, `${name} cannot be a key of an index`);
      if (unique && type === "strings") throw refuse(spec, `${name} cannot be a key of a unique index`);
    }
  }
}

/** @throws MooringError QUERY_UNSUPPORTED for a spec that breaks the rules of {@link CollectionSpec} */
export function shapeOf(spec: CollectionSpec): Shape {
  const fields = new Map(Object.entries(spec.fields) as [string, FieldType][]);
  checkFields(spec, fields);
  checkIndexes(spec, fields);
  const required = new Set<string>(["_id", ...(spec.required ?? [])]);
  for (const { keys, unique } of spec.indexes) if (unique) for (const [name] of keys) required.add(name);
  const coarse = new Set(spec.coarse ?? []);
  for (const name of Object.keys(spec.filled ?? {})) {
    if (fields.get(name) !== "string") throw refuse(spec, `filled field ${name} is not declared as string`);
  }
  for (const name of [...required, ...coarse]) {
    if (name !== "_id" && !fields.has(name)) throw refuse(spec, `required or coarse field ${name} is not declared`);
  }
  return {
    spec,
    name: spec.name,
    fields: [...fields],
    typeOf: name => (name === "_id" ? "string" : fields.get(name)),
    isRequired: name => required.has(name),
    isCoarse: name => coarse.has(name),
    forms: new Map(),
  };
}
