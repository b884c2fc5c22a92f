/**
 * Bytes to CoAP message and back (RFC 7252 section 3), strict: what the section calls a message format error is one here.
 * {@link parseMessage} fills a view that is used again for each datagram, so that nothing is allocated per option;
 * {@link decodeMessage} gives a value of its own.
 */
import { EMPTY_BYTES } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";

export const CON = 0;
export const NON = 1;
export const ACK = 2;
export const RST = 3;
export type MessageType = typeof CON | typeof NON | typeof ACK | typeof RST;

export interface CoapOption {
  /** 0..65535 */
  readonly number: number;
  readonly value: Uint8Array;
}

export interface CoapMessage {
  readonly type: MessageType;
  /** class * 32 + detail, see codes.ts */
  readonly code: number;
  /** 0..65535 */
  readonly messageId: number;
  /** 0..8 bytes */
  readonly token: Uint8Array;
  /** In ascending order of number; repeated options in their order. */
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
}

/** Where the parts of one message lie in `bytes`. Valid until the next parse into it; copy what must outlive that. */
export interface MessageView {
  /** A Buffer over the datagram's memory, for its fast text decoding. */
  bytes: Buffer;
  type: MessageType;
  code: number;
  messageId: number;
  tokenLength: number;
  optionCount: number;
  /** The first `optionCount` entries count. */
  optionNumbers: Int32Array;
  optionStarts: Int32Array;
  optionEnds: Int32Array;
  /** bytes.length where there is no payload */
  payloadStart: number;
}

/** Both directions of the codec, so that another one can stand in (see coap-packet-codec.ts). */
export interface MessageCodec {
  /** @returns the broken rule, or undefined when `view` holds the message */
  parse(bytes: Uint8Array, view: MessageView): string | undefined;
  /** @returns bytes that are valid until the next call. @throws MooringError MESSAGE_FORMAT */
  encode(message: CoapMessage): Uint8Array;
}

const HEADER_BYTES = 4;
const VERSION = 1;
const PAYLOAD_MARKER = 0xff;
const MAX_TOKEN_BYTES = 8;
const MAX_OPTION_NUMBER = 65_535;
/** 65,535 + 269: the longest value that the extended length can express. */
const MAX_OPTION_BYTES = 65_804;
/** Payload of the largest UDP datagram over IPv4. */
const MAX_DATAGRAM_BYTES = 65_507;

export function createMessageView(): MessageView {
  return {
    bytes: Buffer.alloc(0),
    type: CON,
    code: 0,
    messageId: 0,
    tokenLength: 0,
    optionCount: 0,
    optionNumbers: new Int32Array(32),
    optionStarts: new Int32Array(32),
    optionEnds: new Int32Array(32),
    payloadStart: 0,
  };
}

const widened = (numbers: Int32Array): Int32Array => {
  const wide = new Int32Array(numbers.length * 2);
  wide.set(numbers);
  return wide;
};

/** The same memory. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** Adds an option to a view; codecs only. */
export function addOption(view: MessageView, number: number, start: number, end: number): void {
  const at = view.optionCount++;
  if (at === view.optionNumbers.length) {
    view.optionNumbers = widened(view.optionNumbers);
    view.optionStarts = widened(view.optionStarts);
    view.optionEnds = widened(view.optionEnds);
  }
  view.optionNumbers[at] = number;
  view.optionStarts[at] = start;
  view.optionEnds[at] = end;
}

/** The message type where the header can be read and says version 1; a message of another version is ignored (RFC 7252 section 3). */
export function peekType(bytes: Uint8Array): MessageType | undefined {
  if (bytes.length < HEADER_BYTES || bytes[0]! >> 6 !== VERSION) return undefined;
  return ((bytes[0]! >> 4) & 3) as MessageType;
}

/**
 * Reads a whole datagram into `view`.
 * @returns the rule that it breaks, or undefined
 */
