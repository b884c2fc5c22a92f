/**
 * Objects, instances and resources of a device as its registration, its last values and the object models say (`GET v1/device/{id}/objects`, a
 * route of ours): for those who offer paths to choose from.
 */
import { MooringError } from "../base/errors.ts";
import type { ObjectLink } from "../lwm2m/codecs/link-format.ts";
import type { ModelView, ResourceModel } from "../lwm2m/model/object-model.ts";
import type { Lwm2mServer } from "../lwm2m/server/lwm2m-server.ts";
import { instanceOfFragment } from "../platform/last-values.ts";
import type { Inventory } from "../platform/platform.ts";

export interface ShownResource extends Pick<ResourceModel, "id" | "name" | "operations" | "multiple"> {
  /** `STRING` ...; absent for what is executed. */
  readonly type?: string;
  readonly units?: string;
}

export interface ShownObject {
  readonly id: number;
  /** As the object model has it; absent where there is none. */
  readonly name?: string;
  /** Of the instances that are known, in order. */
  readonly instances: readonly number[];
  /** Of the model, in order: an instance need not have all of them. */
  readonly resources: readonly ShownResource[];
}

export interface DeviceObjects {
  readonly deviceId: string;
  readonly endpoint: string;
  readonly registered: boolean;
  /** Whether a request would be sent now rather than wait. */
  readonly awake: boolean;
  /** Of the registration; absent without one. */
  readonly lwm2mVersion?: string;
  /** ISO 8601, absent without a registration. */
  readonly lastSeen?: string;
  readonly objects: readonly ShownObject[];
}

export interface DeviceObjectsParts {
  readonly server: Pick<Lwm2mServer, "registrations" | "isReachable">;
  readonly inventory: Pick<Inventory, "get">;
  models(of: { readonly tenant: string; readonly objectLinks: readonly ObjectLink[] }): ModelView;
  /** Of a device of ours. */
  endpointOf(tenant: string, deviceId: string): Promise<string | undefined>;
}

const NO_LINKS: readonly ObjectLink[] = Object.freeze([]);

const shownResource = ({ id, name, operations, multiple, dataType, units }: ResourceModel): ShownResource => ({
  id,
  name,
  operations,
  multiple,
  ...(dataType && { type: dataType }),
  ...(units !== "" && { units }),
});

const ascending = (a: number, b: number): number => a - b;

function shownObject(id: number, instances: ReadonlySet<number>, models: ModelView): ShownObject {
  const model = models.object(id);
  const resources = Object.values(model?.resources ?? {}).sort((a, b) => a.id - b.id);
  return {
    id,
    ...(model && { name: model.name }),
    instances: [...instances].sort(ascending),
    resources: resources.map(shownResource),
  };
}

/** @throws MooringError NOT_FOUND where it is no device of ours */
export async function deviceObjects(
  { server, inventory, models, endpointOf }: DeviceObjectsParts,
  tenant: string,
  deviceId: string,
): Promise<DeviceObjects> {
  const endpoint = await endpointOf(tenant, deviceId);
  if (endpoint === undefined) throw new MooringError("NOT_FOUND", `there is no LwM2M device ${deviceId}`, { deviceId });
  const { registrations } = server;
  const registration = registrations.byDevice(tenant, deviceId);
  const objectLinks = registration?.objectLinks ?? NO_LINKS;
  const { fragments } = await inventory.get(tenant, deviceId);
  const known = [
    ...objectLinks.map(({ path }) => path),
    ...Object.keys(fragments).map(name => instanceOfFragment(name) ?? []),
  ];
  const instances = new Map<number, Set<number>>();
  for (const [objectId, instanceId] of known) {
    if (objectId === undefined) continue;
    const of = instances.get(objectId) ?? new Set();
    instances.set(objectId, of);
    if (instanceId !== undefined) of.add(instanceId);
  }
  const view = models({ tenant, objectLinks });
  const ids = [...instances.keys()].sort(ascending);
  const lastSeenMs = registration && registrations.lastSeenMs(registration.id);
  return {
    deviceId,
    endpoint,
    registered: registration !== undefined,
    awake: registration !== undefined && server.isReachable(registration),
    ...(registration && { lwm2mVersion: registration.version }),
    ...(lastSeenMs !== undefined && { lastSeen: new Date(lastSeenMs).toISOString() }),
    objects: ids.map(id => shownObject(id, instances.get(id)!, view)),
  };
}
