/**
 * Device protocols in force: kept in memory for the mapping, stored as managed objects. A tenant sees its own, else the
 * management tenant's, else the built-in core objects without mappings (agent specification 1, 7).
 */
import { MooringError, messageOf } from "../base/errors.ts";
import { createKeyedTurns } from "../base/keyed-turns.ts";
import type { Log } from "../base/log.ts";
import { CORE_OBJECTS } from "../lwm2m/model/core-objects/core-objects.ts";
import { readDdf } from "../lwm2m/model/ddf.ts";
import type { ModelRegistry } from "../lwm2m/model/model-registry.ts";
import type { ObjectModel } from "../lwm2m/model/object-model.ts";
import { compareVersions } from "../lwm2m/version.ts";
import { createListeners } from "../platform/listeners.ts";
import type { ManagedObject } from "../platform/platform.ts";
import {
  type DeviceProtocol,
  emptyProtocol,
  modelsOfProtocol,
  PROTOCOL_FRAGMENT,
  protocolBody,
} from "./device-protocol.ts";
import type { ProtocolRepository } from "./protocol-repository.ts";
import { readProtocol, readResourceMappings } from "./schema.ts";

/** Answer to an upload (agent specification 7.2). */
export interface DdfUpload {
  readonly new: readonly ManagedObject[];
  readonly updated: readonly ManagedObject[];
  /** Objects of the file that could not be taken, by object id where it is known. */
  readonly error: readonly { readonly id: string; readonly msg: string }[];
}

export interface DeviceProtocols {
  /**
   * Reads a tenant's protocols from the store, anew if they were read before. Until then `find` and `list` know the
   * inherited ones only. Objects that are no valid protocol are passed over with a log line.
   */
  load(tenant: string): Promise<void>;
  /** Managed objects visible to a tenant: its own, then inherited ones of other objects. */
  list(tenant: string): readonly ManagedObject[];
  /** The protocol in force for an object; the same value until it changes. */
  find(tenant: string, objectId: number): DeviceProtocol | undefined;
  /** The protocols in force for all objects that the tenant knows: own, inherited, built in. */
  inForce(tenant: string): readonly DeviceProtocol[];
  /**
   * Takes the objects of a DDF in. A known object keeps its resource mappings, its model is replaced; models of other
   * versions stay in force for devices that register them.
   * @throws MooringError DDF_INVALID, TOO_LARGE for the file as a whole; single bad objects stand in `error`
   */
  uploadDdf(tenant: string, file: Uint8Array): Promise<DdfUpload>;
  /**
   * Sets the mappings of the resources in `body` (`{"5700": {...}}`), leaving the other resources alone. An inherited
   * protocol is copied into the tenant first.
   * @param id object id, else managed object id
   * @throws MooringError NOT_FOUND, VALIDATION naming the field
   */
  addResourceMapping(tenant: string, id: string, body: unknown): Promise<ManagedObject>;
  /** Stores a protocol whole, in the place of the tenant's own of that object where it has one. */
  put(tenant: string, protocol: DeviceProtocol): Promise<ManagedObject>;
  /** Stores protocols for objects 3 to 6 in a management tenant that has none at all. */
  installDefaults(): Promise<void>;
  /**
   * A managed object was made or changed by whoever may: what it says as a protocol counts at once. One that is no valid protocol any
   * more leaves what was in force, with a log line.
   */
  changed(tenant: string, object: ManagedObject): void;
  /** A managed object was deleted; nothing happens where it is no protocol. */
  forget(tenant: string, managedObjectId: string): void;
  /** Told when another protocol of a tenant's own is in force for an object, or none any more. Must not throw. */
  onChanged(listener: (tenant: string, objectId: number) => void): Disposable;
}

interface Held {
  readonly protocol: DeviceProtocol;
  readonly object: ManagedObject;
}
/** By object id. */
type Shelf = Map<number, Held>;

const DEFAULT_OBJECTS: readonly number[] = [3, 4, 5, 6];

/** Core objects by id; the table holds the versions oldest first, so the newest stays. */
const BUILT_IN: ReadonlyMap<number, DeviceProtocol> = new Map(
  CORE_OBJECTS.map(model => [model.id, emptyProtocol(model)]),
);

/** The newest of an upload becomes the object's model; every other version stays beside it. */
function withModels(protocol: DeviceProtocol, uploaded: readonly ObjectModel[]): DeviceProtocol {
  const byVersion = new Map([...modelsOfProtocol(protocol), ...uploaded].map(model => [model.version, model]));
  const objectModel = uploaded.toSorted((a, b) => compareVersions(a.version, b.version)).at(-1)!;
  byVersion.delete(objectModel.version);
  return { ...protocol, objectModel, otherVersions: [...byVersion.values()] };
}

