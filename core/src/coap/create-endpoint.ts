/** The layers joined (see the interface in endpoint.ts): transport, messages, exchanges, block-wise transfers, observations. */
import { fromHex } from "../base/bytes.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import type { Peer } from "../transport/transport.ts";
import { createBlockwiseClient } from "./blockwise-client.ts";
import { createCoapPacketCodec } from "./coap-packet-codec.ts";
import { isSuccess } from "./codes.ts";
import { createTally, type Tally } from "./counters.ts";
import type { CoapEndpoint, EndpointCounters, EndpointParts } from "./endpoint.ts";
import { createExchanges } from "./exchange.ts";
import { createIncomingRequests } from "./incoming-requests.ts";
import { createBuiltinCodec, type MessageView } from "./message.ts";
import { createMessageLayer, type Received, tokenOfView } from "./message-layer.ts";
import { createObservations, type ObservationState } from "./observe.ts";
import { createPeerTable, type PeerState } from "./peers.ts";
import { isRefusal, readResponse } from "./read-message.ts";
import { createRequestLine } from "./request-line.ts";
import { createTimerWheel } from "./timer-wheel.ts";
import { createTransfers } from "./transfers.ts";
import { derivedTimes } from "./transmission.ts";

/** How often silent peers are looked for. */
const SWEEP_MS = 10_000;
/** When one look did not get through all of them. */
const SWEEP_AGAIN_MS = 100;
/** How long closing waits for handlers that still run. */
const DRAIN_MS = 5_000;

