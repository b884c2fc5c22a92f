/**
 * Making and removing devices. The record of the endpoint is reserved first, then the managed object with its external ids is
 * made, then the record names it; a host that dies in between finds the reservation at its next start and completes or
 * clears it, so that nothing is ever half there. Removal goes the other way: the record is marked first, so that the device is not
 * admitted any more, then the managed object goes with all it has, the record last; what was interrupted is finished at the next start.
 */
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Fragments, ManagedObject, Platform } from "../platform/platform.ts";
import type { Connection, ConnectionSecurity } from "./device-accounts.ts";
import type { DeviceGroups } from "./device-groups.ts";
import type { DeviceRecord, DeviceRecords, NewDeviceRecord } from "./device-records.ts";
import { endpointTaken, identityTaken, securityOf } from "./device-records.ts";
import { GENERATED_KEY_BYTES } from "./psk.ts";
import { followIdentities, PSK_ID_TYPES, pskExternalIds, requireFreeIds } from "./psk-external-ids.ts";
import { type DeviceDefaults, type DeviceDraft, ENDPOINT_ID_TYPE, managedObjectBody } from "./registration-body.ts";
import { type AccountSealer, FIRST_SERVER } from "./sealed-accounts.ts";

export interface DeviceRegistrationParts {
  readonly platform: Pick<Platform, "inventory" | "identity">;
  readonly records: DeviceRecords;
  readonly sealer: Pick<AccountSealer, "seal">;
  readonly groups: DeviceGroups;
  readonly random: Pick<Random, "bytes">;
  readonly log: Log;
  readonly defaults: DeviceDefaults;
  /** Ends the device's registration with all that belongs to it, and its sessions: it is not admitted any more. */
  endDevice(record: Pick<DeviceRecord, "endpoint" | "accounts">): Promise<void>;
}

export interface DeviceRegistration {
  /** @throws MooringError DUPLICATE: the endpoint, a PSK identity or an external id is taken, nothing is made */
  register(tenant: string, draft: DeviceDraft, owner: string): Promise<ManagedObject>;
  /**
   * Makes an LwM2M device of a managed object that is there already.
   * @param changes to the object besides, null for what is to go
   * @throws MooringError DUPLICATE as {@link register}: the object stays as it is
   */
  adopt(tenant: string, object: ManagedObject, draft: DeviceDraft, changes: Fragments): Promise<void>;
  /** @throws MooringError NOT_FOUND */
  remove(tenant: string, deviceId: string): Promise<void>;
  /** @throws MooringError NOT_FOUND: not an endpoint of this tenant */
  removeEndpoint(tenant: string, endpoint: string): Promise<void>;
  /** A managed object is about to go: the device is not admitted any more, its registration ends. */
  dismiss(tenant: string, deviceId: string): Promise<void>;
  /** The managed object is gone: the endpoint is free. */
  forget(tenant: string, deviceId: string): Promise<void>;
  /**
   * Looks whether a device still has its managed object, and clears up where that is confirmed to be gone.
   * @returns the object; undefined: gone
   */
  confirm(device: {
    readonly endpoint: string;
    readonly tenant: string;
    readonly deviceId: string;
  }): Promise<ManagedObject | undefined>;
  /** Completes or clears what an earlier life of the host left half made. */
  recover(): Promise<void>;
}

const CONNECTIONS = ["server", "bootstrap"] as const;

/** Which field of the registration an external id that another object has was made of. */
function takenByField(error: unknown): MooringError | undefined {
  if (!isFailure(error, "DUPLICATE")) return undefined;
  const { type, externalId } = error.details as { readonly type?: string; readonly externalId?: string };
  if (type === ENDPOINT_ID_TYPE) return endpointTaken(externalId!);
  const connection = CONNECTIONS.find(each => PSK_ID_TYPES[each] === type);
  return connection && identityTaken(connection, externalId!);
}

