/**
 * Making and removing devices. The record of the endpoint is reserved first, then the managed object with its external ids is
 * made, then the record names it; a host that dies in between finds the reservation at its next start and completes or
 * clears it, so that nothing is ever half there. Removal goes the other way: the record is marked first, so that the device is not
 * admitted any more, then the managed object goes with all it has, the record last; what was interrupted is finished at the next start.
 */
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ManagedObject, Platform } from "../platform/platform.ts";
import type { DeviceRecord, DeviceRecords } from "./device-records.ts";
import { endpointTaken } from "./device-records.ts";
import { type DeviceDraft, ENDPOINT_ID_TYPE, managedObjectBody } from "./registration-body.ts";

export interface DeviceRegistrationParts {
  readonly platform: Pick<Platform, "inventory" | "identity">;
  readonly records: DeviceRecords;
  readonly log: Log;
  readonly manageAvailability: boolean;
  /** Ends the endpoint's registration with all that belongs to it. */
  endRegistration(endpoint: string): Promise<void>;
}

export interface DeviceRegistration {
  /** @throws MooringError DUPLICATE: the endpoint or an external id is taken, nothing is made */
  register(tenant: string, draft: DeviceDraft, owner: string): Promise<ManagedObject>;
  /** @throws MooringError NOT_FOUND */
  remove(tenant: string, deviceId: string): Promise<void>;
  /** A managed object is about to go: the device is not admitted any more, its registration ends. */
  dismiss(tenant: string, deviceId: string): Promise<void>;
  /** The managed object is gone: the endpoint is free. */
  forget(tenant: string, deviceId: string): Promise<void>;
  /**
   * Looks whether a device still has its managed object, and clears up where that is confirmed to be gone.
   * @returns the object; undefined: gone
   */
  confirm(
    record: Pick<DeviceRecord, "endpoint" | "tenant"> & { readonly deviceId: string },
  ): Promise<ManagedObject | undefined>;
  /** Completes or clears what an earlier life of the host left half made. */
  recover(): Promise<void>;
}

export function createDeviceRegistration(parts: DeviceRegistrationParts): DeviceRegistration {
  const { platform, records, log } = parts;
  const { inventory, identity } = platform;

  const confirm: DeviceRegistration["confirm"] = async ({ endpoint, tenant, deviceId }) => {
    const object = await inventory.find(tenant, deviceId);
    if (object) return object;
    log.warn("device.managed-object-gone", { endpoint, tenant, deviceId });
    // First the record, so that the device cannot come back.
    await records.delete(endpoint, deviceId);
    await parts.endRegistration(endpoint);
    return undefined;
  };

  /** A record whose managed object is confirmed to be gone blocks nobody. */
  async function reserve(tenant: string, draft: DeviceDraft): Promise<void> {
    try {
      await records.reserve(tenant, draft);
    } catch (error) {
      if (!isFailure(error, "DUPLICATE")) throw error;
      const record = await records.find(draft.endpoint);
      const { deviceId } = record ?? {};
      if (!record || deviceId === undefined || (await confirm({ ...record, deviceId }))) throw error;
      await records.reserve(tenant, draft);
    }
  }

  async function make(tenant: string, draft: DeviceDraft, owner: string): Promise<ManagedObject> {
    const { endpoint } = draft;
    const externalIds = [{ type: ENDPOINT_ID_TYPE, externalId: endpoint }, ...draft.externalIds];
    const body = managedObjectBody(draft, parts.manageAvailability);
    const object = await inventory.create(tenant, body, { owner, externalIds });
    try {
      await records.complete(endpoint, object.id);
    } catch (error) {
      await inventory.delete(tenant, object.id);
      throw error;
    }
    return object;
  }

  async function finishRemoval({ endpoint, tenant }: DeviceRecord, deviceId: string): Promise<void> {
    if (await inventory.find(tenant, deviceId)) await inventory.delete(tenant, deviceId);
    await records.delete(endpoint, deviceId);
    log.info("device.removed", { endpoint, tenant, deviceId });
  }

  async function finishMaking({ endpoint, tenant }: DeviceRecord): Promise<void> {
    const bound = await identity.find(tenant, ENDPOINT_ID_TYPE, endpoint);
    const object = bound && (await inventory.find(tenant, bound.managedObjectId));
    if (object && "c8y_IsLwm2mDevice" in object.fragments) {
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
      await reserve(tenant, draft);
      try {
        const object = await make(tenant, draft, owner);
        log.info("device.made", { endpoint: draft.endpoint, tenant, deviceId: object.id });
        return object;
      } catch (error) {
        await records.delete(draft.endpoint, undefined);
        if (isFailure(error, "DUPLICATE") && error.details["type"] === ENDPOINT_ID_TYPE) {
          throw endpointTaken(draft.endpoint);
        }
        throw error;
      }
    },

    async remove(tenant, deviceId) {
      const record = await records.findByDevice(tenant, deviceId);
      if (!record) throw new MooringError("NOT_FOUND", `no LwM2M device ${deviceId}`, { id: deviceId });
      if (await inventory.findCached(tenant, deviceId)) await inventory.delete(tenant, deviceId);
      else await confirm({ ...record, deviceId });
    },

    async dismiss(tenant, deviceId) {
      const record = await records.findByDevice(tenant, deviceId);
      if (!record) return;
      await records.markRemoving(record.endpoint, deviceId);
      await parts.endRegistration(record.endpoint);
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
