/**
 * Requests whose body goes out with Block1, and responses whose body comes in with Block2 (RFC 7959). One token serves a whole
 * transfer: the standard leaves that free, and there are servers that put blocks together by token.
 */
import { concatBytes, EMPTY_BYTES, equalBytes, toHex } from "../base/bytes.ts";
import { isFailure, MooringError } from "../base/errors.ts";
import { type Block, blockAt, blockBytes, blockStart } from "./block-option.ts";
import { CODES, isSuccess, METHODS } from "./codes.ts";
import type { BodySource, EndpointLimits, TransferPosition, UploadOptions } from "./endpoint.ts";
import type { Exchanges, Ongoing } from "./exchange.ts";
import type { PeerState } from "./peers.ts";
import type { IncomingResponse } from "./read-message.ts";
import type { CoapRequest, CoapResponse } from "./request.ts";
import { type ControlOptions, requestOptions } from "./write-message.ts";

export interface TransferParts extends Pick<UploadOptions, "blockSzx" | "from" | "onPosition"> {
  readonly request: Omit<CoapRequest, "payload">;
  readonly body: Uint8Array | BodySource;
  readonly token: Uint8Array;
  readonly observe?: 0 | 1;
  /** Sees each response to a block of the request before anything else can arrive. */
  readonly onResponse?: (incoming: IncomingResponse) => void;
}

export interface BlockwiseClient {
  /** A whole request and its whole response. @throws MooringError of the exchanges, TRANSFER_FAILED, TRANSFER_TOO_LARGE */
  transfer(state: PeerState, ongoing: Ongoing, parts: TransferParts): Promise<CoapResponse>;
  /** What is missing of a response whose first block has come. Observe is not repeated (RFC 7959 section 2.6). */
  fetchRest(
    state: PeerState,
    ongoing: Ongoing,
    request: CoapRequest,
    first: IncomingResponse,
    token: Uint8Array,
  ): Promise<CoapResponse>;
}

/** How often a transfer begins anew: the device lost the first blocks (4.08), or its representation changed (ETag). */
const MAX_RESTARTS = 2;
/**
 * How often one block is sent again when it was given up. At 25 % loss every sixtieth Confirmable message is never acknowledged: a thousand
 * blocks would not get through without. A block of a request goes out as the same message: a device that has it would answer another one
 * with 4.08.
 */
const MAX_BLOCK_REPEATS = 2;

function failed(state: PeerState, rule: string): never {
  throw new MooringError("TRANSFER_FAILED", `block-wise transfer with ${state.peer.key}: ${rule}`, {
    peer: state.peer.key,
    rule,
  });
}

/** For a block in the middle of a transfer: the peer was there a moment ago, and the block changes nothing by itself. */
async function persistently<T>(send: () => Promise<T>): Promise<T> {
  for (let repeats = 0; ; repeats++) {
    try {
      return await send();
    } catch (error) {
      if (repeats === MAX_BLOCK_REPEATS || !isFailure(error, "EXCHANGE_TIMEOUT")) throw error;
    }
  }
}

/** Where blocks begin to go out, and the message id that the first of them has already. */
type BlockPlace = Pick<TransferPosition, "at" | "szx" | "messageId">;

const isWithin = ({ at, szx }: TransferPosition, body: TransferParts["body"]): boolean =>
  at % blockBytes(szx) === 0 && at < body.length;

/**
 * Message ids go on from there where nothing else has been sent to the peer: some devices take a message with a lower id than the last
 * one for a repetition.
 */
function goOnAt(state: PeerState, { at, szx, messageId }: TransferPosition): BlockPlace {
  if (messageId === undefined || state.sent?.has(messageId)) return { at, szx };
  if (state.nextMessageId < 0) state.nextMessageId = (messageId + 1) & 0xffff;
  return { at, szx, messageId };
}

export const needsMore = (incoming: IncomingResponse): boolean =>
  incoming.block2 !== undefined && (incoming.block2.more || incoming.block2.num > 0);

