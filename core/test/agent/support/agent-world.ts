/** An agent with a real LwM2M server, platform and embedded store in memory; devices are scripted messages. */
import { assert } from "chai";
import { type Agent, type AgentOptions, createAgent } from "../../../src/agent/agent.ts";
import type { BootstrapDefaults } from "../../../src/agent/bootstrap-accounts.ts";
import { createConnectorDevices } from "../../../src/agent/connector-device.ts";
import type { Connection } from "../../../src/agent/device-accounts.ts";
import { createTroubleBook } from "../../../src/agent/explain/trouble-book.ts";
import { createManualClock, type ManualClock } from "../../../src/base/clock.ts";
import { isFailure, type MooringError } from "../../../src/base/errors.ts";
import { createRecordingLog } from "../../../src/base/log.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { createSecretBox, SECRET_KEY_BYTES } from "../../../src/base/secret-box.ts";
import { createDeviceProtocols, type DeviceProtocols } from "../../../src/device-protocols/device-protocols.ts";
import { createInventoryRepository } from "../../../src/device-protocols/protocol-repository.ts";
import {
  createFirmwareDownloads,
  FIRMWARE_PROTOCOLS,
  type FirmwareDownloads,
  type FirmwareProtocol,
} from "../../../src/firmware/downloads.ts";
import { createBootstrapServer } from "../../../src/lwm2m/bootstrap/bootstrap-server.ts";
import { createModelRegistry } from "../../../src/lwm2m/model/model-registry.ts";
import { createLwm2mServer, type Lwm2mServerOptions } from "../../../src/lwm2m/server/lwm2m-server.ts";
import { createModelViews } from "../../../src/lwm2m/server/model-views.ts";
import type { ValueBatch } from "../../../src/lwm2m/server/value-batch.ts";
import { createDeviceLine, type DeviceLine } from "../../../src/mapping/device-line.ts";
import { createPlatform } from "../../../src/platform/create-platform.ts";
import type { ManagedObject, Operation, Platform, PlatformEvent } from "../../../src/platform/platform.ts";
import { COLLECTIONS } from "../../../src/store/collections/collections.ts";
import { openSqlite } from "../../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../../src/store/store.ts";
import { createTenantOptions } from "../../../src/tenants/tenant-options.ts";
import { createTrustedCertificates } from "../../../src/tenants/trusted-certificates.ts";
import { createMemoryNetwork } from "../../../src/transport/memory/memory-transport.ts";
import type { PeerIdentity } from "../../../src/transport/transport.ts";
import { completed, endpointOver, OPTIONS, TEMPERATURE } from "../../lwm2m/support/lwm2m-world.ts";
import {
  createScriptedDevice,
  type DeviceOptions,
  HOST_ADDRESS,
  HOST_PORT,
  type ScriptedDevice,
  settle,
} from "../../lwm2m/support/scripted-device.ts";

/** Of a fixed key, so that a test can look for what was sealed. */
export const TEST_BOX = createSecretBox(new Uint8Array(SECRET_KEY_BYTES).fill(7), createSeededRandom(3));

export const TENANT = "t1";
export const USER = "admin";
/** Of the bootstrap server, at the host's address. */
export const BOOTSTRAP_PORT = 5683;

const AGENT_OPTIONS: AgentOptions = {
  manageAvailability: true,
  lifetimeSeconds: 432_000,
  maxPending: 50,
  maxWaiting: 1000,
  failStarved: true,
  starvedAfterHours: 48,
  starvedCheckMs: 86_400_000,
  binaryForm: "hex",
  maxFileBytes: 2 ** 20,
  executionTimeoutMs: 600_000,
  maxBulkFiles: 20,
  connectorLockTimeoutMs: 900_000,
};

const BOOTSTRAP_DEFAULTS: BootstrapDefaults = {
  lifetimeSeconds: 432_000,
  contentFormat: 11542,
  coapPort: BOOTSTRAP_PORT,
  coapsPort: 5684,
  minRequestTimeoutMs: 10_000,
  maxRequestTimeoutMs: 600_000,
};

