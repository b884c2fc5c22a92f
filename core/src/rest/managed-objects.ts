/** `/inventory/managedObjects` (platform API 5). */
import { asObject, atIndex, invalid } from "../platform/body.ts";
import { CHILD_KINDS } from "../platform/children.ts";
import { treeOf } from "../platform/delete-tree.ts";
import { isHeartbeat } from "../platform/managed-object.ts";
import type { Fragments, InventoryFilter, NewManagedObject, SupportedSeries } from "../platform/platform.ts";
import type { Permission } from "../tenants/roles.ts";
import {
  answer,
  answerCreated,
  answerNothing,
  answerPlain,
  createRouter,
  has,
  isAdmin,
  may,
  objectBody,
  type RestContext,
  type RestRouter,
  type RouterParts,
  requireRoleOrOwner,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { isVendorType } from "./media-types.ts";
import { presentWithReferences } from "./object-references.ts";
import { collectionBody, pageParameters } from "./paging.ts";
import { defined, flag, id as idParameter, list, text } from "./parameters.ts";
import { presentManagedObject } from "./present.ts";

const PATH = "/inventory/managedObjects";

/** What a device ever sent (platform API 8.5): empty arrays, never a missing property. */
const SUPPORTED: readonly (readonly [path: string, show: (series: readonly SupportedSeries[]) => object])[] = [
  [
    "supportedMeasurements",
    series => ({ c8y_SupportedMeasurements: [...new Set(series.map(({ fragment }) => fragment))] }),
  ],
  ["supportedSeries", series => ({ c8y_SupportedSeries: series.map(each => `${each.fragment}.${each.series}`) })],
];

const HOLDING = {
  childDevices: "childDeviceId",
  childAssets: "childAssetId",
  childAdditions: "childAdditionId",
} as const;

/** Parents of which child are asked for; of several parameters the first counts. */
function holding({ query }: RestContext): InventoryFilter["holding"] {
  for (const kind of CHILD_KINDS) {
    const child = idParameter(query, HOLDING[kind]);
    if (child !== undefined) return { kind, child };
  }
  return undefined;
}

/** A list asks for no role: without one it holds what the user owns (platform API 19). */
export function inventoryFilter(ctx: RestContext, permission: Permission = "inventory:read"): InventoryFilter {
  const asked = text(ctx.query, "owner");
  return defined<InventoryFilter>({
    type: text(ctx.query, "type"),
    fragmentType: text(ctx.query, "fragmentType"),
    owner: has(ctx, permission) ? asked : ctx.state.user.userName,
    ids: list(ctx.query, "ids"),
    text: text(ctx.query, "text"),
    holding: holding(ctx),
  });
}

/** An administrator may name another owner, everybody else is the owner of what they make. */
export function newObject(ctx: RestContext, body: Fragments): NewManagedObject {
  const { owner, externalIds = [] } = body;
  const named = isAdmin(ctx) && typeof owner === "string" && owner !== "";
  return {
    body,
    owner: named ? owner : ctx.state.user.userName,
    externalIds: externalIds as NonNullable<NewManagedObject["externalIds"]>,
  };
}

const asList = (value: unknown): readonly Fragments[] => {
  if (!Array.isArray(value)) throw invalid("managedObjects", "must be an array");
  return value.map((item, i) => atIndex("managedObjects", i, () => asObject(item)));
};

export function managedObjectsRouter({ platform, limits }: RouterParts): RestRouter {
  const { inventory } = platform;
  const router = createRouter();

  router.post(PATH, may("inventory:create"), async ctx => {
    const body = await objectBody(ctx, limits);
    const { managedObjects } = body;
    if (Array.isArray(managedObjects) || isVendorType(ctx.get("Content-Type"), "managedObjectCollection")) {
      const given = asList(managedObjects).map(item => newObject(ctx, item));
      const created = await inventory.createMany(tenantOf(ctx), given);
      const shown = created.map(object => presentManagedObject(ctx.state.links, object));
      answer(ctx, 201, { self: selfUrl(ctx), managedObjects: shown }, "managedObjectCollection");
    } else {
      const { body: _body, ...options } = newObject(ctx, body);
      const created = await inventory.create(tenantOf(ctx), body, options);
      answerCreated(ctx, presentManagedObject(ctx.state.links, created), "managedObject");
    }
  });

  router.get(PATH, async ctx => {
    const page = pageParameters(ctx.query);
    const found = await inventory.list(tenantOf(ctx), inventoryFilter(ctx), page);
    const items = await presentWithReferences(ctx, platform, found.items);
    const body = collectionBody("managedObjects", selfUrl(ctx), page, { ...found, items });
    answer(ctx, 200, body, "managedObjectCollection");
  });

  router.get(`${PATH}/count`, async ctx => {
    answerPlain(ctx, 200, await inventory.count(tenantOf(ctx), inventoryFilter(ctx)));
  });

  router.get(`${PATH}/:id`, async ctx => {
    const id = ctx.params["id"]!;
    const object = await inventory.get(tenantOf(ctx), id);
    await requireRoleOrOwner(ctx, platform, "inventory:read", id);
    const [shown] = await presentWithReferences(ctx, platform, [object]);
    answer(ctx, 200, shown, "managedObject");
  });

  for (const [name, shown] of SUPPORTED) {
    router.get(`${PATH}/:id/${name}`, async ctx => {
      const id = ctx.params["id"]!;
      await inventory.get(tenantOf(ctx), id);
      await requireRoleOrOwner(ctx, platform, "inventory:read", id);
      answerPlain(ctx, 200, shown(await platform.measurements.supportedSeries(tenantOf(ctx), id)));
    });
  }

  router.put(`${PATH}/:id`, async ctx => {
    const id = ctx.params["id"]!;
    await requireRoleOrOwner(ctx, platform, "inventory:write", id);
    const body = await objectBody(ctx, limits);
    const object = await inventory.update(tenantOf(ctx), id, body, { mayChangeOwner: isAdmin(ctx) });
    const shown = isHeartbeat(body) ? { id } : presentManagedObject(ctx.state.links, object);
    answer(ctx, 200, shown, "managedObject");
  });

  router.delete(`${PATH}/:id`, async ctx => {
    const id = ctx.params["id"]!;
    await requireRoleOrOwner(ctx, platform, "inventory:write", id);
    const object = await inventory.get(tenantOf(ctx), id);
    const cascade = flag(ctx.query, "cascade") ?? false;
    const forceCascade = flag(ctx.query, "forceCascade") ?? false;
    const going = await treeOf(platform, tenantOf(ctx), object, { cascade, forceCascade });
    for (const each of going) await requireRoleOrOwner(ctx, platform, "inventory:write", each);
    for (const each of going) await inventory.delete(tenantOf(ctx), each);
    answerNothing(ctx);
  });

  return router;
}
