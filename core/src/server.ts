/**
 * The one place that builds and wires the parts: read it from top to bottom, in the order in which things open. Whoever opens
 * closes; a step that fails closes what was opened before it.
 */

import packageManifest from "../package.json" with { type: "json" };
import { type Agent, createAgent } from "./agent/agent.ts";
import { createConnectorDevices } from "./agent/connector-device.ts";
import type { Connection } from "./agent/device-accounts.ts";
import { createTroubleBook } from "./agent/explain/trouble-book.ts";
import { createRecordings } from "./agent/recordings.ts";
import type { Clock } from "./base/clock.ts";
import type { Log } from "./base/log.ts";
import type { Random } from "./base/random.ts";
import { createSecretBox, type SecretBox } from "./base/secret-box.ts";
import { createCampaigns } from "./campaigns/campaigns.ts";
import { type CoapEndpoint, createCoapEndpoint, type EndpointParts } from "./coap/endpoint.ts";
import { type Config, PLUGIN_GROUPS } from "./config/schema.ts";
import { loadSecretKey } from "./config/secret-key.ts";
import type { Effect } from "./contract/action.ts";
import { createBacklog } from "./decoding/backlog.ts";
import type { DecoderCatalog } from "./decoding/catalog/catalog.ts";
import type { DecoderServices } from "./decoding/catalog/decoder-services.ts";
import type { Shadow } from "./decoding/catalog/shadow.ts";
import { createDecodeQueue, type DecodeQueue } from "./decoding/decode-queue.ts";
import type { Bundle } from "./decoding/decoder-registry.ts";
import { createPauseAlarms } from "./decoding/pause-alarms.ts";
import { createRawRetention } from "./decoding/raw-retention.ts";
import type { RemoteRuntime } from "./decoding/remote/remote-runtime.ts";
import { createDeviceProtocols, type DeviceProtocols } from "./device-protocols/device-protocols.ts";
import { createInventoryRepository } from "./device-protocols/protocol-repository.ts";
import { FIRMWARE_PROTOCOLS } from "./firmware/downloads.ts";
import { createBootstrapServer } from "./lwm2m/bootstrap/bootstrap-server.ts";
import { CONTENT_FORMAT } from "./lwm2m/codecs/codec.ts";
import { createModelRegistry, type ModelRegistry } from "./lwm2m/model/model-registry.ts";
import { createLwm2mServer, type Lwm2mServer } from "./lwm2m/server/lwm2m-server.ts";
import { createModelViews } from "./lwm2m/server/model-views.ts";
import { type ActionRegistry, createActionRegistry } from "./mapping/action-registry.ts";
import { createEffectApplier } from "./mapping/apply-effects.ts";
import type { MapParts } from "./mapping/engine.ts";
import { createPublishers } from "./mapping/publishers.ts";
import { createSuperseder, type Superseder } from "./mapping/superseder.ts";
import { createUplink, type Uplink } from "./mapping/uplink.ts";
import { createValueRetention } from "./mapping/value-retention.ts";
import { createPlatform } from "./platform/create-platform.ts";
import type { Platform } from "./platform/platform.ts";
import type { FoundPlugin } from "./plugin-host/discover.ts";
import { createFigures, type Figures } from "./plugin-host/figures.ts";
import { createPluginHost, type Plugins } from "./plugin-host/host.ts";
import { createImporter } from "./plugin-host/import-plugin.ts";
import { createPages } from "./plugin-host/pages.ts";
import { createPluginAlarms } from "./plugin-host/plugin-alarms.ts";
import { createPluginStates } from "./plugin-host/plugin-states.ts";
import { createRoutes } from "./plugin-host/routes.ts";
import { createFlightRecorder, type FlightRecorder } from "./recording/flight-recorder.ts";
import { createRemapping } from "./remapping/remapping.ts";
import { createRestApp } from "./rest/app.ts";
import type { PluginServices } from "./rest/plugins.ts";
import type { DecoderRuntime } from "./sandbox/decoder-runtime.ts";
import { openDecoders, openRedecoding, openRuntimes, type Redecoding } from "./server-decoders.ts";
import { type Firmware, openFirmware } from "./server-firmware.ts";
import { collectMetrics, type MeasuredParts } from "./server-metrics.ts";
import { bindSockets, openPorts, type Ports, type SocketAddresses, type Sockets } from "./server-ports.ts";
import { RAW_PAYLOADS } from "./store/collections/decoding.ts";
import { VALUE_HISTORY } from "./store/collections/values.ts";
import { openStore } from "./store/open-store.ts";
import type { Store } from "./store/store.ts";
import { createTenantOptions, type TenantOptions } from "./tenants/tenant-options.ts";
import { createTenants, type GeneratedLogin, MANAGEMENT_TENANT, type Tenants } from "./tenants/tenants.ts";
import { createTrustedCertificates, type TrustedCertificates } from "./tenants/trusted-certificates.ts";
import type { Credentials, FailedHandshake } from "./transport/dtls/dtls.ts";
import { tapTransport } from "./transport/tapped-transport.ts";
import type { Transport } from "./transport/transport.ts";