export interface AgentWorld extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly platform: Platform;
  readonly protocols: DeviceProtocols;
  readonly downloads: FirmwareDownloads;
  readonly agent: Agent;
  readonly log: ReturnType<typeof createRecordingLog>;
  readonly batches: ValueBatch[];
  /** In which what devices say is stored. */
  readonly line: DeviceLine;
  /** Thrown by the next values that go up. */
  refuseValues: Error | undefined;
  /** The next values that go up take until it has resolved. */
  slowValues: Promise<void> | undefined;
  /** Secure sessions there are; those that the agent ends go. */
  sessions: readonly { readonly connection: Connection; readonly identity: PeerIdentity }[];
  device(port: number, options?: DeviceOptions): ScriptedDevice;
  /** Registers the device with the host, as an operator does. */
  make(endpoint: string, body?: Readonly<Record<string, unknown>>): Promise<ManagedObject>;
  command(deviceId: string, text: string): Promise<Operation>;
  operation(id: string): Promise<Operation>;
  events(deviceId: string): Promise<readonly PlatformEvent[]>;
  /** Awaits while time stands still, or moves in steps. */
  wait<T>(promise: Promise<T>, stepMs?: number): Promise<T>;
  /** Awaits that it is refused. */
  failure(promise: Promise<unknown>): Promise<MooringError>;
  settle(): Promise<void>;
  /** `crash` leaves everything as it stands in the store, as `kill -9` does. */
  restart(how?: "stop" | "crash"): Promise<void>;
}

export interface WorldOptions {
  /** By what devices fetch firmware; default: all. */
  readonly offered?: readonly FirmwareProtocol[];
  readonly server?: Partial<Lwm2mServerOptions>;
  readonly agent?: Partial<AgentOptions>;
}

/** The store as one life of the host sees it: once that is over, nothing of it is written or answered any more. */
function storeOfOneLife(store: Store): { readonly store: Store; end(): void } {
  let alive = true;
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const member = Reflect.get(object, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (!alive) return new Promise(() => {});
          const result = member.apply(object, args);
          return name === "collection" ? guard(result) : result;
        };
      },
    });
  return {
    store: guard(store),
    end() {
      alive = false;
    },
  };
}

