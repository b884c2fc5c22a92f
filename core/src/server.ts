/**
 * The one place that builds and wires the parts, the larger ones with `server-*.ts`: read it from top to bottom, in the order in
 * which things open. They close in the opposite order; a step that fails closes what was opened before it.
 */

import packageManifest from "../package.json" with { type: "json" };
import type { Agent } from "./agent/agent.ts";
import { createRecordings } from "./agent/recordings.ts";
import { createCampaigns } from "./campaigns/campaigns.ts";
import type { Effect } from "./contract/action.ts";
import { createRemapping } from "./remapping/remapping.ts";
import { createRestApp } from "./rest/app.ts";
import { ensureFirstTenant, openBase, type Surroundings } from "./server-base.ts";
import { type DecoderSources, openDecoding } from "./server-decoders.ts";
import { bindAll, openDevices } from "./server-devices.ts";
import { openFirmware } from "./server-firmware.ts";
import { collectMetrics } from "./server-metrics.ts";
import { openPlugins, type PluginSources } from "./server-plugins.ts";
import { openUplink } from "./server-uplink.ts";
import type { GeneratedLogin } from "./tenants/tenants.ts";
import type { Transport } from "./transport/transport.ts";

export interface HostParts extends Surroundings, PluginSources, DecoderSources {
  /** Told the login of an administrator without a given password, before it is stored: shown once, kept nowhere. */
  onGeneratedLogin(login: GeneratedLogin): void;
  /** Told what a device's message became, once it is stored. */
  onStored?(endpoint: string, effects: readonly Effect[]): void;
}

export interface Host extends AsyncDisposable {
  /** `http://127.0.0.1:8068`, `coap://0.0.0.0:5783`, `coaps://0.0.0.0:5784`, with the real ports. */
  readonly addresses: Readonly<
    Record<"http" | "coap" | "coaps" | "bootstrapCoap" | "bootstrapCoaps" | "firmwareHttp" | "firmwareHttps", string>
  >;
  readonly tenant: string;
  readonly admin: { readonly user: string };
  readonly agent: Agent;
}

const url = (scheme: string, address: string, port: number): string =>
  `${scheme}://${address.includes(":") ? `[${address}]` : address}:${port}`;

const addressOf = ({ scheme, local }: Transport): string => url(scheme, local.address, local.port);

const { version: VERSION } = packageManifest;

/**
 * Opens everything; devices and people are served when it resolves.
 * @throws MooringError CONFIG_INVALID for a port or store that cannot be used, STORE_FAILED
 */
export async function openHost(parts: HostParts): Promise<Host> {
  await using opened = new AsyncDisposableStack();
  const base = await openBase(parts, opened);
  const { config, clock, log, node, store, platform, connectors, protocols } = base;
  await ensureFirstTenant(base, parts.onGeneratedLogin);
  const decoding = await openDecoding(base, parts, id => way.decodeQueue.resume(id), opened);
  const extensions = await openPlugins(base, parts, decoding.keysOf, opened);
  const way = openUplink({ base, decoders: decoding, extensions, onStored: parts.onStored }, opened);
  const bound = await bindAll(base, opened);
  const { plain, secured } = bound.server;
  const coapPorts = { coap: plain.local.port, coaps: secured.local.port };
  const firmware = await openFirmware({ ...base, coapPorts }, opened);
  const devices = { base, decoding, extensions, way, bound, firmware };
  const { agent, recorder, ports } = await openDevices(devices, opened);
  agent.certificates.followFirmware(firmware.http.useCertificate);
  firmware.http.start(firmware.downloads);
  const recordings = createRecordings({
    recorder,
    application: `Mooring ${VERSION}`,
    maxMinutes: config.recording.maxMinutes,
    endpointOf: agent.endpointOf,
  });
  opened.use(platform.operations.onCreated((_tenant, operation) => recordings.created(operation)));
  opened.use(platform.inventory.onDeleted(async (_tenant, { id }) => recordings.forget(id)));
  const { repository } = firmware;
  const campaigns = opened.use(
    createCampaigns({ store, platform, repository, clock, log, node, alarmSource: connectors.ensure }),
  );
  await campaigns.recover();
  way.decodeQueue.start();
  await way.redecodes.start();
  const { retentionDays, devices: keepsValues, maxPlanMessages: maxMessages } = config.history;
  const remapping = createRemapping({
    store,
    clock,
    inventory: platform.inventory,
    protocols,
    mapping: way.mapping,
    endpointOf: agent.endpointOf,
    decodes: way.decodeQueue,
    superseder: way.superseder,
    retentionDays,
    keepsValues,
    maxMessages,
  });
  const rest = createRestApp({
    platform,
    tenants: base.tenants,
    tenantOptions: base.tenantOptions,
    trustedCertificates: base.trusted,
    version: VERSION,
    agent,
    settings: agent.settings,
    firmware,
    firmwareUpdates: agent.firmware,
    campaigns,
    decoders: decoding.services,
    redecodes: way.redecodes,
    deadLetters: way.deadLetters,
    recordings,
    pluginServices: extensions.pluginServices,
    remapping,
    log,
    clock,
    limits: config.http,
    publicAgentHealth: config.http.publicHealth,
    health: { store: store.health },
    healthDetails: () => ({
      plugins: Object.fromEntries(extensions.plugins.list().map(({ name, state }) => [name, state])),
    }),
    metrics: [() => collectMetrics({ store, ports, agent, ...decoding, ...extensions, ...way })],
  });
  const { address } = opened.use(await rest.listen({ host: config.http.host, port: config.http.port }));
  const owned = opened.move();
  return {
    addresses: {
      http: url("http", address.address, address.port),
      coap: addressOf(ports.server.plain),
      coaps: addressOf(ports.server.secured),
      bootstrapCoap: addressOf(ports.bootstrap.plain),
      bootstrapCoaps: addressOf(ports.bootstrap.secured),
      firmwareHttp: url("http", config.firmware.host, firmware.http.ports.http),
      firmwareHttps: url("https", config.firmware.host, firmware.http.ports.https),
    },
    tenant: config.tenant.id,
    admin: { user: config.admin.user },
    agent,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
