/** Firmware updates: `/service/lwm2m-agent/shell/{tenant}/{device}/cancelFirmwareUpdate` (agent specification 14.5), and where they are, which is ours. */
import type { FirmwareServices } from "../agent/firmware/firmware-updates.ts";
import { MooringError } from "../base/errors.ts";
import { answerPlain, createRouter, may, type RestRouter, tenantOf } from "./context.ts";

const AGENT = "/service/lwm2m-agent";

export interface FirmwareUpdatesRouterParts {
  readonly firmwareUpdates: FirmwareServices;
}

export function firmwareUpdatesRouter({ firmwareUpdates: firmware }: FirmwareUpdatesRouterParts): RestRouter {
  const router = createRouter();

  router.put(`${AGENT}/shell/:tenantId/:deviceId/cancelFirmwareUpdate`, may("operation:write"), async ctx => {
    const { tenantId, deviceId } = ctx.params as { readonly tenantId: string; readonly deviceId: string };
    const operationId = tenantId === tenantOf(ctx) ? await firmware.cancelFirmware(tenantId, deviceId) : undefined;
    if (operationId === undefined) {
      throw new MooringError("NOT_FOUND", `no firmware update of device ${deviceId} runs`, { tenantId, deviceId });
    }
    answerPlain(ctx, 200, { operationId });
  });

  router.get(`${AGENT}/firmware/:deviceId`, may("operation:read"), async ctx => {
    answerPlain(ctx, 200, await firmware.firmwareUpdates(tenantOf(ctx), ctx.params["deviceId"]!));
  });

  return router;
}
