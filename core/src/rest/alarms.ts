/** `/alarm/alarms` (platform API 9). */
import { ALARM_STATUSES, SEVERITIES } from "../platform/alarm.ts";
import type { Alarm, AlarmFilter, Platform } from "../platform/platform.ts";
import {
  answer,
  answerCreated,
  answerNothing,
  answerPlain,
  createRouter,
  has,
  may,
  objectBody,
  type RestContext,
  type RestRouter,
  type RouterParts,
  requireForSources,
  requireRoleOrOwner,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { collectionBody, pageParameters } from "./paging.ts";
import { defined, flag, id, list, optionalTimeRange, timeRange, words } from "./parameters.ts";
import { presentAlarm } from "./present.ts";

const PATH = "/alarm/alarms";

/** A list asks for no role: without one it holds alarms of what the user owns (platform API 19). */
async function filterOf(ctx: RestContext): Promise<AlarmFilter> {
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

async function present(ctx: RestContext, platform: Platform, alarm: Alarm): Promise<ReturnType<typeof presentAlarm>> {
  const source = await platform.inventory.findCached(tenantOf(ctx), alarm.sourceId);
  return presentAlarm(ctx.state.links, alarm, source?.name);
}

export function alarmsRouter({ platform, limits }: RouterParts): RestRouter {
  const { alarms } = platform;
  const router = createRouter();

  router.post(PATH, async ctx => {
    const body = await objectBody(ctx, limits);
    await requireForSources(ctx, platform, "alarm:write", [body]);
    answerCreated(ctx, await present(ctx, platform, await alarms.create(tenantOf(ctx), body)), "alarm");
  });

  router.get(PATH, async ctx => {
    const page = pageParameters(ctx.query);
    const found = await alarms.list(tenantOf(ctx), await filterOf(ctx), page);
    const shown = await Promise.all(found.items.map(alarm => present(ctx, platform, alarm)));
    const body = collectionBody("alarms", selfUrl(ctx), page, { ...found, items: shown }, alarm => alarm);
    answer(ctx, 200, body, "alarmCollection");
  });

  router.put(PATH, may("alarm:write"), async ctx => {
    await alarms.updateMatching(tenantOf(ctx), await filterOf(ctx), await objectBody(ctx, limits));
    answerPlain(ctx, 200, {});
  });

  router.delete(PATH, may("alarm:write"), async ctx => {
    await alarms.deleteMatching(tenantOf(ctx), await filterOf(ctx));
    answerNothing(ctx);
  });

  router.get(`${PATH}/count`, async ctx => {
    answerPlain(ctx, 200, await alarms.count(tenantOf(ctx), await filterOf(ctx)));
  });

  router.get(`${PATH}/:id`, async ctx => {
    const alarm = await alarms.get(tenantOf(ctx), ctx.params["id"]!);
    await requireRoleOrOwner(ctx, platform, "alarm:read", alarm.sourceId);
    answer(ctx, 200, await present(ctx, platform, alarm), "alarm");
  });

  router.put(`${PATH}/:id`, async ctx => {
    const alarm = await alarms.get(tenantOf(ctx), ctx.params["id"]!);
    await requireRoleOrOwner(ctx, platform, "alarm:write", alarm.sourceId);
    const changed = await alarms.update(tenantOf(ctx), alarm.id, await objectBody(ctx, limits));
    answer(ctx, 200, await present(ctx, platform, changed), "alarm");
  });

  return router;
}
