/** `/alarm/alarms` (platform API 9). */
import { ALARM_STATUSES, SEVERITIES } from "../platform/alarm.ts";
import type { Alarm, AlarmFilter } from "../platform/platform.ts";
import {
  answerCreated,
  answerPlain,
  createRouter,
  has,
  may,
  objectBody,
  type RestContext,
  type RestRouter,
  type RouterParts,
  requireForSources,
  tenantOf,
} from "./context.ts";
import { addDocumentRoutes, addUpdateRoute, type DocumentKind } from "./document-routes.ts";
import { defined, flag, id, list, optionalTimeRange, timeRange, words } from "./parameters.ts";
import { presentAlarm, type Shown } from "./present.ts";

const PATH = "/alarm/alarms";

/** A list asks for no role: without one it holds alarms of what the user owns (platform API 19). */
function filterOf(ctx: RestContext): AlarmFilter {
  const { userName } = ctx.state.user;
  return {
    ...timeRange(ctx.query),
    ...defined<AlarmFilter>({
      created: optionalTimeRange(ctx.query, "created"),
      lastUpdated: optionalTimeRange(ctx.query, "lastUpdated"),
      sourceId: id(ctx.query, "source"),
      sourceOwner: has(ctx, "alarm:read") ? undefined : userName,
      types: list(ctx.query, "type"),
      statuses: words(ctx.query, "status", ALARM_STATUSES),
      severities: words(ctx.query, "severity", SEVERITIES),
      resolved: flag(ctx.query, "resolved"),
    }),
  };
}

export function alarmsRouter({ platform, limits }: RouterParts): RestRouter {
  const { alarms, inventory } = platform;
  const router = createRouter();
  const present = async (ctx: RestContext, alarm: Alarm): Promise<Shown> => {
    const source = await inventory.findCached(tenantOf(ctx), alarm.sourceId);
    return presentAlarm(ctx.state.links, alarm, source?.name);
  };
  const kind: DocumentKind<Alarm, AlarmFilter> = {
    platform,
    limits,
    name: "alarm",
    path: PATH,
    documents: alarms,
    filterOf,
    askedFor: "narrowed",
    belongsTo: alarm => alarm.sourceId,
    present,
  };

  router.post(PATH, async ctx => {
    const body = await objectBody(ctx, limits);
    await requireForSources(ctx, platform, "alarm:write", [body]);
    answerCreated(ctx, await present(ctx, await alarms.create(tenantOf(ctx), body)), "alarm");
  });

  router.put(PATH, may("alarm:write"), async ctx => {
    await alarms.updateMatching(tenantOf(ctx), filterOf(ctx), await objectBody(ctx, limits));
    answerPlain(ctx, 200, {});
  });

  router.get(`${PATH}/count`, async ctx => {
    answerPlain(ctx, 200, await alarms.count(tenantOf(ctx), filterOf(ctx)));
  });

  addDocumentRoutes(router, kind);
  addUpdateRoute(router, kind, alarms.update);
  return router;
}
