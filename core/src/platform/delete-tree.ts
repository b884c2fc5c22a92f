/** What goes together with a managed object that is deleted (platform API 5.2). */
import type { ManagedObject, Platform } from "./platform.ts";

export interface CascadeOptions {
  /** With a device or a group all that stands below it. */
  readonly cascade: boolean;
  /** The same whatever the object is. */
  readonly forceCascade: boolean;
}

/** Objects that are looked at in one query. */
const IDS_AT_ONCE = 500;

const isGroup = ({ fragments }: ManagedObject): boolean => "c8y_IsDeviceGroup" in fragments;
const isDevice = ({ fragments }: ManagedObject): boolean => "c8y_IsDevice" in fragments;

type Parts = Pick<Platform, "inventory" | "children">;

async function groupsAmong({ inventory }: Parts, tenant: string, ids: readonly string[]): Promise<string[]> {
  const page = { currentPage: 1, pageSize: IDS_AT_ONCE, withTotal: false };
  const found: string[] = [];
  for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
    const filter = { ids: ids.slice(at, at + IDS_AT_ONCE), fragmentType: "c8y_IsDeviceGroup" };
    found.push(...(await inventory.list(tenant, filter, page)).items.map(({ id }) => id));
  }
  return found;
}

/** Ids in the order in which they are to be deleted, the object's own last: a deletion cut short can be repeated. */
export async function treeOf(
  platform: Parts,
  tenant: string,
  object: ManagedObject,
  { cascade, forceCascade }: CascadeOptions,
): Promise<readonly string[]> {
  const isWhole = forceCascade || (cascade && (isGroup(object) || isDevice(object)));
  if (!isWhole && !isGroup(object)) return [object.id];
  const below = await platform.children.descendants(tenant, object.id, isWhole ? undefined : "childAssets");
  // A group always takes its subgroups with it.
  const going = isWhole ? below : await groupsAmong(platform, tenant, below);
  return [...going.toReversed(), object.id];
}