export interface HostParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Finds what plugins there are, at the start and again when somebody asks. */
  findPlugins(): Promise<readonly FoundPlugin[]>;
  /** Told of the plugin host before any plugin's code runs. */
  onPlugins?(plugins: Plugins): void;
  /** Folders with a decoder each. */
  readonly decoderFolders: readonly string[];
  /** For those of them whose source imports something. */
  readonly bundleDecoder?: Bundle;
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

/** The only node there is: registrations and observations name it as their owner. */
const NODE = "local";
const SAVE_SEEN_PERIOD_MS = 60_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Store, platform, tenants, models and device protocols: what stands without any device. */
interface Base {
  readonly store: Store;
  readonly box: SecretBox;
  readonly tenants: Tenants;
  readonly tenantOptions: TenantOptions;
  readonly trusted: TrustedCertificates;
  readonly platform: Platform;
  readonly models: ModelRegistry;
  readonly protocols: DeviceProtocols;
}

async function openBase(parts: HostParts, opened: AsyncDisposableStack): Promise<Base> {
  const { config, clock, random, log } = parts;
  const store = opened.use(await openStore({ store: config.store.engine, dataDirectory: config.data.dir, clock }));
  const box = createSecretBox(loadSecretKey(config, { random, log }), random);
  const tenants = createTenants({ store, clock, random });
  const tenantOptions = createTenantOptions({ store, secrets: box });
  const trusted = createTrustedCertificates({ store, clock });
  const platform = createPlatform({
    store,
    clock,
    random,
    log,
    cachedObjects: config.store.cachedObjects,
    maxBinaryBytes: config.http.maxBinaryBytes,
    node: NODE,
  });
  await platform.binaries.recover();
  const models = createModelRegistry({ managementTenant: MANAGEMENT_TENANT });
  const repository = createInventoryRepository(platform.inventory, config.admin.user);
  const protocols = createDeviceProtocols({ repository, models, managementTenant: MANAGEMENT_TENANT, log });
  return { store, box, tenants, tenantOptions, trusted, platform, models, protocols };
}

/** The way up: values to effects to documents, and decoders beside it. */
interface Way extends Redecoding {
  readonly mapping: MapParts;
  readonly superseder: Superseder;
  readonly actions: ActionRegistry;
  readonly figures: Figures;
  readonly plugins: Plugins;
  readonly pluginServices: PluginServices;
  readonly uplink: Uplink;
  readonly runtime: DecoderRuntime;
  readonly remote: RemoteRuntime;
  readonly decoders: DecoderCatalog;
  readonly shadow: Shadow;
  readonly decoderServices: DecoderServices;
  readonly decodeQueue: DecodeQueue;
}

/** A group of the plugin's own name, where there is one, and above it what stands below `plugins.options`; unchecked. */
function pluginOptions(config: Config, plugin: string): unknown {
  const group = PLUGIN_GROUPS.find(name => name === plugin);
  const { options } = config.plugins;
  const own = Object.hasOwn(options, plugin) ? options[plugin] : undefined;
  if (!group) return own;
  return own === undefined || typeof own === "object" ? { ...config[group], ...own } : own;
}