/** The endpoint begins to listen at once. Closing it leaves the transport to whoever opened that. */
export function createCoapEndpoint(parts: EndpointParts): CoapEndpoint {
  const { transport, clock, random, log, transmission, limits } = parts;
  const times = derivedTimes(transmission);
  const tally = createTally();
  const wheel = createTimerWheel({
    clock,
    onError(error) {
      tally.faults++;
      log.error("coap.fault", { reason: messageOf(error) });
    },
  });
  const peers = createPeerTable(limits.maxPeers);
  const line =
    parts.patient &&
    createRequestLine({
      patient: parts.patient,
      received: () => tally.datagramsReceived,
      handle(bytes, peer) {
        if (!closed) layer.receiveSetAside(bytes, peer);
      },
      dropped: () => void tally.requestsDropped++,
    });
  const layer = createMessageLayer({
    transport,
    codec: parts.codec === "coap-packet" ? createCoapPacketCodec() : createBuiltinCodec(),
    peers,
    wheel,
    clock,
    random,
    log,
    transmission,
    tally,
    setAside: (bytes, peer, view) => line?.offer(bytes, peer, view) ?? false,
    onRequest: (received, view) => requests.onRequest(received, view),
    onResponse,
    onPiggybacked: (state, token, view) => exchanges.onPiggybacked(state, token, view),
  });
  const exchanges = createExchanges({ layer, peers, wheel, clock, random, transmission, tally, assertOpen });
  const blockwise = createBlockwiseClient(exchanges, limits);
  const observations = createObservations({
    layer,
    exchanges,
    blockwise,
    wheel,
    clock,
    log,
    tally,
    repeatWithinMs: times.maxTransmitSpanMs,
  });
  const transfers = createTransfers({ limits, wheel, clock, silenceMs: times.exchangeLifetimeMs });
  const requests = createIncomingRequests({
    layer,
    wheel,
    transfers,
    limits,
    transmission,
    log,
    tally,
    onRequest: parts.onRequest,
  });
  let closed = false;

  /** A response in a message of its own belongs to an exchange or to an observation; otherwise nobody asked (RFC 7641 section 3.6). */
  function onResponse(received: Received, view: MessageView): void {
    const { state } = received;
    const token = tokenOfView(view);
    const exchange = state.exchanges?.get(token);
    const observation = state.observations?.get(token);
    if (!exchange && !observation) {
      layer.reject(received);
      return;
    }
    const read = readResponse(view);
    if (isRefusal(read)) {
      exchange?.refuse(read);
      received.confirmable ? layer.reject(received) : layer.ignore(received);
      return;
    }
    if (!exchange) {
      observations.onNotification(observation!, received, read);
      return;
    }
    layer.acknowledge(received);
    if (!(exchange.endsObservation && read.observe !== undefined)) exchange.respond(read);
  }

  const sweep = (): void => {
    const more = peers.sweep(clock.monotonic(), times.exchangeLifetimeMs);
    wheel.after(more ? SWEEP_AGAIN_MS : SWEEP_MS, sweep);
  };

  const dropPeer = (state: PeerState, reason: string): void => {
    exchanges.cancelAll(state, reason);
    transfers.loseAll(state);
  };

  function assertOpen(): void {
    if (closed) throw new MooringError("EXCHANGE_CANCELLED", "the CoAP endpoint is closed");
  }

  transport.start(
    (bytes, peer) => {
      if (!closed) layer.receive(bytes, peer);
    },
    {
      superseded(from, to) {
        if (closed) return;
        movePeer(from, to);
        parts.onSuperseded?.(from, to);
      },
    },
  );
  wheel.after(SWEEP_MS, sweep);

  return {
    transport,
    counters: withSizes(tally, {
      peers: () => peers.size,
      observations: () => observations.count,
      transfers: () => transfers.count,
      transferBytes: () => transfers.bytes,
      requestsInFlight: () => requests.inFlight,
      timers: () => wheel.size,
      requestsWaiting: () => line?.waiting ?? 0,
    }),
    request(peer, request, options = {}) {
      const { payload } = request;
      return exchanges.inLine(peer, options, (state, ongoing) =>
        blockwise.transfer(state, ongoing, { request, body: payload, token: exchanges.tokenFor(state, ongoing) }),
      );
    },
    upload(peer, request, body, { blockSzx, from, onPosition, ...options } = {}) {
      const given = {
        ...(blockSzx !== undefined && { blockSzx }),
        ...(from && { from }),
        ...(onPosition && { onPosition }),
      };
      return exchanges.inLine(peer, options, (state, ongoing) => {
        const token = from ? fromHex(from.token) : exchanges.tokenFor(state, ongoing);
        return blockwise.transfer(state, ongoing, { request, body, token, ...given });
      });
    },
    observe(peer, request, onNotification, { offerAfter, ...options } = {}) {
      return exchanges.inLine(peer, options, async (state, ongoing) => {
        const token = exchanges.tokenFor(state, ongoing);
        let observation: ObservationState | undefined;
        try {
          const response = await blockwise.transfer(state, ongoing, {
            request,
            body: request.payload,
            token,
            observe: 0,
            onResponse({ response, observe }) {
              if (observe === undefined || !isSuccess(response.code)) return;
              const first = { sequence: observe, held: true };
              observation = observations.establish(state, token, request, onNotification, first);
            },
          });
          const begin = (): void => void (observation && observations.release(observation));
          void (offerAfter ?? Promise.resolve()).then(begin, begin);
          return { response, observation };
        } catch (error) {
          observation?.forget();
          throw error;
        }
      });
    },
    resumeObservation({ peer, token, request }, onNotification) {
      assertOpen();
      const state = peers.open(peer, clock.monotonic());
      if (!state) throw new MooringError("OVERLOADED", "there is no room for another peer", { peer: peer.key });
      return observations.establish(state, token, request, onNotification, undefined);
    },
    movePeer: (from, to) => movePeer(from, to),
    reserveNames(peer) {
      assertOpen();
      const state = peers.open(peer, clock.monotonic());
      return state && exchanges.reserveNames(state);
    },
    repeatUnacknowledged(peer) {
      for (const sent of peers.find(peer)?.sent?.values() ?? []) sent.repeat();
    },
    exchangeLifetimeMs: times.exchangeLifetimeMs,
    forgetPeer(peer) {
      const state = peers.find(peer);
      if (!state) return;
      observations.forgetAll(state);
      dropPeer(state, "the peer was forgotten");
    },
    async [Symbol.asyncDispose]() {
      if (closed) return;
      closed = true;
      line?.[Symbol.dispose]();
      for (const state of peers.all()) {
        observations.forgetAll(state);
        dropPeer(state, "the endpoint was closed");
      }
      const limit = new Promise<void>(resolve => void wheel.after(DRAIN_MS, resolve));
      await Promise.race([requests.idle(), limit]);
      wheel[Symbol.dispose]();
      peers.clear();
    },
  };

  function movePeer(from: Peer, to: Peer): void {
    const old = peers.find(from);
    if (!old) return;
    if (from.key === to.key) {
      old.peer = to;
      return;
    }
    dropPeer(old, "the peer has a new address");
    const fresh = peers.open(to, clock.monotonic());
    if (!fresh) {
      observations.forgetAll(old);
      return;
    }
    // It is the same device: what comes next must not look like a repetition of what it has had.
    if (fresh.nextMessageId < 0) fresh.nextMessageId = old.nextMessageId;
    observations.move(old, fresh);
  }
}

/** Counters and the sizes of what is open, read when they are looked at. */
function withSizes(tally: Tally, sizes: Readonly<Record<string, () => number>>): EndpointCounters {
  const counters: Record<string, number> = tally as unknown as Record<string, number>;
  for (const [name, get] of Object.entries(sizes)) Object.defineProperty(counters, name, { get, enumerable: true });
  return counters;
}
