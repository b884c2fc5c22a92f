/**
 * Configuration audit (agent specification 11.4): `c8y_ConfigAuditSync` writes to a device what a reference device of its type has, one Write for each
 * resource. Everything is looked up and checked before the first one is sent; what the device refuses does not keep it from the others.
 */
import { MooringError } from "../base/errors.ts";
import type { ModelView } from "../lwm2m/model/object-model.ts";
import type { CallOptions, DeviceRequests } from "../lwm2m/operations/requests.ts";
import { formatPath, type Lwm2mPath } from "../lwm2m/path.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";
import { instanceOfFragment } from "../platform/last-values.ts";
import type { Fragments, Inventory, Operation } from "../platform/platform.ts";
import { statusText, storable } from "./response-text.ts";
import type { CommandOutcome } from "./run-command.ts";
import { readValue } from "./shell/value.ts";
import { wordOf } from "./shell/words.ts";

/** What of one object instance is to be written. */
interface SyncedInstance {
  /** Name in `syncData`. */
  readonly fragment: string;
  /** Object and instance. */
  readonly path: Lwm2mPath;
  readonly resources: "all" | readonly number[];
}

export interface ConfigSync {
  readonly kind: "sync";
  readonly referenceId: string;
  readonly instances: readonly SyncedInstance[];
}

export interface ConfigSyncParts {
  readonly requests: Pick<DeviceRequests, "write">;
  readonly inventory: Pick<Inventory, "findCached" | "lastValues">;
  models(registration: Registration): ModelView;
}

const TYPE = "c8y_ConfigAuditSync";
/** Of one resource; all of a device must fit into the operation. */
const LONGEST_STATUS = 200;

export const isConfigSync = ({ fragments }: Operation): boolean => fragments["type"] === TYPE;

function refuse(field: string, rule: string): never {
  throw new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });
}

const isObject = (value: unknown): value is Fragments =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `{"1": true}`; what is false is not asked for. */
function resourcesOf(given: unknown, at: string): SyncedInstance["resources"] {
  if (given === true) return "all";
  if (!isObject(given)) return refuse(at, "must be true, or an object of resource ids that are true");
  return Object.entries(given).flatMap(([id, isAsked]) => {
    if (!/^\d{1,5}$/.test(id)) refuse(`${at}.${id}`, "is no resource id");
    if (typeof isAsked !== "boolean") refuse(`${at}.${id}`, "must be true or false");
    return isAsked ? [Number(id)] : [];
  });
}

/** @throws MooringError VALIDATION naming the member */
export function readConfigSync({ fragments }: Operation): ConfigSync {
  const { referenceDevice, syncData } = fragments;
  if (referenceDevice === undefined) refuse("referenceDevice", "is missing");
  if (!/^\d{1,30}$/.test(String(referenceDevice))) refuse("referenceDevice", "must be the id of a managed object");
  if (!isObject(syncData)) return refuse("syncData", "must be an object of c8y_Lwm2m_<object>!<instance>");
  const instances = Object.entries(syncData).map(([fragment, given]): SyncedInstance => {
    const path = instanceOfFragment(fragment);
    if (!path) return refuse(`syncData.${fragment}`, "must be called c8y_Lwm2m_<object>!<instance>");
    return { fragment, path, resources: resourcesOf(given, `syncData.${fragment}`) };
  });
  if (instances.every(({ resources }) => resources.length === 0)) refuse("syncData", "names nothing to write");
  return { kind: "sync", referenceId: String(referenceDevice), instances };
}

interface PlannedWrite {
  readonly path: Lwm2mPath;
  readonly values: readonly ResourceValue[];
}

/** Last values are kept in the form that commands take. */
const asText = (value: unknown): string => (isObject(value) ? JSON.stringify(value) : String(value));

/** What the reference has and what can be written; asked for by name, it must be both. */
function planInstance(
  { fragment, path: instance, resources }: SyncedInstance,
  reference: Fragments | undefined,
  models: ModelView,
): PlannedWrite[] {
  const at = `syncData.${fragment}`;
  if (!reference)
    return refuse(at, `is not known of the reference device: it has no values of ${formatPath(instance)}`);
  const hasValue = (id: number): boolean => reference[id] !== undefined && reference[id] !== null;
  const isWritable = (id: number): boolean => models.resource(instance[0]!, id)?.operations.includes("W") ?? false;
  for (const id of resources === "all" ? [] : resources) {
    if (!isWritable(id)) refuse(`${at}.${id}`, "is no resource that can be written");
    if (!hasValue(id)) refuse(`${at}.${id}`, "has no known value on the reference device");
  }
  const all = Object.keys(models.object(instance[0]!)?.resources ?? {}).map(Number);
  return (resources === "all" ? all : resources)
    .filter(id => isWritable(id) && hasValue(id))
    .map(id => {
      const path = [...instance, id];
      return { path, values: readValue({ path, value: wordOf(asText(reference[id])) }, models) };
    });
}

async function plan(
  { referenceId, instances }: ConfigSync,
  { tenant, deviceId }: Registration,
  models: ModelView,
  inventory: ConfigSyncParts["inventory"],
): Promise<PlannedWrite[]> {
  if (referenceId === deviceId) refuse("referenceDevice", "is the device itself");
  const [reference, device] = [
    await inventory.findCached(tenant, referenceId),
    await inventory.findCached(tenant, deviceId),
  ];
  if (!reference) return refuse("referenceDevice", `is not known: there is no managed object ${referenceId}`);
  if (reference.type !== device?.type) {
    refuse(
      "referenceDevice",
      `must be of the device's type ${device?.type}; ${referenceId} is of type ${reference.type}`,
    );
  }
  const writes: PlannedWrite[] = [];
  for (const instance of instances) {
    const [objectId, instanceId] = instance.path as readonly [number, number];
    const values = await inventory.lastValues(tenant, referenceId, objectId, instanceId);
    writes.push(...planInstance(instance, values, models));
  }
  return writes.length > 0
    ? writes
    : refuse("syncData", "names nothing that the reference device has and that can be written");
}

/**
 * @returns the answer to each Write by path, as the operation's `syncResult`
 * @throws  MooringError VALIDATION, VALUE_TYPE before anything is sent; then as `DeviceRequests.write`
 */
export async function runConfigSync(
  { requests, inventory, models }: ConfigSyncParts,
  registration: Registration,
  sync: ConfigSync,
  call: CallOptions,
): Promise<CommandOutcome> {
  const writes = await plan(sync, registration, models(registration), inventory);
  const results: Record<string, string> = {};
  const refused: string[] = [];
  for (const { path, values } of writes) {
    const answer = await requests.write(registration, path, values, call);
    const status = storable(statusText(answer), LONGEST_STATUS);
    results[formatPath(path)] = status;
    if (!answer.ok) refused.push(`${formatPath(path)}: ${status}`);
  }
  const outcome = {
    result: `${writes.length - refused.length} of ${writes.length} written`,
    fragments: { syncResult: results },
  };
  if (refused.length === 0) return { ok: true, ...outcome };
  return { ok: false, ...outcome, failureReason: `${outcome.result}; ${refused.join("; ")}` };
}
