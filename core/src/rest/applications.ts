/**
 * `/application/...` (platform API 15): the agent is the one application, subscribed in every tenant. Generic UIs find in its manifest
 * that it registers devices (agent specification 3.1).
 */
import { MooringError } from "../base/errors.ts";
import { MANAGEMENT_TENANT } from "../tenants/tenants.ts";
import { answerPlain, createRouter, type RestContext, type RestRouter, selfUrl, tenantOf } from "./context.ts";
import { collectionBody, pageOf, pageParameters } from "./paging.ts";

const PATH = "/application/applications";
const ID = "1";
const NAME = "lwm2m-agent";
const EXTENSION = { name: "LWM2M", description: "Registers devices that talk OMA Lightweight M2M" };

const present = ({ state: { links } }: RestContext): object => ({
  id: ID,
  name: NAME,
  key: `${NAME}-key`,
  contextPath: NAME,
  type: "MICROSERVICE",
  availability: "MARKET",
  owner: { tenant: { id: MANAGEMENT_TENANT } },
  manifest: {
    extensions: [
      { ...EXTENSION, type: "extensibleDeviceRegistration" },
      { ...EXTENSION, type: "extensibleBulkDeviceRegistration" },
    ],
  },
  self: `${links.origin}${PATH}/${ID}`,
});

/** Lists by one member, and whether the agent is in that of this value. */
const LISTS: Readonly<Record<string, (ctx: RestContext, value: string) => boolean>> = {
  applicationsByName: (_, name) => name === NAME,
  applicationsByOwner: (_, tenant) => tenant === MANAGEMENT_TENANT,
  applicationsByTenant: (ctx, tenant) => tenant === tenantOf(ctx),
  applicationsByUser: (ctx, userName) => userName === ctx.state.user.userName,
};

export function applicationsRouter(): RestRouter {
  const router = createRouter();

  router.get(PATH, ctx => {
    const page = pageParameters(ctx.query);
    answerPlain(ctx, 200, collectionBody("applications", selfUrl(ctx), page, pageOf([present(ctx)], page)));
  });

  router.get(`${PATH}/:id`, ctx => {
    const { id } = ctx.params;
    if (id !== ID) throw new MooringError("NOT_FOUND", `No application '${id}'!`);
    answerPlain(ctx, 200, present(ctx));
  });

  for (const [list, isIn] of Object.entries(LISTS)) {
    router.get(`/application/${list}/:value`, ctx => {
      const applications = isIn(ctx, ctx.params["value"]!) ? [present(ctx)] : [];
      answerPlain(ctx, 200, { self: selfUrl(ctx), applications });
    });
  }

  return router;
}
