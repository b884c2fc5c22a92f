/** Observations of resources at peers (RFC 7641): which notification is fresh, who is told, when it is acknowledged. */
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Peer } from "../transport/transport.ts";
import { type BlockwiseClient, needsMore } from "./blockwise-client.ts";
import { isSuccess } from "./codes.ts";
import type { Tally } from "./counters.ts";
import type { Notification, NotificationHandler, Observation, RequestOptions } from "./endpoint.ts";
import type { Exchanges } from "./exchange.ts";
import { type MessageLayer, type Received, tokenKey, tokenOfKey } from "./message-layer.ts";
import { type PeerState, put, take } from "./peers.ts";
import type { IncomingResponse } from "./read-message.ts";
import type { CoapRequest, CoapResponse } from "./request.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** Half of the 24-bit sequence space, and the time after which any number is fresh (RFC 7641 section 3.4). */
const HALF_SEQUENCE = 2 ** 23;
const FRESH_AFTER_MS = 128_000;

/** Notifications of one observation that wait while its handler runs. */
const MAX_WAITING = 64;
/** Sequence numbers that were refused and may come again in a message of another id, or from another address. */
const MAX_REFUSED = 16;
/** Notifications of one observation whose handlers run. */
const MAX_AT_ONCE = 16;

/** RFC 7641 section 3.4, with times in milliseconds. @param before sequence number and time of the newest notification so far */
export function isFresh(before: { sequence: number; atMs: number }, sequence: number, nowMs: number): boolean {
  const older = before.sequence;
  if (older < sequence && sequence - older < HALF_SEQUENCE) return true;
  if (older > sequence && older - sequence > HALF_SEQUENCE) return true;
  return nowMs > before.atMs + FRESH_AFTER_MS;
}

/** FNV-1a of 30 bits, so that it is kept without an object of its own. */
function markOf(payload: Uint8Array): number {
  let mark = 0x811c9dc5;
  for (let at = 0; at < payload.length; at++) mark = Math.imul(mark ^ payload[at]!, 0x01000193);
  return mark >>> 2;
}

interface Waiting {
  readonly received: Received;
  readonly incoming: IncomingResponse;
  readonly receivedAtMs: number;
  readonly last: boolean;
}

interface Owner {
  forget(observation: ObservationState): void;
  cancel(observation: ObservationState, options: RequestOptions | undefined): Promise<CoapResponse>;
}

/** A class, because there are half a million of them: the methods are shared and the token is kept as a short string. */
export class ObservationState implements Observation {
  readonly request: CoapRequest;
  readonly key: string;
  readonly handler: NotificationHandler;
  state: PeerState;
  active = true;
  /** -1 until the first notification. */
  sequence = -1;
  sequenceAtMs = 0;
  /** Of the newest notification's payload; -1 until the first one. */
  mark = -1;
  /** What has to be done, or to let the next begin, before that is offered; `held` while the first response is not done yet. */
  turn: Waiting | "held" | undefined = undefined;
  /** Handlers that run. */
  begun = 0;
  waiting: Waiting[] | undefined = undefined;
  refused: number[] | undefined = undefined;
  readonly #owner: Owner;

  constructor(owner: Owner, state: PeerState, key: string, request: CoapRequest, handler: NotificationHandler) {
    this.#owner = owner;
    this.state = state;
    this.key = key;
    this.request = request;
    this.handler = handler;
  }

  get peer(): Peer {
    return this.state.peer;
  }

  get token(): Uint8Array {
    return tokenOfKey(this.key);
  }

  forget(): void {
    this.#owner.forget(this);
  }

  cancel(options?: RequestOptions): Promise<CoapResponse> {
    return this.#owner.cancel(this, options);
  }
}

export interface Observations {
  readonly count: number;
  /** Begins an observation; a namesake of the same peer ends. @param held true: nothing is offered before {@link release} */
  establish(
    state: PeerState,
    token: Uint8Array,
    request: CoapRequest,
    handler: NotificationHandler,
    first: { readonly sequence: number; readonly held: boolean } | undefined,
  ): ObservationState;
  /** Offers what came while the observation was held. */
  release(observation: ObservationState): void;
  onNotification(observation: ObservationState, received: Received, incoming: IncomingResponse): void;
  forgetAll(state: PeerState): void;
  move(from: PeerState, to: PeerState): void;
}

export interface ObserveParts {
  readonly layer: MessageLayer;
  readonly exchanges: Exchanges;
  readonly blockwise: BlockwiseClient;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly log: Log;
  readonly tally: Tally;
  /** How long the last notification of an observation may be repeated, when its handler refused it. */
  readonly repeatWithinMs: number;
}

