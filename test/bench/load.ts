/**
 * The load generator, a process of its own: confirmable requests in a closed loop, round robin over many peers, each a
 * socket with its own port. `node load.ts '{"port":5683,...}'` prints one JSON line, a LoadResult.
 */
import { randomBytes, randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { generate, parse } from "coap-packet";
import { uintBytes, uriOptions } from "../harness/raw-socket.ts";
import { cpuSeconds } from "./usage.ts";

export interface LoadPlan {
  readonly port: number;
  /** Process under test, for its CPU time. */
  readonly pid: number;
  /** Path and query that each peer sends to; one socket each. */
  readonly uris: readonly string[];
  /** `0.02` POST, `0.03` PUT */
  readonly code: string;
  readonly payloadBytes: number;
  /** Requests in flight over all peers. */
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Whether requests come back as they were sent. */
  readonly isEcho: boolean;
  /** Query that each peer registers with first; it then sends to the Location-Path it is given. */
  readonly register?: readonly string[];
}

export interface LoadResult {
  readonly perSecond: number;
  /** Requests for each second of CPU time of the process under test; undefined where that cannot be read. */
  readonly perCpuSecond: number | undefined;
  /** Not answered within a second. */
  readonly lost: number;
  /** Answers whose code was not 2.xx (never counted for an echo). */
  readonly refused: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const LOST_AFTER_MS = 1000;
const MESSAGE_ID_AT = 2;
const TOKEN_AT = 4;
/** First half byte of a confirmable message (version 1, type 0). */
const CONFIRMABLE = 0x4;
const KEPT_SAMPLES = 200_000;

/** A peer has at most that many requests in flight. */
const RING = 64;

interface Peer {
  readonly socket: Socket;
  readonly request: Buffer;
  /** Time of sending by number of the request modulo RING, 0 when answered. */
  readonly sentAtMs: Float64Array;
  /** Number of the last request: its message id and its token. */
  count: number;
}

async function open(): Promise<Socket> {
  const socket = createSocket({
    type: "udp4",
    recvBufferSize: 1024 * 1024,
    lookup: (host, _options, found) => found(null, host, 4),
  });
  // With a lookup that answers at once, "listening" comes before bind() returns.
  const listening = once(socket, "listening");
  socket.bind(0, "127.0.0.1");
  await listening;
  return socket;
}

const template = (plan: LoadPlan, uri: string): Buffer =>
  generate({
    code: plan.code,
    confirmable: true,
    messageId: 0,
    token: Buffer.from([1, 2]),
    options: uriOptions(uri),
    payload: Buffer.alloc(plan.payloadBytes, 0x61),
  });

/**
 * Register over the peer's own socket. Its message id and token are drawn, since the system hands out ports again and a message
 * that looks like one of an earlier run would be answered as its duplicate.
 * @returns the location
 */
async function register(socket: Socket, port: number, query: string): Promise<string> {
  const request = generate({
    code: "0.02",
    confirmable: true,
    messageId: randomInt(0x10000),
    token: randomBytes(8),
    options: [...uriOptions(`/rd?${query}`), { name: "Content-Format", value: uintBytes(40) }],
    payload: Buffer.from("</1/0>,</3/0>"),
  });
  for (let attempt = 0; attempt < 5; attempt++) {
    socket.send(request, port, "127.0.0.1");
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(), 2000);
    try {
      const [bytes] = (await once(socket, "message", { signal: waiting.signal })) as [Buffer];
      const answer = parse(bytes);
      if (answer.code !== "2.01") throw new Error(`Register ${query}: ${answer.code} ${answer.payload}`);
      const path = answer.options.filter(option => option.name === "Location-Path").map(option => `/${option.value}`);
      return path.join("");
    } catch (error) {
      if (!waiting.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
  }
  throw new Error(`Register ${query} was not answered`);
}

/** Empty ACK for a separate response. */
function acknowledge(socket: Socket, port: number, bytes: Buffer): void {
  socket.send(Buffer.from([0x60, 0, bytes[MESSAGE_ID_AT]!, bytes[MESSAGE_ID_AT + 1]!]), port, "127.0.0.1");
}

async function openPeer(plan: LoadPlan, at: number): Promise<Peer> {
  const socket = await open();
  const query = plan.register?.[at];
  const uri = query === undefined ? plan.uris[at]! : await register(socket, plan.port, query);
  return { socket, request: template(plan, uri), sentAtMs: new Float64Array(RING), count: randomInt(0x10000) };
}

function percentile(sorted: Float64Array, fraction: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}

async function run(plan: LoadPlan): Promise<LoadResult> {
  const size = plan.register?.length ?? plan.uris.length;
  const peers: Peer[] = [];
  for (let at = 0; at < size; at++) peers.push(await openPeer(plan, at));
  const samples = new Float64Array(KEPT_SAMPLES);
  let [answered, refused, lost, sampled, stopped] = [0, 0, 0, 0, false];

  let turn = 0;
  const send = (): void => {
    if (stopped) return;
    const peer = peers[turn++ % peers.length]!;
    peer.count = (peer.count + 1) & 0xffff;
    const bytes = Buffer.from(peer.request);
    bytes.writeUInt16BE(peer.count, MESSAGE_ID_AT);
    bytes.writeUInt16BE(peer.count, TOKEN_AT);
    peer.sentAtMs[peer.count % RING] = performance.now();
    peer.socket.send(bytes, plan.port, "127.0.0.1");
  };
  const receive = (peer: Peer, bytes: Buffer): void => {
    const codeClass = bytes[1]! >> 5;
    if (!plan.isEcho && codeClass < 2) return;
    if (!plan.isEcho && bytes[0]! >> 4 === CONFIRMABLE) acknowledge(peer.socket, plan.port, bytes);
    const at = bytes.readUInt16BE(TOKEN_AT) % RING;
    const sentAtMs = peer.sentAtMs[at]!;
    if (sentAtMs === 0) return;
    peer.sentAtMs[at] = 0;
    answered++;
    if (codeClass > 2) refused++;
    samples[sampled++ % KEPT_SAMPLES] = performance.now() - sentAtMs;
    send();
  };
  for (const peer of peers) peer.socket.on("message", (bytes: Buffer) => receive(peer, bytes));
  // A lost datagram would take its place among those in flight with it.
  const sweep = setInterval(() => {
    const tooOld = performance.now() - LOST_AFTER_MS;
    for (const { sentAtMs } of peers) {
      for (let at = 0; at < RING; at++) {
        if (sentAtMs[at]! === 0 || sentAtMs[at]! > tooOld) continue;
        sentAtMs[at] = 0;
        lost++;
        send();
      }
    }
  }, LOST_AFTER_MS);

  for (let started = 0; started < plan.inFlight; started++) send();
  await pause(plan.warmUpMs);
  [answered, refused, lost, sampled] = [0, 0, 0, 0];
  const [cpuBefore, startedAtMs] = [cpuSeconds(plan.pid), performance.now()];
  await pause(plan.measureMs);
  const [cpuAfter, seconds] = [cpuSeconds(plan.pid), (performance.now() - startedAtMs) / 1000];
  const total = answered;
  stopped = true;
  clearInterval(sweep);
  for (const peer of peers) peer.socket.close();
  const sorted = samples.subarray(0, Math.min(sampled, KEPT_SAMPLES)).sort();
  return {
    perSecond: total / seconds,
    perCpuSecond: cpuBefore === undefined || cpuAfter === undefined ? undefined : total / (cpuAfter - cpuBefore),
    lost,
    refused,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  };
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2]!) as LoadPlan)));
