/** `/measurement/measurements` (platform API 8). */

import { invalid } from "../platform/body.ts";
import type { Measurement, MeasurementFilter } from "../platform/platform.ts";
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
import { isVendorType } from "./media-types.ts";
import { collectionBody, pageParameters } from "./paging.ts";
import { defined, flag, id, text, timeRange } from "./parameters.ts";
import { presentMeasurement } from "./present.ts";

const PATH = "/measurement/measurements";

function filterOf(ctx: RestContext): MeasurementFilter {
  return {
    ...timeRange(ctx.query),
    ...defined<MeasurementFilter>({
      sourceId: id(ctx.query, "source"),
      type: text(ctx.query, "type"),
      valueFragmentType: text(ctx.query, "valueFragmentType") ?? text(ctx.query, "fragmentType"),
      valueFragmentSeries: text(ctx.query, "valueFragmentSeries"),
      revert: flag(ctx.query, "revert"),
    }),
  };
}

function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid("measurements", "must be an array");
  return value;
}

export function measurementsRouter({ platform, limits }: RouterParts): RestRouter {
  const { measurements } = platform;
  const router = createRouter();

  router.post(PATH, async ctx => {
    const body = await objectBody(ctx, limits);
    const many = Array.isArray(body["measurements"]) || isVendorType(ctx.get("Content-Type"), "measurementCollection");
    const bodies = many ? asList(body["measurements"]) : [body];
    await requireForSources(ctx, platform, "measurement:write", bodies);
    const created = await measurements.create(tenantOf(ctx), bodies);
    const shown = created.map(each => presentMeasurement(ctx.state.links, each));
    if (many) answer(ctx, 201, { self: selfUrl(ctx), measurements: shown }, "measurementCollection");
    else answerCreated(ctx, shown[0]!, "measurement");
  });

  router.get(PATH, async ctx => {
    const filter = filterOf(ctx);
    await requireRoleOrOwner(ctx, platform, "measurement:read", filter.sourceId);
    const page = pageParameters(ctx.query);
    const found = await measurements.list(tenantOf(ctx), filter, page);
    const present = (each: Measurement) => presentMeasurement(ctx.state.links, each);
    answer(ctx, 200, collectionBody("measurements", selfUrl(ctx), page, found, present), "measurementCollection");
  });

  router.delete(PATH, may("measurement:write"), async ctx => {
    await measurements.deleteMatching(tenantOf(ctx), filterOf(ctx));
    answerNothing(ctx);
  });

  router.get(`${PATH}/:id`, async ctx => {
    const measurement = await measurements.get(tenantOf(ctx), ctx.params["id"]!);
    await requireRoleOrOwner(ctx, platform, "measurement:read", measurement.sourceId);
    answer(ctx, 200, presentMeasurement(ctx.state.links, measurement), "measurement");
  });

  router.delete(`${PATH}/:id`, may("measurement:write"), async ctx => {
    await measurements.delete(tenantOf(ctx), ctx.params["id"]!);
    answerNothing(ctx);
  });

  return router;
}
