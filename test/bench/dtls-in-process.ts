/**
 * What DTLS itself costs a server: transport and clients in one process without a network, and the CPU time of this thread while the
 * server is at work. Alone: `node test/bench/dtls-in-process.ts '{"what":"records","suite":49320,"withCid":true,"rounds":100}'`.
 */
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import { type DtlsTransport, openDtlsTransport } from "@mooring/core/internal/transport/dtls/dtls.ts";
import type { DatagramHandler, Peer, Transport } from "@mooring/core/internal/transport/transport.ts";
import { loopbackAddress } from "../harness/loopback-address.ts";
import type { ClientSession } from "../simulator/dtls/client-options.ts";
import { createDtlsClient, type DtlsClient } from "../simulator/dtls/dtls-client.ts";
import { benchOptions, clientOptions, createBenchCredentials } from "./dtls-parts.ts";
import { median } from "./row.ts";

export interface InProcessPlan {
  readonly what: "handshakes" | "resumptions" | "records";
  readonly suite: number;
  readonly withCid: boolean;
  /** Rounds of {@link AT_ONCE} that count; as many go before, so that compiling does not. */
  readonly rounds: number;
}

/** Datagrams and peers of one direction, until somebody takes them. */
type Datagrams = [bytes: Uint8Array, peer: Peer][];

const AT_ONCE = 50;
const RECORD_BYTES = 64;
/** Turns of the event loop in which the server is done with what it was given: look-ups, delivery, store. */
const TURNS = 3;
/** What a round costs varies with who else is on the machine; so many make one sample. */
const SAMPLE_ROUNDS = 10;

const random = createSystemRandom();

interface Server extends AsyncDisposable {
  /** CPU time so far, us. */
  readonly cpuMicros: number;
  answer(requests: Datagrams): Promise<Datagrams>;
}

async function openServer(): Promise<Server> {
  let onDatagram: DatagramHandler = () => {};
  let cpuMicros = 0;
  const answers: Datagrams = [];
  const below: Transport = {
    scheme: "coap",
    local: { address: "192.0.2.1", port: 5684 },
    counters: { received: 0, sent: 0, sendFailed: 0, dropped: 0 },
    start(handler) {
      onDatagram = handler;
    },
    send: (bytes, peer) => void answers.push([bytes, peer]),
    peerAt: (address, port) => ({ key: `udp:${address}:${port}`, address, port }),
    async [Symbol.asyncDispose]() {},
  };
  const dtls: DtlsTransport = await openDtlsTransport({
    below,
    clock: systemClock,
    random,
    log: silentLog,
    credentials: createBenchCredentials(),
    options: benchOptions,
  });
  dtls.start((bytes, peer) => dtls.send(bytes, peer));

  async function serverWork(requests: Datagrams): Promise<void> {
    for (const [bytes, peer] of requests) onDatagram(bytes, peer);
    for (let at = 0; at < TURNS; at++) await turn();
  }
  return {
    get cpuMicros() {
      return cpuMicros;
    },
    async answer(requests) {
      const before = process.threadCpuUsage();
      await serverWork(requests);
      const { user, system } = process.threadCpuUsage(before);
      cpuMicros += user + system;
      return answers.splice(0);
    },
    [Symbol.asyncDispose]: () => dtls[Symbol.asyncDispose](),
  };
}

interface Device {
  readonly at: number;
  readonly client: DtlsClient;
  readonly session: ClientSession;
}

/** Devices that are served by `server`, {@link AT_ONCE} at a time. */
function createDevices(server: Server, { suite, withCid }: InProcessPlan) {
  const requests: Datagrams = [];
  const clients = new Map<string, DtlsClient>();
  let count = 0;

  function open(at: number, session: ClientSession | undefined): DtlsClient {
    const address = loopbackAddress(at);
    const peer: Peer = { key: `udp:${address}:5683`, address, port: 5683 };
    const client = createDtlsClient({
      ...clientOptions(`device-${at}`, suite),
      ...(session ? { session } : {}),
      ...(withCid ? { cid: new Uint8Array(0) } : {}),
      clock: systemClock,
      random,
      send: bytes => void requests.push([bytes, peer]),
      onData() {},
    });
    clients.set(peer.key, client);
    return client;
  }

  async function exchange(): Promise<void> {
    while (requests.length > 0) {
      for (const [bytes, { key }] of await server.answer(requests.splice(0))) clients.get(key)!.receive(bytes);
    }
  }

  /** @param former whose sessions go on; absent: new devices */
  async function connect(former?: readonly Device[]): Promise<Device[]> {
    clients.clear();
    const connecting = Array.from({ length: AT_ONCE }, async (_, i): Promise<Device> => {
      const { at, session } = former?.[i] ?? { at: count++, session: undefined };
      const client = open(at, session);
      const established = await client.connect();
      if (established.resumed !== (session !== undefined)) throw new Error("the server did not resume a session");
      return { at, client, session: established.session };
    });
    await exchange();
    return Promise.all(connecting);
  }

  return { connect, exchange };
}

/** @returns CPU time of the server for each, us */
export async function inProcess(plan: InProcessPlan): Promise<number> {
  await using server = await openServer();
  const { connect, exchange } = createDevices(server, plan);
  let devices = await connect();
  const content = random.bytes(RECORD_BYTES);
  const round = async (): Promise<void> => {
    if (plan.what === "handshakes") await connect();
    else if (plan.what === "resumptions") devices = await connect(devices);
    else {
      for (const { client } of devices) client.send(content);
      await exchange();
    }
  };
  for (let at = 0; at < plan.rounds; at++) await round();
  const samples: number[] = [];
  for (let at = 0; at < plan.rounds; at += SAMPLE_ROUNDS) {
    const before = server.cpuMicros;
    for (let i = 0; i < SAMPLE_ROUNDS; i++) await round();
    samples.push((server.cpuMicros - before) / (SAMPLE_ROUNDS * AT_ONCE));
  }
  return median(samples);
}

if (import.meta.main) console.log(await inProcess(JSON.parse(process.argv[2]!) as InProcessPlan));
