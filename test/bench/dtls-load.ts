/**
 * Load for the DTLS benchmark, a process of its own: devices with a socket each, every one with one thing under way at a time.
 * `node dtls-load.ts '{"task":"records",...}'` prints one JSON line, a DtlsLoadResult.
 */
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import { loopbackAddress } from "../harness/loopback-address.ts";
import type { ClientEstablished } from "../simulator/dtls/client-handshake.ts";
import type { ClientSession } from "../simulator/dtls/client-options.ts";
import { createDtlsClient, type DtlsClient } from "../simulator/dtls/dtls-client.ts";
import { openUdpPipe, type UdpPipe } from "../simulator/dtls/udp-pipe.ts";
import { clientOptions } from "./dtls-parts.ts";
import { cpuSeconds } from "./usage.ts";

export interface DtlsLoadPlan {
  readonly port: number;
  /** Process under test, for its CPU time. */
  readonly pid: number;
  /**
   * `datagrams`: plain ones, that come back; `hellos`: ClientHellos without a cookie, answered by anything; `records`: application data
   * that comes back; `handshakes`: each of another device; `sessions`: the same, and a record that comes back; `resumptions`: the same,
   * each device again and again.
   */
  readonly task: "datagrams" | "hellos" | "records" | "handshakes" | "sessions" | "resumptions";
  readonly devices: number;
  /** Offered alone. */
  readonly suite: number;
  readonly withCid: boolean;
  /** How many count, and how many go before them, so that compiling does not. */
  readonly count: number;
  readonly warmUp: number;
  readonly withinMs: number;
}

export interface DtlsLoadResult {
  readonly perSecond: number;
  /** CPU time of the process under test for each, us; NaN where that cannot be read. */
  readonly cpuMicros: number;
  /** Not answered in time, or refused. */
  readonly failed: number;
}

/** As an Update or a small notification. */
const CONTENT_BYTES = 64;
const LOST_AFTER_MS = 1000;
/** Of the clients; longer than a server under load takes, so that all that is counted is work. */
const RETRANSMISSION_MS = 5000;

/** No two loads of a run have the same devices. */
const nameOf = (at: number, turn = 0): string => `device-${process.pid}-${at}-${turn}`;

const plan = JSON.parse(process.argv[2]!) as DtlsLoadPlan;
const random = createSystemRandom();

interface Mark {
  readonly atMs: number;
  readonly cpuSeconds: number;
}
const mark = (): Mark => ({ atMs: performance.now(), cpuSeconds: cpuSeconds(plan.pid) ?? Number.NaN });

let [done, failed] = [0, 0];
let began: Mark | undefined;
const ended = Promise.withResolvers<Mark>();

function countDone(): void {
  done++;
  if (done === plan.warmUp) began = mark();
  if (done === plan.warmUp + plan.count) ended.resolve(mark());
}

interface Connection {
  readonly client: DtlsClient;
  readonly established: ClientEstablished;
}

async function connect(
  pipe: UdpPipe,
  identity: string,
  { session, onData = () => {} }: { readonly session?: ClientSession; readonly onData?: () => void } = {},
): Promise<Connection> {
  const client = createDtlsClient({
    ...clientOptions(identity, plan.suite),
    ...(plan.withCid ? { cid: new Uint8Array(0) } : {}),
    ...(session ? { session } : {}),
    retransmissionTimeoutMs: RETRANSMISSION_MS,
    clock: systemClock,
    random,
    send: pipe.send,
    onData,
  });
  pipe.deliverTo(client.receive);
  return { client, established: await client.connect() };
}

async function firstHello(): Promise<Uint8Array> {
  const sent = Promise.withResolvers<Uint8Array>();
  const options = clientOptions("hello", plan.suite);
  const client = createDtlsClient({ ...options, clock: systemClock, random, send: sent.resolve, onData() {} });
  client.connect().catch(() => {});
  const hello = await sent.promise;
  client.close();
  return hello;
}

/** Sends, and again as soon as it is told of an answer, or was not for some time. */
function closedLoop(send: () => void): () => void {
  let sentAtMs = 0;
  const go = (): void => {
    sentAtMs = performance.now();
    send();
  };
  setInterval(() => {
    if (performance.now() - sentAtMs < LOST_AFTER_MS) return;
    failed++;
    go();
  }, LOST_AFTER_MS);
  go();
  return () => {
    countDone();
    go();
  };
}

async function loopDatagrams(pipe: UdpPipe, datagram: Uint8Array): Promise<void> {
  const answered = closedLoop(() => pipe.send(datagram));
  pipe.deliverTo(answered);
}

async function loopRecords(pipe: UdpPipe, at: number): Promise<void> {
  let answered = (): void => {};
  const { client } = await connect(pipe, nameOf(at), { onData: () => answered() });
  const content = random.bytes(CONTENT_BYTES);
  answered = closedLoop(() => client.send(content));
}

/** Until a record has come back: the session is stored then, and may be resumed. */
async function connectAndAsk(pipe: UdpPipe, identity: string, session?: ClientSession): Promise<ClientEstablished> {
  const answered = Promise.withResolvers<void>();
  const more = { onData: answered.resolve, ...(session ? { session } : {}) };
  const { client, established } = await connect(pipe, identity, more);
  client.send(random.bytes(CONTENT_BYTES));
  await answered.promise;
  return established;
}

async function loopHandshakes(pipe: UdpPipe, at: number, withRecord: boolean): Promise<void> {
  for (let turn = 0; ; turn++) {
    try {
      await (withRecord ? connectAndAsk : connect)(pipe, nameOf(at, turn));
      countDone();
    } catch {
      failed++;
    }
  }
}

async function loopResumptions(pipe: UdpPipe, at: number): Promise<void> {
  let { session } = await connectAndAsk(pipe, nameOf(at));
  for (;;) {
    try {
      const established = await connectAndAsk(pipe, nameOf(at), session);
      session = established.session;
      if (established.resumed) countDone();
      else failed++;
    } catch {
      failed++;
    }
  }
}

/** The work of one device, which goes on until the process ends. */
async function work(pipe: UdpPipe, at: number): Promise<void> {
  switch (plan.task) {
    case "datagrams":
      return loopDatagrams(pipe, random.bytes(CONTENT_BYTES));
    case "hellos":
      return loopDatagrams(pipe, await firstHello());
    case "records":
      return loopRecords(pipe, at);
    case "handshakes":
    case "sessions":
      return loopHandshakes(pipe, at, plan.task === "sessions");
    case "resumptions":
      return loopResumptions(pipe, at);
  }
}

for (let at = 0; at < plan.devices; at++) {
  const pipe = await openUdpPipe({ serverPort: plan.port, bindAddress: loopbackAddress(at) });
  work(pipe, at).catch(error => {
    console.error(error);
    process.exit(1);
  });
}
setTimeout(() => ended.reject(new Error(`${plan.task}: ${done} done in ${plan.withinMs} ms`)), plan.withinMs);
const [end, begin] = [await ended.promise, began!];
const result: DtlsLoadResult = {
  perSecond: (plan.count * 1000) / (end.atMs - begin.atMs),
  cpuMicros: ((end.cpuSeconds - begin.cpuSeconds) * 1e6) / plan.count,
  failed,
};
console.log(JSON.stringify(result));
process.exit(0);