export function createDeviceRegistration(parts: DeviceRegistrationParts): DeviceRegistration {
  const { platform, records, log } = parts;
  const { inventory, identity } = platform;

  const confirm: DeviceRegistration["confirm"] = async ({ endpoint, tenant, deviceId }) => {
    const object = await inventory.find(tenant, deviceId);
    if (object) return object;
    log.warn("device.managed-object-gone", { endpoint, tenant, deviceId });
    const record = await records.find(endpoint);
    // First the record, so that the device cannot come back.
    await records.delete(endpoint, deviceId);
    if (record?.deviceId === deviceId) await parts.endDevice(record);
    return undefined;
  };

  function newRecord(tenant: string, { endpoint, security, settings, groups }: DeviceDraft): NewDeviceRecord {
    const generated = { pskIdentity: endpoint, pskKey: parts.random.bytes(GENERATED_KEY_BYTES) };
    const server: ConnectionSecurity = { ...security.server, ...(security.generateServerKey && generated) };
    const servers = [{ id: FIRST_SERVER, security: server }];
    const accounts = parts.sealer.seal({ endpoint, bootstrap: security.bootstrap, servers });
    return { endpoint, tenant, settings, groups, accounts };
  }

  /** Who is in the way of a device that could not be reserved: those whose managed objects are gone are not. */
  async function blocked({ endpoint, accounts }: NewDeviceRecord): Promise<boolean> {
    const identityOf = (connection: Connection) => securityOf(accounts, connection).pskIdentity;
    const holders = [
      await records.find(endpoint),
      ...(await Promise.all(
        CONNECTIONS.map(connection => {
          const identity = identityOf(connection);
          return identity === undefined ? undefined : records.findByPsk(connection, identity);
        }),
      )),
    ];
    for (const holder of holders) {
      if (!holder) continue;
      const { deviceId } = holder;
      if (deviceId === undefined || (await confirm({ ...holder, deviceId }))) return true;
    }
    return false;
  }

  /** A record whose managed object is confirmed to be gone blocks nobody. */
  async function reserve(record: NewDeviceRecord): Promise<void> {
    try {
      await records.reserve(record);
    } catch (error) {
      if (!isFailure(error, "DUPLICATE") || (await blocked(record))) throw error;
      await records.reserve(record);
    }
  }

  async function make(draft: DeviceDraft, record: NewDeviceRecord, owner: string): Promise<ManagedObject> {
    const { endpoint, tenant, groups, accounts } = record;
    const { bootstrap } = accounts;
    const externalIds = [
      { type: ENDPOINT_ID_TYPE, externalId: endpoint },
      ...pskExternalIds({ server: securityOf(accounts, "server"), bootstrap }),
      ...draft.externalIds,
    ];
    const body = managedObjectBody(draft, parts.defaults);
    const object = await inventory.create(tenant, body, { owner, externalIds });
    try {
      await parts.groups.add(tenant, object.id, groups, owner);
      await records.complete(endpoint, object.id);
    } catch (error) {
      await inventory.delete(tenant, object.id);
      throw error;
    }
    return object;
  }

  async function bindEndpoint(tenant: string, deviceId: string, endpoint: string): Promise<void> {
    const bound = await identity.find(tenant, ENDPOINT_ID_TYPE, endpoint);
    if (bound?.managedObjectId === deviceId) return;
    if (bound) throw endpointTaken(endpoint);
    await identity.bind(tenant, deviceId, ENDPOINT_ID_TYPE, endpoint);
  }

  /** Makes a managed object that is there look as one that was made for the device; its name and type stay. */
  async function show(
    object: ManagedObject,
    draft: DeviceDraft,
    { tenant, endpoint, accounts }: NewDeviceRecord,
    changes: Fragments,
  ): Promise<void> {
    const securities = { server: securityOf(accounts, "server"), bootstrap: accounts.bootstrap };
    await requireFreeIds(identity, tenant, object.id, securities);
    await bindEndpoint(tenant, object.id, endpoint);
    const { name: _name, type: _type, ...fragments } = managedObjectBody(draft, parts.defaults);
    const { c8y_SupportedOperations: kept } = object.fragments;
    const operations = kept !== undefined && { c8y_SupportedOperations: kept };
    await inventory.update(tenant, object.id, { ...changes, ...fragments, ...operations });
    await followIdentities(identity, tenant, object.id, securities);
  }

  async function removeRecord(record: DeviceRecord, deviceId: string): Promise<void> {
    const { tenant } = record;
    if (await inventory.findCached(tenant, deviceId)) await inventory.delete(tenant, deviceId);
    else await confirm({ ...record, deviceId });
  }

  async function finishRemoval({ endpoint, tenant }: DeviceRecord, deviceId: string): Promise<void> {
    if (await inventory.find(tenant, deviceId)) await inventory.delete(tenant, deviceId);
    await records.delete(endpoint, deviceId);
    log.info("device.removed", { endpoint, tenant, deviceId });
  }

  async function finishMaking({ endpoint, tenant, groups, accounts }: DeviceRecord): Promise<void> {
    const bound = await identity.find(tenant, ENDPOINT_ID_TYPE, endpoint);
    const object = bound && (await inventory.find(tenant, bound.managedObjectId));
    if (object && "c8y_IsLwm2mDevice" in object.fragments) {
      await parts.groups.add(tenant, object.id, groups, object.owner);
      const { bootstrap } = accounts;
      await followIdentities(identity, tenant, object.id, { server: securityOf(accounts, "server"), bootstrap });
      await records.complete(endpoint, object.id);
      log.info("device.completed", { endpoint, tenant, deviceId: object.id });
      return;
    }
    if (bound && !object) await identity.unbind(tenant, ENDPOINT_ID_TYPE, endpoint);
    await records.delete(endpoint, undefined);
    log.info("device.cleared", { endpoint, tenant });
  }

  return {
    async register(tenant, draft, owner) {
      const record = newRecord(tenant, draft);
      await reserve(record);
      try {
        const object = await make(draft, record, owner);
        log.info("device.made", { endpoint: draft.endpoint, tenant, deviceId: object.id });
        return object;
      } catch (error) {
        await records.delete(draft.endpoint, undefined);
        throw takenByField(error) ?? error;
      }
    },

    async adopt(tenant, object, draft, changes) {
      const record = newRecord(tenant, draft);
      await reserve(record);
      try {
        await show(object, draft, record, changes);
        await records.complete(record.endpoint, object.id);
      } catch (error) {
        await records.delete(record.endpoint, undefined);
        throw takenByField(error) ?? error;
      }
      log.info("device.adopted", { endpoint: record.endpoint, tenant, deviceId: object.id });
    },

    async remove(tenant, deviceId) {
      const record = await records.findByDevice(tenant, deviceId);
      if (!record) throw new MooringError("NOT_FOUND", `no LwM2M device ${deviceId}`, { id: deviceId });
      await removeRecord(record, deviceId);
    },

    async removeEndpoint(tenant, endpoint) {
      const record = await records.find(endpoint);
      // Whose else it is, is nobody's business.
      if (!record || record.tenant !== tenant || record.deviceId === undefined) {
        throw new MooringError("NOT_FOUND", `no LwM2M device ${endpoint}`, { endpoint });
      }
      await removeRecord(record, record.deviceId);
    },

    async dismiss(tenant, deviceId) {
      const record = await records.findByDevice(tenant, deviceId);
      if (!record) return;
      await records.markRemoving(record.endpoint, deviceId);
      await parts.endDevice(record);
    },

    async forget(tenant, deviceId) {
      const record = await records.findByDevice(tenant, deviceId);
      if (record) await records.delete(record.endpoint, deviceId);
    },

    confirm,

    async recover() {
      for (const record of await records.unfinished()) {
        try {
          await (record.deviceId === undefined ? finishMaking(record) : finishRemoval(record, record.deviceId));
        } catch (error) {
          log.error("device.not-recovered", { endpoint: record.endpoint, reason: messageOf(error) });
        }
      }
    },
  };
}