async function openWay(
  parts: HostParts,
  { store, box, platform, protocols }: Base,
  opened: AsyncDisposableStack,
): Promise<Way> {
  const { config, clock, log } = parts;
  const onReleased = (id: string): void => decodeQueue.resume(id);
  const { runtime, remote } = await openRuntimes({ config, box, clock, log, onReleased }, opened);
  const { bundleDecoder: bundle, decoderFolders: folders } = parts;
  const shared = { store, platform, runtime, box, clock, log };
  const openingDecoders = { ...shared, remote, options: config.decoding, folders, ...(bundle && { bundle }) };
  const { catalog: decoders, shadow, services: decoderServices } = await openDecoders(openingDecoders, opened);
  const decoderKeys = (tenant: string) => decoders.list(tenant).map(({ manifest: { key } }) => key);
  const actions = createActionRegistry(decoderKeys);
  const publishers = createPublishers(log);
  const figures = createFigures();
  const [routes, pages] = [createRoutes(), createPages()];
  const alarmSource = createConnectorDevices(platform);
  const plugins = opened.use(
    createPluginHost({
      registry: actions,
      publishers,
      figures,
      routes,
      pages,
      clock,
      log,
      discover: parts.findPlugins,
      load: createImporter(parts.random),
      states: createPluginStates(store, clock),
      alarms: createPluginAlarms({ alarms: platform.alarms, clock, log, tenant: config.tenant.id, alarmSource }),
      optionsOf: plugin => pluginOptions(config, plugin),
    }),
  );
  parts.onPlugins?.(plugins);
  await plugins.start();
  const known = new Set(plugins.list().map(({ name }) => name));
  const unused = Object.keys(config.plugins.options).filter(name => !known.has(name));
  for (const plugin of unused) log.warn("plugin.optionsUnused", { plugin, reason: "there is no such plugin" });

  const applier = createEffectApplier({
    platform,
    nowMs: clock.now,
    decodes: {
      displayName: (tenant, key) => decodeQueue.displayName(tenant, key),
      enqueue: payloads => decodeQueue.enqueue(payloads),
      sweep: () => decodeQueue.sweep(),
    },
  });
  const superseder = createSuperseder({ store, platform, nowMs: clock.now });
  const mapping = {
    protocol: protocols.find,
    actions,
    conversion: { lenientOctal: config.deviceProtocols.lenientOctal },
  };
  const uplink = createUplink({
    platform,
    store,
    log,
    mapping,
    applier,
    superseder,
    publishers,
    ...(config.history.retentionDays > 0 && { keepsValues: config.history.devices }),
    ...(parts.onStored && { onStored: parts.onStored }),
  });
  const payloads = store.collection(RAW_PAYLOADS);
  const decodeQueue = opened.use(
    createDecodeQueue({
      directory: decoders,
      backlog: createBacklog(payloads),
      apply: uplink.applyDecoded,
      write: platform.write,
      findDevice: platform.inventory.findCached,
      onDecoded: shadow.observe,
      clock,
      log,
      limits: { maxQueued: config.decoding.maxQueued, sweepMs: config.decoding.sweepMs },
      onPause: createPauseAlarms({ alarms: platform.alarms, source: createConnectorDevices(platform), clock, log }),
      retries: { max: config.decoding.maxRetries, delayMs: config.decoding.retryDelayMinutes * MINUTE_MS },
    }),
  );
  const keepRawMs = config.decoding.rawRetentionDays * DAY_MS;
  opened.use(createRawRetention({ payloads, write: platform.write, clock, log, keepMs: keepRawMs })).start();
  const history = store.collection(VALUE_HISTORY);
  const keepMs = config.history.retentionDays * DAY_MS;
  opened.use(createValueRetention({ history, clock, log, keepMs })).start();
  decoders.onChanged(() => void decodeQueue.sweep());
  const redecoding = openRedecoding(
    { store, platform, decoders, superseder, decodeQueue, clock, log, node: NODE },
    opened,
  );
  const operators: readonly string[] = [config.tenant.id, MANAGEMENT_TENANT];
  const isOperator = (tenant: string): boolean => operators.includes(tenant);
  const pluginServices = { plugins, routes, pages, isOperator };
  const running = { uplink, runtime, remote, decoders, shadow, decoderServices, decodeQueue, ...redecoding };
  return { mapping, superseder, actions, figures, plugins, pluginServices, ...running };
}

/** Sockets of both servers, bound. */
interface Bound {
  readonly server: Sockets;
  readonly bootstrap: Sockets;
}

