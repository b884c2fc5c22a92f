/** Managed objects: the stored form, what a body may say, and what a change becomes (platform API 5). */
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import { type DottedPath, type Json, type JsonObject, pathOf, type Update } from "../store/collection.ts";
import { MANAGED_OBJECTS, type ManagedObjectDocument } from "../store/collections/platform.ts";
import { updateOp, type WriteOp } from "../store/store.ts";
import { asObject, fragmentsOf, invalid, toJson, withoutNull } from "./body.ts";
import { isLastValuesFragment } from "./last-values.ts";
import { fragmentChanges, keysOf } from "./merge.ts";
import type { Fragments, ManagedObject } from "./platform.ts";
import { wordsOf } from "./words.ts";

/** Members that the server alone writes; ignored in requests (platform API 5.1). */
const SERVER_OWNED = new Set([
  "id",
  "self",
  "creationTime",
  "lastUpdated",
  "childDevices",
  "childAssets",
  "childAdditions",
  "deviceParents",
  "assetParents",
  "additionParents",
  "c8y_LatestMeasurements",
  "externalIds",
]);
const OWN = new Set([...SERVER_OWNED, "name", "type", "owner"]);

const MANAGED_OBJECT_SCHEMA: JsonSchema = {
  type: "object",
  properties: {
    name: { type: ["string", "null"] },
    type: { type: ["string", "null"] },
    owner: { type: ["string", "null"], description: "Set by an administrator only; else the caller" },
  },
};

interface ManagedObjectBody extends Fragments {
  readonly name?: string | null;
  readonly type?: string | null;
  readonly owner?: string | null;
}
const checkBody = compileSchema<ManagedObjectBody>(MANAGED_OBJECT_SCHEMA);

const customOf = (body: Fragments): JsonObject =>
  Object.fromEntries(Object.entries(fragmentsOf(body, OWN)).filter(([name]) => !isLastValuesFragment(name)));

export function toManagedObject(document: ManagedObjectDocument): ManagedObject {
  return {
    id: document._id,
    ...(document.name === undefined ? {} : { name: document.name }),
    ...(document.type === undefined ? {} : { type: document.type }),
    owner: document.owner ?? "",
    creationTimeMs: document.creationTime,
    lastUpdatedMs: document.lastUpdated,
    fragments: document.custom,
  };
}

/** @throws MooringError VALIDATION */
export function newManagedObject(
  tenant: string,
  id: string,
  body: Fragments,
  owner: string,
  nowMs: number,
): ManagedObjectDocument {
  const { name, type } = checkBody(asObject(body));
  return {
    _id: id,
    tenant,
    owner,
    ownerWords: wordsOf(owner),
    ...(typeof name === "string" ? { name, nameWords: wordsOf(name) } : {}),
    ...(typeof type === "string" ? { type, typeWords: wordsOf(type) } : {}),
    creationTime: nowMs,
    lastUpdated: nowMs,
    custom: withoutNull(customOf(body)),
  };
}

type TextMember = "name" | "type" | "owner";

interface Change {
  readonly $set?: Readonly<Record<string, unknown>>;
  readonly $unset?: Readonly<Record<string, true>>;
}

/** A text changes together with its words. */
function textChange(member: TextMember, value: string | null | undefined): Change {
  if (value === undefined) return {};
  const words = `${member}Words`;
  return value === null
    ? { $unset: { [member]: true, [words]: true } }
    : { $set: { [member]: value, [words]: wordsOf(value) } };
}

/** A request to change nothing: a heartbeat (platform API 5.2). */
export const isHeartbeat = (body: Fragments): boolean =>
  Object.keys(body).every(name => SERVER_OWNED.has(name) || isLastValuesFragment(name));

/**
 * A PUT as one update. `owner` is left out of the change unless the caller may set it.
 * @throws MooringError VALIDATION
 */
export function managedObjectChange(
  body: Fragments,
  nowMs: number,
  mayChangeOwner: boolean,
): Update<ManagedObjectDocument> {
  const { name, type, owner } = checkBody(asObject(body));
  if (mayChangeOwner && owner === null) throw invalid("owner", "must be a user name");
  const parts: Change[] = [
    textChange("name", name),
    textChange("type", type),
    textChange("owner", mayChangeOwner ? owner : undefined),
    fragmentChanges(customOf(body)),
  ];
  return {
    $set: Object.assign({ lastUpdated: nowMs }, ...parts.map(part => part.$set)),
    $unset: Object.assign({}, ...parts.map(part => part.$unset)),
  };
}

/** A dotted path of an effect: `name` and `type` are our own, everything else is a fragment. */
function effectChange(path: string, value: Json): Record<string, unknown> {
  if ((path === "name" || path === "type") && typeof value === "string") return textChange(path, value).$set!;
  const [fragment, ...below] = path.split(".") as [string, ...string[]];
  return { [pathOf("custom", fragment, ...below)]: value };
}

/**
 * Sets properties of a managed object by dotted paths: `c8y_Hardware.model` leaves `c8y_Hardware.revision` alone. Members
 * that the server owns are passed over. Nothing happens where the object is gone.
 */
export function inventorySetOp(tenant: string, id: string, set: Fragments, nowMs: number): WriteOp {
  const changes: Record<string, unknown> = { lastUpdated: nowMs };
  for (const [path, value] of Object.entries(set)) {
    const first = path.split(".", 1)[0]!;
    if (SERVER_OWNED.has(first) || first === "owner") continue;
    Object.assign(changes, effectChange(path, toJson(value)));
  }
  const $set = changes as { lastUpdated: number; [path: DottedPath]: Json };
  return updateOp(MANAGED_OBJECTS, { _id: id, tenant }, { $set });
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `value` with `leaf` at the place that `keys` lead to; what is no object on the way becomes one. */
function withLeaf(value: Json | undefined, [key, ...below]: readonly string[], leaf: Json): Json {
  if (key === undefined) return leaf;
  const parent = isObject(value) ? value : {};
  return { ...parent, [key]: withLeaf(parent[key], below, leaf) };
}

/** The same update, with each fragment that a path leads into set as a whole. */
export function replaceBlockedParents(op: WriteOp & { op: "update" }, document: ManagedObjectDocument): WriteOp {
  const $set: Record<string, unknown> = {};
  let custom: JsonObject = document.custom;
  for (const [path, value] of Object.entries(op.update.$set ?? {})) {
    const [first, fragment, ...below] = keysOf(path) as [string, string?, ...string[]];
    if (first !== "custom" || fragment === undefined) {
      $set[path] = value;
      continue;
    }
    custom = withLeaf(custom, [fragment, ...below], value as Json) as JsonObject;
    $set[pathOf("custom", fragment)] = custom[fragment];
  }
  return { ...op, update: { ...op.update, $set } as typeof op.update };
}

/** In maintenance no alarms are created at all (platform API 5.4, 9.2). */
export function inMaintenance(object: ManagedObject): boolean {
  const required = object.fragments["c8y_RequiredAvailability"] as { responseInterval?: unknown } | null | undefined;
  const interval = required?.responseInterval;
  return typeof interval === "number" && interval <= 0;
}