export function createDeviceProtocols(parts: {
  readonly repository: ProtocolRepository;
  readonly models: ModelRegistry;
  readonly managementTenant: string;
  readonly log: Log;
}): DeviceProtocols {
  const { repository, models, managementTenant, log } = parts;
  const shelves = new Map<string, Shelf>();
  /** Two uploads never overwrite each other's protocols. */
  const queue = createKeyedTurns();
  const listeners = createListeners<[tenant: string, objectId: number]>();
  const tell = (tenant: string, objectId: number): void =>
    listeners.tell(error => log.error("deviceProtocol.listenerFailed", { reason: messageOf(error) }), tenant, objectId);

  function shelfOf(tenant: string): Shelf {
    const shelf: Shelf = shelves.get(tenant) ?? new Map();
    shelves.set(tenant, shelf);
    return shelf;
  }

  /** Own first, then the management tenant's. */
  const held = (tenant: string, objectId: number): Held | undefined =>
    shelves.get(tenant)?.get(objectId) ?? shelves.get(managementTenant)?.get(objectId);

  function hold(tenant: string, object: ManagedObject): ManagedObject {
    const protocol = readProtocol(object);
    shelfOf(tenant).set(protocol.objectId, { protocol, object });
    models.remove(tenant, protocol.objectId);
    models.put(tenant, modelsOfProtocol(protocol));
    tell(tenant, protocol.objectId);
    return object;
  }

  function drop(tenant: string, objectId: number): void {
    shelves.get(tenant)?.delete(objectId);
    models.remove(tenant, objectId);
    tell(tenant, objectId);
  }

  function holdStored(tenant: string, object: ManagedObject): void {
    try {
      hold(tenant, object);
    } catch (error) {
      log.warn("deviceProtocol.invalid", { tenant, managedObject: object.id, reason: messageOf(error) });
    }
  }

  const heldIn = (tenant: string, managedObjectId: string): Held[] =>
    [...(shelves.get(tenant)?.values() ?? [])].filter(({ object }) => object.id === managedObjectId);

  async function read(tenant: string): Promise<void> {
    const stored = await repository.list(tenant);
    for (const objectId of [...shelfOf(tenant).keys()]) drop(tenant, objectId);
    // Two objects for one LwM2M object can only come from a copy made by hand: the one changed last counts.
    for (const object of stored.toSorted((a, b) => a.lastUpdatedMs - b.lastUpdatedMs)) holdStored(tenant, object);
  }

  const loaded = async (tenant: string): Promise<void> => {
    if (!shelves.has(tenant)) await read(tenant);
  };

  async function save(tenant: string, protocol: DeviceProtocol): Promise<ManagedObject> {
    const own = shelfOf(tenant).get(protocol.objectId);
    const body = protocolBody(protocol);
    const object = own ? await repository.replace(tenant, own.object.id, body) : await repository.insert(tenant, body);
    return hold(tenant, object);
  }

  async function upload(tenant: string, file: Uint8Array): Promise<DdfUpload> {
    const content = readDdf(file);
    await loaded(tenant);
    const answer = { new: [] as ManagedObject[], updated: [] as ManagedObject[] };
    for (const [objectId, uploaded] of Map.groupBy(content.models, model => model.id)) {
      const own = shelfOf(tenant).get(objectId);
      const protocol = withModels(own?.protocol ?? emptyProtocol(uploaded[0]!), uploaded);
      (own ? answer.updated : answer.new).push(await save(tenant, protocol));
    }
    return { ...answer, error: content.failures.map(({ objectId, error }) => ({ id: objectId, msg: error.message })) };
  }

  const find = (tenant: string, objectId: number): DeviceProtocol | undefined =>
    held(tenant, objectId)?.protocol ?? BUILT_IN.get(objectId);

  function findById(tenant: string, id: string): DeviceProtocol {
    const byObject = /^\d{1,5}$/.test(id) ? find(tenant, Number(id)) : undefined;
    const byManagedObject = (): DeviceProtocol | undefined =>
      [tenant, managementTenant]
        .flatMap(name => [...(shelves.get(name)?.values() ?? [])])
        .find(({ object }) => object.id === id)?.protocol;
    const found = byObject ?? byManagedObject();
    if (found) return found;
    throw new MooringError("NOT_FOUND", `no device protocol for object or managed object ${id}`, { id });
  }

  return {
    find,
    inForce(tenant) {
      const shelvesInForce = [shelves.get(managementTenant), shelves.get(tenant)];
      const stored = shelvesInForce.flatMap(shelf => [...(shelf?.values() ?? [])].map(({ protocol }) => protocol));
      return [...new Map([...BUILT_IN.values(), ...stored].map(each => [each.objectId, each])).values()];
    },
    onChanged: listeners.add,
    load: tenant => queue(tenant, () => read(tenant)),
    list(tenant) {
      const visible = new Map([...(shelves.get(managementTenant) ?? []), ...(shelves.get(tenant) ?? [])]);
      return [...visible.values()].map(({ object }) => object);
    },
    uploadDdf: (tenant, file) => queue(tenant, () => upload(tenant, file)),
    addResourceMapping: (tenant, id, body) =>
      queue(tenant, async () => {
        await loaded(tenant);
        const protocol = findById(tenant, id);
        const added = readResourceMappings(body, protocol.objectModel);
        return save(tenant, { ...protocol, resourceMappings: { ...protocol.resourceMappings, ...added } });
      }),
    put: (tenant, protocol) =>
      queue(tenant, async () => {
        await loaded(tenant);
        return save(tenant, protocol);
      }),
    installDefaults: () =>
      queue(managementTenant, async () => {
        await loaded(managementTenant);
        if (shelfOf(managementTenant).size > 0) return;
        for (const objectId of DEFAULT_OBJECTS) await save(managementTenant, BUILT_IN.get(objectId)!);
      }),
    changed(tenant, object) {
      // What was never read will be read as it is then.
      if (!shelves.has(tenant)) return;
      const [before] = heldIn(tenant, object.id);
      const isProtocol = PROTOCOL_FRAGMENT in object.fragments;
      if (isProtocol) holdStored(tenant, object);
      // It may have been turned into one of another LwM2M object.
      const isStale = !isProtocol || heldIn(tenant, object.id).length > 1;
      if (before && isStale) drop(tenant, before.protocol.objectId);
    },
    forget(tenant, managedObjectId) {
      const [gone] = heldIn(tenant, managedObjectId);
      if (gone) drop(tenant, gone.protocol.objectId);
    },
  };
}