export function createObservations(parts: ObserveParts): Observations {
  const { layer, exchanges, blockwise, wheel, clock, log, tally } = parts;
  let count = 0;

  const remove = (observation: ObservationState): void => {
    const { state, key } = observation;
    if (state.observations?.get(key) !== observation) return;
    state.observations = take(state.observations, key);
    count--;
  };

  /** What waits is rejected: Reset tells the device that nobody listens any more (RFC 7641 section 3.6). */
  const forget = (observation: ObservationState): void => {
    observation.active = false;
    const waiting = observation.waiting ?? [];
    observation.waiting = undefined;
    for (const { received } of waiting) layer.reject(received);
    remove(observation);
  };

  const cancel = async (observation: ObservationState, options: RequestOptions | undefined): Promise<CoapResponse> => {
    forget(observation);
    const { peer, request, token } = observation;
    return exchanges.inLine(peer, options ?? {}, (state, ongoing) =>
      blockwise.transfer(state, ongoing, { request, body: request.payload, token, observe: 1 }),
    );
  };

  const owner: Owner = { forget, cancel };

  const wasRefused = (observation: ObservationState, sequence: number): boolean => {
    const at = observation.refused?.indexOf(sequence) ?? -1;
    if (at < 0) return false;
    observation.refused!.splice(at, 1);
    return true;
  };

  /**
   * Remembers the newest sequence number. The same number again with another payload is no older than the newest: a device that does not count
   * has something to say (Leshan's client gives all notifications that pmin and pmax bring about one number). With the same payload it is the
   * newest once more, which a device sends that got no acknowledgement.
   * @returns false for a notification that is older than the newest, or the newest itself
   */
  const isNews = (
    observation: ObservationState,
    received: Received,
    sequence: number,
    payload: Uint8Array,
  ): boolean => {
    const nowMs = clock.monotonic();
    const again = wasRefused(observation, sequence) || received.again;
    const before = { sequence: observation.sequence, atMs: observation.sequenceAtMs };
    const mark = markOf(payload);
    if (before.sequence >= 0 && !isFresh(before, sequence, nowMs)) {
      if (again) return true;
      if (sequence !== before.sequence || mark === observation.mark) return false;
    }
    observation.sequence = sequence;
    observation.sequenceAtMs = nowMs;
    observation.mark = mark;
    return true;
  };

  /** Makes room by dropping the oldest Non-confirmable one: a newer value replaces it (RFC 7641 section 1.3). */
  const hasRoom = (observation: ObservationState): boolean => {
    const waiting = (observation.waiting ??= []);
    if (waiting.length < MAX_WAITING) return true;
    const at = waiting.findIndex(({ received, last }) => !received.confirmable && !last);
    tally.notificationsRefused++;
    if (at < 0) return false;
    waiting.splice(at, 1);
    return true;
  };

  const wholeOf = (observation: ObservationState, { received, incoming }: Waiting): Promise<CoapResponse> => {
    layer.acknowledgeOnRepeat(received); // a device that repeats before its other blocks were fetched waits for the acknowledgement
    return exchanges.inLine(received.state.peer, {}, (state, ongoing) =>
      blockwise.fetchRest(state, ongoing, observation.request, incoming, exchanges.newToken(state)),
    );
  };

  const offer = async (observation: ObservationState, item: Waiting): Promise<void> => {
    const { received, incoming, receivedAtMs, last } = item;
    const response = needsMore(incoming) ? await wholeOf(observation, item) : incoming.response;
    const notification: Notification = {
      observation,
      response,
      sequence: last ? undefined : incoming.observe,
      messageId: received.messageId,
      confirmable: received.confirmable,
      receivedAtMs,
      letNextBegin() {
        endTurn(observation, item);
        run(observation);
      },
    };
    await observation.handler(notification);
    layer.acknowledge(received);
  };

  /** Nothing is sent, and the device's repetition is offered again. */
  const refuse = (observation: ObservationState, { received, incoming }: Waiting, error: unknown): void => {
    tally.notificationsRefused++;
    layer.release(received);
    if (incoming.observe !== undefined) {
      const refused = (observation.refused ??= []);
      refused.push(incoming.observe);
      if (refused.length > MAX_REFUSED) refused.shift();
    }
    log.warn("coap.notification.refused", { peer: observation.peer.key, reason: messageOf(error) });
  };

  const afterLast = (observation: ObservationState, refused: boolean): void => {
    if (refused) wheel.after(parts.repeatWithinMs, () => remove(observation));
    else remove(observation);
  };

  const endTurn = (observation: ObservationState, item: Waiting): void => {
    if (observation.turn === item) observation.turn = undefined;
  };

  const handle = async (observation: ObservationState, item: Waiting): Promise<void> => {
    let refused = false;
    try {
      await offer(observation, item);
    } catch (error) {
      refused = true;
      refuse(observation, item, error);
    }
    if (item.last) afterLast(observation, refused && item.received.confirmable);
    observation.begun--;
    endTurn(observation, item);
    run(observation);
  };

  /** Takes the one that has waited longest, if it may begin. */
  const run = (observation: ObservationState): void => {
    if (observation.turn || observation.begun >= MAX_AT_ONCE) return;
    const item = observation.waiting?.shift();
    if (!item) {
      observation.waiting = undefined;
      return;
    }
    observation.turn = item;
    observation.begun++;
    void handle(observation, item);
  };

  return {
    get count() {
      return count;
    },
    establish(state, token, request, handler, first) {
      const key = tokenKey(token);
      const namesake = state.observations?.get(key);
      if (namesake) forget(namesake);
      const observation = new ObservationState(owner, state, key, request, handler);
      if (first) {
        observation.sequence = first.sequence;
        observation.sequenceAtMs = clock.monotonic();
        if (first.held) observation.turn = "held";
      }
      state.observations = put(state.observations, key, observation);
      count++;
      return observation;
    },
    release(observation) {
      observation.turn = undefined;
      run(observation);
    },
    onNotification(observation, received, incoming) {
      tally.notifications++;
      const { observe, response } = incoming;
      const last = observe === undefined || !isSuccess(response.code);
      if (!hasRoom(observation)) return layer.release(received);
      if (!last && !isNews(observation, received, observe, response.payload)) {
        tally.notificationsStale++;
        return layer.acknowledge(received);
      }
      if (last) observation.active = false;
      observation.waiting!.push({ received, incoming, receivedAtMs: clock.now(), last });
      run(observation);
    },
    forgetAll(state) {
      for (const observation of [...(state.observations?.values() ?? [])]) forget(observation);
    },
    move(from, to) {
      for (const observation of [...(from.observations?.values() ?? [])]) {
        from.observations = take(from.observations, observation.key);
        observation.state = to;
        to.observations = put(to.observations, observation.key, observation);
      }
    },
  };
}
