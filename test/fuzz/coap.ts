/**
 * Datagrams straight into the datagram path of a CoAP endpoint that has requests, observations and transfers open. Must hold: no
 * exception comes out or ends in the guard, nothing grows without bound, nothing stalls the loop, nothing is left at the end.
 */
import { createManualClock, type ManualClock } from "@mooring/core/internal/base/clock.ts";
import { isFailure } from "@mooring/core/internal/base/errors.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { createSeededRandom, type Random } from "@mooring/core/internal/base/random.ts";
import { type CoapEndpoint, createCoapEndpoint, type EndpointLimits } from "@mooring/core/internal/coap/endpoint.ts";
import { createMessageView, parseMessage, tokenBytes } from "@mooring/core/internal/coap/message.ts";
import type { CoapRequest, CoapResponse } from "@mooring/core/internal/coap/request.ts";
import { DEFAULT_TRANSMISSION } from "@mooring/core/internal/coap/transmission.ts";
import type { DatagramHandler, Peer, Transport } from "@mooring/core/internal/transport/transport.ts";
import { type Live, randomDatagram } from "./coap-datagrams.ts";
import { boundsBroken, createRunMeter, createStallMeter, heapFigure } from "./measure.ts";
import type { FuzzOptions, FuzzResult } from "./run.ts";

const BATCH = 200;
/** Virtual time per batch: a million datagrams are a thousand seconds, four times EXCHANGE_LIFETIME. */
const BATCH_MS = 200;
/** Share of datagrams that are an earlier one of the same peer again. */
const REPEATED = 0.05;
const KNOWN_PEERS = 60;
const OPEN_REQUESTS = 100;
const OPEN_OBSERVATIONS = 100;
const LIVE_PER_PEER = 8;

const LIMITS: EndpointLimits = {
  maxBodyBytes: 64 * 1024,
  maxTransfersPerPeer: 4,
  maxTransfers: 500,
  maxTransferBytes: 4 * 1024 * 1024,
  maxPeers: 2_000,
  maxRequestsInFlight: 200,
  blockSzx: 6,
};

const EMPTY = new Uint8Array(0);

const peerNamed = (n: number, port = 5683): Peer => ({
  key: `udp:198.51.${n >> 8}.${n & 255}:${port}`,
  address: `198.51.${n >> 8}.${n & 255}`,
  port,
});

interface Tap extends Transport {
  deliver: DatagramHandler;
  /** What a peer could still answer. */
  live(peer: Peer): readonly Live[];
  learn(peer: Peer, live: Live): void;
}

/** A transport without a network that remembers what each peer could answer. */
function createTap(): Tap {
  const view = createMessageView();
  const asked = new Map<string, Live[]>();
  const observed = new Map<string, Live[]>();
  const keep = (all: Map<string, Live[]>, peer: Peer, one: Live): void => {
    const known = all.get(peer.key) ?? [];
    if (known.some(({ messageId }) => messageId === one.messageId)) return;
    if (known.push(one) > LIVE_PER_PEER) known.shift();
    all.set(peer.key, known);
  };
  const tap = {
    scheme: "coap" as const,
    local: { address: "192.0.2.1", port: 5683 },
    counters: { received: 0, sent: 0, sendFailed: 0, dropped: 0 },
    deliver: (() => {}) as DatagramHandler,
    start(onDatagram: DatagramHandler): void {
      tap.deliver = onDatagram;
    },
    send(bytes: Uint8Array, peer: Peer): void {
      if (peer.port === 0) throw new RangeError("sent to port 0");
      if (parseMessage(bytes, view) !== undefined) throw new RangeError("sent a message that is malformed");
      if (view.type > 1) return;
      keep(asked, peer, { messageId: view.messageId, token: tokenBytes(view) });
    },
    learn: (peer: Peer, one: Live) => keep(observed, peer, one),
    peerAt: () => undefined,
    live: (peer: Peer) => [...(asked.get(peer.key) ?? []), ...(observed.get(peer.key) ?? [])],
    [Symbol.asyncDispose]: async () => {},
  };
  return tap;
}

/** Answers at once, later, in blocks, or with a failure, by path. */
function handlerOf(clock: ManualClock, random: Random): (request: CoapRequest) => CoapResponse | Promise<CoapResponse> {
  const large = new Uint8Array(5_000);
  return ({ path: [first], payload }) => {
    if (first === "large") return { code: 69, payload: large };
    if (first === "fail") throw new TypeError("the handler is broken");
    if (first !== "slow") return { code: 68, payload: payload.subarray(0, 10) };
    return new Promise((resolve, reject) => {
      clock.after(random.int(5_000), () => {
        if (random.fraction() < 0.2) reject(new TypeError("broken later"));
        else resolve({ code: 69, payload: large });
      });
    });
  };
}

interface Outgoing {
  readonly requests: number;
  readonly unexpected: readonly string[];
  /** Opens as many as are missing. */
  refill(): void;
}

