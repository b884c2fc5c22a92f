/**
 * Requests that come in with Block1, and responses that go out with Block2 (RFC 7959). A transfer belongs to peer, method and
 * URI, never to the token, which clients may change from block to block or leave empty.
 */
import { hash } from "node:crypto";
import { EMPTY_BYTES } from "../base/bytes.ts";
import { type Block, blockAt, blockBytes, blockStart } from "./block-option.ts";
import { type BodyAssembly, createBodyAssembly } from "./body-assembly.ts";
import { CODES, isSuccess } from "./codes.ts";
import type { EndpointLimits } from "./endpoint.ts";
import { errorResponse } from "./failure-response.ts";
import type { Received } from "./message-layer.ts";
import type { PeerState } from "./peers.ts";
import type { IncomingRequest } from "./read-message.ts";
import type { BodySource, CoapRequest, CoapResponse } from "./request.ts";
import type { Transfers } from "./transfers.ts";
import type { ControlOptions } from "./write-message.ts";

/** A request message with all that is needed to answer it, then or later. */
export interface PendingRequest {
  readonly received: Received;
  readonly token: Uint8Array;
  readonly incoming: IncomingRequest;
}

export interface BlockwiseServerParts {
  readonly limits: EndpointLimits;
  readonly transfers: Transfers;
  /** How long the last block waits for earlier ones that it overtook: the time in which they are repeated. */
  readonly holesWithinMs: number;
  answer(pending: PendingRequest, response: CoapResponse, control?: ControlOptions): void;
  /** Keeps a request open: the empty acknowledgement goes out in time. */
  hold(pending: PendingRequest): void;
  /** A whole request. */
  dispatch(pending: PendingRequest, request: CoapRequest): void;
}

export interface BlockwiseServer {
  /** A message with Block1: one piece of a body. */
  receive(pending: PendingRequest, block1: Block): void;
  /** Answers with the whole response, or with the block that was asked for; a promise where its body is read, which rejects as that does. */
  respond(pending: PendingRequest, response: CoapResponse): void | Promise<void>;
  /** Serves a later block of a response that is held. @returns false where the request must be run */
  serveBlock(pending: PendingRequest, block2: Block): boolean;
}

/** The part of a body that arrived, and the request that gets the answer when it is whole. */
interface IncomingBody {
  readonly assembly: BodyAssembly;
  final: PendingRequest | undefined;
}

/** How far a piece may run ahead of what is missing: one window of a device that does not wait. */
const MAX_AHEAD_BYTES = 65_536;

/** Parts of a URI hold any character but this one where they come from text that a person could type. */
const SEPARATOR = "\u0000";

const transferKey = (direction: "1" | "2", { request, requestTag }: IncomingRequest): string =>
  [direction, request.method, ...request.path, "?", ...request.query, "#", request.accept ?? "", requestTag].join(
    SEPARATOR,
  );

/** Validator of a representation for which the resource gives none. */
const etagOf = (payload: Uint8Array): Uint8Array => hash("sha256", payload, "buffer").subarray(0, 8);

/** Says which block a response is about; SZX is the size that this side prefers for the next ones. */
const echoOf = (block: Block, more: boolean, maxSzx: number): Block => ({
  num: block.num,
  more,
  szx: Math.min(block.szx, maxSzx),
});

