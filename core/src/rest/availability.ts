/** `/inventory/managedObjects/{id}/availability` (platform API 5.5), of devices that the agent watches. */
import { MooringError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { formatTime } from "../platform/time.ts";
import { answerPlain, createRouter, type RestRouter, requireRoleOrOwner, tenantOf } from "./context.ts";
import type { AgentRouterParts } from "./device-registration.ts";

export interface AvailabilityRouterParts extends Pick<AgentRouterParts, "agent"> {
  readonly platform: Platform;
}

export function availabilityRouter({ agent, platform }: AvailabilityRouterParts): RestRouter {
  const router = createRouter();

  router.get("/inventory/managedObjects/:id/availability", async ctx => {
    const deviceId = ctx.params["id"]!;
    await requireRoleOrOwner(ctx, platform, "inventory:read", deviceId);
    const found = await agent.availability(tenantOf(ctx), deviceId);
    if (!found) throw new MooringError("NOT_FOUND", `the availability of ${deviceId} is not monitored`);
    const { endpoint, lastMessageMs, interval, dataStatus, connectionStatus } = found;
    answerPlain(ctx, 200, {
      deviceId,
      externalId: endpoint,
      ...(lastMessageMs !== undefined && { lastMessage: formatTime(lastMessageMs) }),
      interval,
      dataStatus,
      connectionStatus,
    });
  });

  return router;
}
