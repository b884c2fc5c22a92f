/**
 * An update, checked once and then applied: in the SQLite engine by {@link applyUpdate}, in MongoDB by the server. Plain data, so
 * that a plan can go to the writer's thread.
 */
import { MooringError } from "../base/errors.ts";
import type { Document, Scalar, Update } from "./collection.ts";
import { type Path, parsePath, unsupported } from "./path.ts";
import type { Shape } from "./shape.ts";
import { checkField, checkId, checkJson, checkMember, invalid } from "./value-rules.ts";

export type Operator =
  | "$set"
  | "$unset"
  | "$inc"
  | "$max"
  | "$min"
  | "$push"
  | "$addToSet"
  | "$pullAll"
  | "$setOnInsert";

export interface Change {
  readonly operator: Operator;
  readonly path: Path;
  readonly value: unknown;
}

export type UpdatePlan = readonly Change[];

type Check = (shape: Shape, path: Path, value: unknown) => void;

const isScalar = (value: unknown): value is Scalar => value === null || typeof value !== "object";

const checkSet: Check = (shape, path, value) => {
  const [first, ...keys] = path.segments;
  if (keys.length === 0) checkMember(shape, first, value);
  else checkJson(value, first, ...keys);
};

const checkNumber: Check = (shape, path, value) => {
  const { type } = path;
  if (type !== undefined && type !== "int" && type !== "double")
    throw unsupported(shape, `${path.text} cannot be counted`);
  if (typeof value !== "number") throw unsupported(shape, `${path.text}: $inc takes a number`);
  // So small that no sum of doubles can overflow, which no server would refuse.
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw invalid(path.text, "is counted by more than 2^53");
  checkField(type ?? "double", value, path.text);
};

const checkOrdered: Check = (shape, path, value) => {
  const { type } = path;
  if (!type || type === "bool" || type === "strings" || type === "bytes") {
    throw unsupported(shape, `${path.text}: $max and $min are for declared fields with an order`);
  }
  checkField(type, value, path.text);
};

const checkElement: Check = (shape, path, value) => {
  if (path.type !== undefined && path.type !== "strings") throw unsupported(shape, `${path.text} is no array`);
  if (path.type === "strings") checkField("string", value, path.text);
  else checkJson(value, path.text);
};

const checkScalarElement: Check = (shape, path, value) => {
  if (!isScalar(value)) throw unsupported(shape, `${path.text}: $addToSet and $pullAll take scalars`);
  checkElement(shape, path, value);
};

const CHECKS: Readonly<Record<Operator, Check>> = {
  $set: checkSet,
  $setOnInsert: (shape, path, value) => (path.text === "_id" ? checkId(value) : checkSet(shape, path, value)),
  $unset(shape, path, value) {
    if (value !== true) throw unsupported(shape, `${path.text}: $unset takes true`);
    if (shape.isRequired(path.text)) throw invalid(path.text, "is required and cannot be removed");
  },
  $inc: checkNumber,
  $max: checkOrdered,
  $min: checkOrdered,
  $push: checkElement,
  $addToSet: checkScalarElement,
  $pullAll(shape, path, value) {
    if (!Array.isArray(value)) throw unsupported(shape, `${path.text}: $pullAll takes an array`);
    for (const each of value) checkScalarElement(shape, path, each);
  },
};

/** @throws MooringError QUERY_UNSUPPORTED, VALIDATION for a value that the operator does not take there */
export const checkChange = (shape: Shape, operator: Operator, path: Path, value: unknown): void =>
  CHECKS[operator](shape, path, value);

const isBelow = (path: Path, other: Path): boolean =>
  other.segments.length <= path.segments.length && other.segments.every((key, i) => key === path.segments[i]);

function checkApart(shape: Shape, changes: UpdatePlan): void {
  for (const [i, { path }] of changes.entries()) {
    const clash = changes.find(({ path: other }, j) => j !== i && isBelow(path, other));
    if (clash) throw unsupported(shape, `${path.text} and ${clash.path.text} are changed by one update`);
  }
}