export function parseMessage(bytes: Uint8Array, view: MessageView): string | undefined {
  const end = bytes.length;
  if (end < HEADER_BYTES) return "a message has at least 4 bytes";
  const first = bytes[0]!;
  if (first >> 6 !== VERSION) return "version must be 1";
  const tokenLength = first & 0x0f;
  if (tokenLength > MAX_TOKEN_BYTES) return "token lengths 9 to 15 are reserved";
  if (HEADER_BYTES + tokenLength > end) return "the token runs past the message";
  view.bytes = asBuffer(bytes);
  view.type = ((first >> 4) & 3) as MessageType;
  view.code = bytes[1]!;
  view.messageId = (bytes[2]! << 8) | bytes[3]!;
  view.tokenLength = tokenLength;
  view.optionCount = 0;
  view.payloadStart = end;
  if (view.code === 0) return end === HEADER_BYTES ? undefined : "an Empty message has nothing after its message id";
  return parseOptions(bytes, HEADER_BYTES + tokenLength, view);
}

/** Options and payload marker (RFC 7252 section 3.1). */
function parseOptions(bytes: Uint8Array, from: number, view: MessageView): string | undefined {
  const end = bytes.length;
  let at = from;
  let number = 0;
  while (at < end) {
    const head = bytes[at++]!;
    if (head === PAYLOAD_MARKER) {
      if (at === end) return "a payload marker must be followed by a payload";
      view.payloadStart = at;
      return undefined;
    }
    let delta = head >> 4;
    let length = head & 0x0f;
    if (delta === 15 || length === 15) return "option delta and length 15 are reserved";
    if (delta === 13) delta = at < end ? bytes[at]! + 13 : -1;
    else if (delta === 14) delta = at + 1 < end ? ((bytes[at]! << 8) | bytes[at + 1]!) + 269 : -1;
    if (delta < 0) return "an option delta runs past the message";
    at += extendedBytes(head >> 4);
    if (length === 13) length = at < end ? bytes[at]! + 13 : -1;
    else if (length === 14) length = at + 1 < end ? ((bytes[at]! << 8) | bytes[at + 1]!) + 269 : -1;
    if (length < 0) return "an option length runs past the message";
    at += extendedBytes(head & 0x0f);
    number += delta;
    if (number > MAX_OPTION_NUMBER) return "option numbers end at 65535";
    if (at + length > end) return "an option value runs past the message";
    addOption(view, number, at, at + length);
    at += length;
  }
  return undefined;
}

const extendedBytes = (nibble: number): number => (nibble < 13 ? 0 : nibble - 12);

/** A value of its own with copies of all parts. */
export function messageOfView(view: MessageView): CoapMessage {
  const options: CoapOption[] = [];
  for (let i = 0; i < view.optionCount; i++) {
    options.push({ number: view.optionNumbers[i]!, value: optionBytes(view, i) });
  }
  return {
    type: view.type,
    code: view.code,
    messageId: view.messageId,
    token: tokenBytes(view),
    options,
    payload: payloadBytes(view),
  };
}

/** Copy of the value of the option at `index`. */
export const optionBytes = (view: MessageView, index: number): Uint8Array =>
  copyOf(view.bytes, view.optionStarts[index]!, view.optionEnds[index]!);

/** Copy of the token. */
export const tokenBytes = (view: MessageView): Uint8Array =>
  copyOf(view.bytes, HEADER_BYTES, HEADER_BYTES + view.tokenLength);

/** Copy of the payload. */
export const payloadBytes = (view: MessageView): Uint8Array => copyOf(view.bytes, view.payloadStart, view.bytes.length);

/** Below this length a loop is quicker than making a view for `set`. */
const SHORT_BYTES = 24;

/** Buffer.prototype.slice shares memory, so the copy is made by hand. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (start === end) return EMPTY_BYTES;
  const copy = new Uint8Array(end - start);
  if (copy.length > SHORT_BYTES) copy.set(bytes.subarray(start, end));
  else for (let i = 0; i < copy.length; i++) copy[i] = bytes[start + i]!;
  return copy;
}

/** @throws MooringError MESSAGE_FORMAT with the rule that is broken */
export function decodeMessage(bytes: Uint8Array): CoapMessage {
  const view = createMessageView();
  const rule = parseMessage(bytes, view);
  if (rule) throw new MooringError("MESSAGE_FORMAT", `CoAP message: ${rule}`, { rule, length: bytes.length });
  return messageOfView(view);
}

