/** `/service/lwm2m-agent/firmware`: the repository as a file. */

import type { FirmwareRepository } from "../firmware/repository.ts";
import { addFirmwareFile } from "../firmware/repository-csv.ts";
import { answerPlain, createRouter, may, type RestLimits, type RestRouter } from "./context.ts";
import { readUpload } from "./multipart.ts";

export interface FirmwareRouterParts {
  readonly firmware: { readonly repository: FirmwareRepository };
  readonly limits: RestLimits;
}

export function firmwareRouter({ firmware, limits }: FirmwareRouterParts): RestRouter {
  const router = createRouter();

  router.post("/service/lwm2m-agent/firmware/bulk", may("inventory:write"), async ctx => {
    const { tenant, userName } = ctx.state.user;
    const { bytes } = await readUpload(ctx.req, limits.maxUploadBytes);
    answerPlain(ctx, 200, await addFirmwareFile(firmware.repository, tenant, bytes, userName));
  });

  return router;
}