/** @throws MooringError QUERY_UNSUPPORTED for what the update language does not have, VALIDATION for a value that cannot be kept */
export function parseUpdate(shape: Shape, update: Update, upsert: boolean): UpdatePlan {
  const changes: Change[] = [];
  for (const [operator, members] of Object.entries(update)) {
    const check = CHECKS[operator as Operator] as Check | undefined;
    if (!check) throw unsupported(shape, `there is no update operator ${operator}`);
    if (operator === "$setOnInsert" && !upsert) throw unsupported(shape, "$setOnInsert without upsert");
    for (const [name, value] of Object.entries(members as Record<string, unknown>)) {
      if (value === undefined) throw unsupported(shape, `${name} is set to undefined`);
      const path = parsePath(shape, name);
      if (path.text === "_id" && operator !== "$setOnInsert") throw unsupported(shape, "_id never changes");
      check(shape, path, value);
      changes.push({ operator: operator as Operator, path, value });
    }
  }
  if (changes.length === 0) throw unsupported(shape, "an update changes something");
  checkApart(shape, changes);
  return changes;
}

type Members = Record<string, unknown>;

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

const conflict = (path: Path, rule: string): MooringError =>
  new MooringError("CONFLICT", `${path.text} ${rule}`, { field: path.text, rule });

/** The object that holds the path's last member: made where absent, except by what only removes, and then undefined. */
function parentOf(document: Members, path: Path, operator: Operator): Members | undefined {
  let parent = document;
  for (const key of path.segments.slice(0, -1)) {
    if (!Object.hasOwn(parent, key)) {
      if (operator === "$unset" || operator === "$pullAll") return undefined;
      parent[key] = {};
    }
    const next = parent[key];
    if (!isObject(next)) {
      if (operator === "$unset") return undefined;
      throw conflict(path, "lies below a value that is no object");
    }
    parent = next;
  }
  return parent;
}

function numberAt(current: unknown, path: Path): number {
  if (current === undefined) return 0;
  if (typeof current === "number") return current;
  throw conflict(path, "holds no number");
}

function arrayAt(current: unknown, path: Path): readonly unknown[] {
  if (current === undefined) return [];
  if (Array.isArray(current)) return current;
  throw conflict(path, "holds no array");
}

/** Texts in the order of their code points, as both engines compare them. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    // A surrogate stands for a code point above every other unit.
    if (x !== y) return Number(x >= 0xd800 && x <= 0xdfff) - Number(y >= 0xd800 && y <= 0xdfff) || x - y;
  }
  return a.length - b.length;
}

const compare = (a: unknown, b: unknown): number =>
  typeof a === "string" && typeof b === "string" ? compareText(a, b) : Number(a) - Number(b);

function valueAfter({ operator, path, value }: Change, current: unknown): unknown {
  switch (operator) {
    case "$inc":
      return numberAt(current, path) + (value as number);
    case "$max":
      return current === undefined || compare(value, current) > 0 ? value : current;
    case "$min":
      return current === undefined || compare(value, current) < 0 ? value : current;
    case "$push":
      return [...arrayAt(current, path), value];
    case "$addToSet": {
      const array = arrayAt(current, path);
      return array.includes(value) ? array : [...array, value];
    }
    case "$pullAll":
      return current === undefined
        ? undefined
        : arrayAt(current, path).filter(each => !(value as unknown[]).includes(each));
    default:
      return value;
  }
}

/**
 * Changes a document in place.
 * @param isNew the document is being inserted: `$setOnInsert` counts
 * @throws MooringError CONFLICT where the document has another kind of value than the update needs
 */
export function applyUpdate(document: Document, plan: UpdatePlan, isNew: boolean): void {
  for (const change of plan) {
    const { operator, path } = change;
    if (operator === "$setOnInsert" && !isNew) continue;
    const parent = parentOf(document as unknown as Members, path, operator);
    if (!parent) continue;
    const last = path.segments.at(-1)!;
    if (operator === "$unset") {
      delete parent[last];
      continue;
    }
    const value = valueAfter(change, Object.hasOwn(parent, last) ? parent[last] : undefined);
    if (value === undefined) continue;
    if (path.type === "int" && !Number.isSafeInteger(value))
      throw conflict(path, "would leave the whole numbers within 2^53");
    parent[last] = value;
  }
}

/** The document that an upsert inserts. @throws MooringError QUERY_UNSUPPORTED when no `_id` is given */
export function upsertDocument(shape: Shape, seeds: ReadonlyMap<string, unknown>, plan: UpdatePlan): Document {
  const document = Object.fromEntries(seeds) as unknown as Document;
  for (const { path } of plan) {
    if (seeds.has(path.text))
      throw unsupported(shape, `${path.text} stands in the filter and in the update of an upsert`);
  }
  applyUpdate(document, plan, true);
  if (document._id === undefined)
    throw unsupported(shape, "an upsert takes its _id from the filter or from $setOnInsert");
  return document;
}
