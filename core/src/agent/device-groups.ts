/** Groups of devices (platform API 12.3): managed objects whose child assets are their members, made where they are missing. */
import { childReference } from "../platform/children.ts";
import type { Platform } from "../platform/platform.ts";
import { keyOf } from "../store/collections/keys.ts";
import { CHILD_REFERENCES, MANAGED_OBJECTS } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";

export interface DeviceGroups {
  /**
   * Puts a device into the last of the groups, each of which lies in the one before it. Repeating it changes nothing.
   * @param path names from the top; empty: nothing is done
   */
  add(tenant: string, deviceId: string, path: readonly string[], owner: string): Promise<void>;
}

const TOP_TYPE = "c8y_DeviceGroup";
const SUBGROUP_TYPE = "c8y_DeviceSubgroup";
const KIND = "childAssets";
/** Groups of one name that are looked through for the one that lies in the right group. */
const MOST_NAMESAKES = 1000;

export interface DeviceGroupParts {
  readonly store: Store;
  readonly platform: Pick<Platform, "inventory">;
}

export function createDeviceGroups({ store, platform }: DeviceGroupParts): DeviceGroups {
  const objects = store.collection(MANAGED_OBJECTS);
  const references = store.collection(CHILD_REFERENCES);
  /** Look-ups that run: of many devices that come at once one makes the group. */
  const running = new Map<string, Promise<string>>();

  async function refer(tenant: string, parent: string, child: string): Promise<void> {
    await references.insertMany([childReference(tenant, KIND, parent, child)]);
  }

  async function find(tenant: string, parent: string | undefined, name: string): Promise<string | undefined> {
    const type = parent === undefined ? TOP_TYPE : SUBGROUP_TYPE;
    const found = await objects.find({ tenant, name, type }, { limit: MOST_NAMESAKES });
    const ids = found.map(({ _id }) => _id);
    if (parent === undefined || ids.length === 0) return ids[0];
    const within = ids.map(id => childReference(tenant, KIND, parent, id)._id);
    return (await references.findOne({ _id: { $in: within } }))?.child;
  }

  async function findOrMake(tenant: string, parent: string | undefined, name: string, owner: string): Promise<string> {
    const known = await find(tenant, parent, name);
    if (known !== undefined) return known;
    const type = parent === undefined ? TOP_TYPE : SUBGROUP_TYPE;
    const { id } = await platform.inventory.create(tenant, { name, type, c8y_IsDeviceGroup: {} }, { owner });
    if (parent !== undefined) await refer(tenant, parent, id);
    return id;
  }

  function ensure(tenant: string, parent: string | undefined, name: string, owner: string): Promise<string> {
    const key = keyOf(tenant, parent ?? "", name);
    const found = running.get(key) ?? findOrMake(tenant, parent, name, owner).finally(() => running.delete(key));
    running.set(key, found);
    return found;
  }

  return {
    async add(tenant, deviceId, path, owner) {
      let group: string | undefined;
      for (const name of path) group = await ensure(tenant, group, name, owner);
      if (group !== undefined) await refer(tenant, group, deviceId);
    },
  };
}