/** Before devices are loaded: a port that is taken is said at once. */
async function bindAll({ config, log }: HostParts, opened: AsyncDisposableStack): Promise<Bound> {
  const { coap, coaps, bootstrap } = config;
  const bind = (addresses: SocketAddresses): Promise<Sockets> => bindSockets(addresses, config, log, opened);
  return {
    server: await bind({ host: coap.host, port: coap.port, securedPort: coaps.port }),
    bootstrap: await bind({ host: bootstrap.host, port: bootstrap.coapPort, securedPort: bootstrap.coapsPort }),
  };
}

interface Devices {
  readonly agent: Agent;
  readonly recorder: FlightRecorder;
  readonly ports: Readonly<Record<Connection, Ports>>;
}

async function openDevices(
  parts: HostParts,
  base: Base,
  way: Way,
  bound: Bound,
  firmware: Firmware,
  opened: AsyncDisposableStack,
): Promise<Devices> {
  const { config, clock, random, log } = parts;
  const { store, box, tenants, tenantOptions, trusted, platform, models, protocols } = base;
  const { gracePeriodSeconds, followAddress, awakeTimeMs, manageAvailability, maxPending } = config.registration;
  const {
    queueSize,
    executionTimeoutMs,
    failStarved,
    starvedAfterHours,
    starvedCheckMs,
    legacyBinary,
    ...requestLimits
  } = config.operations;
  const { minRequestTimeoutMs, maxRequestTimeoutMs } = requestLimits;
  const modelViews = createModelViews(models);
  const ports: Partial<Record<Connection, Ports>> = {};
  const troubles = createTroubleBook(clock);
  const recorder = opened.use(
    createFlightRecorder({
      clock,
      limits: config.recording,
      endpointAt: peer => server?.registrations.byPeer(peer)?.endpoint,
    }),
  );
  let server: Lwm2mServer | undefined;

  async function open(name: Connection, credentials: Credentials): Promise<Transport> {
    const sockets = bound[name];
    const onFailed = (failure: FailedHandshake): void => troubles.handshake(name, failure);
    const opening = { name, sockets, credentials, config, store, box, node: NODE, clock, random, log, onFailed };
    const port = await openPorts(opening, opened);
    ports[name] = port;
    return port.transport;
  }

  const endpointOver =
    (transport: Transport) =>
    (upward: Pick<EndpointParts, "onRequest" | "onSuperseded" | "patient">): CoapEndpoint =>
      createCoapEndpoint({
        transport,
        clock,
        random,
        log,
        transmission: config.transmission,
        limits: config.coap,
        codec: config.coap.codec,
        ...upward,
      });

  const agent = await createAgent({
    store,
    platform,
    protocols,
    actions: way.actions,
    uplink: way.uplink,
    clock,
    random,
    log,
    box,
    tenantOptions,
    firstTenant: config.tenant.id,
    trusted,
    firmware: {
      downloads: firmware.downloads,
      offered: FIRMWARE_PROTOCOLS,
      blockSzx: Math.min(config.firmware.blockSzx, config.coap.blockSzx),
    },
    options: {
      manageAvailability,
      lifetimeSeconds: config.bootstrap.lifetimeSeconds,
      maxPending,
      maxWaiting: queueSize,
      executionTimeoutMs,
      failStarved,
      starvedAfterHours,
      starvedCheckMs,
      binaryForm: legacyBinary ? "legacy" : "hex",
      maxFileBytes: config.coap.maxBodyBytes,
      maxBulkFiles: config.bulk.maxPending,
      connectorLockTimeoutMs: config.connector.lockTimeoutMs,
    },
    troubles,
    decoders: tenant => way.decoders.list(tenant).map(({ manifest: { key } }) => key),
    decoderPause: way.decodeQueue.paused,
    models: modelViews,
    tenants: tenants.list,
    async endSessions(connection, isEnded) {
      await ports[connection]?.secured.endSessions(isEnded);
    },
    async openServer(up, credentials) {
      const transport = tapTransport(await open("server", credentials), recorder.tap);
      server = await createLwm2mServer({
        store,
        clock,
        random,
        log,
        options: {
          node: NODE,
          gracePeriodMs: gracePeriodSeconds * 1000,
          followAddress,
          saveSeenPeriodMs: SAVE_SEEN_PERIOD_MS,
          awakeTimeMs,
          maxJobsPerDevice: queueSize,
          admission: config.admission,
          ...requestLimits,
        },
        openEndpoint: endpointOver(transport),
        models: modelViews,
        up,
        files: firmware.files,
      });
      return server;
    },
    bootstrap: {
      defaults: {
        lifetimeSeconds: config.bootstrap.lifetimeSeconds,
        contentFormat: CONTENT_FORMAT[config.bootstrap.contentFormat],
        coapPort: bound.bootstrap.plain.local.port,
        coapsPort: bound.bootstrap.secured.local.port,
        minRequestTimeoutMs,
        maxRequestTimeoutMs,
      },
      async open(up, credentials) {
        const transport = await open("bootstrap", credentials);
        const { maxSessions, requestTimeoutMs } = config.bootstrap;
        const { bootstrapsPerSecond } = config.admission;
        const sessionRate = { perSecond: bootstrapsPerSecond, burst: bootstrapsPerSecond };
        const options = { maxSessions, requestTimeoutMs, sessionRate };
        return createBootstrapServer({ clock, log, options, openEndpoint: endpointOver(transport), up });
      },
    },
  });
  opened.use(agent);
  return { agent, recorder, ports: ports as Record<Connection, Ports> };
}

