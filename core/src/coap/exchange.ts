/**
 * Requests of ours and their responses (RFC 7252 section 5): tokens, separate responses, time limits, and the line in which
 * further requests to a peer wait (NSTART, section 4.7).
 */

import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { Peer } from "../transport/transport.ts";
import type { Tally } from "./counters.ts";
import type { NameSupply, RequestNames } from "./endpoint.ts";
import type { MessageView } from "./message.ts";
import type { Content, MessageLayer, SendOutcome, SentMessage } from "./message-layer.ts";
import { tokenKey } from "./message-layer.ts";
import { type PeerState, type PeerTable, put, take } from "./peers.ts";
import { type IncomingResponse, isRefusal, type Refusal, readResponse } from "./read-message.ts";
import { NAMES_RESERVED } from "./request-names.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import { derivedTimes, type TransmissionParameters } from "./transmission.ts";

/** 48 random bits (RFC 7252 section 5.3.1 wants 32 or more). */
const TOKEN_BYTES = 6;

/** One request message that waits for its response. */
export interface Exchange {
  /** It ends an observation, whose notifications still come under the same token. */
  readonly endsObservation: boolean;
  respond(incoming: IncomingResponse): void;
  /** The response cannot be taken. */
  refuse(refusal: Refusal): void;
}

/** One call of `request()`, from the place in line to the whole response; at most one of its steps is open. */
export interface Ongoing {
  readonly confirmable: boolean;
  readonly onProgress: ((sentBytes: number) => void) | undefined;
  /** Where it was given names: what its request goes under. */
  readonly names: RequestNames | undefined;
  /** Why it was stopped; the next step throws it. */
  stopped: MooringError | undefined;
  /** Ends the open step. */
  abort: ((error: MooringError) => void) | undefined;
}

/** The requests to one peer: those that run and those that wait. */
export interface ExchangeLine {
  readonly open: Set<Ongoing>;
  readonly waiting: Map<Ongoing, () => void>;
}

export interface OngoingOptions {
  readonly confirmable?: boolean;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (sentBytes: number) => void;
  readonly names?: NameSupply;
}

export interface RoundTrip {
  readonly content: Content;
  /** One that {@link Exchanges.reserveId} gave; default: a new one. */
  readonly messageId?: number;
  readonly endsObservation?: boolean;
  /** Called with the response before anything else can arrive. */
  readonly onResponse?: (incoming: IncomingResponse) => void;
}

export interface Exchanges {
  /**
   * Runs `work` when the peer has room for one more exchange.
   * @throws MooringError EXCHANGE_CANCELLED, EXCHANGE_TIMEOUT
   */
  inLine<T>(peer: Peer, options: OngoingOptions, work: (state: PeerState, ongoing: Ongoing) => Promise<T>): Promise<T>;
  /**
   * One request message and its response, piggybacked or separate.
   * @throws MooringError EXCHANGE_TIMEOUT, EXCHANGE_RESET, EXCHANGE_CANCELLED, MESSAGE_FORMAT
   */
  roundTrip(state: PeerState, ongoing: Ongoing, trip: RoundTrip): Promise<IncomingResponse>;
  /** A token that is not in use with the peer. */
  newToken(state: PeerState): Uint8Array;
  /** A message id for a message that may have to be sent again as the same. */
  reserveId(state: PeerState): number;
  /** That of the names that the request was given, else a new one. */
  tokenFor(state: PeerState, ongoing: Ongoing): Uint8Array;
  /** See {@link CoapEndpoint.reserveNames}. */
  reserveNames(state: PeerState): RequestNames;
  onPiggybacked(state: PeerState, token: string, view: MessageView): void;
  /** Ends what is open with a peer and what waits for it. */
  cancelAll(state: PeerState, reason: string): void;
}

export interface ExchangeParts {
  readonly layer: MessageLayer;
  readonly peers: PeerTable;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly random: Random;
  readonly transmission: TransmissionParameters;
  readonly tally: Tally;
  /** @throws MooringError EXCHANGE_CANCELLED once the endpoint is closed */
  assertOpen(): void;
}

const cancelled = (peer: Peer, reason: string): MooringError =>
  new MooringError("EXCHANGE_CANCELLED", `request to ${peer.key}: ${reason}`, { peer: peer.key, reason });
const timedOut = (peer: Peer, waitedFor: string): MooringError =>
  new MooringError("EXCHANGE_TIMEOUT", `request to ${peer.key}: no ${waitedFor}`, { peer: peer.key, waitedFor });
const wasReset = (peer: Peer): MooringError =>
  new MooringError("EXCHANGE_RESET", `request to ${peer.key} was answered with Reset`, { peer: peer.key });
const refused = (peer: Peer, { reason }: Refusal): MooringError =>
  new MooringError("MESSAGE_FORMAT", `response of ${peer.key}: ${reason}`, { peer: peer.key, reason });

