/**
 * Messages to and from peers (RFC 7252 section 4): message ids, acknowledgement, retransmission, duplicates. A message that
 * comes through to `onRequest` or `onResponse` is well-formed and new. Those functions read the view at once and answer through
 * the {@link Received} handle, then or later.
 */
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log, LogFields } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Peer, Transport } from "../transport/transport.ts";
import { EMPTY, kindOfCode } from "./codes.ts";
import { type ConState, startCon, stepCon } from "./con-machine.ts";
import type { Tally } from "./counters.ts";
import {
  ACK,
  CON,
  type CoapOption,
  createMessageView,
  type MessageCodec,
  type MessageView,
  NON,
  peekType,
  RST,
  tokenBytes,
} from "./message.ts";
import { type PeerState, type PeerTable, put, take } from "./peers.ts";
import {
  ACK_ON_REPEAT,
  addSeen,
  createSeenMessages,
  EMPTY_ACK,
  findSeen,
  PENDING,
  RELEASED,
  RESET,
  type Reply,
  SILENT,
  seenKey,
  setReply,
} from "./seen-messages.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import { derivedTimes, firstTimeoutMs, type TransmissionParameters } from "./transmission.ts";

/** A new message that wants an answer or an acknowledgement. */
export interface Received {
  readonly state: PeerState;
  readonly confirmable: boolean;
  readonly messageId: number;
  /** Under which its duplicates are recognised. */
  readonly key: number;
  /** A copy of it came before and was {@link MessageLayer.release}d. */
  readonly again: boolean;
  /** Set once an acknowledgement of whatever kind has gone out. */
  acknowledged: boolean;
}

/** What a message carries besides its header. */
export interface Content {
  readonly code: number;
  readonly token: Uint8Array;
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
}

export type SendOutcome = "acknowledged" | "reset" | "gaveUp";

/** A message of ours that the peer may still acknowledge or reset. */
export interface SentMessage {
  readonly messageId: number;
  /** Token of a request: an acknowledgement that carries a response must bring it back. */
  readonly token: string | undefined;
  /** Ends retransmission without an outcome. */
  cancel(): void;
  /** Sends a Confirmable message again now, unless it went out within ACK_TIMEOUT. */
  repeat(): void;
  /** The peer's word on it, or none in time. */
  settle(outcome: SendOutcome): void;
}

export interface SendParts {
  readonly state: PeerState;
  readonly content: Content;
  readonly confirmable: boolean;
  readonly token?: string;
  /** One that {@link MessageLayer.reserveIds} gave; default: a new one. */
  readonly messageId?: number;
  onSettled(outcome: SendOutcome): void;
}

export interface MessageLayerParts {
  readonly transport: Transport;
  readonly codec: MessageCodec;
  readonly peers: PeerTable;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly transmission: TransmissionParameters;
  readonly tally: Tally;
  /** Whether a request is set aside; `receiveSetAside` is to be called for it later. */
  setAside(bytes: Uint8Array, peer: Peer, view: MessageView): boolean;
  onRequest(received: Received, view: MessageView): void;
  /** A response in a message of its own. The receiver acknowledges or rejects it. */
  onResponse(received: Received, view: MessageView): void;
  /** A response in the acknowledgement of a request; `token` is the request's. */
  onPiggybacked(state: PeerState, token: string, view: MessageView): void;
}

export interface MessageLayer {
  /** The whole way of one datagram. Never throws. */
  receive(bytes: Uint8Array, peer: Peer): void;
  /** The rest of the way of a request that was set aside. Never throws. */
  receiveSetAside(bytes: Uint8Array, peer: Peer): void;
  /** @throws MooringError MESSAGE_FORMAT for what cannot be encoded; nothing is sent then */
  send(parts: SendParts): SentMessage;
  /** @returns the first of so many message ids in a row that no other message to the peer gets before they come round again */
  reserveIds(state: PeerState, count: number): number;
  /** Answers a request: in the acknowledgement if that has not gone out yet, otherwise in a message of its own. @throws MooringError MESSAGE_FORMAT */
  respond(received: Received, content: Content): void;
  /** The empty acknowledgement of a Confirmable message; nothing for another or a second time. */
  acknowledge(received: Received): void;
  /** Rejects a message (RFC 7252 sections 4.2 and 4.3). */
  reject(received: Received): void;
  /** Says nothing, not to duplicates either. */
  ignore(received: Received): void;
  /** Says nothing; the message's repetition is new, and told to be one. */
  release(received: Received): void;
  /** A repetition of this message is acknowledged although it is not done: its sender is waiting. */
  acknowledgeOnRepeat(received: Received): void;
}

/** Token bytes as a string of as many characters, to be compared and looked up. */
export const tokenKey = (token: Uint8Array): string => Buffer.from(token).toString("latin1");
export const tokenOfView = (view: MessageView): string => view.bytes.toString("latin1", 4, 4 + view.tokenLength);
export const tokenOfKey = (key: string): Uint8Array => Uint8Array.from(Buffer.from(key, "latin1"));

