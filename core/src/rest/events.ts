/** `/event/events` (platform API 10). */
import type { EventFilter, PlatformEvent } from "../platform/platform.ts";
import {
  answerCreated,
  createRouter,
  objectBody,
  type RestContext,
  type RestRouter,
  type RouterParts,
  requireForSources,
  tenantOf,
} from "./context.ts";
import { addDeleteRoute, addDocumentRoutes, addUpdateRoute, type DocumentKind } from "./document-routes.ts";
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
  const kind: DocumentKind<PlatformEvent, EventFilter> = {
    platform,
    limits,
    name: "event",
    path: PATH,
    documents: events,
    filterOf,
    askedFor: filter => filter.sourceId,
    belongsTo: event => event.sourceId,
    present: (ctx, event) => presentEvent(ctx.state.links, event),
  };

  router.post(PATH, async ctx => {
    const body = await objectBody(ctx, limits);
    await requireForSources(ctx, platform, "event:write", [body]);
    const created = await events.create(tenantOf(ctx), body);
    answerCreated(ctx, presentEvent(ctx.state.links, created), "event");
  });

  addDocumentRoutes(router, kind);
  addUpdateRoute(router, kind, events.update);
  addDeleteRoute(router, kind, events.delete);
  return router;
}
