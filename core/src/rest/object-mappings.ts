/** Object mappings of the agent: `/service/lwm2m-agent/objectResourceMappings` (agent specification 7.2). */
import type { ManagedObject } from "../platform/platform.ts";
import {
  answer,
  answerPlain,
  createRouter,
  jsonBody,
  may,
  type RestContext,
  type RestRouter,
  tenantOf,
} from "./context.ts";
import type { AgentRouterParts } from "./device-registration.ts";
import { readUpload } from "./multipart.ts";
import { presentManagedObject } from "./present.ts";

const PATH = "/service/lwm2m-agent/objectResourceMappings";

/** Blanks in a file name become `_`. */
const safeName = (fileName: string): string => fileName.replace(/\s/g, "_");

export function objectMappingsRouter({ agent, limits }: AgentRouterParts): RestRouter {
  const router = createRouter();
  const present = (ctx: RestContext) => (object: ManagedObject) => presentManagedObject(ctx.state.links, object);

  router.get(PATH, may("inventory:read"), async ctx => {
    answerPlain(ctx, 200, (await agent.listMappings(tenantOf(ctx))).map(present(ctx)));
  });

  router.post(`${PATH}/ddf`, may("inventory:write"), async ctx => {
    const { fileName, bytes } = await readUpload(ctx.req, limits.maxUploadBytes);
    const upload = await agent.uploadDdf(tenantOf(ctx), safeName(fileName), bytes);
    answerPlain(ctx, 200, {
      new: upload.new.map(present(ctx)),
      updated: upload.updated.map(present(ctx)),
      error: upload.error,
    });
  });

  router.put(`${PATH}/:objectId/add`, may("inventory:write"), async ctx => {
    const object = await agent.addMapping(tenantOf(ctx), ctx.params["objectId"]!, await jsonBody(ctx, limits));
    answer(ctx, 200, present(ctx)(object), "managedObject");
  });

  router.get("/service/lwm2m-agent/mappingActions/resourceactions", may("inventory:read"), async ctx => {
    answerPlain(ctx, 200, await agent.listActions(tenantOf(ctx)));
  });

  return router;
}
