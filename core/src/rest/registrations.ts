/** `/service/lwm2m-agent/v1/registration`, `/postRegistrationOptions` (agent specification 13, 18), `/explain` and the objects of a device. */
import { answerPlain, createRouter, jsonBody, may, type RestRouter, selfUrl, tenantOf } from "./context.ts";
import type { AgentRouterParts } from "./device-registration.ts";
import { collectionBody, pageParameters } from "./paging.ts";

const BASE = "/service/lwm2m-agent";
const OPTIONS = `${BASE}/postRegistrationOptions`;

export function registrationsRouter({ agent, limits }: AgentRouterParts): RestRouter {
  const router = createRouter();

  router.get(`${BASE}/v1/registration`, may("inventory:read"), async ctx => {
    const page = pageParameters(ctx.query);
    const found = await agent.listRegistrations(tenantOf(ctx), page);
    answerPlain(ctx, 200, collectionBody("registrations", selfUrl(ctx), page, found));
  });

  router.get(`${BASE}/explain/:deviceId`, may("inventory:read"), async ctx => {
    answerPlain(ctx, 200, await agent.explain(tenantOf(ctx), ctx.params["deviceId"]!));
  });

  router.get(`${BASE}/v1/device/:deviceId/objects`, may("inventory:read"), async ctx => {
    answerPlain(ctx, 200, await agent.deviceObjects(tenantOf(ctx), ctx.params["deviceId"]!));
  });

  router.get(OPTIONS, may("inventory:read"), async ctx => {
    answerPlain(ctx, 200, await agent.postRegistrationOptions(tenantOf(ctx)));
  });

  router.put(OPTIONS, may("inventory:write"), async ctx => {
    answerPlain(ctx, 200, await agent.setPostRegistrationOptions(tenantOf(ctx), await jsonBody(ctx, limits)));
  });

  return router;
}