export async function createAgentWorld(options: WorldOptions = {}): Promise<AgentWorld> {
  const clock = createManualClock();
  const random = createSeededRandom(11);
  const log = createRecordingLog();
  const real = await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" });
  let life = storeOfOneLife(real);
  const network = createMemoryNetwork({ clock, random });
  const batches: ValueBatch[] = [];
  const line = createDeviceLine();
  let closeTransport: () => Promise<void> = async () => {};

  interface Life {
    readonly agent: Agent;
    readonly platform: Platform;
    readonly protocols: DeviceProtocols;
    readonly downloads: FirmwareDownloads;
  }

  async function start(): Promise<Life> {
    life = storeOfOneLife(real);
    const { store } = life;
    const platform = createPlatform({ store, clock, random, log });
    const models = createModelRegistry({ managementTenant: "management" });
    models.put("management", [TEMPERATURE]);
    const repository = createInventoryRepository(platform.inventory, USER);
    const protocols = createDeviceProtocols({ repository, models, managementTenant: "management", log });
    const views = createModelViews(models);
    const downloads = createFirmwareDownloads({
      store,
      platform,
      clock,
      random,
      log,
      address: "fw.example.com",
      ports: { coap: 5783, coaps: 5784, http: 8773, https: 8774 },
    });
    const transport = network.open(HOST_ADDRESS, HOST_PORT);
    closeTransport = async () => void (await transport[Symbol.asyncDispose]());
    const agent = await createAgent({
      store,
      platform,
      connectors: createConnectorDevices(platform),
      protocols,
      actions: { list: () => [{ name: "device", args: ["updateManufacturer"] }] },
      uplink: {
        async values(batch) {
          const refusal = world.refuseValues;
          world.refuseValues = undefined;
          if (refusal) throw refusal;
          const slow = world.slowValues;
          world.slowValues = undefined;
          await slow;
          batches.push(batch);
        },
        inTurn: line.run,
        forget: () => {},
      },
      clock,
      random,
      log,
      box: TEST_BOX,
      tenantOptions: createTenantOptions({ store, secrets: TEST_BOX }),
      trusted: createTrustedCertificates({ store, clock }),
      firstTenant: TENANT,
      options: { ...AGENT_OPTIONS, ...options.agent },
      async endSessions(connection, isEnded) {
        const ended = world.sessions.filter(each => each.connection === connection && isEnded(each.identity));
        world.sessions = world.sessions.filter(each => !ended.includes(each));
      },
      firmware: { downloads, offered: options.offered ?? FIRMWARE_PROTOCOLS, blockSzx: 5 },
      troubles: createTroubleBook(clock),
      decoders: () => [],
      decoderPause: () => undefined,
      models: views,
      tenants: async () => [TENANT, "t2"],
      bootstrap: {
        defaults: BOOTSTRAP_DEFAULTS,
        async open(up) {
          const bootstrapTransport = network.open(HOST_ADDRESS, BOOTSTRAP_PORT);
          const closeServer = closeTransport;
          closeTransport = async () => {
            await closeServer();
            await bootstrapTransport[Symbol.asyncDispose]();
          };
          return createBootstrapServer({
            clock,
            log,
            options: { maxSessions: 1000, sessionRate: { perSecond: 500, burst: 500 }, requestTimeoutMs: 93_000 },
            openEndpoint: endpointOver({ transport: bootstrapTransport, clock, random, log }),
            up,
          });
        },
      },
      openServer: up =>
        createLwm2mServer({
          store,
          clock,
          random,
          log,
          options: { ...OPTIONS, ...options.server },
          models: views,
          up,
          openEndpoint: endpointOver({ transport, clock, random, log }),
        }),
    });
    return { agent, platform, protocols, downloads };
  }

  const world = {
    clock,
    store: real,
    log,
    batches,
    line,
    refuseValues: undefined,
    slowValues: undefined,
    sessions: [],
    device: (port: number, deviceOptions?: DeviceOptions) =>
      createScriptedDevice({ network, clock }, port, deviceOptions),
    make: (endpoint: string, body: Readonly<Record<string, unknown>> = {}) =>
      world.wait(
        world.agent.registerDevice(
          TENANT,
          { endpointId: endpoint, serverSecurity: { securityMode: "NO_SEC" }, ...body },
          USER,
        ),
      ),
    command: (deviceId: string, text: string) =>
      world.wait(world.platform.operations.create(TENANT, { deviceId, c8y_Command: { text } })),
    operation: (id: string) => world.wait(world.platform.operations.get(TENANT, id)),
    async events(deviceId: string) {
      const page = { currentPage: 1, pageSize: 100, withTotal: false };
      return (await world.wait(world.platform.events.list(TENANT, { sourceId: deviceId, revert: true }, page))).items;
    },
    wait: <T>(promise: Promise<T>, stepMs = 0) => completed(clock, promise, stepMs),
    async failure(promise: Promise<unknown>) {
      try {
        await world.wait(promise);
      } catch (error) {
        assert(isFailure(error), String(error));
        return error;
      }
      return assert.fail("nothing was refused");
    },
    settle: () => settle(clock, 30),
    async restart(how: "stop" | "crash" = "stop") {
      const old = world.agent;
      // A dead host sends nothing more and hears nothing more.
      await closeTransport();
      if (how === "crash") life.end();
      else await completed(clock, (async () => old[Symbol.asyncDispose]())());
      Object.assign(world, await start());
    },
    async [Symbol.asyncDispose]() {
      await completed(clock, (async () => world.agent[Symbol.asyncDispose]())(), 10);
      await closeTransport();
      await real[Symbol.asyncDispose]();
    },
  } as unknown as { -readonly [K in keyof AgentWorld]: AgentWorld[K] };
  Object.assign(world, await start());
  return world;
}
