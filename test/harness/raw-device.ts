/**
 * A scripted device for field behaviour that no library would show: each datagram is written down. It keeps message ids
 * and tokens, and nothing else happens by itself.
 */
import type { NamedOption, Packet } from "coap-packet";
import {
  openRawSocket,
  optionValues,
  type RawSocket,
  type Received,
  uintBytes,
  uriOptions,
  uriPath,
} from "./raw-socket.ts";

export interface RawRequest {
  /** `0.01` GET, `0.02` POST, `0.03` PUT, `0.04` DELETE. */
  readonly code: string;
  /** `/rd?ep=a&lt=60` */
  readonly uri: string;
  readonly payload?: Uint8Array | string;
  readonly contentFormat?: number;
  /** Further options, in any order. */
  readonly options?: readonly NamedOption[];
  /** Default true. */
  readonly confirmable?: boolean;
  /** Default: a fresh one of four bytes. */
  readonly token?: Uint8Array;
  readonly messageId?: number;
  readonly withinMs?: number;
}

export interface RawAnswer {
  readonly code: string;
  readonly payload?: Uint8Array | string;
  readonly contentFormat?: number;
  readonly options?: readonly NamedOption[];
}

export interface RawRegistration {
  readonly endpoint: string;
  /** Query without `ep`, such as `lt=60&lwm2m=1.0&b=U`; default `lt=86400&lwm2m=1.0&b=U`. */
  readonly query?: string;
  /** Payload; default `</1/0>,</3/0>`. */
  readonly links?: string;
}

export interface RawDevice extends AsyncDisposable {
  /** The socket now in use, for what this interface does not name. */
  readonly socket: RawSocket;
  readonly serverPort: number;
  nextMessageId(): number;
  /** Sends a message as it is. */
  send(message: Packet): Promise<void>;
  sendBytes(bytes: Uint8Array): Promise<void>;
  /** Sends a request once and takes its response, piggybacked or separate (a separate one is acknowledged). */
  request(request: RawRequest): Promise<Received>;
  /** Takes the next request of the server for that code and path. */
  expectRequest(code: string, path: string, withinMs?: number): Promise<Received>;
  /** Answers a request of the server, piggybacked where it was confirmable. */
  answer(request: Received, answer: RawAnswer): Promise<void>;
  /** A notification for an observation, with its Observe value. @returns its message id */
  notify(observation: Received, observe: number, answer: RawAnswer, confirmable?: boolean): Promise<number>;
  /** A confirmable one; resolves when the host has acknowledged it: then it is stored. */
  notifyStored(observation: Received, observe: number, answer: RawAnswer): Promise<void>;
  /** @returns Location-Path, such as `/rd/F7DqjmW3Yy` */
  register(registration: RawRegistration): Promise<string>;
  /** Goes on from another source port, as after a NAT time-out or a reboot. */
  rebind(): Promise<void>;
}

const payloadOf = (payload: Uint8Array | string | undefined): Buffer => Buffer.from(payload ?? "");

function contentOptions(contentFormat: number | undefined): NamedOption[] {
  return contentFormat === undefined ? [] : [{ name: "Content-Format", value: uintBytes(contentFormat) }];
}

export async function openRawDevice(serverPort: number): Promise<RawDevice> {
  let socket = await openRawSocket();
  let messageId = Math.floor(Math.random() * 0x10000);
  let tokenCount = Math.floor(Math.random() * 0x7fffffff);
  const nextMessageId = (): number => (messageId = (messageId + 1) & 0xffff);
  const nextToken = (): Buffer => {
    const token = Buffer.alloc(4);
    token.writeUInt32BE(++tokenCount);
    return token;
  };
  const send = (message: Packet): Promise<void> => socket.send(message, serverPort);

  const request = async (wanted: RawRequest): Promise<Received> => {
    const token = Buffer.from(wanted.token ?? nextToken());
    await send({
      code: wanted.code,
      confirmable: wanted.confirmable ?? true,
      messageId: wanted.messageId ?? nextMessageId(),
      token,
      options: [...uriOptions(wanted.uri), ...contentOptions(wanted.contentFormat), ...(wanted.options ?? [])],
      payload: payloadOf(wanted.payload),
    });
    const isResponse = (message: Received): boolean => message.code >= "2.00" && message.token.equals(token);
    const response = await socket.receive(`the response to ${wanted.code} ${wanted.uri}`, isResponse, wanted.withinMs);
    if (response.confirmable) await send({ code: "0.00", ack: true, messageId: response.messageId });
    return response;
  };

  const notify: RawDevice["notify"] = async (observation, observe, answer, confirmable = false) => {
    const { code, payload, contentFormat, options = [] } = answer;
    const id = nextMessageId();
    await send({
      code,
      confirmable,
      messageId: id,
      token: observation.token,
      options: [{ name: "Observe", value: uintBytes(observe) }, ...contentOptions(contentFormat), ...options],
      payload: payloadOf(payload),
    });
    return id;
  };

  return {
    get socket() {
      return socket;
    },
    serverPort,
    nextMessageId,
    send,
    sendBytes: bytes => socket.sendBytes(bytes, serverPort),
    request,
    expectRequest: (code, path, withinMs) =>
      socket.receive(`${code} ${path}`, message => message.code === code && uriPath(message) === path, withinMs),
    answer: (received, { code, payload, contentFormat, options = [] }) =>
      send({
        code,
        ack: received.confirmable,
        messageId: received.confirmable ? received.messageId : nextMessageId(),
        token: received.token,
        options: [...contentOptions(contentFormat), ...options],
        payload: payloadOf(payload),
      }),
    notify,
    async notifyStored(observation, observe, answer) {
      const id = await notify(observation, observe, answer, true);
      await socket.receive("the acknowledgement", message => message.ack === true && message.messageId === id);
    },
    async register({ endpoint, query = "lt=86400&lwm2m=1.0&b=U", links = "</1/0>,</3/0>" }) {
      const uri = `/rd?ep=${endpoint}${query === "" ? "" : `&${query}`}`;
      const response = await request({ code: "0.02", uri, payload: links, contentFormat: 40 });
      if (response.code !== "2.01") throw new Error(`Register of ${endpoint}: ${response.code} ${response.payload}`);
      return `/${optionValues(response, "Location-Path").map(String).join("/")}`;
    },
    async rebind() {
      const former = socket;
      socket = await openRawSocket();
      await former.close();
    },
    [Symbol.asyncDispose]: () => socket.close(),
  };
}
