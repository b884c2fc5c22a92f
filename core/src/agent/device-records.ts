/** What the host keeps of every device it may admit, under its endpoint: one record over all tenants. */
import { isFailure, MooringError } from "../base/errors.ts";
import type { JsonObject } from "../store/collection.ts";
import { DEVICES, type DeviceDocument } from "../store/collections.ts";
import type { Store } from "../store/store.ts";
import type { DeviceDraft } from "./registration-body.ts";

export interface DeviceRecord {
  readonly endpoint: string;
  readonly tenant: string;
  /** Undefined while the device is being made. */
  readonly deviceId: string | undefined;
  /** The device is on its way out: it is not admitted any more, and its endpoint is not free yet. */
  readonly removing: boolean;
  readonly securityMode: string;
  /** Settings as fragments, as they were registered; those of the managed object count where they differ. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface DeviceRecords {
  find(endpoint: string): Promise<DeviceRecord | undefined>;
  findByDevice(tenant: string, deviceId: string): Promise<DeviceRecord | undefined>;
  /** Takes the endpoint for a device that is about to be made. @throws MooringError DUPLICATE */
  reserve(tenant: string, draft: DeviceDraft): Promise<void>;
  /** The device's managed object is stored: from now on it is admitted. */
  complete(endpoint: string, deviceId: string): Promise<void>;
  /** From now on it is not admitted. */
  markRemoving(endpoint: string, deviceId: string): Promise<void>;
  /** Deletes the record of that device; of a reservation where there is none yet. */
  delete(endpoint: string, deviceId: string | undefined): Promise<void>;
  /** Records of devices that were being made or removed when the host ended. */
  unfinished(): Promise<DeviceRecord[]>;
}

/** No managed object has this id. */
const NOT_MADE_YET = "";
/** Before the id of a device that is on its way out, so that no other look-up finds it. */
const REMOVING = "removing ";
const AFTER_REMOVING = "removing!";

function deviceOf(managedObject: string): Pick<DeviceRecord, "deviceId" | "removing"> {
  const removing = managedObject.startsWith(REMOVING);
  if (removing) return { deviceId: managedObject.slice(REMOVING.length), removing };
  return { deviceId: managedObject === NOT_MADE_YET ? undefined : managedObject, removing };
}

const recordOf = (document: DeviceDocument): DeviceRecord => ({
  endpoint: document._id,
  tenant: document.tenant,
  ...deviceOf(document.managedObject),
  securityMode: document.securityMode,
  settings: (document.details["settings"] ?? {}) as Readonly<Record<string, unknown>>,
});

export const endpointTaken = (endpoint: string): MooringError =>
  new MooringError("DUPLICATE", `endpoint ${endpoint} is registered already`, { field: "endpointId", endpoint });

export function createDeviceRecords(store: Store): DeviceRecords {
  const devices = store.collection(DEVICES);
  return {
    async find(endpoint) {
      const document = await devices.findOne({ _id: endpoint });
      return document && recordOf(document);
    },
    async findByDevice(tenant, deviceId) {
      const document = await devices.findOne({ managedObject: { $in: [deviceId, REMOVING + deviceId] }, tenant });
      return document && recordOf(document);
    },
    async reserve(tenant, { endpoint, security, settings }) {
      try {
        await devices.insertOne({
          _id: endpoint,
          tenant,
          managedObject: NOT_MADE_YET,
          securityMode: security.server,
          details: { bootstrapSecurityMode: security.bootstrap, settings: settings as JsonObject },
        });
      } catch (error) {
        if (isFailure(error, "DUPLICATE_KEY")) throw endpointTaken(endpoint);
        throw error;
      }
    },
    async complete(endpoint, deviceId) {
      await devices.updateOne({ _id: endpoint }, { $set: { managedObject: deviceId } });
    },
    async markRemoving(endpoint, deviceId) {
      const filter = { _id: endpoint, managedObject: deviceId };
      await devices.updateOne(filter, { $set: { managedObject: REMOVING + deviceId } });
    },
    async delete(endpoint, deviceId) {
      const managedObject = deviceId === undefined ? [NOT_MADE_YET] : [deviceId, REMOVING + deviceId];
      await devices.deleteMany({ _id: endpoint, managedObject: { $in: managedObject } });
    },
    async unfinished() {
      const found: DeviceRecord[] = [];
      for (const filter of [
        { managedObject: NOT_MADE_YET },
        { managedObject: { $gte: REMOVING, $lt: AFTER_REMOVING } },
      ]) {
        for await (const document of devices.stream(filter)) found.push(recordOf(document));
      }
      return found;
    },
  };
}
