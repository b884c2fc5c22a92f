/** A LwM2M client made of single CoAP messages, so that a test can behave as badly as devices in the field do. */
import { assert } from "chai";
import { encodeUtf8, toHex } from "../../../src/base/bytes.ts";
import type { ManualClock } from "../../../src/base/clock.ts";
import { type Block, decodeBlock, encodeBlock } from "../../../src/coap/block-option.ts";
import { METHODS } from "../../../src/coap/codes.ts";
import {
  ACK,
  CON,
  type CoapMessage,
  type CoapOption,
  decodeMessage,
  encodeMessage,
  NON,
  RST,
} from "../../../src/coap/message.ts";
import { OPTIONS } from "../../../src/coap/options.ts";
import type { Method } from "../../../src/coap/request.ts";
import { encodeUint } from "../../../src/coap/write-message.ts";
import type { MemoryNetwork } from "../../../src/transport/memory/memory-transport.ts";
import type { PeerIdentity } from "../../../src/transport/transport.ts";

export const HOST_ADDRESS = "192.0.2.1";
export const HOST_PORT = 5783;
/** Of devices that name none. */
export const DEVICE_ADDRESS = "192.0.2.99";

/** A request of the host, as the device sees it. */
export interface Asked {
  readonly method: Method;
  /** `/3/0/0` */
  readonly path: string;
  readonly query: string;
  readonly accept: number | undefined;
  readonly contentFormat: number | undefined;
  readonly observe: number | undefined;
  readonly block1: Block | undefined;
  readonly payload: Uint8Array;
  readonly token: Uint8Array;
  readonly messageId: number;
}

export interface Answer {
  readonly code: number;
  readonly contentFormat?: number;
  readonly observe?: number;
  readonly maxAge?: number;
  /** `/3303/1` */
  readonly location?: string;
  readonly block1?: Block;
  readonly payload?: Uint8Array | string;
}

/** Undefined: silence. "ack": an empty acknowledgement and nothing more. */
export type Script = (asked: Asked) => Answer | "ack" | undefined;

export interface SendOptions {
  readonly query?: readonly string[];
  readonly payload?: Uint8Array | string;
  readonly contentFormat?: number;
  readonly options?: readonly CoapOption[];
  readonly token?: Uint8Array;
  readonly messageId?: number;
}

export interface NotifyOptions {
  readonly token: Uint8Array;
  readonly sequence: number;
  readonly payload: Uint8Array | string;
  readonly contentFormat?: number;
  readonly confirmable?: boolean;
  readonly messageId?: number;
  /** Default 2.05; an error code leaves the Observe option out. */
  readonly code?: number;
}

export interface ScriptedDevice {
  /** Requests of the host, oldest first. */
  readonly asked: Asked[];
  script: Script;
  /** The answer; fails where none comes. */
  send(method: Method, path: string, options?: SendOptions): Promise<CoapMessage>;
  /** @returns the location's id. Fails where it is not 2.01. */
  register(query: string, links?: string, options?: SendOptions): Promise<string>;
  /** What the host replied to the message: ACK, RST, or nothing. */
  notify(options: NotifyOptions): Promise<CoapMessage | undefined>;
  /** Further messages come from this port. */
  moveTo(port: number, address?: string): void;
}

const bytes = (payload: Uint8Array | string | undefined): Uint8Array =>
  typeof payload === "string" ? encodeUtf8(payload) : (payload ?? new Uint8Array(0));

const METHOD_NAMES = Object.fromEntries(Object.entries(METHODS).map(([name, code]) => [code, name as Method]));

const uint = (number: number, value: number | undefined): CoapOption[] =>
  value === undefined ? [] : [{ number, value: encodeUint(value) }];

const segments = (number: number, path: string): CoapOption[] =>
  path
    .split("/")
    .filter(Boolean)
    .map(segment => ({ number, value: encodeUtf8(segment) }));

const blockOf = (value: number | undefined): Block | undefined =>
  value === undefined ? undefined : decodeBlock(value);

const uintOf = (message: CoapMessage, number: number): number | undefined =>
  message.options.find(option => option.number === number)?.value.reduce((sum, byte) => sum * 256 + byte, 0);

const textsOf = (message: CoapMessage, number: number): string[] =>
  message.options.filter(option => option.number === number).map(({ value }) => new TextDecoder().decode(value));

const askedOf = (message: CoapMessage): Asked => ({
  method: METHOD_NAMES[message.code]!,
  path: `/${textsOf(message, OPTIONS.URI_PATH).join("/")}`,
  query: textsOf(message, OPTIONS.URI_QUERY).join("&"),
  accept: uintOf(message, OPTIONS.ACCEPT),
  contentFormat: uintOf(message, OPTIONS.CONTENT_FORMAT),
  observe: uintOf(message, OPTIONS.OBSERVE),
  block1: blockOf(uintOf(message, OPTIONS.BLOCK1)),
  payload: message.payload,
  token: message.token,
  messageId: message.messageId,
});

