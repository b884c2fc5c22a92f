/** `/event/events` (platform API 10). */
import type { EventFilter, PlatformEvent } from "../platform/platform.ts";
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
  requireForSources,
  requireRoleOrOwner,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { collectionBody, pageParameters } from "./paging.ts";
import { defined, flag, id, optionalTimeRange, text, timeRange } from "./parameters.ts";
import { presentEvent } from "./present.ts";

const PATH = "/event/events";

function filterOf(ctx: RestContext): EventFilter {
  return {
    ...timeRange(ctx.query),
    ...defined<EventFilter>({
      created: optionalTimeRange(ctx.query, "created"),
      lastUpdated: optionalTimeRange(ctx.query, "lastUpdated"),
      sourceId: id(ctx.query, "source"),
      type: text(ctx.query, "type"),
      fragmentType: text(ctx.query, "fragmentType"),
      fragmentValue: text(ctx.query, "fragmentValue"),
      revert: flag(ctx.query, "revert"),
    }),
  };
}

export function eventsRouter({ platform, limits }: RouterParts): RestRouter {
  const { events } = platform;
  const router = createRouter();
  const present = (ctx: RestContext) => (event: PlatformEvent) => presentEvent(ctx.state.links, event);

  router.post(PATH, async ctx => {
    const body = await objectBody(ctx, limits);
    await requireForSources(ctx, platform, "event:write", [body]);
    answerCreated(ctx, present(ctx)(await events.create(tenantOf(ctx), body)), "event");
  });

  router.get(PATH, async ctx => {
    const filter = filterOf(ctx);
    await requireRoleOrOwner(ctx, platform, "event:read", filter.sourceId);
    const page = pageParameters(ctx.query);
    const found = await events.list(tenantOf(ctx), filter, page);
    answer(ctx, 200, collectionBody("events", selfUrl(ctx), page, found, present(ctx)), "eventCollection");
  });

  router.delete(PATH, may("event:write"), async ctx => {
    await events.deleteMatching(tenantOf(ctx), filterOf(ctx));
    answerNothing(ctx);
  });

  router.get(`${PATH}/:id`, async ctx => {
    const event = await events.get(tenantOf(ctx), ctx.params["id"]!);
    await requireRoleOrOwner(ctx, platform, "event:read", event.sourceId);
    answer(ctx, 200, present(ctx)(event), "event");
  });

  router.put(`${PATH}/:id`, async ctx => {
    const event = await events.get(tenantOf(ctx), ctx.params["id"]!);
    await requireRoleOrOwner(ctx, platform, "event:write", event.sourceId);
    const changed = await events.update(tenantOf(ctx), event.id, await objectBody(ctx, limits));
    answer(ctx, 200, present(ctx)(changed), "event");
  });

  router.delete(`${PATH}/:id`, may("event:write"), async ctx => {
    await events.delete(tenantOf(ctx), ctx.params["id"]!);
    answerNothing(ctx);
  });

  return router;
}