/**
 * Opens everything; devices and people are served when it resolves.
 * @throws MooringError CONFIG_INVALID for a port or store that cannot be used, STORE_FAILED
 */
export async function openHost(parts: HostParts): Promise<Host> {
  const { config, clock, random, log } = parts;
  await using opened = new AsyncDisposableStack();
  const base = await openBase(parts, opened);
  const { store, platform, protocols, tenants } = base;
  const { id: tenant } = config.tenant;
  const { user: adminUser, password: adminPassword } = config.admin;
  const { onGeneratedLogin: onGenerated } = parts;
  await tenants.ensureFirstTenant({
    tenant,
    adminUser,
    onGenerated,
    ...(adminPassword !== undefined && { adminPassword }),
  });
  if (config.deviceProtocols.setDefault) {
    await protocols.load(MANAGEMENT_TENANT);
    await protocols.installDefaults();
  }
  const way = await openWay(parts, base, opened);
  const bound = await bindAll(parts, opened);
  const { plain, secured } = bound.server;
  const coapPorts = { coap: plain.local.port, coaps: secured.local.port };
  const firmware = await openFirmware({ config, store, platform, clock, random, log, coapPorts }, opened);
  const { agent, recorder, ports } = await openDevices(parts, base, way, bound, firmware, opened);
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
  const campaigns = opened.use(
    createCampaigns({
      store,
      platform,
      repository: firmware.repository,
      clock,
      log,
      node: NODE,
      alarmSource: createConnectorDevices(platform).ensure,
    }),
  );
  await campaigns.recover();
  way.decodeQueue.start();
  await way.redecodes.start();
  const { retentionDays, devices: keepsValues, maxPlanMessages: maxMessages } = config.history;
  const remapping = createRemapping({
    ...{
      store,
      clock,
      inventory: platform.inventory,
      protocols,
      mapping: way.mapping,
      retentionDays,
      keepsValues,
      maxMessages,
    },
    endpointOf: agent.endpointOf,
    decodes: way.decodeQueue,
    superseder: way.superseder,
  });
  const measured: MeasuredParts = { store, ports, agent, ...way };
  const rest = createRestApp({
    platform,
    tenants,
    tenantOptions: base.tenantOptions,
    trustedCertificates: base.trusted,
    version: VERSION,
    agent,
    settings: agent.settings,
    firmware,
    firmwareUpdates: agent.firmware,
    campaigns,
    decoders: way.decoderServices,
    redecodes: way.redecodes,
    deadLetters: way.deadLetters,
    recordings,
    pluginServices: way.pluginServices,
    remapping,
    log,
    clock,
    limits: config.http,
    publicAgentHealth: config.http.publicHealth,
    health: { store: store.health },
    healthDetails: () => ({
      plugins: Object.fromEntries(way.plugins.list().map(({ name, state }) => [name, state])),
    }),
    metrics: [() => collectMetrics(measured)],
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
    tenant,
    admin: { user: adminUser },
    agent,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
