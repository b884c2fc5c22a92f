/**
 * The last known value of each resource, shown as fragments `c8y_Lwm2m_<object>!<instance>` of the device
 * (agent specification 11.1). One document per object instance, so that a message writes each instance once.
 */
import { type DottedPath, type Json, type JsonObject, pathOf, type Update } from "../store/collection.ts";
import { keyOf } from "../store/collections/keys.ts";
import { LAST_VALUES, type LastValuesDocument } from "../store/collections/values.ts";
import { deleteOp, updateOp, type WriteOp } from "../store/store.ts";
import { toJson } from "./body.ts";

const FRAGMENT = /^c8y_Lwm2m_(\d{1,5})!(\d{1,5})$/;

export const lastValuesFragment = (object: number, instance: number): string => `c8y_Lwm2m_${object}!${instance}`;
/** A regular expression for the names of the fragments of an object. */
export const lastValuesPattern = (object: number): string => `^c8y_Lwm2m_${object}!\\d+$`;
export const isLastValuesFragment = (name: string): boolean => FRAGMENT.test(name);
/** Object and instance that a fragment of that name shows; undefined: none. */
export function instanceOfFragment(name: string): readonly [object: number, instance: number] | undefined {
  const [, object, instance] = FRAGMENT.exec(name) ?? [];
  return object === undefined ? undefined : [Number(object), Number(instance)];
}

export interface LastValue {
  /** Resource (three ids) or resource instance (four). */
  readonly path: readonly number[];
  /** A resource with instances, read as a whole, is a map by instance id and replaces what was there. */
  readonly value: unknown;
  readonly atMs: number;
}

/** What a message says of one resource: all of it, or some of its instances. */
type ResourceState =
  | { readonly kind: "single"; readonly value: Json }
  | { readonly kind: "whole" | "partial"; readonly instances: Record<string, Json> };

interface InstanceState {
  readonly object: number;
  readonly instance: number;
  timeMs: number;
  readonly resources: Map<string, ResourceState>;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && typeof toJson(value) === "object";

function nextState(before: ResourceState | undefined, path: readonly number[], value: unknown): ResourceState {
  if (path.length === 3) {
    return isMap(value)
      ? { kind: "whole", instances: toJson(value) as Record<string, Json> }
      : { kind: "single", value: toJson(value) };
  }
  const known = before === undefined || before.kind === "single" ? undefined : before;
  return {
    kind: known?.kind ?? "partial",
    instances: { ...known?.instances, [String(path[3])]: toJson(value) },
  };
}

function collect(values: readonly LastValue[]): InstanceState[] {
  const states = new Map<string, InstanceState>();
  for (const { path, value, atMs } of values) {
    const [object, instance, resource] = path;
    if (object === undefined || instance === undefined || resource === undefined) continue;
    const key = `${object}/${instance}`;
    const state = states.get(key) ?? { object, instance, timeMs: atMs, resources: new Map() };
    states.set(key, state);
    state.timeMs = Math.max(state.timeMs, atMs);
    state.resources.set(String(resource), nextState(state.resources.get(String(resource)), path, value));
  }
  return [...states.values()];
}

/** One value and instances stand apart, and each takes the other's place: no update can meet a parent of another kind. */
function changeOf(state: InstanceState): Required<Pick<Update<LastValuesDocument>, "$set" | "$unset">> {
  const $set: { [path: DottedPath]: Json } = {};
  const $unset: { [path: DottedPath]: true } = {};
  // Resource ids are digits: as keys of a path they need no escape.
  for (const [resource, known] of state.resources) {
    if (known.kind === "single") {
      $set[`values.${resource}`] = known.value;
      $unset[`instances.${resource}`] = true;
      continue;
    }
    $unset[`values.${resource}`] = true;
    if (known.kind === "whole") $set[`instances.${resource}`] = known.instances;
    else for (const [id, value] of Object.entries(known.instances)) $set[pathOf("instances", resource, id)] = value;
  }
  return { $set, $unset };
}

/**
 * The writes for the last values of one message, in order: one per object instance. A later value of the same resource wins;
 * a value of a resource instance joins the others, a whole resource replaces them (agent specification 8.5).
 */
export function lastValueOps(tenant: string, deviceId: string, values: readonly LastValue[]): WriteOp[] {
  return collect(values).map(state => {
    const { object, instance } = state;
    return updateOp(
      LAST_VALUES,
      { _id: keyOf(deviceId, String(object), String(instance)) },
      {
        ...changeOf(state),
        $max: { time: state.timeMs },
        $setOnInsert: { tenant, managedObject: deviceId, object, instance },
      },
      { upsert: true },
    );
  });
}

/**
 * The same for values that came some time ago: where an object instance is newer than they are by then, it stays.
 * @param isKnown by key of the object instance: whether there are values of it
 */
export function earlierValueOps(
  tenant: string,
  deviceId: string,
  values: readonly LastValue[],
  isKnown: (key: string) => boolean,
): WriteOp[] {
  return collect(values).map(state => {
    const { object, instance, timeMs: time } = state;
    const _id = keyOf(deviceId, String(object), String(instance));
    const { $set, $unset } = changeOf(state);
    if (isKnown(_id)) {
      return updateOp(LAST_VALUES, { _id, time: { $lte: time } }, { $set: { ...$set, time }, $unset });
    }
    const first = { ...$set, tenant, managedObject: deviceId, object, instance, time };
    return updateOp<LastValuesDocument>(LAST_VALUES, { _id }, { $setOnInsert: first }, { upsert: true });
  });
}

/** What becomes of a resource by {@link lastValueOps}. @param before and what is returned: as {@link toLastValues} shows it */
export function nextLastValue(before: Json | undefined, { path, value }: LastValue): Json {
  if (path.length === 3) return toJson(value);
  return { ...(isMap(before) ? before : {}), [String(path[3])]: toJson(value) };
}

/**
 * The writes that forget the last values at and below a path: of an object, object instance, resource or resource instance.
 * What was not known stays so.
 */
export function lastValueRemovalOp(deviceId: string, path: readonly number[]): WriteOp {
  const [object, instance, resource, resourceInstance] = path as readonly [number, number?, number?, number?];
  if (instance === undefined) return deleteOp(LAST_VALUES, { managedObject: deviceId, object });
  const _id = keyOf(deviceId, String(object), String(instance));
  if (resource === undefined) return deleteOp(LAST_VALUES, { _id });
  const paths: readonly DottedPath[] =
    resourceInstance === undefined
      ? [`values.${resource}`, `instances.${resource}`]
      : [pathOf("instances", String(resource), String(resourceInstance))];
  const $unset = Object.fromEntries(paths.map(forgotten => [forgotten, true as const]));
  return updateOp(LAST_VALUES, { _id }, { $unset });
}

/** `{"instance": 0, "5700": 21.3, "6": {"0": 1, "1": 5}}` */
export function toLastValues(document: LastValuesDocument): JsonObject {
  return { instance: document.instance, ...document.values, ...document.instances };
}

/**
 * As the objects view reads it: a resource with instances is the JSON text of their map, and `operations` says that the instance has a menu
 * (agent specification 11.1: what has no key in the fragment is not shown).
 */
export function toFragment({ instance, values, instances }: LastValuesDocument): JsonObject {
  const texts = Object.entries(instances ?? {}).map(([resource, map]) => [resource, JSON.stringify(map)]);
  return { instance, operations: null, ...values, ...Object.fromEntries(texts) };
}