export function createBlockwiseServer(parts: BlockwiseServerParts): BlockwiseServer {
  const { limits, transfers, holesWithinMs, answer, hold, dispatch } = parts;

  const incomplete = (pending: PendingRequest, text: string): void =>
    answer(pending, errorResponse(CODES.REQUEST_ENTITY_INCOMPLETE, text));

  const tooLarge = (pending: PendingRequest): void =>
    answer(pending, errorResponse(CODES.REQUEST_ENTITY_TOO_LARGE), { size1: limits.maxBodyBytes });

  /** The rules for one block by itself (RFC 7959 sections 2.2 and 2.9). @returns false where it was answered */
  const acceptable = (pending: PendingRequest, block: Block): boolean => {
    const { payload } = pending.incoming.request;
    const size = blockBytes(block.szx);
    const end = blockStart(block) + payload.length;
    if (payload.length > size || (block.more && payload.length < size)) {
      answer(pending, errorResponse(CODES.BAD_REQUEST, `block ${block.num} must have ${size} bytes`));
      return false;
    }
    if (Math.max(end, pending.incoming.size1 ?? 0) > limits.maxBodyBytes) {
      tooLarge(pending);
      return false;
    }
    return true;
  };

  const begin = (pending: PendingRequest, key: string): IncomingBody | undefined => {
    const body: IncomingBody = { assembly: createBodyAssembly(limits.maxBodyBytes), final: undefined };
    const lost = (): void => {
      if (body.final) incomplete(body.final, "blocks are missing");
    };
    return transfers.open<IncomingBody>(pending.received.state, key, body, 0, lost)?.body;
  };

  const refuse = (pending: PendingRequest): void => answer(pending, errorResponse(CODES.SERVICE_UNAVAILABLE));

  /** Puts a piece in its place. @returns false where it was answered */
  const store = (pending: PendingRequest, key: string, body: IncomingBody, block: Block): boolean => {
    const { state } = pending.received;
    const { payload } = pending.incoming.request;
    const start = blockStart(block);
    if (start > body.assembly.contiguous + MAX_AHEAD_BYTES) {
      incomplete(pending, `blocks before ${block.num} are missing`);
      return false;
    }
    const growth = body.assembly.growthFor(start + payload.length);
    if (!transfers.grow(state, key, transfers.find(state, key)!, growth)) {
      transfers.close(state, key);
      refuse(pending);
      return false;
    }
    if (body.assembly.add(start, payload, !block.more)) return true;
    transfers.close(state, key);
    incomplete(pending, `block ${block.num} contradicts the others`);
    return false;
  };

  /** The last block that came before others: its answer waits until they have come too. */
  const holdFinal = (pending: PendingRequest, key: string, body: IncomingBody): void => {
    if (body.final) incomplete(body.final, "the last block came again");
    body.final = pending;
    hold(pending);
    const { state } = pending.received;
    transfers.hasten(state, key, transfers.find(state, key)!, holesWithinMs);
  };

  /** Answers the piece, and the whole when nothing is missing any more. */
  const goOn = (pending: PendingRequest, key: string, body: IncomingBody, block: Block): void => {
    const whole = body.assembly.whole();
    if (block.more) {
      const block1 = echoOf(block, true, limits.blockSzx);
      answer(pending, { code: CODES.CONTINUE, payload: EMPTY_BYTES }, { block1 });
    } else if (!whole) {
      holdFinal(pending, key, body);
      return;
    }
    if (!whole) return;
    const final = block.more ? body.final! : pending;
    transfers.close(pending.received.state, key);
    dispatch(final, { ...final.incoming.request, payload: whole });
  };

  const receive = (pending: PendingRequest, block: Block): void => {
    const { state } = pending.received;
    const key = transferKey("1", pending.incoming);
    if (!acceptable(pending, block)) {
      transfers.close(state, key);
      return;
    }
    if (block.num === 0 && !block.more) {
      transfers.close(state, key);
      dispatch(pending, pending.incoming.request);
      return;
    }
    const known = transfers.find(state, key)?.body as IncomingBody | undefined;
    if (block.num > 0 && !known) {
      incomplete(pending, "the first block is missing");
      return;
    }
    const body = block.num === 0 ? begin(pending, key) : known;
    if (!body) {
      refuse(pending);
      return;
    }
    if (store(pending, key, body, block)) goOn(pending, key, body, block);
  };

  /** Which block of a response goes out: the one asked for, no larger than either side wants. */
  const wantedBlock = (pending: PendingRequest): { start: number; szx: number } => {
    const { block2 } = pending.incoming;
    if (!block2) return { start: 0, szx: limits.blockSzx };
    return { start: blockStart(block2), szx: Math.min(block2.szx, limits.blockSzx) };
  };

  const finalBlock1 = ({ incoming }: PendingRequest): ControlOptions =>
    incoming.block1 ? { block1: echoOf(incoming.block1, false, limits.blockSzx) } : {};

  /** One block of a response, which stays held while there are more. */
  const respondBlock = (pending: PendingRequest, response: CoapResponse): void => {
    const { state } = pending.received;
    const { payload } = response;
    const { start, szx } = wantedBlock(pending);
    if (start > 0 && start >= payload.length) {
      answer(pending, errorResponse(CODES.BAD_REQUEST, "the block lies past the end"), finalBlock1(pending));
      return;
    }
    const end = start + blockBytes(szx);
    const block2 = { num: start / blockBytes(szx), more: end < payload.length, szx };
    const whole = response.etag || !(block2.more || start > 0) ? response : { ...response, etag: etagOf(payload) };
    const key = transferKey("2", pending.incoming);
    if (block2.more && start === 0) transfers.open(state, key, whole, payload.length, () => {});
    if (!block2.more && start > 0) transfers.close(state, key);
    const size2 = start === 0 && block2.more ? { size2: payload.length } : {};
    answer(pending, { ...whole, payload: payload.subarray(start, end) }, { block2, ...size2, ...finalBlock1(pending) });
  };

  /** A client that goes on somewhere in the middle has its size from an earlier answer. */
  const wantedPart = ({ incoming: { block2 } }: PendingRequest, { blockSzx = limits.blockSzx }: CoapResponse) => {
    const szx = block2?.num ? block2.szx : Math.min(block2?.szx ?? blockSzx, blockSzx);
    return { start: block2 ? blockStart(block2) : 0, szx };
  };

  const respondFrom = async (pending: PendingRequest, response: CoapResponse, body: BodySource): Promise<void> => {
    const { start, szx } = wantedPart(pending, response);
    if (start > 0 && start >= body.length) {
      answer(pending, errorResponse(CODES.BAD_REQUEST, "the block lies past the end"), finalBlock1(pending));
      return;
    }
    const block = blockAt(start, szx, body.length);
    const payload = await body.read(start, blockBytes(szx));
    const block2 = block.more || pending.incoming.block2 ? { block2: block } : {};
    const size2 = start === 0 && block.more ? { size2: body.length } : {};
    const { body: _body, ...head } = response;
    answer(pending, { ...head, payload }, { ...block2, ...size2, ...finalBlock1(pending) });
  };

  return {
    receive,
    respond(pending, response) {
      if (response.body) return respondFrom(pending, response, response.body);
      const fits = response.payload.length <= blockBytes(limits.blockSzx);
      if (fits && (!pending.incoming.block2 || !isSuccess(response.code))) {
        answer(pending, response, finalBlock1(pending));
      } else respondBlock(pending, response);
      return undefined;
    },
    serveBlock(pending, block2) {
      if (block2.num === 0) return false;
      const held = heldResponse(transfers, pending.received.state, transferKey("2", pending.incoming));
      const { method } = pending.incoming.request;
      if (held) respondBlock(pending, held);
      else if (method === "GET" || method === "FETCH") return false;
      else incomplete(pending, "the response is not held any more");
      return true;
    },
  };
}

const heldResponse = (transfers: Transfers, state: PeerState, key: string): CoapResponse | undefined =>
  transfers.find(state, key)?.body as CoapResponse | undefined;
