/** The collections of children and parents that a managed object shows when it is asked to (platform API 5.3). */
import { CHILD_KINDS } from "../platform/children.ts";
import type { ChildKind, ManagedObject, ParentReference, Platform } from "../platform/platform.ts";
import { maySee, type RestContext, tenantOf } from "./context.ts";
import { flag } from "./parameters.ts";
import { presentManagedObject, type Shown } from "./present.ts";

const PARENTS = {
  childDevices: "deviceParents",
  childAssets: "assetParents",
  childAdditions: "additionParents",
} as const;

interface Asked {
  readonly children: boolean;
  readonly counts: boolean;
  readonly names: boolean;
  readonly parents: boolean;
  readonly groups: boolean;
}

type Parts = Pick<Platform, "inventory" | "children">;

const readAsked = ({ query }: RestContext): Asked => ({
  children: flag(query, "withChildren") ?? false,
  counts: flag(query, "withChildrenCount") ?? false,
  names: !(flag(query, "skipChildrenNames") ?? false),
  parents: flag(query, "withParents") ?? false,
  groups: flag(query, "withGroups") ?? false,
});

async function reference(
  ctx: RestContext,
  { inventory }: Parts,
  collection: string,
  id: string,
  withName: boolean,
): Promise<Shown | undefined> {
  const object = await inventory.findCached(tenantOf(ctx), id);
  // It was deleted a moment ago, or is somebody else's.
  if (!object || !maySee(ctx, object)) return undefined;
  const named = withName && object.name !== undefined && { name: object.name };
  return { managedObject: { id, ...named, self: ctx.state.links.managedObject(id) }, self: `${collection}/${id}` };
}

async function childrenOf(ctx: RestContext, platform: Parts, id: string, kind: ChildKind, asked: Asked) {
  const tenant = tenantOf(ctx);
  const self = `${ctx.state.links.managedObject(id)}/${kind}`;
  const references: Shown[] = [];
  for (const child of asked.children ? await platform.children.idsOf(tenant, id, kind) : []) {
    const shown = await reference(ctx, platform, self, child, asked.names);
    if (shown) references.push(shown);
  }
  const count = asked.counts && { count: await platform.children.count(tenant, id, kind) };
  return { self, references, ...count };
}

async function parentsOf(ctx: RestContext, platform: Parts, id: string, above: readonly ParentReference[]) {
  const shown: Record<string, { readonly self: string; readonly references: Shown[] }> = {};
  for (const kind of CHILD_KINDS) {
    const self = `${ctx.state.links.managedObject(id)}/${PARENTS[kind]}`;
    const references: Shown[] = [];
    for (const parent of new Set(above.filter(each => each.kind === kind).map(each => each.id))) {
      const found = await reference(ctx, platform, self, parent, true);
      if (found) references.push(found);
    }
    shown[PARENTS[kind]] = { self, references };
  }
  return shown;
}

async function aboveOf(ctx: RestContext, { inventory, children }: Parts, id: string, asked: Asked) {
  const tenant = tenantOf(ctx);
  const above = await children.ancestors(tenant, id);
  if (asked.parents) return above;
  const groups: ParentReference[] = [];
  for (const parent of above.filter(({ kind }) => kind === "childAssets")) {
    const object = await inventory.findCached(tenant, parent.id);
    if (object && "c8y_IsDeviceGroup" in object.fragments) groups.push(parent);
  }
  return groups;
}

/** Managed objects as the query wants them: their children and parents are looked up only where it asks. */
export async function presentWithReferences(
  ctx: RestContext,
  platform: Parts,
  objects: readonly ManagedObject[],
): Promise<Shown[]> {
  const asked = readAsked(ctx);
  const shown: Shown[] = [];
  // One after the other: a page of 2000 must not fill the store's queue.
  for (const object of objects) {
    const more: Record<string, unknown> = {};
    if (asked.children || asked.counts) {
      for (const kind of CHILD_KINDS) more[kind] = await childrenOf(ctx, platform, object.id, kind, asked);
    }
    if (asked.parents || asked.groups) {
      Object.assign(more, await parentsOf(ctx, platform, object.id, await aboveOf(ctx, platform, object.id, asked)));
    }
    shown.push({ ...presentManagedObject(ctx.state.links, object), ...more });
  }
  return shown;
}
