/** A bootstrap server on a memory network, with everything that it sends up written down. */

import { encodeUtf8 } from "../../../../src/base/bytes.ts";
import { createManualClock, type ManualClock } from "../../../../src/base/clock.ts";
import { createRecordingLog } from "../../../../src/base/log.ts";
import { createSeededRandom } from "../../../../src/base/random.ts";
import { formatCode } from "../../../../src/coap/codes.ts";
import type {
  BootstrapConfig,
  SecurityAccount,
  ServerAccount,
} from "../../../../src/lwm2m/bootstrap/bootstrap-config.ts";
import type { BootstrapFailure } from "../../../../src/lwm2m/bootstrap/bootstrap-machine.ts";
import {
  type BootstrapOptions,
  type BootstrapServer,
  createBootstrapServer,
  type SessionInfo,
  type SessionReport,
} from "../../../../src/lwm2m/bootstrap/bootstrap-server.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../../../src/transport/memory/memory-transport.ts";
import type { Peer } from "../../../../src/transport/transport.ts";
import { completed, endpointOver } from "../../support/lwm2m-world.ts";
import { DEVICE_ADDRESS, HOST_ADDRESS, HOST_PORT, settle } from "../../support/scripted-device.ts";

export const OPTIONS: BootstrapOptions = {
  maxSessions: 10_000,
  sessionRate: { perSecond: 500, burst: 500 },
  requestTimeoutMs: 93_000,
};

export const SERVER_URI = "coaps://lwm2m.example.com:5784";

/** Of {@link pskAccount} and {@link serverAccount}, as a device is written them. */
export const PSK_VALUES = {
  "0": SERVER_URI,
  "1": false,
  "2": 0,
  "3": encodeUtf8("device-1"),
  "4": new Uint8Array(0),
  "5": Uint8Array.of(1, 2, 3, 4),
  "10": 1,
};
export const SERVER_VALUES = { "0": 1, "1": 86_400, "6": true, "7": "U" };

/** Bytes as numbers, to be compared. */
export const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? Array.from(part) : part)));

export const pskAccount = (change: Partial<SecurityAccount> = {}): SecurityAccount => ({
  instance: 0,
  uri: SERVER_URI,
  isBootstrap: false,
  mode: "PSK",
  publicKeyOrIdentity: encodeUtf8("device-1"),
  secretKey: Uint8Array.of(1, 2, 3, 4),
  shortServerId: 1,
  ...change,
});

export const serverAccount = (change: Partial<ServerAccount> = {}): ServerAccount => ({
  instance: 0,
  shortServerId: 1,
  lifetimeSeconds: 86_400,
  storing: true,
  binding: "U",
  ...change,
});

export const configOf = (endpoint: string, change: Partial<BootstrapConfig> = {}): BootstrapConfig => ({
  endpoint,
  tenant: "t1",
  deviceId: `id of ${endpoint}`,
  security: [pskAccount()],
  servers: [serverAccount()],
  accessControl: [],
  deletes: [[0], [1]],
  discover: true,
  readBack: [],
  contentFormat: undefined,
  requestTimeoutMs: undefined,
  ...change,
});

export interface BootstrapWorld extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly network: MemoryNetwork;
  readonly server: BootstrapServer;
  readonly log: ReturnType<typeof createRecordingLog>;
  /** `started dev`, `ended dev`, `failed dev /0/0 5.00 <reason>`, in order. */
  readonly life: string[];
  readonly infos: SessionInfo[];
  readonly reports: SessionReport[];
  /** Who asked, in order. */
  readonly asked: { readonly endpoint: string | undefined; readonly peer: Peer; readonly pct: number | undefined }[];
  /** Undefined refuses. Default: every endpoint is known. */
  config: (endpoint: string | undefined, peer: Peer, pct: number | undefined) => Promise<BootstrapConfig | undefined>;
  /** The peer at one port goes on as the one at another, as a newer secure session does. */
  supersede(fromPort: number, toPort: number): void;
  settle(): Promise<void>;
  wait<T>(promise: Promise<T>, stepMs?: number): Promise<T>;
}

const failureLine = (endpoint: string, { path, code, reason }: BootstrapFailure): string =>
  ["failed", endpoint, path ?? "-", code === undefined ? "-" : formatCode(code), reason].join(" ");

export function createBootstrapWorld(options: Partial<BootstrapOptions> = {}): BootstrapWorld {
  const clock = createManualClock();
  const random = createSeededRandom(5);
  const network = createMemoryNetwork({ clock, random });
  const log = createRecordingLog();
  const transport = network.open(HOST_ADDRESS, HOST_PORT);
  const world = {
    clock,
    network,
    log,
    life: [] as string[],
    infos: [] as SessionInfo[],
    reports: [] as SessionReport[],
    asked: [] as BootstrapWorld["asked"][number][],
    config: async (endpoint: string | undefined) => configOf(endpoint ?? "known by its keys"),
    settle: () => settle(clock, 40),
    wait: <T>(promise: Promise<T>, stepMs = 0) => completed(clock, promise, stepMs),
    async [Symbol.asyncDispose]() {
      await completed(clock, (async () => world.server[Symbol.asyncDispose]())(), 10);
      await transport[Symbol.asyncDispose]();
    },
  } as unknown as { -readonly [K in keyof BootstrapWorld]: BootstrapWorld[K] };
  const open = endpointOver({ transport, clock, random, log });
  world.server = createBootstrapServer({
    clock,
    log,
    options: { ...OPTIONS, ...options },
    openEndpoint(upward) {
      const coap = open(upward);
      world.supersede = (...ports) => {
        const [from, to] = ports.map(port => transport.peerAt(DEVICE_ADDRESS, port)!);
        coap.movePeer(from!, to!);
        upward.onSuperseded?.(from!, to!);
      };
      return coap;
    },
    up: {
      config(endpoint, peer, pct) {
        world.asked.push({ endpoint, peer, pct });
        return world.config(endpoint, peer, pct);
      },
      started(info) {
        world.life.push(`started ${info.endpoint}`);
        world.infos.push(info);
      },
      ended(report) {
        world.life.push(`ended ${report.endpoint}`);
        world.reports.push(report);
      },
      failed: ({ endpoint }, failure) => void world.life.push(failureLine(endpoint, failure)),
    },
  });
  return world;
}
