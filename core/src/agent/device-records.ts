/** What the host keeps of every device it may admit, under its endpoint: one record over all tenants. */
import { isFailure, MooringError } from "../base/errors.ts";
import type { JsonObject } from "../store/collection.ts";
import { DEVICES, type DeviceDocument, noIdentityKey, pskIdentityKey } from "../store/collections/devices.ts";
import type { Store } from "../store/store.ts";
import type { Connection, ConnectionMode } from "./device-accounts.ts";
import { FIRST_SERVER, type SealedAccounts, type SealedSecurity } from "./sealed-accounts.ts";
import { SECURITY_FIELDS } from "./security.ts";

export interface DeviceRecord {
  readonly endpoint: string;
  readonly tenant: string;
  /** Undefined while the device is being made. */
  readonly deviceId: string | undefined;
  /** The device is on its way out: it is not admitted any more, and its endpoint is not free yet. */
  readonly removing: boolean;
  /** Settings as fragments, as they were registered; those of the managed object count where they differ. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Groups that the device belongs to once it is made, from the top. */
  readonly groups: readonly string[];
  /** Keys sealed. */
  readonly accounts: SealedAccounts;
  /** The accounts count as they stand here: the managed object does not show them yet. */
  readonly settling: boolean;
  /** Counts changes of the accounts. */
  readonly revision: number;
}

/** A device that is about to be made. */
export type NewDeviceRecord = Pick<DeviceRecord, "endpoint" | "tenant" | "settings" | "groups" | "accounts">;

