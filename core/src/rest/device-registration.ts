/** `/service/lwm2m-agent/deviceRegistration` (agent specification 3.1, 3.2). */
import type { AgentServices } from "../agent/agent.ts";
import {
  answerCreated,
  answerNothing,
  createRouter,
  jsonBody,
  may,
  type RestLimits,
  type RestRouter,
  tenantOf,
} from "./context.ts";
import { readUpload } from "./multipart.ts";
import { presentManagedObject, presentOperation } from "./present.ts";

const PATH = "/service/lwm2m-agent/deviceRegistration";

export interface AgentRouterParts {
  readonly agent: AgentServices;
  readonly limits: RestLimits;
}

export function deviceRegistrationRouter({ agent, limits }: AgentRouterParts): RestRouter {
  const router = createRouter();

  router.post(PATH, may("operation:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    const device = await agent.registerDevice(tenant, await jsonBody(ctx, limits), userName);
    answerCreated(ctx, presentManagedObject(ctx.state.links, device), "managedObject");
  });

  router.post(`${PATH}/bulk`, may("operation:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    const { bytes } = await readUpload(ctx.req, limits.maxUploadBytes);
    const operation = await agent.registerDevicesCsv(tenant, bytes, userName);
    answerCreated(ctx, presentOperation(ctx.state.links, operation), "operation");
  });

  router.delete(`${PATH}/bulk`, may("operation:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    const { bytes } = await readUpload(ctx.req, limits.maxUploadBytes);
    const operation = await agent.removeDevicesCsv(tenant, bytes, userName);
    answerCreated(ctx, presentOperation(ctx.state.links, operation), "operation");
  });

  router.delete(`${PATH}/:deviceId`, may("operation:write"), async ctx => {
    await agent.removeDevice(tenantOf(ctx), ctx.params["deviceId"]!);
    answerNothing(ctx);
  });

  return router;
}
