/** Accounts from a device's record and managed object, keys opened. */
import type { Fragments, ManagedObject, Platform } from "../platform/platform.ts";
import { accountNumbersOf, firstServerOf } from "./account-fragments.ts";
import { type DeviceAccountStore, type DeviceAccounts, type ServerSettings, UNSET_SERVER } from "./device-accounts.ts";
import type { DeviceRecord, DeviceRecords } from "./device-records.ts";
import type { AccountSealer, SealedServer } from "./sealed-accounts.ts";

export interface AccountReaderParts {
  readonly records: Pick<DeviceRecords, "find" | "findByDevice" | "findByPsk">;
  readonly sealer: Pick<AccountSealer, "openSecurity">;
  readonly platform: { readonly inventory: Pick<Platform["inventory"], "findCached"> };
}

export interface AccountReader extends Pick<DeviceAccountStore, "find" | "findByDevice" | "findByPsk"> {
  /** @param object the device's. @throws MooringError SECRET_UNREADABLE */
  open(record: DeviceRecord, object: Pick<ManagedObject, "id" | "fragments">): DeviceAccounts;
}

export function createAccountReader({ records, sealer, platform }: AccountReaderParts): AccountReader {
  function serverOf(record: DeviceRecord, { security, ...stored }: SealedServer, fragments: Fragments): ServerSettings {
    const isFirst = stored.id === record.accounts.servers[0]!.id;
    const settings = isFirst && !record.settling ? firstServerOf(fragments) : stored;
    const opened = sealer.openSecurity(record.endpoint, stored.id, security);
    return { ...UNSET_SERVER, ...settings, id: stored.id, security: opened };
  }

  const open: AccountReader["open"] = (record, { id, fragments }) => {
    const { endpoint, tenant, accounts, settling } = record;
    const { bootstrapShortServerId = 0, securityInstanceOffset = 0, generateBootstrapServer = false } = accounts;
    const stored = { bootstrapShortServerId, securityInstanceOffset, generateBootstrapServer };
    return {
      endpoint,
      tenant,
      deviceId: id,
      ...(settling ? stored : accountNumbersOf(fragments)),
      bootstrap: sealer.openSecurity(endpoint, undefined, accounts.bootstrap),
      servers: accounts.servers.map(server => serverOf(record, server, fragments)),
    };
  };

  async function load(record: DeviceRecord | undefined): Promise<DeviceAccounts | undefined> {
    if (!record || record.deviceId === undefined || record.removing) return undefined;
    const object = await platform.inventory.findCached(record.tenant, record.deviceId);
    return object && open(record, object);
  }

  return {
    find: async endpoint => load(await records.find(endpoint)),
    findByDevice: async (tenant, deviceId) => load(await records.findByDevice(tenant, deviceId)),
    findByPsk: async (connection, identity) => load(await records.findByPsk(connection, identity)),
    open,
  };
}