export function createMessageLayer(parts: MessageLayerParts): MessageLayer {
  const { transport, codec, peers, wheel, clock, random, log, transmission, tally } = parts;
  const times = derivedTimes(transmission);
  const view = createMessageView();

  const transmit = (bytes: Uint8Array, peer: Peer): void => {
    tally.datagramsSent++;
    transport.send(bytes, peer);
  };

  const transmitEmpty = (type: typeof ACK | typeof RST, messageId: number, peer: Peer): void => {
    if (type === RST) tally.resetsSent++;
    transmit(
      codec.encode({ type, code: EMPTY, messageId, token: EMPTY_BYTES, options: [], payload: EMPTY_BYTES }),
      peer,
    );
  };

  const nextMessageId = (state: PeerState): number => {
    let id = state.nextMessageId < 0 ? random.int(0x10000) : state.nextMessageId;
    while (state.sent?.has(id)) id = (id + 1) & 0xffff;
    state.nextMessageId = (id + 1) & 0xffff;
    return id;
  };

  const reserveIds = (state: PeerState, count: number): number => {
    const first = nextMessageId(state);
    state.nextMessageId = (first + count) & 0xffff;
    return first;
  };

  const send = (message: SendParts): SentMessage => {
    const { state, content, confirmable, token, messageId = nextMessageId(state), onSettled } = message;
    const type = confirmable ? CON : NON;
    const encoded = codec.encode({ ...content, type, messageId });
    const bytes = confirmable ? Uint8Array.from(encoded) : encoded;
    let con: ConState = startCon(firstTimeoutMs(transmission, random.fraction()));
    let timer: Disposable | undefined;
    let lastSentMs = clock.monotonic();
    const cancel = (): void => {
      timer?.[Symbol.dispose]();
      if (state.sent?.get(messageId) === sent) state.sent = take(state.sent, messageId);
    };
    const settle = (outcome: SendOutcome): void => {
      cancel();
      onSettled(outcome);
    };
    const arm = (): void => {
      if (con.at === "waiting") timer = wheel.after(con.timeoutMs, onTimer);
    };
    const onTimer = (): void => {
      con = stepCon(con, "timer", transmission.maxRetransmit);
      if (con.at === "gaveUp") {
        tally.gaveUp++;
        settle("gaveUp");
        return;
      }
      transmitAgain();
      arm();
    };
    const transmitAgain = (): void => {
      tally.retransmissions++;
      lastSentMs = clock.monotonic();
      transmit(bytes, state.peer);
    };
    const repeat = (): void => {
      if (confirmable && clock.monotonic() - lastSentMs >= transmission.ackTimeoutMs) transmitAgain();
    };
    const sent: SentMessage = { messageId, token, cancel, repeat, settle };
    state.sent = put(state.sent, messageId, sent);
    state.lastUsedMs = lastSentMs;
    transmit(bytes, state.peer);
    if (confirmable) arm();
    return sent;
  };

  const answered = (received: Received, reply: Reply): void => {
    received.acknowledged = true;
    if (received.state.seen) setReply(received.state.seen, received.key, reply);
  };

  const acknowledge = (received: Received): void => {
    if (received.acknowledged) return;
    answered(received, received.confirmable ? EMPTY_ACK : SILENT);
    if (received.confirmable) transmitEmpty(ACK, received.messageId, received.state.peer);
  };

  const respondSeparately = (received: Received, content: Content): void => {
    tally.separateResponses++;
    send({ state: received.state, content, confirmable: true, onSettled: () => {} });
  };

  const respond = (received: Received, content: Content): void => {
    const { state, messageId } = received;
    if (!received.confirmable) {
      answered(received, SILENT);
      transmit(codec.encode({ ...content, type: NON, messageId: nextMessageId(state) }), state.peer);
      return;
    }
    if (received.acknowledged) {
      respondSeparately(received, content);
      return;
    }
    const bytes = codec.encode({ ...content, type: ACK, messageId });
    const bare = content.options.length + content.payload.length === 0;
    answered(received, bare ? content.code : Uint8Array.from(bytes));
    transmit(bytes, state.peer);
  };

  const reject = (received: Received): void => {
    answered(received, RESET);
    transmitEmpty(RST, received.messageId, received.state.peer);
  };

  /** The duplicate of a Confirmable message gets what the first one got (RFC 7252 section 4.2). */
  const repeatReply = (state: PeerState, seenAt: number): void => {
    const seen = state.seen!;
    const reply = seen.replies[seenAt]!;
    if (typeof reply !== "number") transmit(reply, state.peer);
    else if (reply === RESET) transmitEmpty(RST, view.messageId, state.peer);
    else if (reply === ACK_ON_REPEAT || reply === EMPTY_ACK) {
      seen.replies[seenAt] = EMPTY_ACK;
      transmitEmpty(ACK, view.messageId, state.peer);
    } else if (reply > EMPTY_ACK) {
      const { messageId } = view;
      const content = { code: reply, token: tokenBytes(view), options: [], payload: EMPTY_BYTES };
      transmit(codec.encode({ ...content, type: ACK, messageId }), state.peer);
    }
  };

  /** @returns undefined for a duplicate, which has been dealt with */
  const admit = (state: PeerState): Received | undefined => {
    const nowMs = state.lastUsedMs;
    const key = seenKey(view);
    const confirmable = view.type === CON;
    state.seen ??= createSeenMessages();
    const at = findSeen(state.seen, key, nowMs);
    const again = at >= 0 && state.seen.replies[at] === RELEASED;
    if (again) state.seen.replies[at] = PENDING;
    else if (at >= 0) {
      tally.duplicates++;
      if (confirmable) repeatReply(state, at);
      return undefined;
    }
    const lifetimeMs = confirmable ? times.exchangeLifetimeMs : times.nonLifetimeMs;
    if (!again) addSeen(state.seen, key, nowMs + lifetimeMs, PENDING, nowMs);
    return { state, confirmable, messageId: view.messageId, key, again, acknowledged: false };
  };

  const onRequestMessage = (peer: Peer): void => {
    const state = peers.open(peer, clock.monotonic());
    if (!state) {
      tally.peersRefused++;
      return;
    }
    const received = admit(state);
    if (!received) return;
    tally.requestsReceived++;
    parts.onRequest(received, view);
  };

  const onResponseMessage = (peer: Peer): void => {
    if (!peers.find(peer)) {
      transmitEmpty(RST, view.messageId, peer); // nobody asked: no state is made for it
      return;
    }
    const received = admit(peers.open(peer, clock.monotonic())!);
    if (received) parts.onResponse(received, view);
  };

  const onAcknowledgement = (peer: Peer): void => {
    const state = peers.find(peer);
    const sent = state?.sent?.get(view.messageId);
    const kind = kindOfCode(view.code);
    const fits = kind === "empty" || (kind === "response" && sent?.token === tokenOfView(view));
    if (!state || !sent || !fits) {
      tally.ignored++;
      return;
    }
    state.peer = peer;
    state.lastUsedMs = clock.monotonic();
    sent.settle("acknowledged");
    if (kind === "response" && sent.token !== undefined) parts.onPiggybacked(state, sent.token, view);
  };

  const onReset = (peer: Peer): void => {
    const sent = peers.find(peer)?.sent?.get(view.messageId);
    if (!sent || view.code !== EMPTY) {
      tally.ignored++;
      return;
    }
    tally.resetsReceived++;
    sent.settle("reset");
  };

  /** Messages that carry neither request nor response (RFC 7252 sections 4.2, 4.3). An empty Confirmable one is a ping. */
  const onOther = (peer: Peer): void => {
    if (view.code === EMPTY) tally.pings++;
    else tally.ignored++;
    if (view.type === CON) transmitEmpty(RST, view.messageId, peer);
  };

  const onMalformed = (bytes: Uint8Array, peer: Peer): void => {
    tally.formatErrors++;
    if (peekType(bytes) === CON) transmitEmpty(RST, (bytes[2]! << 8) | bytes[3]!, peer);
  };

  const dispatch = (bytes: Uint8Array, peer: Peer): void => {
    if (codec.parse(bytes, view) !== undefined) onMalformed(bytes, peer);
    else if (view.type === ACK) onAcknowledgement(peer);
    else if (view.type === RST) onReset(peer);
    else {
      const kind = kindOfCode(view.code);
      if (kind !== "request") kind === "response" ? onResponseMessage(peer) : onOther(peer);
      else if (!parts.setAside(bytes, peer, view)) onRequestMessage(peer);
    }
  };

  const fault = (error: unknown, fields: LogFields): void => {
    tally.faults++;
    log.error("coap.fault", { ...fields, reason: messageOf(error) });
  };

  return {
    receive(bytes, peer) {
      tally.datagramsReceived++;
      if (peer.port === 0) {
        tally.ignored++; // nothing can be sent there (RFC 768: port 0 means that no answer is expected)
        return;
      }
      try {
        dispatch(bytes, peer);
      } catch (error) {
        fault(error, { peer: peer.key });
      }
    },
    receiveSetAside(bytes, peer) {
      try {
        if (codec.parse(bytes, view) === undefined) onRequestMessage(peer);
      } catch (error) {
        fault(error, { peer: peer.key });
      }
    },
    send,
    reserveIds,
    respond,
    acknowledge,
    reject,
    ignore: received => answered(received, SILENT),
    release(received) {
      if (received.state.seen) setReply(received.state.seen, received.key, RELEASED);
    },
    acknowledgeOnRepeat(received) {
      if (!received.acknowledged && received.state.seen) setReply(received.state.seen, received.key, ACK_ON_REPEAT);
    },
  };
}