export function createExchanges(parts: ExchangeParts): Exchanges {
  const { layer, peers, wheel, clock, random, transmission, tally } = parts;
  const { maxTransmitWaitMs } = derivedTimes(transmission);

  const stop = (ongoing: Ongoing, error: MooringError): void => {
    ongoing.stopped ??= error;
    ongoing.abort?.(ongoing.stopped);
  };

  /** Waits until the peer's line has room. */
  const enter = (state: PeerState, ongoing: Ongoing): Promise<void> => {
    const line = (state.line ??= { open: new Set(), waiting: new Map() });
    if (line.open.size < transmission.nstart) {
      line.open.add(ongoing);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      line.waiting.set(ongoing, resolve);
      ongoing.abort = error => {
        line.waiting.delete(ongoing);
        reject(error);
      };
    });
  };

  const leave = (state: PeerState, line: ExchangeLine, ongoing: Ongoing): void => {
    line.open.delete(ongoing);
    for (const [next, proceed] of line.waiting) {
      if (line.open.size >= transmission.nstart) break;
      line.waiting.delete(next);
      line.open.add(next);
      next.abort = undefined;
      proceed();
    }
    if (state.line === line && line.open.size + line.waiting.size === 0) state.line = undefined;
  };

  /** Stops an ongoing request when its time is over or its caller has lost interest. */
  const watch = (peer: Peer, ongoing: Ongoing, { timeoutMs, signal }: OngoingOptions) => {
    const onAbort = (): void => stop(ongoing, cancelled(peer, "the caller cancelled it"));
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    let timer: Disposable | undefined;
    return {
      start(): void {
        if (timeoutMs !== undefined) {
          timer = wheel.after(timeoutMs, () => stop(ongoing, timedOut(peer, `whole response within ${timeoutMs} ms`)));
        }
      },
      [Symbol.dispose](): void {
        timer?.[Symbol.dispose]();
        signal?.removeEventListener("abort", onAbort);
      },
    };
  };

  const inLine = async <T>(
    peer: Peer,
    options: OngoingOptions,
    work: (state: PeerState, ongoing: Ongoing) => Promise<T>,
  ): Promise<T> => {
    parts.assertOpen();
    const { confirmable = true, onProgress } = options;
    const names = options.names?.next();
    const ongoing: Ongoing = { confirmable, onProgress, names, stopped: undefined, abort: undefined };
    using watching = watch(peer, ongoing, options);
    if (ongoing.stopped) throw ongoing.stopped;
    const state = peers.open(peer, clock.monotonic());
    if (!state) throw cancelled(peer, "there is no room for another peer");
    await enter(state, ongoing);
    const line = state.line!;
    try {
      if (ongoing.stopped) throw ongoing.stopped;
      watching.start();
      return await work(state, ongoing);
    } catch (error) {
      if (error instanceof MooringError && error.code === "EXCHANGE_TIMEOUT") tally.exchangeTimeouts++;
      throw error;
    } finally {
      leave(state, line, ongoing);
    }
  };

  const roundTrip = (state: PeerState, ongoing: Ongoing, trip: RoundTrip): Promise<IncomingResponse> =>
    new Promise((resolve, reject) => {
      if (ongoing.stopped) throw ongoing.stopped;
      const token = tokenKey(trip.content.token);
      let timer: Disposable | undefined;
      let sent: SentMessage | undefined;

      const close = (): void => {
        timer?.[Symbol.dispose]();
        sent?.cancel();
        ongoing.abort = undefined;
        if (state.exchanges?.get(token) === exchange) state.exchanges = take(state.exchanges, token);
      };
      const fail = (error: MooringError): void => {
        close();
        reject(error);
      };
      const expire = (afterMs: number, waitedFor: string): void => {
        timer = wheel.after(afterMs, () => fail(timedOut(state.peer, waitedFor)));
      };
      const onSettled = (outcome: SendOutcome): void => {
        if (outcome === "reset") fail(wasReset(state.peer));
        else if (outcome === "gaveUp") fail(timedOut(state.peer, "acknowledgement"));
        else if (ongoing.confirmable) expire(transmission.separateResponseMs, "response after the acknowledgement");
      };
      const exchange: Exchange = {
        endsObservation: trip.endsObservation === true,
        respond(incoming) {
          close();
          tally.responsesReceived++;
          trip.onResponse?.(incoming);
          resolve(incoming);
        },
        refuse: refusal => fail(refused(state.peer, refusal)),
      };

      state.exchanges = put(state.exchanges, token, exchange);
      ongoing.abort = fail;
      try {
        const { content, messageId } = trip;
        const sameId = messageId === undefined ? {} : { messageId };
        sent = layer.send({ state, content, confirmable: ongoing.confirmable, token, ...sameId, onSettled });
      } catch (error) {
        close();
        throw error;
      }
      tally.requestsSent++;
      if (!ongoing.confirmable) expire(maxTransmitWaitMs, "response");
    });

  const newToken = (state: PeerState): Uint8Array => {
    for (;;) {
      const token = random.bytes(TOKEN_BYTES);
      const key = tokenKey(token);
      if (!state.exchanges?.has(key) && !state.observations?.has(key)) return token;
    }
  };

  return {
    inLine,
    roundTrip,
    reserveId: state => layer.reserveIds(state, 1),
    newToken,
    tokenFor(state, { names }) {
      if (!names) return newToken(state);
      // Message ids of an earlier life of the host: those that follow are not to be used again so soon.
      if (state.nextMessageId < 0) state.nextMessageId = (names.messageId + NAMES_RESERVED) & 0xffff;
      return names.token;
    },
    reserveNames: state => ({ messageId: layer.reserveIds(state, NAMES_RESERVED), token: newToken(state) }),
    onPiggybacked(state, token, view) {
      const exchange = state.exchanges?.get(token);
      if (!exchange) return;
      const read = readResponse(view);
      if (isRefusal(read)) exchange.refuse(read);
      else exchange.respond(read);
    },
    cancelAll(state, reason) {
      const { line } = state;
      if (!line) return;
      for (const ongoing of [...line.waiting.keys(), ...line.open]) stop(ongoing, cancelled(state.peer, reason));
    },
  };
}
