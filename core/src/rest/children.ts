/** `/inventory/managedObjects/{id}/childDevices`, `/childAssets`, `/childAdditions` (platform API 5.6). */
import { asObject, atIndex, invalid, requireId } from "../platform/body.ts";
import { CHILD_KINDS } from "../platform/children.ts";
import type { ChildKind, Fragments, ManagedObject } from "../platform/platform.ts";
import type { Permission } from "../tenants/roles.ts";
import {
  answer,
  answerCreated,
  answerNothing,
  createRouter,
  maySee,
  objectBody,
  type RestContext,
  type RestRouter,
  type RouterParts,
  requirePermission,
  requireRoleOrOwner,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { newObject } from "./managed-objects.ts";
import { isVendorType } from "./media-types.ts";
import { collectionBody, pageParameters } from "./paging.ts";
import { presentManagedObject, type Shown } from "./present.ts";

const PATH = "/inventory/managedObjects";

/** What a body asks for, by its media type, else by its shape. */
type Asked = { readonly kind: "one" | "many"; readonly ids: readonly string[] } | { readonly kind: "new" };

const readReference = (value: unknown): string =>
  requireId(asObject(asObject(value)["managedObject"] ?? {})["id"], "managedObject.id");

function readReferences(body: Fragments): string[] {
  const { references } = body;
  if (!Array.isArray(references)) throw invalid("references", "must be an array");
  return references.map((item, i) => atIndex("references", i, () => readReference(item)));
}

function readAsked(contentType: string, body: Fragments): Asked {
  if (isVendorType(contentType, "managedObject")) return { kind: "new" };
  if (isVendorType(contentType, "managedObjectReferenceCollection") || Array.isArray(body["references"])) {
    return { kind: "many", ids: readReferences(body) };
  }
  const isOne = isVendorType(contentType, "managedObjectReference") || typeof body["managedObject"] === "object";
  return isOne ? { kind: "one", ids: [readReference(body)] } : { kind: "new" };
}

export function childrenRouter({ platform, limits }: RouterParts): RestRouter {
  const { inventory, children } = platform;
  const router = createRouter();

  /** The parent of the path, which the user may see or change. @throws MooringError NOT_FOUND, FORBIDDEN */
  async function parentOf(ctx: RestContext, permission: Permission): Promise<string> {
    const id = ctx.params["id"]!;
    await inventory.get(tenantOf(ctx), id);
    await requireRoleOrOwner(ctx, platform, permission, id);
    return id;
  }

  async function requireAll(ctx: RestContext, permission: Permission, ids: readonly string[]): Promise<void> {
    for (const id of ids) await requireRoleOrOwner(ctx, platform, permission, id);
  }

  for (const kind of CHILD_KINDS) addRoutes(kind);
  return router;

  function addRoutes(kind: ChildKind): void {
    const path = `${PATH}/:id/${kind}`;

    const reference = (ctx: RestContext, parent: string, object: ManagedObject): Shown => ({
      managedObject: presentManagedObject(ctx.state.links, object),
      self: `${ctx.state.links.managedObject(parent)}/${kind}/${object.id}`,
    });

    async function references(ctx: RestContext, parent: string, ids: readonly string[]): Promise<Shown[]> {
      const objects = await Promise.all(ids.map(id => inventory.get(tenantOf(ctx), id)));
      return objects.map(object => reference(ctx, parent, object));
    }

    router.get(path, async ctx => {
      const parent = await parentOf(ctx, "inventory:read");
      const page = pageParameters(ctx.query);
      const found = await children.list(tenantOf(ctx), parent, kind, page);
      // Whoever sees the parent because it is theirs sees those of its children that are.
      const items = found.items.filter(each => maySee(ctx, each)).map(object => reference(ctx, parent, object));
      const body = collectionBody("references", selfUrl(ctx), page, { ...found, items });
      answer(ctx, 200, body, "managedObjectReferenceCollection");
    });

    router.post(path, async ctx => {
      const parent = await parentOf(ctx, "inventory:write");
      const tenant = tenantOf(ctx);
      const body = await objectBody(ctx, limits);
      const asked = readAsked(ctx.get("Content-Type"), body);
      if (asked.kind === "new") {
        requirePermission(ctx, "inventory:create");
        const { body: _body, ...options } = newObject(ctx, body);
        const created = await inventory.create(tenant, body, options);
        await children.add(tenant, parent, kind, [created.id]);
        answerCreated(ctx, presentManagedObject(ctx.state.links, created), "managedObject");
        return;
      }
      await requireAll(ctx, "inventory:write", asked.ids);
      await children.add(tenant, parent, kind, asked.ids);
      const shown = await references(ctx, parent, asked.ids);
      if (asked.kind === "one") answerCreated(ctx, shown[0]!, "managedObjectReference");
      else answer(ctx, 201, { self: selfUrl(ctx), references: shown }, "managedObjectReferenceCollection");
    });

    router.delete(path, async ctx => {
      const parent = await parentOf(ctx, "inventory:write");
      await children.remove(tenantOf(ctx), parent, kind, readReferences(await objectBody(ctx, limits)));
      answerNothing(ctx);
    });

    router.get(`${path}/:childId`, async ctx => {
      const parent = await parentOf(ctx, "inventory:read");
      const child = ctx.params["childId"]!;
      await children.require(tenantOf(ctx), parent, kind, child);
      await requireRoleOrOwner(ctx, platform, "inventory:read", child);
      const [shown] = await references(ctx, parent, [child]);
      answer(ctx, 200, shown, "managedObjectReference");
    });

    router.delete(`${path}/:childId`, async ctx => {
      const parent = await parentOf(ctx, "inventory:write");
      await children.remove(tenantOf(ctx), parent, kind, [ctx.params["childId"]!]);
      answerNothing(ctx);
    });
  }
}