/** Lets everything that is under way come to rest, without time passing. */
export async function settle(clock: ManualClock, turns = 12): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await clock.advance(0);
}

export interface DeviceOptions {
  readonly address?: string;
  readonly identity?: PeerIdentity;
  /** Whom it speaks to; default: the LwM2M server. */
  readonly hostPort?: number;
}

export function createScriptedDevice(
  parts: { readonly network: MemoryNetwork; readonly clock: ManualClock },
  port: number,
  { address = DEVICE_ADDRESS, identity, hostPort = HOST_PORT }: DeviceOptions = {},
): ScriptedDevice {
  const { network, clock } = parts;
  const asked: Asked[] = [];
  const replies = new Map<string, CoapMessage>();
  let nextMessageId = 1000 + port;
  let nextToken = 1;

  const open = (at: number, from: string) => {
    const transport = network.open(from, at, identity ? { identity } : {});
    transport.start(received => onMessage(decodeMessage(received)));
    return transport;
  };
  let transport = open(port, address);
  const post = (message: CoapMessage): void =>
    transport.send(encodeMessage(message), transport.peerAt(HOST_ADDRESS, hostPort)!);

  function onMessage(message: CoapMessage): void {
    if (message.code !== 0 && message.code >> 5 === 0) {
      onRequest(message);
      return;
    }
    replies.set(`mid ${message.messageId}`, message);
    if (message.token.length > 0) replies.set(`token ${toHex(message.token)}`, message);
    if (message.type === CON)
      post({
        type: ACK,
        code: 0,
        messageId: message.messageId,
        token: new Uint8Array(0),
        options: [],
        payload: new Uint8Array(0),
      });
  }

  function onRequest(message: CoapMessage): void {
    const request = askedOf(message);
    asked.push(request);
    const answer = device.script(request);
    if (answer === undefined) return;
    const empty = { type: ACK, messageId: message.messageId, token: new Uint8Array(0), code: 0 } as const;
    if (answer === "ack") {
      post({ ...empty, options: [], payload: new Uint8Array(0) });
      return;
    }
    post({
      ...empty,
      token: message.token,
      code: answer.code,
      options: [
        ...uint(OPTIONS.OBSERVE, answer.observe),
        ...segments(OPTIONS.LOCATION_PATH, answer.location ?? ""),
        ...uint(OPTIONS.CONTENT_FORMAT, answer.contentFormat),
        ...uint(OPTIONS.MAX_AGE, answer.maxAge),
        ...uint(OPTIONS.BLOCK1, answer.block1 && encodeBlock(answer.block1)),
      ],
      payload: bytes(answer.payload),
    });
  }

  const device: ScriptedDevice = {
    asked,
    script: () => ({ code: 132 }),
    async send(method, path, options = {}) {
      const token = options.token ?? Uint8Array.of(0x70, nextToken++ & 0xff, port & 0xff);
      const messageId = options.messageId ?? nextMessageId++;
      post({
        type: CON,
        code: METHODS[method],
        messageId,
        token,
        options: [
          ...segments(OPTIONS.URI_PATH, path),
          ...uint(OPTIONS.CONTENT_FORMAT, options.contentFormat),
          ...(options.query ?? []).map(part => ({ number: OPTIONS.URI_QUERY, value: encodeUtf8(part) })),
          ...(options.options ?? []),
        ].sort((a, b) => a.number - b.number),
        payload: bytes(options.payload),
      });
      const key = token.length > 0 ? `token ${toHex(token)}` : `mid ${messageId}`;
      for (let turn = 0; turn < 50 && !replies.has(key); turn++) await clock.advance(0);
      return replies.get(key) ?? assert.fail(`no answer to ${method} ${path}`);
    },
    async register(query, links = "</1/0>,</3/0>", options = {}) {
      const answer = await device.send("POST", "/rd", {
        query: query.split("&"),
        payload: links,
        contentFormat: 40,
        ...options,
      });
      assert.equal(answer.code, 65, new TextDecoder().decode(answer.payload));
      const [root, id] = textsOf(answer, OPTIONS.LOCATION_PATH);
      assert.equal(root, "rd");
      return id!;
    },
    async notify({
      token,
      sequence,
      payload,
      contentFormat = 0,
      confirmable = true,
      messageId = nextMessageId++,
      code = 69,
    }) {
      replies.delete(`mid ${messageId}`);
      post({
        type: confirmable ? CON : NON,
        code,
        messageId,
        token,
        options: [
          ...uint(OPTIONS.OBSERVE, code === 69 ? sequence : undefined),
          ...uint(OPTIONS.CONTENT_FORMAT, contentFormat),
        ],
        payload: bytes(payload),
      });
      await settle(clock);
      return replies.get(`mid ${messageId}`);
    },
    moveTo(newPort, newAddress = address) {
      transport = open(newPort, newAddress);
    },
  };
  return device;
}

export { ACK, RST };