export interface DeviceRecords {
  find(endpoint: string): Promise<DeviceRecord | undefined>;
  findByDevice(tenant: string, deviceId: string): Promise<DeviceRecord | undefined>;
  /** Whoever has the PSK identity on that connection, unique over all tenants. */
  findByPsk(connection: Connection, identity: string): Promise<DeviceRecord | undefined>;
  endpointsOf(tenant: string): Promise<ReadonlySet<string>>;
  /** Takes endpoint and PSK identities for a device that is about to be made. @throws MooringError DUPLICATE naming the field */
  reserve(record: NewDeviceRecord): Promise<void>;
  /** The device's managed object is stored: from now on it is admitted. */
  complete(endpoint: string, deviceId: string): Promise<void>;
  /**
   * Stores other accounts in place, as settling.
   * @param record as it was read
   * @returns the record as it is then; undefined: it has changed meanwhile, nothing is stored
   * @throws  MooringError DUPLICATE naming the field
   */
  change(record: DeviceRecord, accounts: SealedAccounts): Promise<DeviceRecord | undefined>;
  /** The managed object shows the accounts of this revision. */
  settled(record: DeviceRecord): Promise<void>;
  /** From now on it is not admitted. */
  markRemoving(endpoint: string, deviceId: string): Promise<void>;
  /** Deletes the record of that device; of a reservation where there is none yet. */
  delete(endpoint: string, deviceId: string | undefined): Promise<void>;
  /** Records of devices that were being made or removed when the host ended. */
  unfinished(): Promise<DeviceRecord[]>;
  /** Records whose accounts were being changed when the host ended. */
  unsettled(): Promise<DeviceRecord[]>;
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

/** Records of the first version held modes alone. */
function accountsOf({ securityMode, details }: DeviceDocument): SealedAccounts {
  const accounts = details["accounts"] as SealedAccounts | undefined;
  if (accounts) return accounts;
  const bootstrapMode = details["bootstrapSecurityMode"] ?? securityMode;
  return {
    bootstrap: { mode: bootstrapMode as ConnectionMode },
    servers: [{ id: FIRST_SERVER, security: { mode: securityMode as ConnectionMode } }],
  };
}

const recordOf = (document: DeviceDocument): DeviceRecord => ({
  endpoint: document._id,
  tenant: document.tenant,
  ...deviceOf(document.managedObject),
  settings: (document.details["settings"] ?? {}) as Readonly<Record<string, unknown>>,
  groups: (document.details["groups"] ?? []) as readonly string[],
  accounts: accountsOf(document),
  settling: document.settling ?? false,
  revision: (document.details["revision"] ?? 0) as number,
});

export const managedObjectOf = ({ deviceId, removing }: Pick<DeviceRecord, "deviceId" | "removing">): string =>
  (removing ? REMOVING : "") + (deviceId ?? NOT_MADE_YET);

/** A device comes to this host with the first of its server accounts. */
export const securityOf = ({ bootstrap, servers }: SealedAccounts, connection: Connection): SealedSecurity =>
  connection === "bootstrap" ? bootstrap : servers[0]!.security;

function identityKeyOf(endpoint: string, { pskIdentity }: SealedSecurity): string {
  return pskIdentity === undefined ? noIdentityKey(endpoint) : pskIdentityKey(pskIdentity);
}

const IDENTITY_COLUMN = { server: "serverIdentity", bootstrap: "bootstrapIdentity" } as const;
const CONNECTIONS = ["server", "bootstrap"] as const;

function columnsOf(endpoint: string, accounts: SealedAccounts) {
  return {
    securityMode: securityOf(accounts, "server").mode,
    serverIdentity: identityKeyOf(endpoint, securityOf(accounts, "server")),
    bootstrapIdentity: identityKeyOf(endpoint, accounts.bootstrap),
  };
}

const detailsOf = (
  { settings, groups }: Pick<DeviceRecord, "settings" | "groups">,
  accounts: SealedAccounts,
  revision: number,
): JsonObject => ({ settings, ...(groups.length > 0 && { groups }), accounts, revision }) as unknown as JsonObject;

export const endpointTaken = (endpoint: string): MooringError =>
  new MooringError("DUPLICATE", `endpoint ${endpoint} is registered already`, { field: "endpointId", endpoint });

export const identityTaken = (connection: Connection, identity: string): MooringError => {
  const field = SECURITY_FIELDS[connection].identity;
  return new MooringError("DUPLICATE", `${field} "${identity}" belongs to another device`, { field, connection });
};

export function createDeviceRecords(store: Store): DeviceRecords {
  const devices = store.collection(DEVICES);

  const findByPsk = async (connection: Connection, identity: string): Promise<DeviceRecord | undefined> => {
    const document = await devices.findOne({ [IDENTITY_COLUMN[connection]]: pskIdentityKey(identity) });
    return document && recordOf(document);
  };

  /** Which of its identities another device has. */
  async function takenIdentity(endpoint: string, accounts: SealedAccounts): Promise<MooringError | undefined> {
    for (const connection of CONNECTIONS) {
      const { pskIdentity } = securityOf(accounts, connection);
      const holder = pskIdentity === undefined ? undefined : await findByPsk(connection, pskIdentity);
      if (holder && holder.endpoint !== endpoint) return identityTaken(connection, pskIdentity!);
    }
    return undefined;
  }

  const all = async (...filters: readonly Parameters<typeof devices.stream>[0][]): Promise<DeviceRecord[]> => {
    const found: DeviceRecord[] = [];
    for (const filter of filters) {
      for await (const document of devices.stream(filter)) found.push(recordOf(document));
    }
    return found;
  };

  return {
    async find(endpoint) {
      const document = await devices.findOne({ _id: endpoint });
      return document && recordOf(document);
    },
    async findByDevice(tenant, deviceId) {
      const document = await devices.findOne({ managedObject: { $in: [deviceId, REMOVING + deviceId] }, tenant });
      return document && recordOf(document);
    },
    findByPsk,
    async endpointsOf(tenant) {
      const endpoints = new Set<string>();
      for await (const { _id } of devices.stream({ tenant })) endpoints.add(_id);
      return endpoints;
    },
    async reserve({ endpoint, tenant, accounts, ...rest }) {
      try {
        await devices.insertOne({
          _id: endpoint,
          tenant,
          managedObject: NOT_MADE_YET,
          ...columnsOf(endpoint, accounts),
          details: detailsOf(rest, accounts, 0),
        });
      } catch (error) {
        if (!isFailure(error, "DUPLICATE_KEY")) throw error;
        if (await devices.findOne({ _id: endpoint })) throw endpointTaken(endpoint);
        throw (await takenIdentity(endpoint, accounts)) ?? error;
      }
    },
    async complete(endpoint, deviceId) {
      await devices.updateOne({ _id: endpoint }, { $set: { managedObject: deviceId } });
    },
    async change(record, accounts) {
      const { endpoint, revision } = record;
      const filter = {
        _id: endpoint,
        managedObject: managedObjectOf(record),
        // Absent in records of the first version.
        "details.revision": revision === 0 ? { $in: [0, null] } : revision,
      };
      const details = detailsOf(record, accounts, revision + 1);
      const update = { $set: { ...columnsOf(endpoint, accounts), settling: true, details } };
      try {
        const document = await devices.findOneAndUpdate(filter, update);
        return document && recordOf(document);
      } catch (error) {
        if (!isFailure(error, "DUPLICATE_KEY")) throw error;
        throw (await takenIdentity(endpoint, accounts)) ?? error;
      }
    },
    async settled({ endpoint, revision }) {
      await devices.updateOne({ _id: endpoint, "details.revision": revision }, { $unset: { settling: true } });
    },
    async markRemoving(endpoint, deviceId) {
      const filter = { _id: endpoint, managedObject: deviceId };
      await devices.updateOne(filter, { $set: { managedObject: REMOVING + deviceId } });
    },
    async delete(endpoint, deviceId) {
      const managedObject = deviceId === undefined ? [NOT_MADE_YET] : [deviceId, REMOVING + deviceId];
      await devices.deleteMany({ _id: endpoint, managedObject: { $in: managedObject } });
    },
    unfinished: () => all({ managedObject: NOT_MADE_YET }, { managedObject: { $gte: REMOVING, $lt: AFTER_REMOVING } }),
    unsettled: () => all({ settling: true }),
  };
}
