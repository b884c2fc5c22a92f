/** Which devices a campaign is for: LwM2M devices of the tenant, each once. */
import { isFailure } from "../base/errors.ts";
import { invalid } from "../platform/body.ts";
import type { InventoryFilter, Platform } from "../platform/platform.ts";
import { DEVICES } from "../store/collections/devices.ts";
import type { Store } from "../store/store.ts";
import type { CampaignTargets } from "./campaign-body.ts";

export interface CampaignTargetsParts {
  readonly store: Store;
  readonly platform: Pick<Platform, "inventory" | "children">;
}

const IDS_AT_ONCE = 500;
const PAGE = 2000;
const MOST_DEVICES = 100_000;

/** Those that are LwM2M devices of the tenant, in the given order. */
async function devicesAmong(
  { store }: CampaignTargetsParts,
  tenant: string,
  ids: readonly string[],
): Promise<string[]> {
  const known = new Set<string>();
  for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
    const managedObject = { $in: ids.slice(at, at + IDS_AT_ONCE) };
    for (const device of await store.collection(DEVICES).find({ tenant, managedObject }, { limit: IDS_AT_ONCE })) {
      known.add(device.managedObject);
    }
  }
  return ids.filter(id => known.has(id));
}

async function found({ platform }: CampaignTargetsParts, tenant: string, filter: InventoryFilter): Promise<string[]> {
  const ids: string[] = [];
  for (let currentPage = 1; ids.length <= MOST_DEVICES; currentPage++) {
    const { items } = await platform.inventory.list(tenant, filter, { currentPage, pageSize: PAGE, withTotal: false });
    ids.push(...items.map(({ id }) => id));
    if (items.length < PAGE) break;
  }
  return ids;
}

async function inGroup(
  { platform }: CampaignTargetsParts,
  tenant: string,
  groupId: string,
): Promise<readonly string[]> {
  try {
    const group = await platform.inventory.get(tenant, groupId);
    if (!("c8y_IsDeviceGroup" in group.fragments)) throw invalid("devices.groupId", "must be of a group of devices");
    return await platform.children.descendants(tenant, groupId, "childAssets");
  } catch (error) {
    throw isFailure(error, "NOT_FOUND") ? invalid("devices.groupId", "must be of a group of devices") : error;
  }
}

/** @throws MooringError VALIDATION naming the member: an id that is no device's, no device at all, too many */
export async function campaignDevices(
  parts: CampaignTargetsParts,
  tenant: string,
  { ids, groupId, filter }: CampaignTargets,
): Promise<readonly string[]> {
  const given =
    ids ?? (groupId === undefined ? await found(parts, tenant, filter!) : await inGroup(parts, tenant, groupId));
  const devices = await devicesAmong(parts, tenant, given);
  if (ids && devices.length < ids.length) {
    const known = new Set(devices);
    throw invalid(`devices.ids[${ids.findIndex(id => !known.has(id))}]`, "must be of a LwM2M device");
  }
  if (devices.length === 0) throw invalid("devices", "must be one LwM2M device or more");
  if (devices.length > MOST_DEVICES) throw invalid("devices", `must be ${MOST_DEVICES} devices at most`);
  return devices;
}
