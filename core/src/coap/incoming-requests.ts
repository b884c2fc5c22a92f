/** Requests of peers: options checked, blocks put together, the handler run once, its answer sent in time. */
import { EMPTY_BYTES } from "../base/bytes.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Peer } from "../transport/transport.ts";
import { type BlockwiseServer, createBlockwiseServer, type PendingRequest } from "./blockwise-server.ts";
import { CODES } from "./codes.ts";
import type { Tally } from "./counters.ts";
import type { EndpointLimits } from "./endpoint.ts";
import { errorResponse, responseOfFailure } from "./failure-response.ts";
import { type MessageView, tokenBytes } from "./message.ts";
import type { MessageLayer, Received } from "./message-layer.ts";
import { isRefusal, readRequest } from "./read-message.ts";
import type { CoapRequest, CoapResponse } from "./request.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import type { Transfers } from "./transfers.ts";
import { derivedTimes, type TransmissionParameters } from "./transmission.ts";
import { type ControlOptions, responseOptions } from "./write-message.ts";

export interface IncomingRequestsParts {
  readonly layer: MessageLayer;
  readonly wheel: TimerWheel;
  readonly transfers: Transfers;
  readonly limits: EndpointLimits;
  readonly transmission: TransmissionParameters;
  readonly log: Log;
  readonly tally: Tally;
  onRequest(request: CoapRequest, from: Peer): CoapResponse | Promise<CoapResponse>;
}

export interface IncomingRequests {
  onRequest(received: Received, view: MessageView): void;
  /** Requests whose handlers run. */
  readonly inFlight: number;
  /** Resolves when no handler runs any more. */
  idle(): Promise<void>;
}

const isPromise = (value: CoapResponse | Promise<CoapResponse>): value is Promise<CoapResponse> =>
  typeof (value as Promise<CoapResponse>).then === "function";

export function createIncomingRequests(parts: IncomingRequestsParts): IncomingRequests {
  const { layer, wheel, limits, transmission, log, tally } = parts;
  let inFlight = 0;
  let onIdle: (() => void) | undefined;

  const answer = (pending: PendingRequest, response: CoapResponse, control: ControlOptions = {}): void => {
    const { received, token } = pending;
    try {
      const options = responseOptions(response, control);
      layer.respond(received, { code: response.code, token, options, payload: response.payload });
    } catch (error) {
      if (!isFailure(error, "MESSAGE_FORMAT", "BLOCK_SIZE_INVALID")) throw error;
      fault(pending, error);
      layer.respond(received, { code: CODES.INTERNAL_SERVER_ERROR, token, options: [], payload: EMPTY_BYTES });
    }
  };

  const fault = ({ received, incoming }: PendingRequest, error: unknown): void => {
    tally.handlerFaults++;
    const { method, path } = incoming.request;
    log.error("coap.request.fault", { peer: received.state.peer.key, method, path, reason: messageOf(error) });
  };

  /** The client must not repeat its request for as long as the answer takes (RFC 7252 section 5.2.2). */
  const acknowledgeInTime = ({ received }: PendingRequest): Disposable | undefined =>
    received.confirmable ? wheel.after(transmission.emptyAckAfterMs, () => layer.acknowledge(received)) : undefined;

  const fail = (pending: PendingRequest, error: unknown): void => {
    if (!isFailure(error)) fault(pending, error);
    void blocks.respond(pending, responseOfFailure(error));
  };

  const settleLater = async (pending: PendingRequest, running: CoapResponse | Promise<CoapResponse>): Promise<void> => {
    const { state } = pending.received;
    inFlight++;
    state.busy++;
    using _ack = acknowledgeInTime(pending);
    try {
      await blocks.respond(pending, await running);
    } catch (error) {
      fail(pending, error);
    } finally {
      inFlight--;
      state.busy--;
      if (inFlight === 0) onIdle?.();
    }
  };

  const dispatch = (pending: PendingRequest, request: CoapRequest): void => {
    if (inFlight >= limits.maxRequestsInFlight) {
      tally.requestsRefused++;
      answer(pending, errorResponse(CODES.SERVICE_UNAVAILABLE));
      return;
    }
    try {
      const result = parts.onRequest(request, pending.received.state.peer);
      if (isPromise(result) || result.body) void settleLater(pending, result);
      else void blocks.respond(pending, result);
    } catch (error) {
      fail(pending, error);
    }
  };

  const blocks: BlockwiseServer = createBlockwiseServer({
    limits,
    transfers: parts.transfers,
    holesWithinMs: derivedTimes(transmission).maxTransmitSpanMs,
    answer,
    hold: pending => void acknowledgeInTime(pending),
    dispatch,
  });

  const onRequest = (received: Received, view: MessageView): void => {
    const incoming = readRequest(view);
    const token = tokenBytes(view);
    if (isRefusal(incoming)) {
      // A Non-confirmable request with a critical option that is not known is met with silence (RFC 7252 section 5.4.1).
      if (!received.confirmable && incoming.code === CODES.BAD_OPTION) {
        layer.ignore(received);
        return;
      }
      const { code, payload } = errorResponse(incoming.code, incoming.reason);
      layer.respond(received, { code, token, options: [], payload });
      return;
    }
    const pending = { received, token, incoming };
    if (incoming.block1) {
      blocks.receive(pending, incoming.block1);
      return;
    }
    if (incoming.request.payload.length > limits.maxBodyBytes) {
      answer(pending, errorResponse(CODES.REQUEST_ENTITY_TOO_LARGE), { size1: limits.maxBodyBytes });
      return;
    }
    if (incoming.block2 && blocks.serveBlock(pending, incoming.block2)) return;
    dispatch(pending, incoming.request);
  };

  return {
    onRequest,
    get inFlight() {
      return inFlight;
    },
    idle: () =>
      inFlight === 0
        ? Promise.resolve()
        : new Promise(resolve => {
            onIdle = resolve;
          }),
  };
}
