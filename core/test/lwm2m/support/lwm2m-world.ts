/** A LwM2M server on a memory network and a real embedded store in memory, with everything that it sends up written down. */
import { assert } from "chai";
import { createManualClock, type ManualClock } from "../../../src/base/clock.ts";
import { isFailure, type MooringError } from "../../../src/base/errors.ts";
import { createRecordingLog } from "../../../src/base/log.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import {
  type CoapEndpoint,
  createCoapEndpoint,
  type EndpointLimits,
  type EndpointParts,
} from "../../../src/coap/endpoint.ts";
import { DEFAULT_TRANSMISSION } from "../../../src/coap/transmission.ts";
import { createModelRegistry } from "../../../src/lwm2m/model/model-registry.ts";
import type { ObjectModel, ResourceModel } from "../../../src/lwm2m/model/object-model.ts";
import type { DeviceRequests } from "../../../src/lwm2m/operations/requests.ts";
import type { AdmittedDevice, DeviceSettings } from "../../../src/lwm2m/registration/device-settings.ts";
import type { Registration } from "../../../src/lwm2m/registration/registration.ts";
import {
  createLwm2mServer,
  type DeviceTrouble,
  type Lwm2mServer,
  type Lwm2mServerOptions,
  type Lwm2mServerParts,
  type Lwm2mUp,
} from "../../../src/lwm2m/server/lwm2m-server.ts";
import { createModelViews } from "../../../src/lwm2m/server/model-views.ts";
import type { TrafficEntry } from "../../../src/lwm2m/server/traffic.ts";
import type { ValueBatch } from "../../../src/lwm2m/server/value-batch.ts";
import { COLLECTIONS } from "../../../src/store/collections/collections.ts";
import { openSqlite } from "../../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../../src/store/store.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../../src/transport/memory/memory-transport.ts";
import type { Transport } from "../../../src/transport/transport.ts";
import {
  createScriptedDevice,
  type DeviceOptions,
  HOST_ADDRESS,
  HOST_PORT,
  type ScriptedDevice,
} from "./scripted-device.ts";

export const OPTIONS: Lwm2mServerOptions = {
  node: "n1",
  gracePeriodMs: 0,
  followAddress: "same-ip",
  saveSeenPeriodMs: 60_000,
  awakeTimeMs: 0,
  requestTimeoutMs: 180_000,
  minRequestTimeoutMs: 1_000,
  maxRequestTimeoutMs: 600_000,
  maxJobsPerDevice: 1000,
  supportDeprecatedContentFormat: true,
  admission: { registersPerSecond: 2000, registersPerSecondPerTenant: 2000, registersPerSecondPerAddress: 500 },
};

export interface Lwm2mWorld extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly network: MemoryNetwork;
  readonly store: Store;
  /** The server that runs now. */
  readonly server: Lwm2mServer;
  readonly log: ReturnType<typeof createRecordingLog>;
  /** `registered dev`, `updated dev links`, `deregistered dev expired`, in order. */
  readonly life: string[];
  readonly batches: ValueBatch[];
  readonly traffic: TrafficEntry[];
  readonly troubles: DeviceTrouble[];
  /** Devices that are admitted; others get 4.03. Any is, while this is undefined. */
  known: ReadonlyMap<string, AdmittedDevice> | undefined;
  settings: DeviceSettings;
  /** Rejects the next values that go up. */
  refuseValues: MooringError | undefined;
  /** The next values that go up take until it has resolved. */
  slowValues: Promise<void> | undefined;
  onRegistered: ((registration: Registration) => void) | undefined;
  device(port: number, options?: DeviceOptions): ScriptedDevice;
  /** Ends the server and starts another one on the same store; what it is given in place of the store may fail. */
  restart(): Promise<void>;
}

const floatResource = (id: number, name: string): ResourceModel => ({
  id,
  name,
  description: "",
  operations: "R",
  dataType: "FLOAT",
  units: "",
  multiple: false,
  mandatory: false,
  rangeEnumeration: "",
});

/** As much of the IPSO temperature object as the tests read. */
export const TEMPERATURE: ObjectModel = {
  id: 3303,
  name: "Temperature",
  description: "",
  version: "1.0",
  multiple: true,
  mandatory: false,
  urn: "urn:oma:lwm2m:ext:3303",
  resources: { "5601": floatResource(5601, "Min Measured Value"), "5700": floatResource(5700, "Sensor Value") },
};

const LIMITS: EndpointLimits = {
  maxBodyBytes: 1024 * 1024,
  maxTransfersPerPeer: 4,
  maxTransfers: 100,
  maxTransferBytes: 4 * 1024 * 1024,
  maxPeers: 10_000,
  maxRequestsInFlight: 1000,
  blockSzx: 6,
};

