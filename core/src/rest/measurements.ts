/** `/measurement/measurements` (platform API 8). */
import { invalid } from "../platform/body.ts";
import type { Measurement, MeasurementFilter } from "../platform/platform.ts";
import {
  answer,
  answerCreated,
  createRouter,
  objectBody,
  type RestContext,
  type RestRouter,
  type RouterParts,
  requireForSources,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { addDeleteRoute, addDocumentRoutes, type DocumentKind } from "./document-routes.ts";
import { isVendorType } from "./media-types.ts";
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
  const kind: DocumentKind<Measurement, MeasurementFilter> = {
    platform,
    limits,
    name: "measurement",
    path: PATH,
    documents: measurements,
    filterOf,
    askedFor: filter => filter.sourceId,
    belongsTo: measurement => measurement.sourceId,
    present: (ctx, measurement) => presentMeasurement(ctx.state.links, measurement),
  };

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

  addDocumentRoutes(router, kind);
  addDeleteRoute(router, kind, measurements.delete);
  return router;
}
