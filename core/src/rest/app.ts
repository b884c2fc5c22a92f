/** The HTTP side of the host: routers joined behind one edge that answers errors, and one that knows who asks. */
import type { RequestListener } from "node:http";
import Koa, { type Middleware, type Next } from "koa";
import type { AgentServices } from "../agent/agent.ts";
import type { FirmwareServices } from "../agent/firmware/firmware-updates.ts";
import type { RecordingServices } from "../agent/recordings.ts";
import type { SettingsServices } from "../agent/settings.ts";
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Campaigns } from "../campaigns/campaigns.ts";
import type { DecoderServices } from "../decoding/catalog/decoder-services.ts";
import type { DeadLetters } from "../decoding/redecode/dead-letters.ts";
import type { Redecodes } from "../decoding/redecode/redecodes.ts";
import type { HttpListener } from "../http/listen.ts";
import type { Platform } from "../platform/platform.ts";
import type { Remapping } from "../remapping/remapping.ts";
import type { TenantOptions } from "../tenants/tenant-options.ts";
import type { Tenants } from "../tenants/tenants.ts";
import type { TrustedCertificates } from "../tenants/trusted-certificates.ts";
import { alarmsRouter } from "./alarms.ts";
import { answerErrors, unmatched } from "./answer-errors.ts";
import { applicationsRouter } from "./applications.ts";
import { authenticated } from "./authentication.ts";
import { availabilityRouter } from "./availability.ts";
import { binariesRouter } from "./binaries.ts";
import { campaignsRouter } from "./campaigns.ts";
import { childrenRouter } from "./children.ts";
import { createRouter, type RestContext, type RestLimits, type RestRouter } from "./context.ts";
import { decoderHistoryRouter } from "./decoder-history.ts";
import { decodersRouter } from "./decoders.ts";
import { deviceRegistrationRouter } from "./device-registration.ts";
import { deviceSettingsRouter } from "./device-settings.ts";
import { eventsRouter } from "./events.ts";
import { failuresRouter } from "./failures.ts";
import { type FirmwareRouterParts, firmwareRouter } from "./firmware.ts";
import { firmwareUpdatesRouter } from "./firmware-updates.ts";
import { type HealthChecks, type HealthDetails, healthRouter } from "./health.ts";
import { listenForRest } from "./http-server.ts";
import { identityRouter } from "./identity.ts";
import { createLinks, requestOrigin } from "./links.ts";
import { managedObjectsRouter } from "./managed-objects.ts";
import { mappingPlansRouter } from "./mapping-plans.ts";
import { measurementsRouter } from "./measurements.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { objectMappingsRouter } from "./object-mappings.ts";
import { operationsRouter } from "./operations.ts";
import { type PluginServices, pluginsRouter } from "./plugins.ts";
import { recordingsRouter } from "./recordings.ts";
import { registrationExamplesRouter, registrationFormRouter } from "./registration-form.ts";
import { registrationsRouter } from "./registrations.ts";
import { systemOptionsRouter } from "./system-options.ts";
import { loginOptionsRouter, tenantRouter } from "./tenant.ts";
import { tenantOptionsRouter } from "./tenant-options.ts";
import { trustedCertificatesRouter } from "./trusted-certificates.ts";

export interface RestAppParts {
  readonly platform: Platform;
  readonly tenants: Pick<Tenants, "authenticate" | "list">;
  readonly tenantOptions: TenantOptions;
  readonly trustedCertificates: TrustedCertificates;
  readonly agent: AgentServices;
  readonly settings: SettingsServices;
  readonly firmware: FirmwareRouterParts["firmware"];
  readonly firmwareUpdates: FirmwareServices;
  readonly campaigns: Campaigns;
  readonly decoders: DecoderServices;
  readonly redecodes: Redecodes;
  readonly deadLetters: DeadLetters;
  readonly recordings: RecordingServices;
  readonly pluginServices: PluginServices;
  readonly remapping: Remapping;
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: RestLimits;
  /** Whether `/service/lwm2m-agent/health` answers without a login, as `/health` does. */
  readonly publicAgentHealth: boolean;
  /** Of the host, for clients that ask. */
  readonly version: string;
  readonly health: HealthChecks;
  readonly healthDetails: HealthDetails;
  readonly metrics: readonly (() => Metrics)[];
}

