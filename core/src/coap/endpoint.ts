/**
 * The CoAP endpoint: codec, message layer, exchanges, block-wise transfer and observation joined over one transport.
 * All that `lwm2m/` sees of CoAP is here, in request.ts and in codes.ts.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Peer, Transport } from "../transport/transport.ts";
import type { BodySource, CoapRequest, CoapResponse } from "./request.ts";
import type { PatientRequests } from "./request-line.ts";
import type { TransmissionParameters } from "./transmission.ts";

export interface EndpointLimits {
  /** Largest body put together from blocks, in bytes, either direction. */
  readonly maxBodyBytes: number;
  /** Unfinished incoming transfers of one peer, and of all together. */
  readonly maxTransfersPerPeer: number;
  readonly maxTransfers: number;
  /** Bytes held by unfinished incoming transfers of all peers. */
  readonly maxTransferBytes: number;
  /** Peers with state; the longest silent one without open exchange or observation goes first. */
  readonly maxPeers: number;
  /** Requests whose handlers run at once; above it 5.03 with Max-Age. */
  readonly maxRequestsInFlight: number;
  /** Preferred block size exponent, 0..6 (16..1024 bytes). */
  readonly blockSzx: number;
}

/**
 * Message ids and a token set aside for one piece of work with a peer, plain data to be stored. A request that is sent again under the same
 * names is a repetition to a peer that had it: it answers as before and does not act twice, for EXCHANGE_LIFETIME after the first time
 * (RFC 7252 section 4.2). So it is over a restart of the host.
 */
export interface RequestNames {
  readonly messageId: number;
  readonly token: Uint8Array;
}

/** Gives the names to one request after the other. */
export interface NameSupply {
  /** Undefined when they are used up: the request goes under names of its own. */
  next(): RequestNames | undefined;
}

export interface RequestOptions {
  /** Default true. */
  readonly confirmable?: boolean;
  /** Default: names of its own. A body that goes out in blocks has the token only. */
  readonly names?: NameSupply;
  /**
   * Whole-exchange limit in ms: the first message to the whole response, blocks included; waiting in line for the peer is not counted.
   * Default: none for the whole. Each message has MAX_TRANSMIT_WAIT plus the separate-response limit, so that a transfer may
   * go on for as long as its blocks do.
   */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Told after each block that the peer took, in bytes of the request body. */
  readonly onProgress?: (sentBytes: number) => void;
}

export interface ObserveOptions extends RequestOptions {
  /** Notifications wait until this has settled; default: until the response is whole. */
  readonly offerAfter?: Promise<unknown>;
}

/**
 * How far a streamed body has come. Plain data: kept, it lets the transfer go on after a restart of this process or a silence of the peer, and the
 * peer sees nothing but a repetition.
 */
export interface TransferPosition {
  /** Where the next block begins: all bytes before it are acknowledged. */
  readonly at: number;
  /** Size exponent of the blocks, 0..6. */
  readonly szx: number;
  /** Of the whole transfer, lower-case hexadecimal. */
  readonly token: string;
  /**
   * Of the next block: a peer that has taken it already knows it again, where a fresh one would be a block out of order. Absent: a new
   * one, as after an answer to it that asked for patience.
   */
  readonly messageId?: number;
}

export interface UploadOptions extends RequestOptions {
  /** Size exponent of the largest blocks, 0..6; default: the endpoint's. The peer may ask for smaller ones. */
  readonly blockSzx?: number;
  /** Where an earlier upload of the same body to the same peer stopped. A peer that has lost the rest says so (4.08) and gets all again. */
  readonly from?: TransferPosition;
  /** Told before each block, which leaves when this has resolved; a rejection is that of the upload. Bodies in one message have no position. */
  readonly onPosition?: (position: TransferPosition) => Promise<void>;
}

/** What the device agreed to by answering with the Observe option. Plain data: store it and give it back to {@link CoapEndpoint.resumeObservation}. */
export interface ObservationKey {
  readonly peer: Peer;
  readonly token: Uint8Array;
  readonly request: CoapRequest;
}

