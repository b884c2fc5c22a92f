/** `/devicecontrol/operations` (platform API 11). */
import { OPERATION_STATUSES } from "../platform/operation.ts";
import type { Operation, OperationFilter } from "../platform/platform.ts";
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
  requireRoleOrOwner,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { collectionBody, pageParameters } from "./paging.ts";
import { count, defined, flag, id, text, timeRange, words } from "./parameters.ts";
import { presentOperation } from "./present.ts";

const PATH = "/devicecontrol/operations";

function filterOf(ctx: RestContext): OperationFilter {
  return {
    ...timeRange(ctx.query),
    ...defined<OperationFilter>({
      deviceId: id(ctx.query, "deviceId"),
      agentId: id(ctx.query, "agentId"),
      statuses: words(ctx.query, "status", OPERATION_STATUSES),
      fragmentType: text(ctx.query, "fragmentType"),
      bulkOperationId: count(ctx.query, "bulkOperationId"),
      revert: flag(ctx.query, "revert"),
    }),
  };
}

export function operationsRouter({ platform, limits }: RouterParts): RestRouter {
  const { operations } = platform;
  const router = createRouter();
  const present = (ctx: RestContext) => (operation: Operation) => presentOperation(ctx.state.links, operation);

  router.post(PATH, may("operation:write"), async ctx => {
    const created = await operations.create(tenantOf(ctx), await objectBody(ctx, limits));
    answerCreated(ctx, present(ctx)(created), "operation");
  });

  router.get(PATH, async ctx => {
    const filter = filterOf(ctx);
    await requireRoleOrOwner(ctx, platform, "operation:read", filter.deviceId ?? filter.agentId);
    const page = pageParameters(ctx.query);
    const found = await operations.list(tenantOf(ctx), filter, page);
    answer(ctx, 200, collectionBody("operations", selfUrl(ctx), page, found, present(ctx)), "operationCollection");
  });

  router.delete(PATH, may("operation:write"), async ctx => {
    await operations.deleteMatching(tenantOf(ctx), filterOf(ctx));
    answerNothing(ctx);
  });

  router.get(`${PATH}/:id`, async ctx => {
    const operation = await operations.get(tenantOf(ctx), ctx.params["id"]!);
    await requireRoleOrOwner(ctx, platform, "operation:read", operation.deviceId);
    answer(ctx, 200, present(ctx)(operation), "operation");
  });

  router.put(`${PATH}/:id`, async ctx => {
    const operation = await operations.get(tenantOf(ctx), ctx.params["id"]!);
    await requireRoleOrOwner(ctx, platform, "operation:write", operation.deviceId);
    const changed = await operations.update(tenantOf(ctx), operation.id, await objectBody(ctx, limits));
    answer(ctx, 200, present(ctx)(changed), "operation");
  });

  return router;
}