export interface RestApp {
  /** For a server of one's own. */
  readonly callback: RequestListener;
  /** @throws MooringError CONFIG_INVALID when the port cannot be had */
  listen(options: { readonly host: string; readonly port: number }): Promise<HttpListener>;
}

/** Links are made from what the caller knows of this host. */
async function withLinks(ctx: RestContext, next: Next): Promise<void> {
  const { localPort } = ctx.req.socket;
  const encrypted = "encrypted" in ctx.req.socket;
  Object.assign(ctx.state, {
    links: createLinks(requestOrigin(ctx.headers, encrypted, `localhost:${localPort ?? 80}`)),
  });
  ctx.set("X-Content-Type-Options", "nosniff");
  ctx.set("Cache-Control", "no-store");
  await next();
}

/** No store keeps U+0000, so nothing that is named with it is there. */
async function withoutNul({ url }: RestContext, next: Next): Promise<void> {
  if (url.includes("%00")) {
    const rule = "must not hold %00";
    throw new MooringError("VALIDATION", `the URL ${rule}`, { field: "url", rule });
  }
  await next();
}

/** A client that can only GET and POST names the method it means (platform API 2.1). */
async function withMethodOverride(ctx: RestContext, next: Next): Promise<void> {
  const meant = ctx.get("X-HTTP-METHOD").toUpperCase();
  if (ctx.method === "POST" && (meant === "PUT" || meant === "DELETE")) ctx.method = meant;
  await next();
}

function joined(routers: readonly RestRouter[]): RestRouter {
  const root = createRouter();
  for (const router of routers) root.use(router.routes());
  return root;
}

function createKoa(parts: RestAppParts): Koa {
  const { tenants, log, clock, health, healthDetails, publicAgentHealth } = parts;
  const { middleware: measured, router: metrics } = createMetrics(clock, parts.metrics);
  const agentHealth = healthRouter(health, healthDetails, ["/service/lwm2m-agent/health"]);
  const open = joined([
    healthRouter(health, healthDetails, ["/health"]),
    ...(publicAgentHealth ? [agentHealth] : []),
    loginOptionsRouter(),
    failuresRouter(),
    registrationExamplesRouter(),
  ]);
  const closed = joined([
    tenantRouter(),
    applicationsRouter(),
    systemOptionsRouter(parts),
    tenantOptionsRouter(parts),
    trustedCertificatesRouter(parts),
    managedObjectsRouter(parts),
    availabilityRouter(parts),
    childrenRouter(parts),
    binariesRouter(parts),
    identityRouter(parts),
    measurementsRouter(parts),
    alarmsRouter(parts),
    eventsRouter(parts),
    operationsRouter(parts),
    registrationFormRouter(),
    deviceRegistrationRouter(parts),
    deviceSettingsRouter(parts),
    objectMappingsRouter(parts),
    mappingPlansRouter(parts),
    firmwareRouter(parts),
    campaignsRouter(parts),
    decodersRouter(parts),
    decoderHistoryRouter(parts),
    registrationsRouter(parts),
    recordingsRouter(parts),
    firmwareUpdatesRouter(parts),
    pluginsRouter(parts),
    ...(publicAgentHealth ? [] : [agentHealth]),
    metrics,
  ]);
  const koa = new Koa();
  const chain = [
    withLinks,
    measured,
    answerErrors(log),
    withoutNul,
    withMethodOverride,
    open.routes(),
    authenticated(tenants),
    closed.routes(),
    unmatched,
  ];
  for (const step of chain) koa.use(step as unknown as Middleware);
  // A client that went away in the middle of an answer; all else was answered before it came here.
  koa.on("error", (error: Error) => log.debug("rest.connectionFailed", { error: error.message }));
  return koa;
}

export function createRestApp(parts: RestAppParts): RestApp {
  const callback = createKoa(parts).callback();
  return { callback, listen: options => listenForRest(callback, parts.clock, options) };
}