export interface Notification {
  readonly observation: Observation;
  readonly response: CoapResponse;
  /** Observe sequence number, 24 bits; undefined on the last, error notification. */
  readonly sequence: number | undefined;
  readonly messageId: number;
  readonly confirmable: boolean;
  readonly receivedAtMs: number;
  /** The next of the observation may be offered before this one is done: what its handler has begun is in order already. */
  letNextBegin(): void;
}

export interface Observation extends ObservationKey {
  /** True until cancelled, answered with an error, or its peer was forgotten. */
  readonly active: boolean;
  /** Stops listening at once; the next notification is answered with Reset (RFC 7641 section 3.6). */
  forget(): void;
  /** GET (or FETCH) with Observe 1, same token. Resolves with the device's answer. */
  cancel(options?: RequestOptions): Promise<CoapResponse>;
}

/**
 * A fresh notification, whole. The acknowledgement of a confirmable one is sent when the promise resolves; when it rejects nothing is
 * sent, so that the device repeats the message and it is offered again. Notifications of one observation are offered in order, each when the one
 * before is done or has let it begin.
 */
export type NotificationHandler = (notification: Notification) => Promise<void>;

export interface EndpointParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly transmission: TransmissionParameters;
  readonly limits: EndpointLimits;
  /** Requests that wait behind everything else when many come at once; absent: none does. */
  readonly patient?: PatientRequests;
  /** Default "builtin"; "coap-packet" puts that library's codec, with the checks it lacks, in its place. */
  readonly codec?: "builtin" | "coap-packet";
  /** Whole incoming requests, each once. A thrown MooringError is answered from its table row, anything else with 5.00. */
  onRequest(request: CoapRequest, from: Peer): CoapResponse | Promise<CoapResponse>;
  /**
   * A peer goes on as another one (see `PeerEvents.superseded`). Its observations have moved already, its open exchanges end with
   * EXCHANGE_CANCELLED; told before the first message of `to`. Must not throw.
   */
  onSuperseded?(from: Peer, to: Peer): void;
}

export interface EndpointCounters {
  readonly [name: string]: number;
}

export interface CoapEndpoint extends AsyncDisposable {
  readonly transport: Transport;
  /**
   * Rejects with EXCHANGE_TIMEOUT, EXCHANGE_RESET, EXCHANGE_CANCELLED, TRANSFER_FAILED, TRANSFER_TOO_LARGE, and with MESSAGE_FORMAT for a
   * request that cannot be encoded or a response with a critical option that is not known; an error code of the peer is a response,
   * not a rejection.
   */
  request(peer: Peer, request: CoapRequest, options?: RequestOptions): Promise<CoapResponse>;
  /** As {@link request}, the body streamed from `body` with Block1. */
  upload(
    peer: Peer,
    request: Omit<CoapRequest, "payload">,
    body: BodySource,
    options?: UploadOptions,
  ): Promise<CoapResponse>;
  /**
   * GET or FETCH with Observe 0. `observation` is undefined when the device answered without the Observe option or with an error:
   * the value in `response` may be used, nothing is kept (RFC 7641 section 3.1).
   */
  observe(
    peer: Peer,
    request: CoapRequest,
    onNotification: NotificationHandler,
    options?: ObserveOptions,
  ): Promise<{ readonly response: CoapResponse; readonly observation: Observation | undefined }>;
  /**
   * Takes up an observation that was kept through a restart, without a message to the device.
   * @throws MooringError OVERLOADED where `maxPeers` are in use
   */
  resumeObservation(key: ObservationKey, onNotification: NotificationHandler): Observation;
  /** The device has a new address: its observations go on there, its open exchanges end with EXCHANGE_CANCELLED. */
  movePeer(from: Peer, to: Peer): void;
  /** Names that no other message to the peer gets; undefined where `maxPeers` are in use. */
  reserveNames(peer: Peer): RequestNames | undefined;
  /** The peer was just heard: what it has not acknowledged for ACK_TIMEOUT is sent again without waiting for its time. */
  repeatUnacknowledged(peer: Peer): void;
  /** EXCHANGE_LIFETIME (RFC 7252 section 4.8.2). */
  readonly exchangeLifetimeMs: number;
  /** Drops observations, exchanges and transfers of a peer. */
  forgetPeer(peer: Peer): void;
  readonly counters: EndpointCounters;
}

export { createCoapEndpoint } from "./create-endpoint.ts";
export type { BodySource } from "./request.ts";