/** What a LwM2M server opens its endpoint with: usual times and limits. */
export const endpointOver =
  (parts: Pick<EndpointParts, "transport" | "clock" | "random" | "log">) =>
  (upward: Pick<EndpointParts, "onRequest" | "onSuperseded" | "patient">): CoapEndpoint =>
    createCoapEndpoint({ ...parts, transmission: DEFAULT_TRANSMISSION, limits: LIMITS, ...upward });

export interface WorldOptions extends Partial<Lwm2mServerOptions> {
  /** Stands before the real store. */
  readonly wrapStore?: (store: Store) => Store;
  readonly wrapTransport?: (transport: Transport) => Transport;
  readonly files?: NonNullable<Lwm2mServerParts["files"]>;
}

export async function createLwm2mWorld({
  wrapStore,
  wrapTransport,
  files,
  ...options
}: WorldOptions = {}): Promise<Lwm2mWorld> {
  const clock = createManualClock();
  const random = createSeededRandom(7);
  const network = createMemoryNetwork({ clock, random });
  const log = createRecordingLog();
  const real = await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" });
  const store = wrapStore?.(real) ?? real;
  const life: string[] = [];
  const batches: ValueBatch[] = [];
  const traffic: TrafficEntry[] = [];
  const troubles: DeviceTrouble[] = [];
  const models = createModelRegistry({ managementTenant: "management" });
  models.put("management", [TEMPERATURE]);
  const views = createModelViews(models);
  let deviceIds = 0;
  const idOf = new Map<string, string>();

  const up: Lwm2mUp = {
    async admit(endpoint) {
      if (world.known) return world.known.get(endpoint);
      const deviceId = idOf.get(endpoint) ?? String(++deviceIds);
      idOf.set(endpoint, deviceId);
      return { tenant: "t1", deviceId, settings: world.settings };
    },
    registered(registration, previous) {
      life.push(`registered ${registration.endpoint}${previous ? " again" : ""}`);
      world.onRegistered?.(registration);
    },
    updated({ endpoint }, changes) {
      const changed = Object.entries(changes).flatMap(([what, is]) => (is ? [` ${what}`] : []));
      life.push(`updated ${endpoint}${changed.join("")}`);
    },
    deregistered: ({ endpoint }, reason) => void life.push(`deregistered ${endpoint} ${reason}`),
    async values(batch) {
      const refusal = world.refuseValues;
      world.refuseValues = undefined;
      if (refusal) throw refusal;
      const slow = world.slowValues;
      world.slowValues = undefined;
      await slow;
      batches.push(batch);
    },
    traffic: entry => void traffic.push(entry),
    trouble: trouble => void troubles.push(trouble),
  };

  async function start(): Promise<Lwm2mServer> {
    const bare = network.open(HOST_ADDRESS, HOST_PORT);
    const transport = wrapTransport?.(bare) ?? bare;
    const server = await createLwm2mServer({
      store,
      clock,
      random,
      log,
      options: { ...OPTIONS, ...options },
      openEndpoint: endpointOver({ transport, clock, random, log }),
      models: views,
      up,
      ...(files && { files }),
    });
    closeTransport = async () => transport[Symbol.asyncDispose]();
    return server;
  }

  let closeTransport: () => Promise<void> = async () => {};
  async function stop(): Promise<void> {
    await world.server[Symbol.asyncDispose]();
    await closeTransport();
  }

  const world = {
    clock,
    network,
    store,
    log,
    life,
    batches,
    traffic,
    troubles,
    known: undefined,
    settings: {},
    refuseValues: undefined,
    slowValues: undefined,
    onRegistered: undefined,
    device: (port: number, deviceOptions?: DeviceOptions) =>
      createScriptedDevice({ network, clock }, port, deviceOptions),
    async restart() {
      await stop();
      world.server = await start();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await real[Symbol.asyncDispose]();
    },
  } as unknown as { -readonly [K in keyof Lwm2mWorld]: Lwm2mWorld[K] };
  world.server = await start();
  return world;
}

/** Moves time on in steps until the promise settles. Fails after `limitMs`. */
export async function completed<T>(clock: ManualClock, promise: Promise<T>, stepMs = 0, limitMs = 1e6): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  watched.catch(() => {});
  for (let turn = 0; !settled && turn * stepMs <= limitMs && (stepMs > 0 || turn < 100); turn++) {
    await clock.advance(stepMs);
  }
  if (!settled) assert.fail("still not settled");
  return watched;
}

/** Runs a job in the queue of the device "dev" to its end. */
export function callDevice<T>(
  { server, clock }: Lwm2mWorld,
  job: (requests: DeviceRequests, registration: Registration, signal: AbortSignal) => Promise<T>,
  stepMs = 0,
): Promise<T> {
  const running = server.queues.run("dev", (registration, signal) => job(server.requests, registration, signal));
  return completed(clock, running, stepMs);
}

/** The error of ours that a promise ends with. */
export async function failureOf(promise: Promise<unknown>): Promise<MooringError> {
  try {
    await promise;
  } catch (error) {
    assert(isFailure(error), String(error));
    return error;
  }
  return assert.fail("it did not fail");
}
