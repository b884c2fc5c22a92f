/** From options to the values that the layers above see, with the rules for options that are not recognised (RFC 7252 section 5.4). */
import { decodeUtf8 } from "../base/bytes.ts";
import { type Block, decodeBlock } from "./block-option.ts";
import { CODES, methodOf } from "./codes.ts";
import { type CoapOption, type MessageView, optionBytes, payloadBytes } from "./message.ts";
import { CONTENT_FORMAT_NONE, definitionOf, isCritical, OPTIONS, optionName } from "./options.ts";
import type { CoapRequest, CoapResponse } from "./request.ts";

/** Why a message is not taken, and the code that says so to a Confirmable request. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
}

export interface IncomingRequest {
  /** The payload is that of this message alone. */
  readonly request: CoapRequest;
  readonly block1: Block | undefined;
  readonly block2: Block | undefined;
  /** Size1: length of the whole body as the client announced it. */
  readonly size1: number | undefined;
  /** Request-Tag values, joined (RFC 9175 section 3): transfers of different tags are kept apart. */
  readonly requestTag: string;
}

export interface IncomingResponse {
  /** The payload is that of this message alone. */
  readonly response: CoapResponse;
  readonly observe: number | undefined;
  readonly block1: Block | undefined;
  readonly block2: Block | undefined;
  /** Size2: length of the whole representation as the server announced it. */
  readonly size2: number | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export const isRefusal = (read: IncomingRequest | IncomingResponse | Refusal): read is Refusal => "reason" in read;

const NONE: readonly string[] = [];
/** In place of an option's number; no option has it. */
const NOT_RECOGNISED = -1;
const NON_ASCII = /[\u0080-\uffff]/;

/** Unsigned number of 0..4 bytes (RFC 7252 section 3.2); leading zeros are accepted. */
function readUint(view: MessageView, index: number): number {
  let value = 0;
  const end = view.optionEnds[index]!;
  for (let at = view.optionStarts[index]!; at < end; at++) value = value * 256 + view.bytes[at]!;
  return value;
}

/** UTF-8 text, or undefined where it is not. */
function readText(view: MessageView, index: number): string | undefined {
  const start = view.optionStarts[index]!;
  const end = view.optionEnds[index]!;
  const text = view.bytes.toString("latin1", start, end);
  return NON_ASCII.test(text) ? decodeUtf8(view.bytes.subarray(start, end)) : text;
}

/** False for an option that counts as not recognised: unknown, of a length out of range, or repeated although it may not be. */
function isRecognised(view: MessageView, index: number): boolean {
  const number = view.optionNumbers[index]!;
  const definition = definitionOf(number);
  if (!definition) return false;
  const length = view.optionEnds[index]! - view.optionStarts[index]!;
  if (length < definition.minBytes || length > definition.maxBytes) return false;
  return definition.repeatable || index === 0 || view.optionNumbers[index - 1] !== number;
}

const badOption = (number: number): Refusal => ({
  code: CODES.BAD_OPTION,
  reason: `critical option ${optionName(number)} (${number}) is not accepted`,
});
const notUtf8 = (number: number): Refusal => ({
  code: CODES.BAD_OPTION,
  reason: `${optionName(number)} is not UTF-8`,
});
const badBlock = (name: string): Refusal => ({
  code: CODES.BAD_REQUEST,
  reason: `${name}: size exponent 7 is reserved`,
});

/** What requests and responses both carry. */
interface Common {
  contentFormat: number | undefined;
  block1: Block | undefined;
  block2: Block | undefined;
  /** What has no member of its own. */
  others: CoapOption[] | undefined;
}

/** An option that is not recognised: a critical one makes the message one that is not taken. */
function readUnrecognised(view: MessageView, index: number, into: Common): Refusal | undefined {
  const number = view.optionNumbers[index]!;
  if (isCritical(number)) return badOption(number);
  if (!definitionOf(number)) (into.others ??= []).push({ number, value: optionBytes(view, index) });
  return undefined;
}

/** A recognised option that is neither a request's nor a response's own. */
function readCommon(view: MessageView, index: number, into: Common): Refusal | undefined {
  const number = view.optionNumbers[index]!;
  switch (number) {
    case OPTIONS.CONTENT_FORMAT: {
      const format = readUint(view, index);
      if (format !== CONTENT_FORMAT_NONE) into.contentFormat = format;
      return undefined;
    }
    case OPTIONS.BLOCK1:
      into.block1 = decodeBlock(readUint(view, index));
      return into.block1 ? undefined : badBlock("Block1");
    case OPTIONS.BLOCK2:
      into.block2 = decodeBlock(readUint(view, index));
      return into.block2 ? undefined : badBlock("Block2");
    default:
      if (isCritical(number)) return badOption(number);
      (into.others ??= []).push({ number, value: optionBytes(view, index) });
      return undefined;
  }
}

const nothingRead = (): Common => ({
  contentFormat: undefined,
  block1: undefined,
  block2: undefined,
  others: undefined,
});

/** A request message. Conditional options (If-Match, If-None-Match) are not offered here, so they are refused as critical. */
export function readRequest(view: MessageView): IncomingRequest | Refusal {
  const method = methodOf(view.code);
  if (!method) return { code: CODES.METHOD_NOT_ALLOWED, reason: `method code ${view.code} is not known` };
  const common = nothingRead();
  let path: string[] | undefined;
  let query: string[] | undefined;
  let accept: number | undefined;
  let size1: number | undefined;
  let requestTag = "";
  for (let i = 0; i < view.optionCount; i++) {
    const number = view.optionNumbers[i]!;
    let refusal: Refusal | undefined;
    switch (isRecognised(view, i) ? number : NOT_RECOGNISED) {
      case OPTIONS.URI_PATH:
      case OPTIONS.URI_QUERY: {
        const text = readText(view, i);
        if (text === undefined) return notUtf8(number);
        if (number === OPTIONS.URI_PATH) (path ??= []).push(text);
        else (query ??= []).push(text);
        break;
      }
      case OPTIONS.ACCEPT:
        accept = readUint(view, i);
        break;
      case OPTIONS.SIZE1:
        size1 = readUint(view, i);
        break;
      case OPTIONS.URI_HOST:
      case OPTIONS.URI_PORT:
      case OPTIONS.SIZE2:
        break;
      case OPTIONS.PROXY_URI:
      case OPTIONS.PROXY_SCHEME:
        return { code: CODES.PROXYING_NOT_SUPPORTED, reason: "this server is not a proxy" };
      case OPTIONS.REQUEST_TAG:
        requestTag += `${view.bytes.toString("hex", view.optionStarts[i], view.optionEnds[i])}.`;
        break;
      case NOT_RECOGNISED:
        refusal = readUnrecognised(view, i, common);
        break;
      default:
        refusal = readCommon(view, i, common);
    }
    if (refusal) return refusal;
  }
  const request: Mutable<CoapRequest> = {
    method,
    path: path ?? NONE,
    query: query ?? NONE,
    payload: payloadBytes(view),
    messageId: view.messageId,
  };
  const { contentFormat, block1, block2, others } = common;
  if (contentFormat !== undefined) request.contentFormat = contentFormat;
  if (accept !== undefined && accept !== CONTENT_FORMAT_NONE) request.accept = accept;
  if (others) request.options = others;
  return { request, block1, block2, size1, requestTag };
}

/** A response message, whichever way it came. */
export function readResponse(view: MessageView): IncomingResponse | Refusal {
  const response: Mutable<CoapResponse> = { code: view.code, payload: payloadBytes(view) };
  const common = nothingRead();
  let locationPath: string[] | undefined;
  let observe: number | undefined;
  let size2: number | undefined;
  for (let i = 0; i < view.optionCount; i++) {
    const number = view.optionNumbers[i]!;
    let refusal: Refusal | undefined;
    switch (isRecognised(view, i) ? number : NOT_RECOGNISED) {
      case OPTIONS.LOCATION_PATH: {
        const text = readText(view, i);
        if (text === undefined) return notUtf8(number);
        (locationPath ??= []).push(text);
        break;
      }
      case OPTIONS.MAX_AGE:
        response.maxAgeSeconds = readUint(view, i);
        break;
      case OPTIONS.ETAG:
        response.etag ??= optionBytes(view, i);
        break;
      case OPTIONS.OBSERVE:
        observe = readUint(view, i);
        break;
      case OPTIONS.SIZE2:
        size2 = readUint(view, i);
        break;
      case NOT_RECOGNISED:
        refusal = readUnrecognised(view, i, common);
        break;
      default:
        refusal = readCommon(view, i, common);
    }
    if (refusal) return refusal;
  }
  const { contentFormat, block1, block2, others } = common;
  if (contentFormat !== undefined) response.contentFormat = contentFormat;
  if (locationPath) response.locationPath = locationPath;
  if (others) response.options = others;
  return { response, observe, block1, block2, size2 };
}