/** @returns an array of its own. @throws MooringError MESSAGE_FORMAT for what the format cannot express */
export function encodeMessage(message: CoapMessage): Uint8Array {
  return Uint8Array.from(createMessageEncoder()(message));
}

/**
 * @returns a function that writes messages into one buffer, used again at each call
 */
function createMessageEncoder(): (message: CoapMessage) => Uint8Array {
  let scratch = new Uint8Array(2048);
  return message => {
    checkFields(message);
    const room = roomFor(message);
    if (room > scratch.length) scratch = new Uint8Array(room * 2);
    const length = writeMessage(message, scratch);
    if (length > MAX_DATAGRAM_BYTES) fail(`a message of ${length} bytes does not fit a datagram`, { length });
    return scratch.subarray(0, length);
  };
}

/** The codec of this file. */
export const createBuiltinCodec = (): MessageCodec => ({ parse: parseMessage, encode: createMessageEncoder() });

function fail(text: string, details: Readonly<Record<string, unknown>>): never {
  throw new MooringError("MESSAGE_FORMAT", text, details);
}

function checkFields(message: CoapMessage): void {
  const { code, messageId, token, options, payload } = message;
  if (!(messageId >= 0 && messageId <= 65_535)) fail(`message id ${messageId} is not 0..65535`, { messageId });
  if (!(code >= 0 && code <= 255)) fail(`code ${code} is not 0..255`, { code });
  if (token.length > MAX_TOKEN_BYTES) fail(`token of ${token.length} bytes is longer than 8`, { length: token.length });
  if (code === 0 && token.length + options.length + payload.length > 0) {
    fail("an Empty message has no token, options or payload", { messageId });
  }
  for (const { number, value } of options) {
    if (!(number >= 0 && number <= MAX_OPTION_NUMBER)) fail(`option number ${number} is not 0..65535`, { number });
    if (value.length > MAX_OPTION_BYTES) {
      fail(`option ${number} of ${value.length} bytes is too long`, { number, length: value.length });
    }
  }
}

/** Upper bound of the encoded length. */
function roomFor(message: CoapMessage): number {
  let room = HEADER_BYTES + message.token.length + 1 + message.payload.length;
  for (const option of message.options) room += 5 + option.value.length;
  return room;
}

function writeMessage(message: CoapMessage, into: Uint8Array): number {
  into[0] = (VERSION << 6) | (message.type << 4) | message.token.length;
  into[1] = message.code;
  into[2] = message.messageId >> 8;
  into[3] = message.messageId & 0xff;
  into.set(message.token, HEADER_BYTES);
  let at = HEADER_BYTES + message.token.length;
  let number = 0;
  for (const option of inOrder(message.options)) {
    at = writeOption(option, option.number - number, into, at);
    number = option.number;
  }
  if (message.payload.length > 0) {
    into[at++] = PAYLOAD_MARKER;
    into.set(message.payload, at);
    at += message.payload.length;
  }
  return at;
}

/** The same array where it is in order already. */
function inOrder(options: readonly CoapOption[]): readonly CoapOption[] {
  for (let i = 1; i < options.length; i++) {
    if (options[i]!.number < options[i - 1]!.number) return options.toSorted((a, b) => a.number - b.number);
  }
  return options;
}

const nibbleOf = (value: number): number => (value < 13 ? value : value < 269 ? 13 : 14);

function writeExtended(value: number, into: Uint8Array, at: number): number {
  if (value < 13) return at;
  if (value < 269) {
    into[at] = value - 13;
    return at + 1;
  }
  into[at] = (value - 269) >> 8;
  into[at + 1] = (value - 269) & 0xff;
  return at + 2;
}

function writeOption(option: CoapOption, delta: number, into: Uint8Array, from: number): number {
  const length = option.value.length;
  into[from] = (nibbleOf(delta) << 4) | nibbleOf(length);
  const at = writeExtended(length, into, writeExtended(delta, into, from + 1));
  into.set(option.value, at);
  return at + length;
}
