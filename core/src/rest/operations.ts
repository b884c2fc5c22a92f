/** `/devicecontrol/operations` (platform API 11). */
import { OPERATION_STATUSES } from "../platform/operation.ts";
import type { Operation, OperationFilter } from "../platform/platform.ts";
import {
  answerCreated,
  createRouter,
  may,
  objectBody,
  type RestContext,
  type RestRouter,
  type RouterParts,
  tenantOf,
} from "./context.ts";
import { addDocumentRoutes, addUpdateRoute, type DocumentKind } from "./document-routes.ts";
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
  const kind: DocumentKind<Operation, OperationFilter> = {
    platform,
    limits,
    name: "operation",
    path: PATH,
    documents: operations,
    filterOf,
    askedFor: filter => filter.deviceId ?? filter.agentId,
    belongsTo: operation => operation.deviceId,
    present: (ctx, operation) => presentOperation(ctx.state.links, operation),
  };

  router.post(PATH, may("operation:write"), async ctx => {
    const created = await operations.create(tenantOf(ctx), await objectBody(ctx, limits));
    answerCreated(ctx, presentOperation(ctx.state.links, created), "operation");
  });

  addDocumentRoutes(router, kind);
  addUpdateRoute(router, kind, operations.update);
  return router;
}
