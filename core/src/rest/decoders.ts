/** `/service/lwm2m-agent/decoders`: decoders of the tenant, their versions, and which of them is in force. */
import { quantileMs } from "../base/durations.ts";
import type { DecoderServices, DecoderView, VersionView } from "../decoding/catalog/decoder-services.ts";
import type { RecordedRun } from "../decoding/catalog/shadow-report.ts";
import type { Activation, StageView } from "../decoding/catalog/staging.ts";
import { formatTime } from "../platform/time.ts";
import type { DecodeOutcome } from "../sandbox/decoder-runtime.ts";
import {
  answerNothing,
  answerPlain,
  createRouter,
  jsonBody,
  may,
  optionalBody,
  type RestContext,
  type RestLimits,
  type RestRouter,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { parseJson } from "./json-body.ts";
import { readUpload } from "./multipart.ts";
import { collectionBody, pageOf, pageParameters } from "./paging.ts";

/** Of all decoders. */
export const DECODERS = "/service/lwm2m-agent/decoders";

export interface DecodersRouterParts {
  readonly decoders: DecoderServices;
  readonly limits: RestLimits;
}

/** The decoder of the path, `:key`. */
export const keyIn = (ctx: RestContext): string => ctx.params["key"]!;

function presentDecoder(ctx: RestContext, { key, inForce, state }: DecoderView): Record<string, unknown> {
  const { name, publisher, version } = inForce?.manifest ?? {};
  return {
    key,
    self: `${ctx.state.links.origin}${DECODERS}/${key}`,
    name: name ?? key,
    ...(publisher !== undefined && { publisher }),
    ...(version !== undefined && { version, origin: inForce?.origin }),
    ...(state?.staged !== undefined && { staged: state.staged }),
  };
}

/** With what happened to it. A version that is null: what the tenant has without one of its own. */
const presentWhole = (ctx: RestContext, view: DecoderView): Record<string, unknown> => ({
  ...presentDecoder(ctx, view),
  ...(view.inForce && { manifest: view.inForce.manifest }),
  previous: view.state?.previous ?? [],
  history: (view.state?.history ?? []).map(({ atMs, ...entry }) => ({ ...entry, time: formatTime(atMs) })),
});

function presentVersion(ctx: RestContext, view: VersionView): Record<string, unknown> {
  const { manifest, isActive, isStaged, createdAtMs, ...rest } = view;
  const { key, version } = manifest;
  return {
    key,
    version,
    self: `${ctx.state.links.origin}${DECODERS}/${key}/versions/${version}`,
    status: isActive ? "active" : isStaged ? "staged" : "idle",
    ...rest,
    ...(createdAtMs !== undefined && { creationTime: formatTime(createdAtMs) }),
    manifest,
  };
}

function presentOutcome(outcome: DecodeOutcome): Record<string, unknown> {
  const console = outcome.console ?? [];
  if (outcome.ok) return { result: outcome.result, console, cpuMs: outcome.cpuMs };
  const { reason, message, cpuMs } = outcome;
  return { result: null, console, cpuMs: cpuMs ?? 0, error: { reason, message } };
}

function presentRun({ fromMs, toMs, after: _, ...run }: RecordedRun): Record<string, unknown> {
  return {
    ...run,
    ...(fromMs !== undefined && { dateFrom: formatTime(fromMs) }),
    ...(toMs !== undefined && { dateTo: formatTime(toMs) }),
  };
}

/** What has been compared, all together and by where it came from. */
function presentStage({ version, report, findings, objection }: StageView): Record<string, unknown> {
  const { againstVersion, sinceMs, live, recorded, samples = [], run } = report ?? {};
  return {
    version,
    ...(againstVersion !== undefined && { against: againstVersion }),
    ...(sinceMs !== undefined && { since: formatTime(sinceMs) }),
    counts: findings,
    mayActivate: objection === undefined,
    ...(objection !== undefined && { objection }),
    ...(live && { live, recorded }),
    ...(run && { run: presentRun(run) }),
    samples,
  };
}

/** `compared` is 0 for a version that was not staged: then nothing spoke against it, and nothing for it. */
const presentActivation = (ctx: RestContext, view: DecoderView, { previous, findings }: Activation) => ({
  ...presentWhole(ctx, view),
  previousVersion: previous,
  ...(findings && { counts: findings }),
});

export function decodersRouter({ decoders, limits }: DecodersRouterParts): RestRouter {
  const router = createRouter();

  router.get(DECODERS, may("decoder:read"), async ctx => {
    const page = pageParameters(ctx.query);
    const found = pageOf(decoders.list(tenantOf(ctx)), page);
    const items = found.items.map(view => presentDecoder(ctx, view));
    answerPlain(ctx, 200, collectionBody("decoders", selfUrl(ctx), page, { ...found, items }));
  });

  router.post(DECODERS, may("decoder:write"), async ctx => {
    const { bytes } = await readUpload(ctx.req, limits.maxUploadBytes);
    const { tenant, userName } = ctx.state.user;
    const shown = presentVersion(ctx, await decoders.upload(tenant, parseJson(bytes), userName));
    ctx.set("Location", String(shown["self"]));
    answerPlain(ctx, 201, shown);
  });

  router.get(`${DECODERS}/:key`, may("decoder:read"), async ctx => {
    answerPlain(ctx, 200, presentWhole(ctx, decoders.get(tenantOf(ctx), keyIn(ctx))));
  });

  router.delete(`${DECODERS}/:key`, may("decoder:write"), async ctx => {
    await decoders.remove(tenantOf(ctx), keyIn(ctx), ctx.state.user.userName);
    answerNothing(ctx);
  });

  router.get(`${DECODERS}/:key/versions`, may("decoder:read"), async ctx => {
    const page = pageParameters(ctx.query);
    const found = await decoders.versions(tenantOf(ctx), keyIn(ctx), page);
    const items = found.items.map(view => presentVersion(ctx, view));
    answerPlain(ctx, 200, collectionBody("versions", selfUrl(ctx), page, { ...found, items }));
  });

  router.get(`${DECODERS}/:key/versions/:version`, may("decoder:read"), async ctx => {
    const view = await decoders.version(tenantOf(ctx), keyIn(ctx), ctx.params["version"]!);
    answerPlain(ctx, 200, presentVersion(ctx, view));
  });

  router.delete(`${DECODERS}/:key/versions/:version`, may("decoder:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    await decoders.removeVersion(tenant, keyIn(ctx), ctx.params["version"]!, userName);
    answerNothing(ctx);
  });

  router.post(`${DECODERS}/:key/test`, may("decoder:write"), async ctx => {
    const { version, outcome } = await decoders.test(tenantOf(ctx), keyIn(ctx), await jsonBody(ctx, limits));
    answerPlain(ctx, 200, { version, ...presentOutcome(outcome) });
  });

  router.get(`${DECODERS}/:key/stage`, may("decoder:read"), async ctx => {
    answerPlain(ctx, 200, presentStage(await decoders.staged(tenantOf(ctx), keyIn(ctx))));
  });

  router.post(`${DECODERS}/:key/stage`, may("decoder:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    const staged = await decoders.stage(tenant, keyIn(ctx), await jsonBody(ctx, limits), userName);
    answerPlain(ctx, 200, presentStage(staged));
  });

  router.delete(`${DECODERS}/:key/stage`, may("decoder:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    await decoders.unstage(tenant, keyIn(ctx), userName);
    answerNothing(ctx);
  });

  router.post(`${DECODERS}/:key/activate`, may("decoder:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    const activation = await decoders.activate(tenant, keyIn(ctx), await optionalBody(ctx, limits), userName);
    answerPlain(ctx, 200, presentActivation(ctx, decoders.get(tenant, keyIn(ctx)), activation));
  });

  router.post(`${DECODERS}/:key/rollback`, may("decoder:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    const activation = await decoders.rollback(tenant, keyIn(ctx), userName);
    answerPlain(ctx, 200, presentActivation(ctx, decoders.get(tenant, keyIn(ctx)), activation));
  });

  router.post(`${DECODERS}/:key/release`, may("decoder:write"), async ctx => {
    await decoders.release(tenantOf(ctx), keyIn(ctx));
    answerNothing(ctx);
  });

  router.get(`${DECODERS}/:key/stats`, may("decoder:read"), async ctx => {
    const [tenant, key] = [tenantOf(ctx), keyIn(ctx)];
    const versions = decoders.stats(tenant, key).map(({ id: _, durations, ...each }) => {
      const [p50, p99] = [quantileMs(durations, 0.5), quantileMs(durations, 0.99)];
      return { ...each, ...(p50 !== undefined && { durationMs: { p50, p99 } }) };
    });
    const isStaged = decoders.get(tenant, key).state?.staged !== undefined;
    const { version, findings } = isStaged ? await decoders.staged(tenant, key) : {};
    answerPlain(ctx, 200, { versions, ...(version !== undefined && { shadow: { version, counts: findings } }) });
  });

  return router;
}