export function createBlockwiseClient(exchanges: Exchanges, limits: EndpointLimits): BlockwiseClient {
  const send = (
    state: PeerState,
    ongoing: Ongoing,
    parts: TransferParts,
    payload: Uint8Array,
    control: ControlOptions,
    messageId?: number,
  ): Promise<IncomingResponse> => {
    const { request, token, observe, onResponse } = parts;
    const early = limits.blockSzx < 6 ? { block2: { num: 0, more: false, szx: limits.blockSzx } } : {};
    const options = requestOptions(request, { ...(observe === undefined ? {} : { observe }), ...early, ...control });
    return exchanges.roundTrip(state, ongoing, {
      content: { code: METHODS[request.method], token, options, payload },
      ...(messageId === undefined ? {} : { messageId }),
      endsObservation: observe === 1,
      ...(onResponse ? { onResponse } : {}),
    });
  };

  /** The whole body in one message, or undefined when the peer asked for smaller blocks. */
  const sendAtOnce = async (
    state: PeerState,
    ongoing: Ongoing,
    parts: TransferParts,
  ): Promise<IncomingResponse | number> => {
    const { body } = parts;
    const payload = body instanceof Uint8Array ? body : await readBlock(state, body, 0, body.length);
    const incoming = await send(state, ongoing, parts, payload, {}, ongoing.names?.messageId);
    const { block1, response } = incoming;
    const tooLarge = response.code === CODES.REQUEST_ENTITY_TOO_LARGE;
    if (tooLarge && block1 && blockBytes(block1.szx) < body.length) return block1.szx;
    if (isSuccess(response.code) && body.length > 0) ongoing.onProgress?.(body.length);
    return incoming;
  };

  const sendBlocks = async (
    state: PeerState,
    ongoing: Ongoing,
    parts: TransferParts,
    first: BlockPlace,
  ): Promise<IncomingResponse> => {
    const { body, token, onPosition } = parts;
    let { at, szx } = first;
    let restarts = 0;
    for (let known = first.messageId; ; known = undefined) {
      const block1 = blockAt(at, szx, body.length);
      const payload = await readBlock(state, body, at, blockBytes(szx));
      const size1 = at === 0 ? { size1: body.length } : {};
      const messageId = known ?? exchanges.reserveId(state);
      await onPosition?.({ at, szx, token: toHex(token), messageId });
      const sendBlock = () => send(state, ongoing, parts, payload, { block1, ...size1 }, messageId);
      const incoming = await (at > 0 && block1.more ? persistently(sendBlock) : sendBlock());
      const { code } = incoming.response;
      const wanted = incoming.block1?.szx ?? szx;
      if (code === CODES.REQUEST_ENTITY_TOO_LARGE && at === 0 && wanted < szx) szx = wanted;
      else if (code === CODES.REQUEST_ENTITY_INCOMPLETE && at > 0 && restarts < MAX_RESTARTS) {
        restarts++;
        at = 0;
      } else {
        if (!isSuccess(code)) return incoming;
        at += payload.length;
        ongoing.onProgress?.(at);
        if (!block1.more) return incoming;
        if (incoming.block1?.num !== block1.num) failed(state, `block ${block1.num} was answered without its number`);
        szx = Math.min(szx, wanted);
      }
    }
  };

  const sendBody = async (state: PeerState, ongoing: Ongoing, parts: TransferParts): Promise<IncomingResponse> => {
    const { body, from, blockSzx: szx = limits.blockSzx } = parts;
    if (from && isWithin(from, body)) return sendBlocks(state, ongoing, parts, goOnAt(state, from));
    if (body.length > blockBytes(szx)) return sendBlocks(state, ongoing, parts, { at: 0, szx });
    const incoming = await sendAtOnce(state, ongoing, parts);
    return typeof incoming === "number" ? sendBlocks(state, ongoing, parts, { at: 0, szx: incoming }) : incoming;
  };

  /** Block numbers, sizes and the cap; a broken rule would corrupt the body silently. */
  const checkBlock = (state: PeerState, incoming: IncomingResponse, expectedStart: number): Block => {
    const { block2, response, size2 } = incoming;
    if (!block2) return failed(state, "a later block came without Block2");
    if (blockStart(block2) !== expectedStart) {
      failed(state, `block at byte ${blockStart(block2)} came where ${expectedStart} was asked for`);
    }
    if (block2.more && response.payload.length !== blockBytes(block2.szx)) failed(state, "a block is not full");
    if (response.payload.length > blockBytes(block2.szx)) failed(state, "a block is longer than its size");
    const length = Math.max(expectedStart + response.payload.length, size2 ?? 0);
    if (length > limits.maxBodyBytes) {
      throw new MooringError(
        "TRANSFER_TOO_LARGE",
        `response of ${state.peer.key} is longer than ${limits.maxBodyBytes} bytes`,
        { peer: state.peer.key, length, limit: limits.maxBodyBytes },
      );
    }
    return block2;
  };

  /** The block that begins at a byte offset. A FETCH says again what it asks for, so that the server need not have kept it. */
  const fetchBlock = (
    state: PeerState,
    ongoing: Ongoing,
    request: CoapRequest,
    token: Uint8Array,
    start: number,
    szx: number,
  ): Promise<IncomingResponse> => {
    const repeated = request.method === "FETCH" && request.payload.length <= blockBytes(limits.blockSzx);
    const block2 = { num: start / blockBytes(szx), more: false, szx };
    const options = requestOptions(request, { block2 });
    const payload = repeated ? request.payload : EMPTY_BYTES;
    const content = { code: METHODS[request.method], token, options, payload };
    return persistently(() => exchanges.roundTrip(state, ongoing, { content }));
  };

  const fetchRest: BlockwiseClient["fetchRest"] = async (state, ongoing, request, first, token) => {
    let head = first;
    let block = checkBlock(state, first, 0);
    let chunks = [first.response.payload];
    let length = first.response.payload.length;
    let restarts = 0;
    while (block.more) {
      const szx = Math.min(block.szx, limits.blockSzx);
      const next = await fetchBlock(state, ongoing, request, token, length, szx);
      if (!isSuccess(next.response.code)) return next.response;
      block = checkBlock(state, next, length);
      if (length > 0 && !sameEtag(head.response, next.response)) {
        if (++restarts > MAX_RESTARTS) failed(state, "the representation changed again and again");
        chunks = [];
        length = 0;
        block = { ...block, more: true };
        continue;
      }
      if (length === 0) head = next;
      chunks.push(next.response.payload);
      length += next.response.payload.length;
    }
    return { ...head.response, payload: concatBytes(chunks) };
  };

  return {
    fetchRest,
    async transfer(state, ongoing, parts) {
      const incoming = await sendBody(state, ongoing, parts);
      if (!needsMore(incoming)) return incoming.response;
      const { body, request, observe } = parts;
      const payload = body instanceof Uint8Array ? body : EMPTY_BYTES;
      const token = observe === undefined ? parts.token : exchanges.newToken(state);
      return fetchRest(state, ongoing, { ...request, payload }, incoming, token);
    },
  };
}

function sameEtag(a: CoapResponse, b: CoapResponse): boolean {
  if (!a.etag || !b.etag) return a.etag === b.etag;
  return equalBytes(a.etag, b.etag);
}

/** Reads from the body; a source that gives less or throws ends the transfer. */
async function readBlock(
  state: PeerState,
  body: Uint8Array | BodySource,
  at: number,
  size: number,
): Promise<Uint8Array> {
  const length = Math.min(size, body.length - at);
  if (body instanceof Uint8Array) return body.subarray(at, at + length);
  const bytes = await readFrom(state, body, at, length);
  if (bytes.length !== length) failed(state, `the body gave ${bytes.length} of ${length} bytes at ${at}`);
  return bytes;
}

async function readFrom(state: PeerState, body: BodySource, at: number, length: number): Promise<Uint8Array> {
  try {
    return await body.read(at, length);
  } catch (cause) {
    throw new MooringError(
      "TRANSFER_FAILED",
      `the body for ${state.peer.key} could not be read at byte ${at}`,
      { peer: state.peer.key, at },
      { cause },
    );
  }
}
