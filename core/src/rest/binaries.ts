/** `/inventory/binaries` (platform API 13). */
import { Readable } from "node:stream";
import { MooringError } from "../base/errors.ts";
import { answerRange, piecesOf } from "../http/byte-range.ts";
import { BINARY_FRAGMENT } from "../platform/binaries.ts";
import type { Fragments } from "../platform/platform.ts";
import { attachment } from "./attachment.ts";
import {
  answer,
  answerCreated,
  answerNothing,
  createRouter,
  may,
  type RestContext,
  type RestRouter,
  type RouterParts,
  requireRoleOrOwner,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { parseJson } from "./json-body.ts";
import { inventoryFilter } from "./managed-objects.ts";
import { streamUpload } from "./multipart.ts";
import { collectionBody, pageParameters } from "./paging.ts";
import { text } from "./parameters.ts";
import { presentBinary } from "./present.ts";

const PATH = "/inventory/binaries";

/** The members of the managed object, from the part `object`; without one the file's name is its name. */
function objectOf(object: string | undefined, fileName: string | undefined): Fragments {
  const name = fileName ? { name: fileName } : {};
  if (object === undefined) return name;
  const body = parseJson(Buffer.from(object));
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return { ...name, ...body };
  throw new MooringError("VALIDATION", "object must be an object", { field: "object", rule: "must be an object" });
}

export function binariesRouter({ platform, limits }: RouterParts): RestRouter {
  const { binaries, inventory } = platform;
  const router = createRouter();
  const formLimits = { maxFieldBytes: limits.maxBodyBytes };

  router.post(PATH, may("binary:create"), async ctx => {
    const { tenant, userName: owner } = ctx.state.user;
    await using upload = await binaries.begin(tenant);
    const { fileName, contentType, fields } = await streamUpload(ctx.req, formLimits, upload.write);
    const body = objectOf(fields.get("object"), fileName || text(ctx.query, "name"));
    const created = await upload.create({ body, contentType, owner });
    answerCreated(ctx, presentBinary(ctx.state.links, created), "managedObject");
  });

  router.get(PATH, async ctx => {
    const page = pageParameters(ctx.query);
    const filter = { ...inventoryFilter(ctx, "binary:read"), fragmentType: BINARY_FRAGMENT };
    const found = await inventory.list(tenantOf(ctx), filter, page);
    const items = found.items.map(object => presentBinary(ctx.state.links, object));
    const body = collectionBody("managedObjects", selfUrl(ctx), page, { ...found, items });
    answer(ctx, 200, body, "managedObjectCollection");
  });

  router.get(`${PATH}/:id`, async ctx => {
    const id = ctx.params["id"]!;
    const binary = await binaries.open(tenantOf(ctx), id);
    await requireRoleOrOwner(ctx, platform, "binary:read", id);
    const asked = { range: ctx.headers.range, ifRange: ctx.get("If-Range") || undefined };
    const { status, start, end, headers } = answerRange(asked, binary.length, binary.sha256);
    ctx.status = status;
    ctx.body = Readable.from(piecesOf(binary, start, end), { objectMode: false });
    ctx.set({ ...headers, "Content-Type": binary.contentType, "Content-Disposition": attachment(binary.name) });
  });

  router.put(`${PATH}/:id`, async (ctx: RestContext) => {
    const id = ctx.params["id"]!;
    await binaries.open(tenantOf(ctx), id);
    await requireRoleOrOwner(ctx, platform, "binary:write", id);
    await using upload = await binaries.begin(tenantOf(ctx));
    const { contentType } = await streamUpload(ctx.req, formLimits, upload.write);
    answerCreated(ctx, presentBinary(ctx.state.links, await upload.replace(id, contentType)), "managedObject");
  });

  router.delete(`${PATH}/:id`, async ctx => {
    const id = ctx.params["id"]!;
    await binaries.open(tenantOf(ctx), id);
    await requireRoleOrOwner(ctx, platform, "binary:write", id);
    await inventory.delete(tenantOf(ctx), id);
    answerNothing(ctx);
  });

  return router;
}
