/** `/service/lwm2m-agent/decoders/{key}/redecode` and `/dead-letters`: payloads that were kept, decoded again. */
import { toHex } from "../base/bytes.ts";
import type { DeadLetter, DeadLetters } from "../decoding/redecode/dead-letters.ts";
import type { RedecodeJob } from "../decoding/redecode/redecode-job.ts";
import type { Redecodes } from "../decoding/redecode/redecodes.ts";
import { formatTime } from "../platform/time.ts";
import {
  answerNothing,
  answerPlain,
  createRouter,
  may,
  optionalBody,
  type RestContext,
  type RestLimits,
  type RestRouter,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { DECODERS, keyIn } from "./decoders.ts";
import { collectionBody, pageParameters } from "./paging.ts";
import { defined, list, type Query, text, timeRange } from "./parameters.ts";
import type { Shown } from "./present.ts";

const PATH = `${DECODERS}/:key`;
const JOB = `${PATH}/redecode/:id`;

export interface DecoderHistoryRouterParts {
  readonly redecodes: Redecodes;
  readonly deadLetters: DeadLetters;
  readonly limits: RestLimits;
}

const idIn = (ctx: RestContext): string => ctx.params["id"]!;

function presentJob(ctx: RestContext, job: RedecodeJob): Shown {
  const { id, decoder, version, state, apply, owner, reason, endTimeMs, selection, progress } = job;
  const { statuses, fromMs, toMs, ...narrowing } = selection;
  const { after: _, ...told } = progress;
  return {
    id,
    self: `${ctx.state.links.origin}${DECODERS}/${decoder}/redecode/${id}`,
    decoder,
    version,
    state,
    apply,
    owner,
    creationTime: formatTime(job.creationTimeMs),
    ...(endTimeMs !== undefined && { endTime: formatTime(endTimeMs) }),
    ...(reason !== undefined && { reason }),
    status: statuses,
    ...(fromMs !== undefined && { dateFrom: formatTime(fromMs) }),
    ...(toMs !== undefined && { dateTo: formatTime(toMs) }),
    ...narrowing,
    ...told,
  };
}

const presentDeadLetter = (letter: DeadLetter): Record<string, unknown> => ({
  id: letter.id,
  deviceId: letter.deviceId,
  endpoint: letter.endpoint,
  path: letter.path,
  resourceType: letter.resourceType,
  time: formatTime(letter.receivedAtMs),
  value: toHex(letter.bytes),
  reason: letter.reason,
  message: letter.message,
  attempts: letter.attempts,
  ...(letter.decoderVersion !== undefined && { version: letter.decoderVersion }),
});

/** The same as a body says it. */
function deadLetterQuery(query: Query): Record<string, unknown> {
  const { fromMs, toMs } = timeRange(query);
  return defined<Record<string, unknown>>({
    dateFrom: fromMs === undefined ? undefined : formatTime(fromMs),
    dateTo: toMs === undefined ? undefined : formatTime(toMs),
    deviceId: text(query, "deviceId"),
    path: text(query, "path"),
    reason: text(query, "reason"),
    ids: list(query, "ids"),
  });
}

export function decoderHistoryRouter({ redecodes, deadLetters, limits }: DecoderHistoryRouterParts): RestRouter {
  const router = createRouter();
  const answerBegun = (ctx: RestContext, job: RedecodeJob): void => {
    const shown = presentJob(ctx, job);
    ctx.set("Location", shown.self);
    answerPlain(ctx, 201, shown);
  };

  router.post(`${PATH}/redecode`, may("decoder:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    answerBegun(ctx, await redecodes.create(tenant, keyIn(ctx), await optionalBody(ctx, limits), userName));
  });
  router.get(`${PATH}/redecode`, may("decoder:read"), async ctx => {
    const page = pageParameters(ctx.query);
    const found = await redecodes.list(tenantOf(ctx), keyIn(ctx), page);
    const items = found.items.map(job => presentJob(ctx, job));
    answerPlain(ctx, 200, collectionBody("jobs", selfUrl(ctx), page, { ...found, items }));
  });
  router.get(JOB, may("decoder:read"), async ctx => {
    answerPlain(ctx, 200, presentJob(ctx, await redecodes.get(tenantOf(ctx), keyIn(ctx), idIn(ctx))));
  });
  router.post(`${JOB}/apply`, may("decoder:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    answerBegun(ctx, await redecodes.applyAfter(tenant, keyIn(ctx), idIn(ctx), userName));
  });
  router.delete(JOB, may("decoder:write"), async ctx => {
    await redecodes.remove(tenantOf(ctx), keyIn(ctx), idIn(ctx));
    answerNothing(ctx);
  });

  router.get(`${PATH}/dead-letters`, may("decoder:read"), async ctx => {
    const page = pageParameters(ctx.query);
    const found = await deadLetters.list(tenantOf(ctx), keyIn(ctx), deadLetterQuery(ctx.query), page);
    const items = found.items.map(presentDeadLetter);
    answerPlain(ctx, 200, collectionBody("deadLetters", selfUrl(ctx), page, { ...found, items }));
  });
  router.post(`${PATH}/dead-letters/replay`, may("decoder:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    const replayed = await deadLetters.replay(tenant, keyIn(ctx), await optionalBody(ctx, limits), userName);
    if ("job" in replayed) answerBegun(ctx, replayed.job);
    else answerPlain(ctx, 200, replayed);
  });
  router.delete(`${PATH}/dead-letters`, may("decoder:write"), async ctx => {
    const asked = deadLetterQuery(ctx.query);
    answerPlain(ctx, 200, { dropped: await deadLetters.drop(tenantOf(ctx), keyIn(ctx), asked) });
  });
  return router;
}
