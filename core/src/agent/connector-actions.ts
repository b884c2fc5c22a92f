/** The commands of the connector device by name (agent specification 17): what they do to devices and registrations. */
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Registrations } from "../lwm2m/registration/registrations.ts";
import type { Inventory } from "../platform/platform.ts";
import type { ConnectorCommand } from "./connector-commands.ts";
import type { DeviceRecord, DeviceRecords } from "./device-records.ts";
import type { InventoryDevices } from "./inventory-devices.ts";
import { ENDPOINT } from "./registration-csv.ts";

export interface ConnectorActionParts {
  readonly registrations: Pick<Registrations, "byEndpoint" | "byId" | "remove">;
  readonly records: Pick<DeviceRecords, "find" | "delete">;
  readonly inventory: Pick<Inventory, "list">;
  readonly inventoryDevices: Pick<InventoryDevices, "look">;
  /** Ends the device's registration with all that belongs to it, and its sessions. */
  endDevice(record: Pick<DeviceRecord, "endpoint" | "accounts">): Promise<void>;
}

/** What became of a migration, as JSON in the operation's result. */
export interface MigrationResult {
  readonly numberOfAll: number;
  readonly numberOfMigrated: number;
  /** They were devices of the agent already. */
  readonly numberOfUnchanged: number;
  readonly numberOfFailed: number;
  /** The first 1,000 of them. */
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
}

const MOST_SHOWN = 1000;
const PAGE_SIZE = 1000;

/** @throws MooringError VALIDATION */
function only(args: readonly string[], what: string): string {
  const [first, ...more] = args;
  if (first === undefined || more.length > 0) throw new MooringError("VALIDATION", `Expected 1 ${what} argument`);
  return first;
}

export function connectorActions(
  parts: ConnectorActionParts,
): ReadonlyMap<string, { readonly usage: string; readonly run: ConnectorCommand }> {
  const { registrations, records, inventory, inventoryDevices } = parts;

  /** Ids of what names an endpoint, as devices made through the inventory do until they are taken over. */
  async function* candidates(tenant: string): AsyncIterable<string> {
    // All first: what is taken over leaves the list.
    const ids: string[] = [];
    for (let currentPage = 1; ; currentPage++) {
      const page = { currentPage, pageSize: PAGE_SIZE, withTotal: false };
      const { items } = await inventory.list(tenant, { fragmentType: ENDPOINT }, page);
      ids.push(...items.map(({ id }) => id));
      if (items.length < PAGE_SIZE) break;
    }
    yield* ids;
  }

  async function migrateOne(tenant: string, id: string): Promise<"migrated" | "unchanged" | { reason: string }> {
    try {
      const found = await inventoryDevices.look(tenant, id);
      if (found === "none") return { reason: `${id} is no managed object that names an endpoint and a security mode` };
      return found === "made" ? "migrated" : "unchanged";
    } catch (error) {
      if (!isFailure(error)) throw error;
      return { reason: messageOf(error) };
    }
  }

  const migrate: ConnectorCommand = async (tenant, args) => {
    const ids = args.flatMap(arg => arg.split(",")).filter(id => id !== "");
    const failed: MigrationResult["failed"][number][] = [];
    let [numberOfAll, numberOfMigrated, numberOfUnchanged, numberOfFailed] = [0, 0, 0, 0];
    for await (const id of ids.length > 0 ? ids : candidates(tenant)) {
      numberOfAll++;
      const outcome = await migrateOne(tenant, id);
      if (outcome === "migrated") numberOfMigrated++;
      else if (outcome === "unchanged") numberOfUnchanged++;
      else if (numberOfFailed++ < MOST_SHOWN) failed.push({ id, ...outcome });
    }
    const result: MigrationResult = { numberOfAll, numberOfMigrated, numberOfUnchanged, numberOfFailed, failed };
    if (numberOfFailed > 0) throw new MooringError("VALIDATION", JSON.stringify(result));
    return JSON.stringify(result);
  };

  const cleanUp: ConnectorCommand = async (tenant, args) => {
    const endpoint = only(args, "endpointId");
    const record = await records.find(endpoint);
    if (!record) return `nothing is kept of endpoint ${endpoint}`;
    if (record.tenant !== tenant) throw new MooringError("NOT_FOUND", `endpoint ${endpoint} is not of this tenant`);
    if (record.deviceId === undefined || record.removing) {
      throw new MooringError("CONFLICT", `endpoint ${endpoint} is being made or removed`);
    }
    // First the record, so that the device cannot come back.
    await records.delete(endpoint, record.deviceId);
    await parts.endDevice(record);
    return `endpoint ${endpoint} is free; its managed object ${record.deviceId} stays as it is`;
  };

  async function invalidate(
    tenant: string,
    what: string,
    registered: { tenant: string; endpoint: string } | undefined,
  ) {
    if (registered?.tenant !== tenant) return `there is no registration ${what}`;
    await registrations.remove(registered.endpoint);
    return `the registration ${what} is dropped; the device registers anew at its next update`;
  }

  return new Map([
    ["migrateLwm2mDevices", { usage: "migrateLwm2mDevices [id,id...]", run: migrate }],
    [
      "cleanupClusterTenantObjectsForEndpoint",
      { usage: "cleanupClusterTenantObjectsForEndpoint <endpoint>", run: cleanUp },
    ],
    [
      "invalidateRegistrationsForEndpoint",
      {
        usage: "invalidateRegistrationsForEndpoint <endpoint>",
        run: async (tenant, args) => {
          const endpoint = only(args, "endpointId");
          return invalidate(tenant, `of endpoint ${endpoint}`, registrations.byEndpoint(endpoint));
        },
      },
    ],
    [
      "invalidateRegistrationById",
      {
        usage: "invalidateRegistrationById <registrationId>",
        run: async (tenant, args) => {
          const id = only(args, "registrationId");
          return invalidate(tenant, id, registrations.byId(id));
        },
      },
    ],
  ]);
}