/** Requests, uploads and observations that stay open while the datagrams come. */
function createOutgoing(
  endpoint: CoapEndpoint,
  tap: Tap,
  random: Random,
  peers: readonly Peer[],
  clock: ManualClock,
): Outgoing {
  let requests = 0;
  const unexpected: string[] = [];
  const noteFailure = (error: unknown): void => {
    if (!isFailure(error) && unexpected.length < 10) unexpected.push(String(error));
  };
  const ask = async (): Promise<void> => {
    const peer = peers[random.int(peers.length)]!;
    const get: CoapRequest = { method: "GET", path: ["3", "0"], query: [], payload: EMPTY };
    const kind = random.fraction();
    if (kind < 0.5) await endpoint.request(peer, get, { confirmable: random.fraction() < 0.8 });
    else if (kind < 0.8) await endpoint.request(peer, { ...get, method: "PUT", payload: new Uint8Array(20_000) });
    else await endpoint.upload(peer, get, { length: 30_000, read: async (_at, length) => new Uint8Array(length) });
  };
  const observe = (): void => {
    const peer = peers[random.int(peers.length)]!;
    const token = random.bytes(6);
    tap.learn(peer, { messageId: random.int(65_536), token });
    const request: CoapRequest = { method: "GET", path: ["3303"], query: [], payload: EMPTY };
    endpoint.resumeObservation({ peer, token, request }, async () => {
      if (random.fraction() < 0.2) throw new TypeError("cannot store");
      if (random.fraction() < 0.3) await new Promise<void>(resolve => void clock.after(100, resolve));
    });
  };
  return {
    get requests() {
      return requests;
    },
    unexpected,
    refill() {
      for (; requests < OPEN_REQUESTS; requests++) {
        void ask()
          .catch(noteFailure)
          .finally(() => requests--);
      }
      while (endpoint.counters["observations"]! < OPEN_OBSERVATIONS) observe();
    },
  };
}

/** Where a datagram comes from: mostly a peer with open exchanges, sometimes a stranger, sometimes port 0. */
function randomSource(random: Random, peers: readonly Peer[]): Peer {
  const kind = random.fraction();
  if (kind < 0.02) return peerNamed(random.int(65_536), 0);
  if (kind < 0.1) return peerNamed(256 + random.int(60_000));
  return peers[random.int(peers.length)]!;
}

function countersBroken({ counters }: CoapEndpoint): string[] {
  const bounds: Readonly<Record<string, number>> = {
    peers: LIMITS.maxPeers,
    transfers: LIMITS.maxTransfers,
    transferBytes: LIMITS.maxTransferBytes,
    requestsInFlight: LIMITS.maxRequestsInFlight,
    timers: 20_000,
    faults: 0,
  };
  return Object.entries(bounds)
    .filter(([name, most]) => counters[name]! > most)
    .map(([name, most]) => `${name} is ${counters[name]}, bound ${most}`);
}

export async function fuzzCoap({ count, seed }: FuzzOptions): Promise<FuzzResult> {
  const random = createSeededRandom(seed);
  const clock = createManualClock();
  const tap = createTap();
  const peers = Array.from({ length: KNOWN_PEERS }, (_, n) => peerNamed(n));
  const endpoint = createCoapEndpoint({
    transport: tap,
    clock,
    random: createSeededRandom(seed + 1),
    log: silentLog,
    transmission: { ...DEFAULT_TRANSMISSION, nstart: 4 },
    limits: LIMITS,
    onRequest: handlerOf(clock, random),
  });
  const outgoing = createOutgoing(endpoint, tap, random, peers, clock);
  const stalls = createStallMeter();
  const failures = new Set<string>();
  let thrown = 0;

  let last: { bytes: Uint8Array; peer: Peer } = { bytes: EMPTY, peer: peers[0]! };

  const nextDatagram = (): { bytes: Uint8Array; peer: Peer } => {
    if (random.fraction() < REPEATED) return last;
    const peer = randomSource(random, peers);
    const live = tap.live(peer);
    const bytes = randomDatagram(random, live.length > 0 ? live[random.int(live.length)] : undefined);
    return { bytes, peer };
  };

  const deliverOne = (): void => {
    last = nextDatagram();
    const { bytes, peer } = last;
    stalls.measure(() => {
      try {
        tap.deliver(bytes, peer);
      } catch (error) {
        thrown++;
        failures.add(`exception out of the datagram handler: ${error}`);
      }
    });
  };

  const run = createRunMeter(count);
  for (let done = 0; done < count; done += BATCH) {
    outgoing.refill();
    await clock.advance(0);
    for (let i = Math.min(BATCH, count - done); i > 0; i--) deliverOne();
    await clock.advance(BATCH_MS);
    for (const broken of countersBroken(endpoint)) failures.add(broken);
    run.after(done);
  }
  const { seconds, growth } = run.end();
  const figures = { ...endpoint.counters };

  for (const peer of peers) endpoint.forgetPeer(peer);
  await clock.advance(900_000);
  const { peers: left, observations, transfers, requestsInFlight, timers } = endpoint.counters;
  const leftOver = { left, observations, transfers, requestsInFlight, openRequests: outgoing.requests, timers };
  if (JSON.stringify(Object.values(leftOver)) !== "[0,0,0,0,0,1]")
    failures.add(`left over: ${JSON.stringify(leftOver)}`);
  for (const error of outgoing.unexpected) failures.add(`a request rejected with ${error}`);

  const summary = [
    `${count} datagrams in ${seconds.toFixed(1)} s`,
    `${thrown} exceptions`,
    `${figures["faults"]} caught by the guard`,
    `longest ${stalls.maxMs.toFixed(1)} ms`,
    heapFigure(growth),
    `format errors ${figures["formatErrors"]}`,
    `requests ${figures["requestsReceived"]}`,
    `responses ${figures["responsesReceived"]}`,
    `notifications ${figures["notifications"]}`,
    `duplicates ${figures["duplicates"]}`,
    `peers ${figures["peers"]}, left at the end ${left}`,
  ].join(", ");
  return { summary, failures: [...failures, ...boundsBroken("datagram", stalls.maxMs, growth)] };
}
