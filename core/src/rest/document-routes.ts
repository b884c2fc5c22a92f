/** What the routers of measurements, alarms, events and operations have in common (platform API 8 to 11). */
import type { Fragments, Page, PageRequest } from "../platform/platform.ts";
import {
  answer,
  answerNothing,
  may,
  objectBody,
  type RestContext,
  type RestRouter,
  type RouterParts,
  requireRoleOrOwner,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { collectionBody, pageParameters } from "./paging.ts";
import type { Shown } from "./present.ts";

export interface DocumentKind<T, F> extends RouterParts {
  /** Also its media type, and the first word of its permissions. */
  readonly name: "measurement" | "alarm" | "event" | "operation";
  /** Of the collection: `/event/events`. */
  readonly path: string;
  readonly documents: {
    get(tenant: string, id: string): Promise<T>;
    list(tenant: string, filter: F, page: PageRequest): Promise<Page<T>>;
    deleteMatching(tenant: string, filter: F): Promise<void>;
  };
  filterOf(ctx: RestContext): F;
  /** The managed object that a list is about, whose owner needs no role; `narrowed`: `filterOf` leaves what the user may see. */
  readonly askedFor: "narrowed" | ((filter: F) => string | undefined);
  /** The managed object that a document is about: its owner needs no role. */
  belongsTo(document: T): string;
  present(ctx: RestContext, document: T): Shown | Promise<Shown>;
}

/** The document of the path. @throws MooringError NOT_FOUND, FORBIDDEN */
async function documentOf<T, F>(ctx: RestContext, kind: DocumentKind<T, F>, right: "read" | "write"): Promise<T> {
  const document = await kind.documents.get(tenantOf(ctx), ctx.params["id"]!);
  await requireRoleOrOwner(ctx, kind.platform, `${kind.name}:${right}`, kind.belongsTo(document));
  return document;
}

/** GET and DELETE of the collection, GET of one document. */
export function addDocumentRoutes<T, F>(router: RestRouter, kind: DocumentKind<T, F>): void {
  const { name, path, documents, filterOf, askedFor, present } = kind;

  router.get(path, async ctx => {
    const filter = filterOf(ctx);
    if (askedFor !== "narrowed") await requireRoleOrOwner(ctx, kind.platform, `${name}:read`, askedFor(filter));
    const page = pageParameters(ctx.query);
    const found = await documents.list(tenantOf(ctx), filter, page);
    const items = await Promise.all(found.items.map(document => present(ctx, document)));
    answer(ctx, 200, collectionBody(`${name}s`, selfUrl(ctx), page, { ...found, items }), `${name}Collection`);
  });

  router.delete(path, may(`${name}:write`), async ctx => {
    await documents.deleteMatching(tenantOf(ctx), filterOf(ctx));
    answerNothing(ctx);
  });

  router.get(`${path}/:id`, async ctx => {
    answer(ctx, 200, await present(ctx, await documentOf(ctx, kind, "read")), name);
  });
}

/** PUT of one document. */
export function addUpdateRoute<T extends { readonly id: string }, F>(
  router: RestRouter,
  kind: DocumentKind<T, F>,
  update: (tenant: string, id: string, changes: Fragments) => Promise<T>,
): void {
  router.put(`${kind.path}/:id`, async ctx => {
    const { id } = await documentOf(ctx, kind, "write");
    const changed = await update(tenantOf(ctx), id, await objectBody(ctx, kind.limits));
    answer(ctx, 200, await kind.present(ctx, changed), kind.name);
  });
}

/** DELETE of one document. */
export function addDeleteRoute<T, F>(
  router: RestRouter,
  { name, path }: DocumentKind<T, F>,
  remove: (tenant: string, id: string) => Promise<void>,
): void {
  router.delete(`${path}/:id`, may(`${name}:write`), async ctx => {
    await remove(tenantOf(ctx), ctx.params["id"]!);
    answerNothing(ctx);
  });
}
