/** Another device protocol over a device's history: `/service/lwm2m-agent/objectResourceMappings/{objectId}/dryRun` and `.../apply`. */
import { MooringError } from "../base/errors.ts";
import { formatTime } from "../platform/time.ts";
import type { Plan, Remapping } from "../remapping/remapping.ts";
import { readRequest } from "../remapping/request.ts";
import { answerPlain, createRouter, jsonBody, may, type RestLimits, type RestRouter, tenantOf } from "./context.ts";

const PATH = "/service/lwm2m-agent/objectResourceMappings/:objectId";

export interface MappingPlansRouterParts {
  readonly remapping: Remapping;
  readonly limits: RestLimits;
}

const present = ({ id, fromMs, toMs, ...plan }: Plan): object => ({
  plan: id,
  dateFrom: formatTime(fromMs),
  dateTo: formatTime(toMs),
  ...plan,
});

export function mappingPlansRouter({ remapping, limits }: MappingPlansRouterParts): RestRouter {
  const router = createRouter();
  const mayRead = [may("inventory:read"), may("measurement:read"), may("event:read"), may("alarm:read")];
  const mayWrite = [may("inventory:write"), may("measurement:write"), may("event:write"), may("alarm:write")];

  router.post(`${PATH}/dryRun`, ...mayRead, async ctx => {
    const request = readRequest(ctx.params["objectId"]!, await jsonBody(ctx, limits));
    answerPlain(ctx, 200, present(await remapping.plan(tenantOf(ctx), request)));
  });

  router.post(`${PATH}/apply`, ...mayWrite, async ctx => {
    const { plan, ...request } = readRequest(ctx.params["objectId"]!, await jsonBody(ctx, limits));
    if (plan === undefined) {
      const rule = "is missing: what dryRun answers names it";
      throw new MooringError("VALIDATION", `plan ${rule}`, { field: "plan", rule });
    }
    answerPlain(ctx, 200, present(await remapping.apply(tenantOf(ctx), request, plan)));
  });

  return router;
}
