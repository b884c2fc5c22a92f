/** Devices: the ports of both servers, and the agent with the LwM2M and the bootstrap server behind them. */
import { type Agent, type AgentOptions, createAgent } from "./agent/agent.ts";
import type { Connection } from "./agent/device-accounts.ts";
import { createTroubleBook } from "./agent/explain/trouble-book.ts";
import { type CoapEndpoint, createCoapEndpoint, type EndpointParts } from "./coap/endpoint.ts";
import type { Config } from "./config/schema.ts";
import { FIRMWARE_PROTOCOLS } from "./firmware/downloads.ts";
import { createBootstrapServer } from "./lwm2m/bootstrap/bootstrap-server.ts";
import { CONTENT_FORMAT } from "./lwm2m/codecs/codec.ts";
import { createLwm2mServer, type Lwm2mServer, type Lwm2mServerOptions } from "./lwm2m/server/lwm2m-server.ts";
import { createModelViews } from "./lwm2m/server/model-views.ts";
import { createFlightRecorder, type FlightRecorder } from "./recording/flight-recorder.ts";
import type { Base, Surroundings } from "./server-base.ts";
import type { Decoding } from "./server-decoders.ts";
import type { Firmware } from "./server-firmware.ts";
import type { Extensions } from "./server-plugins.ts";
import { bindSockets, openPorts, type Ports, type SocketAddresses, type Sockets } from "./server-ports.ts";
import type { Way } from "./server-uplink.ts";
import type { Credentials, FailedHandshake } from "./transport/dtls/dtls.ts";
import { tapTransport } from "./transport/tapped-transport.ts";
import type { Transport } from "./transport/transport.ts";

const SAVE_SEEN_PERIOD_MS = 60_000;

/** Sockets of both servers, bound. */
export type Bound = Readonly<Record<Connection, Sockets>>;

/** Before devices are loaded: a port that is taken is said at once. @throws MooringError CONFIG_INVALID */
export async function bindAll({ config, log }: Surroundings, opened: AsyncDisposableStack): Promise<Bound> {
  const { coap, coaps, bootstrap } = config;
  const bind = (addresses: SocketAddresses): Promise<Sockets> => bindSockets(addresses, config, log, opened);
  return {
    server: await bind({ host: coap.host, port: coap.port, securedPort: coaps.port }),
    bootstrap: await bind({ host: bootstrap.host, port: bootstrap.coapPort, securedPort: bootstrap.coapsPort }),
  };
}

export interface DevicesOpening {
  readonly base: Base;
  readonly decoding: Pick<Decoding, "keysOf">;
  readonly extensions: Pick<Extensions, "actions">;
  readonly way: Pick<Way, "uplink" | "decodeQueue">;
  readonly bound: Bound;
  readonly firmware: Pick<Firmware, "downloads" | "files">;
}

export interface Devices {
  readonly agent: Agent;
  readonly recorder: FlightRecorder;
  readonly ports: Readonly<Record<Connection, Ports>>;
}

function agentOptions({ registration, operations, bootstrap, coap, bulk, connector }: Config): AgentOptions {
  const { executionTimeoutMs, failStarved, starvedAfterHours, starvedCheckMs, legacyBinary, queueSize } = operations;
  return {
    manageAvailability: registration.manageAvailability,
    lifetimeSeconds: bootstrap.lifetimeSeconds,
    maxPending: registration.maxPending,
    maxWaiting: queueSize,
    executionTimeoutMs,
    failStarved,
    starvedAfterHours,
    starvedCheckMs,
    binaryForm: legacyBinary ? "legacy" : "hex",
    maxFileBytes: coap.maxBodyBytes,
    maxBulkFiles: bulk.maxPending,
    connectorLockTimeoutMs: connector.lockTimeoutMs,
  };
}

function serverOptions({ registration, operations, admission }: Config, node: string): Lwm2mServerOptions {
  const { requestTimeoutMs, minRequestTimeoutMs, maxRequestTimeoutMs, supportDeprecatedContentFormat } = operations;
  return {
    node,
    gracePeriodMs: registration.gracePeriodSeconds * 1000,
    followAddress: registration.followAddress,
    saveSeenPeriodMs: SAVE_SEEN_PERIOD_MS,
    awakeTimeMs: registration.awakeTimeMs,
    maxJobsPerDevice: operations.queueSize,
    admission,
    requestTimeoutMs,
    minRequestTimeoutMs,
    maxRequestTimeoutMs,
    supportDeprecatedContentFormat,
  };
}

/** Devices are served when it resolves. */
export async function openDevices(opening: DevicesOpening, opened: AsyncDisposableStack): Promise<Devices> {
  const { base, decoding, extensions, way, bound, firmware } = opening;
  const { config, clock, random, log, node, store, box, tenants, tenantOptions, trusted, platform } = base;
  const { connectors, protocols } = base;
  const models = createModelViews(base.models);
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
    const port = await openPorts(
      { name, sockets, credentials, config, store, box, node, clock, random, log, onFailed },
      opened,
    );
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
    connectors,
    protocols,
    actions: extensions.actions,
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
    options: agentOptions(config),
    troubles,
    decoders: decoding.keysOf,
    decoderPause: way.decodeQueue.paused,
    models,
    tenants: tenants.list,
    async endSessions(connection, isEnded) {
      await ports[connection]?.secured.endSessions(isEnded);
    },
    async openServer(up, credentials) {
      const transport = tapTransport(await open("server", credentials), recorder.tap);
      const options = serverOptions(config, node);
      const openEndpoint = endpointOver(transport);
      const { files } = firmware;
      server = await createLwm2mServer({ store, clock, random, log, options, openEndpoint, models, up, files });
      return server;
    },
    bootstrap: {
      defaults: {
        lifetimeSeconds: config.bootstrap.lifetimeSeconds,
        contentFormat: CONTENT_FORMAT[config.bootstrap.contentFormat],
        coapPort: bound.bootstrap.plain.local.port,
        coapsPort: bound.bootstrap.secured.local.port,
        minRequestTimeoutMs: config.operations.minRequestTimeoutMs,
        maxRequestTimeoutMs: config.operations.maxRequestTimeoutMs,
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
