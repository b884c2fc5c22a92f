/** `/identity` (platform API 7). */
import { MooringError } from "../base/errors.ts";
import { checkExternalId } from "../platform/identity.ts";
import {
  answer,
  answerCreated,
  answerNothing,
  createRouter,
  may,
  objectBody,
  type RestContext,
  type RestRouter,
  type RouterParts,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { presentExternalId } from "./present.ts";

const OF_OBJECT = "/identity/globalIds/:id/externalIds";
/** The external id is the rest of the path: it may hold `:`, `.`, escapes and `/` (platform API 4.2). */
const ONE = "/identity/externalIds/:type/*externalId";

const named = (ctx: RestContext): [type: string, externalId: string] => [
  ctx.params["type"]!,
  ctx.params["externalId"]!,
];

export function identityRouter({ platform, limits }: RouterParts): RestRouter {
  const { identity } = platform;
  const router = createRouter();

  router.post(OF_OBJECT, may("identity:write"), async ctx => {
    const { type, externalId } = checkExternalId(await objectBody(ctx, limits));
    const bound = await identity.bind(tenantOf(ctx), ctx.params["id"]!, type, externalId);
    answerCreated(ctx, presentExternalId(ctx.state.links, bound), "externalId");
  });

  router.get(OF_OBJECT, may("identity:read"), async ctx => {
    const found = await identity.of(tenantOf(ctx), ctx.params["id"]!);
    const externalIds = found.map(each => presentExternalId(ctx.state.links, each));
    answer(ctx, 200, { self: selfUrl(ctx), externalIds }, "externalIdCollection");
  });

  router.get(ONE, may("identity:read"), async ctx => {
    const found = await identity.find(tenantOf(ctx), ...named(ctx));
    if (!found) throw new MooringError("NOT_FOUND", "External ID not found");
    answer(ctx, 200, presentExternalId(ctx.state.links, found), "externalId");
  });

  router.delete(ONE, may("identity:write"), async ctx => {
    await identity.unbind(tenantOf(ctx), ...named(ctx));
    answerNothing(ctx);
  });

  return router;
}
