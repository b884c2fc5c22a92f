/**
 * The accounts of devices over their records and managed objects. A change is stored in the record first, in one step, and counts from
 * then on; what shows of it elsewhere (fragments, external ids) follows, also by a host that is started after one that died in between.
 */
import { equalBytes } from "../base/bytes.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Fragments, ManagedObject, Platform } from "../platform/platform.ts";
import { fragmentChanges } from "./account-fragments.ts";
import { createAccountReader } from "./account-reader.ts";
import { checkedAccounts } from "./check-accounts.ts";
import type { Connection, ConnectionSecurity, DeviceAccountStore, DeviceAccounts } from "./device-accounts.ts";
import type { DeviceRecord, DeviceRecords } from "./device-records.ts";
import { followIdentities, requireFreeIds } from "./psk-external-ids.ts";
import type { AccountSealer } from "./sealed-accounts.ts";

export interface DeviceAccountParts {
  readonly records: DeviceRecords;
  readonly sealer: AccountSealer;
  readonly platform: Pick<Platform, "inventory" | "identity">;
  readonly log: Log;
  /** A connection is secured in another way from now on: what was entered in the former way ends. */
  onSecured(accounts: DeviceAccounts, connection: Connection, before: ConnectionSecurity): Promise<void>;
}

export interface DeviceAccountKeeper extends DeviceAccountStore {
  /** Completes the changes that an earlier life of the host was interrupted at. */
  recover(): Promise<void>;
}

/** Who comes in with the one comes in with the other, too. */
function opensAlike(a: ConnectionSecurity, b: ConnectionSecurity): boolean {
  if (a.mode !== b.mode || a.pskIdentity !== b.pskIdentity) return false;
  return a.pskKey && b.pskKey ? equalBytes(a.pskKey, b.pskKey) : a.pskKey === b.pskKey;
}

const CONNECTIONS = ["server", "bootstrap"] as const;

const securitiesOf = ({ bootstrap, servers }: DeviceAccounts) => ({ bootstrap, server: servers[0]!.security });

export function createDeviceAccountStore(parts: DeviceAccountParts): DeviceAccountKeeper {
  const { records, sealer, log } = parts;
  const { inventory, identity } = parts.platform;
  const reader = createAccountReader(parts);

  /** What shows of the accounts outside the record. */
  async function settle(record: DeviceRecord, accounts: DeviceAccounts, fragments: Fragments): Promise<void> {
    const { tenant, deviceId } = accounts;
    const changes = fragmentChanges(fragments, accounts.servers[0]!, accounts);
    if (Object.keys(changes).length > 0) await inventory.update(tenant, deviceId, changes);
    await followIdentities(identity, tenant, deviceId, securitiesOf(accounts));
    await records.settled(record);
  }

  async function tellSecured(before: DeviceAccounts, after: DeviceAccounts): Promise<void> {
    const [old, now] = [securitiesOf(before), securitiesOf(after)];
    for (const connection of CONNECTIONS) {
      if (!opensAlike(old[connection], now[connection])) await parts.onSecured(after, connection, old[connection]);
    }
  }

  /** @returns undefined: somebody else changed them meanwhile */
  async function tryChange(
    tenant: string,
    deviceId: string,
    change: (accounts: DeviceAccounts) => DeviceAccounts,
  ): Promise<DeviceAccounts | undefined> {
    const record = await records.findByDevice(tenant, deviceId);
    const object = await inventory.findCached(tenant, deviceId);
    if (!record || record.removing || !object) {
      throw new MooringError("NOT_FOUND", `no LwM2M device ${deviceId}`, { id: deviceId });
    }
    const { endpoint } = record;
    const before = reader.open(record, object);
    const after = checkedAccounts({ ...change(before), endpoint, tenant, deviceId });
    await requireFreeIds(identity, tenant, deviceId, securitiesOf(after));
    const stored = await records.change(record, sealer.seal(after, record.accounts));
    if (!stored) return undefined;
    await tellSecured(before, after);
    await settle(stored, after, object.fragments);
    log.info("device.accounts-changed", { endpoint, tenant, deviceId });
    return after;
  }

  /** Whether whoever came in the former way was told is not known, nor what that way was: the device comes anew in any case. */
  async function recoverChange(record: DeviceRecord, object: ManagedObject): Promise<void> {
    const accounts = reader.open(record, object);
    const now = securitiesOf(accounts);
    for (const connection of CONNECTIONS) await parts.onSecured(accounts, connection, now[connection]);
    await settle(record, accounts, object.fragments);
  }

  return {
    find: reader.find,
    findByDevice: reader.findByDevice,
    findByPsk: reader.findByPsk,

    async change(tenant, deviceId, change) {
      for (;;) {
        const changed = await tryChange(tenant, deviceId, change);
        if (changed) return changed;
      }
    },

    async recover() {
      for (const record of await records.unsettled()) {
        try {
          const { tenant, deviceId = "", removing } = record;
          const object = removing ? undefined : await inventory.findCached(tenant, deviceId);
          if (object) await recoverChange(record, object);
        } catch (error) {
          const reason = messageOf(error);
          log.error("device.accounts-not-settled", { endpoint: record.endpoint, reason });
        }
      }
    },
  };
}
