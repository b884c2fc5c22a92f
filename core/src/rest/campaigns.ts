/** `/service/lwm2m-agent/campaigns`: firmware for many devices, in waves. */
import { sizeOf, type WaveTally } from "../campaigns/campaign-machine.ts";
import type { Campaigns, CampaignView } from "../campaigns/campaigns.ts";
import { formatTime } from "../platform/time.ts";
import {
  answerPlain,
  createRouter,
  jsonBody,
  may,
  type RestContext,
  type RestLimits,
  type RestRouter,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { collectionBody, pageParameters } from "./paging.ts";
import { words } from "./parameters.ts";
import type { Shown } from "./present.ts";

const PATH = "/service/lwm2m-agent/campaigns";
const DEVICE_STATES = ["WAITING", "SENDING", "SENT", "RETRYING", "SUCCESSFUL", "FAILED"] as const;

export interface CampaignsRouterParts {
  readonly campaigns: Campaigns;
  readonly limits: RestLimits;
}

const counts = (tally: WaveTally) => ({
  devices: sizeOf(tally),
  waiting: tally.waiting,
  running: tally.open,
  successful: tally.successful,
  failed: tally.failed,
});

const sum = (tallies: readonly WaveTally[]): WaveTally =>
  tallies.reduce((all, { waiting, open, successful, failed }) => ({
    waiting: all.waiting + waiting,
    open: all.open + open,
    successful: all.successful + successful,
    failed: all.failed + failed,
  }));

function present(ctx: RestContext, campaign: CampaignView): Shown {
  const { id, name, owner, firmware, progress, limits, retries, retryDelayMinutes, retryOn, tallies } = campaign;
  const { state, wave, reason } = progress;
  return {
    id,
    self: `${ctx.state.links.origin}${PATH}/${id}`,
    name,
    state,
    ...(reason !== undefined && { reason }),
    owner,
    creationTime: formatTime(campaign.creationTimeMs),
    firmware,
    maxFailurePercent: limits.maxFailurePercent,
    gate: { minSuccessPercent: limits.minSuccessPercent, minutes: limits.minMinutes },
    retries,
    retryDelayMinutes,
    retryOn,
    wave: wave + 1,
    waves: tallies.map((tally, at) => {
      const started = campaign.startedMs[at];
      return { number: at + 1, ...counts(tally), ...(started !== undefined && { startTime: formatTime(started) }) };
    }),
    progress: counts(sum(tallies)),
  };
}

export function campaignsRouter({ campaigns, limits }: CampaignsRouterParts): RestRouter {
  const router = createRouter();

  router.post(PATH, may("campaign:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    const shown = present(ctx, await campaigns.create(tenant, await jsonBody(ctx, limits), userName));
    ctx.set("Location", shown.self);
    answerPlain(ctx, 201, shown);
  });

  router.get(PATH, may("campaign:read"), async ctx => {
    const page = pageParameters(ctx.query);
    const found = await campaigns.list(tenantOf(ctx), page);
    const items = found.items.map(campaign => present(ctx, campaign));
    answerPlain(ctx, 200, collectionBody("campaigns", selfUrl(ctx), page, { ...found, items }));
  });

  router.get(`${PATH}/:id`, may("campaign:read"), async ctx => {
    answerPlain(ctx, 200, present(ctx, await campaigns.get(tenantOf(ctx), ctx.params["id"]!)));
  });

  router.put(`${PATH}/:id`, may("campaign:write"), async ctx => {
    const body = await jsonBody(ctx, limits);
    answerPlain(ctx, 200, present(ctx, await campaigns.change(tenantOf(ctx), ctx.params["id"]!, body)));
  });

  router.get(`${PATH}/:id/devices`, may("campaign:read"), async ctx => {
    const page = pageParameters(ctx.query);
    const state = words(ctx.query, "state", DEVICE_STATES)?.[0];
    const found = await campaigns.devices(tenantOf(ctx), ctx.params["id"]!, state, page);
    const items = found.items.map(({ device, wave, state: of, operation, attempts, reason, dueAt }) => ({
      deviceId: device,
      wave: wave + 1,
      state: of,
      attempts,
      ...(operation !== undefined && { operationId: operation }),
      ...(reason !== undefined && { reason }),
      ...(of === "RETRYING" && dueAt !== undefined && { nextAttempt: formatTime(dueAt) }),
    }));
    answerPlain(ctx, 200, collectionBody("devices", selfUrl(ctx), page, { ...found, items }));
  });

  return router;
}
