/** Settings of a device: `/service/lwm2m-agent/v1/device/{id}/configuration/...` and the older `/device/{id}` (agent specification 4.2). */
import { SETTINGS_SECTIONS, type SettingsServices } from "../agent/settings.ts";
import type { Platform } from "../platform/platform.ts";
import type { Permission } from "../tenants/roles.ts";
import {
  answerNothing,
  answerPlain,
  createRouter,
  jsonBody,
  may,
  type RestContext,
  type RestLimits,
  type RestRouter,
  requireRoleOrOwner,
  tenantOf,
} from "./context.ts";

const BASE = "/service/lwm2m-agent";
const CONFIGURATION = `${BASE}/v1/device/:deviceId/configuration`;
const SERVERS = `${CONFIGURATION}/servers`;
const FLAT = `${BASE}/device/:deviceId`;

export interface DeviceSettingsRouterParts {
  readonly settings: SettingsServices;
  readonly platform: Platform;
  readonly limits: RestLimits;
}

type Of = readonly [tenant: string, deviceId: string];
const deviceOf = (ctx: RestContext): Of => [tenantOf(ctx), ctx.params["deviceId"]!];

export function deviceSettingsRouter({ settings, platform, limits }: DeviceSettingsRouterParts): RestRouter {
  const router = createRouter();

  /** By role, or by owning the device. */
  const mayDevice = (permission: Permission) => async (ctx: RestContext, next: () => Promise<unknown>) => {
    await requireRoleOrOwner(ctx, platform, permission, ctx.params["deviceId"]!);
    await next();
  };
  const [mayRead, mayWrite] = [mayDevice("inventory:read"), mayDevice("inventory:write")];

  router.post(`${BASE}/v1/device/configuration/x509certificate/validate`, may("inventory:read"), async ctx => {
    answerPlain(ctx, 200, settings.validateCertificate(await jsonBody(ctx, limits)));
  });

  router.post(`${BASE}/v1/device/configuration/certificatePrivateKey/validate`, may("inventory:read"), async ctx => {
    answerPlain(ctx, 200, settings.validatePrivateKey(await jsonBody(ctx, limits)));
  });

  router.get(`${BASE}/v1/dictionary/server-certificates`, may("inventory:read"), ctx => {
    answerPlain(ctx, 200, settings.serverCertificateNames());
  });

  for (const section of SETTINGS_SECTIONS) {
    router.get(`${CONFIGURATION}/${section}`, mayRead, async ctx => {
      answerPlain(ctx, 200, await settings.read(...deviceOf(ctx), section));
    });

    router.put(`${CONFIGURATION}/${section}`, mayWrite, async ctx => {
      answerPlain(ctx, 200, await settings.write(...deviceOf(ctx), section, await jsonBody(ctx, limits)));
    });
  }

  router.get(SERVERS, mayRead, async ctx => {
    answerPlain(ctx, 200, await settings.servers(...deviceOf(ctx)));
  });

  router.post(SERVERS, mayWrite, async ctx => {
    const created = await settings.addServer(...deviceOf(ctx), await jsonBody(ctx, limits));
    ctx.set("Location", `${ctx.state.links.origin}${ctx.path}/${String(created["id"])}`);
    answerPlain(ctx, 201, created);
  });

  router.get(`${SERVERS}/:serverId`, mayRead, async ctx => {
    answerPlain(ctx, 200, await settings.server(...deviceOf(ctx), ctx.params["serverId"]!));
  });

  router.put(`${SERVERS}/:serverId`, mayWrite, async ctx => {
    const body = await jsonBody(ctx, limits);
    answerPlain(ctx, 200, await settings.changeServer(...deviceOf(ctx), ctx.params["serverId"]!, body));
  });

  router.delete(`${SERVERS}/:serverId`, mayWrite, async ctx => {
    await settings.removeServer(...deviceOf(ctx), ctx.params["serverId"]!);
    answerNothing(ctx);
  });

  router.get(FLAT, mayRead, async ctx => {
    answerPlain(ctx, 200, await settings.readFlat(...deviceOf(ctx)));
  });

  router.put(FLAT, mayWrite, async ctx => {
    answerPlain(ctx, 200, await settings.writeFlat(...deviceOf(ctx), await jsonBody(ctx, limits)));
  });

  return router;
}
