/** Which instances of the Security Object the accounts go to. Pure. */
import type { SecurityAccount } from "./bootstrap-config.ts";

/** 65535 is reserved (LwM2M Core 1.1.1 section 7.2). */
const LARGEST_ID = 65_534;

/** The first free number from `wanted` on, else the first at all. */
function freeFrom(wanted: number, taken: ReadonlySet<number>): number {
  for (let instance = wanted; instance <= LARGEST_ID; instance++) if (!taken.has(instance)) return instance;
  return freeFrom(0, taken);
}

/**
 * Accounts stay where they are configured unless that is where the device keeps its own account with a bootstrap server, which a
 * Delete leaves alone and a Write would destroy: those move to the next free instance (field finding B1). An account with a bootstrap
 * server that is to be written on purpose takes the place of the device's own one, of which there is to be one only.
 * @param protectedInstances as the device showed them, ascending
 */
export function layOut(
  accounts: readonly SecurityAccount[],
  protectedInstances: readonly number[],
): readonly SecurityAccount[] {
  if (protectedInstances.length === 0) return accounts;
  const taken = new Set(protectedInstances);
  const [own] = protectedInstances;
  return accounts.map(account => {
    const instance = account.isBootstrap ? own! : freeFrom(account.instance, taken);
    taken.add(instance);
    return instance === account.instance ? account : { ...account, instance };
  });
}
