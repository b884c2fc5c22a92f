/** The least of a device that can be observed: registers, answers every observe request with a number, sends datagrams. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { generate, type Packet, parse } from "coap-packet";
import { optionNumber, uintBytes, uriOptions } from "../harness/raw-socket.ts";
import type { PskCredentials } from "../simulator/dtls/client-options.ts";
import { connectDtls } from "../simulator/dtls/connect.ts";

export interface LoadDeviceOptions {
  readonly port: number;
  readonly endpoint: string;
  /** Payload of Register. */
  readonly links: string;
  /** `observed` resolves after that many observe requests. */
  readonly observations: number;
  /** Source address, of 127.0.0.0/8. */
  readonly address?: string;
  /** Over DTLS, PSK_CCM_8 with Connection ID; absent: plain UDP. */
  readonly psk?: PskCredentials;
}

export interface LoadDevice {
  /** Tokens of the observations, in the order they came. */
  readonly tokens: readonly Buffer[];
  readonly observed: Promise<void>;
  nextMessageId(): number;
  /** Observe option's value, one higher each time. */
  nextObserve(): Buffer;
  send(bytes: Uint8Array): void;
  /** @returns whether it was acknowledged or reset within `waitMs` */
  sendConfirmable(bytes: Buffer, waitMs: number): Promise<boolean>;
  /** @throws Error when it is refused or not answered */
  register(): Promise<void>;
  close(): void;
}

const ATTEMPTS = 6;
const ATTEMPT_MS = 2000;

const PSK_CCM_8 = 0xc0a8;

/** How datagrams go to the server. */
interface Way {
  send(bytes: Uint8Array): void;
  close(): void;
}

async function openUdpWay(port: number, address: string, receive: (bytes: Buffer) => void): Promise<Way> {
  const socket = createSocket({
    type: "udp4",
    lookup: (host, _options, found) => found(null, host, 4),
  });
  const listening = once(socket, "listening");
  socket.bind(0, address);
  await listening;
  socket.on("message", receive);
  return { send: bytes => socket.send(bytes, port, "127.0.0.1"), close: () => socket.close() };
}

async function openDtlsWay(
  port: number,
  address: string,
  psk: PskCredentials,
  receive: (bytes: Buffer) => void,
): Promise<Way> {
  const { client, pipe } = await connectDtls({
    ...{ serverPort: port, bindAddress: address, psk, suites: [PSK_CCM_8], cid: new Uint8Array(0) },
    onData: bytes => receive(Buffer.from(bytes)),
  });
  return { send: client.send, close: () => void pipe.close() };
}

export async function createLoadDevice(options: LoadDeviceOptions): Promise<LoadDevice> {
  const { port, endpoint, links, observations, address = "127.0.0.1", psk } = options;
  const tokens: Buffer[] = [];
  const waiting = new Map<number, () => void>();
  let [messageId, observe] = [Math.floor(Math.random() * 0x10000), 1];
  let registered: (packet: Packet) => void = () => {};
  let tellObserved: () => void = () => {};
  const observed = new Promise<void>(resolve => {
    tellObserved = resolve;
  });
  if (observations === 0) tellObserved();
  const nextMessageId = (): number => (messageId = (messageId + 1) & 0xffff);
  const nextObserve = (): Buffer => uintBytes(observe++);
  const receive = (bytes: Buffer): void => {
    const codeClass = bytes[1]! >> 5;
    if (bytes[1] === 0) waiting.get(bytes.readUInt16BE(2))?.();
    else if (codeClass === 0) answer(parse(bytes));
    else registered(parse(bytes));
  };
  const { send, close } = await (psk ? openDtlsWay(port, address, psk, receive) : openUdpWay(port, address, receive));

  const answer = (request: ReturnType<typeof parse>): void => {
    const isObserve = optionNumber(request, "Observe") === 0;
    const reply: Packet = { code: "2.04", ack: true, messageId: request.messageId, token: request.token };
    if (request.code === "0.01") {
      reply.code = "2.05";
      reply.options = [{ name: "Content-Format", value: Buffer.alloc(0) }];
      if (isObserve) reply.options.push({ name: "Observe", value: nextObserve() });
      reply.payload = Buffer.from("1");
    }
    send(generate(reply));
    if (!isObserve) return;
    tokens.push(request.token);
    if (tokens.length === observations) tellObserved();
  };

  const sendConfirmable = (bytes: Buffer, waitMs: number): Promise<boolean> =>
    new Promise(resolve => {
      const id = bytes.readUInt16BE(2);
      const done = (acknowledged: boolean): void => {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(acknowledged);
      };
      const timer = setTimeout(() => done(false), waitMs);
      waiting.set(id, () => done(true));
      send(bytes);
    });

  const register = async (): Promise<void> => {
    const bytes = generate({
      code: "0.02",
      confirmable: true,
      messageId: nextMessageId(),
      token: Buffer.from([7, 7]),
      options: [
        ...uriOptions(`/rd?ep=${endpoint}&lt=86400&lwm2m=1.0&b=U`),
        { name: "Content-Format", value: Buffer.from([40]) },
      ],
      payload: Buffer.from(links),
    });
    const answered = new Promise<Packet>(resolve => {
      registered = resolve;
    });
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      send(bytes);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>(resolve => {
        timer = setTimeout(() => resolve(undefined), ATTEMPT_MS);
      });
      const packet = await Promise.race([answered, late]);
      clearTimeout(timer);
      if (packet?.code === "2.01") return;
      if (packet) throw new Error(`Register of ${endpoint}: ${packet.code} ${packet.payload}`);
    }
    throw new Error(`Register of ${endpoint} was not answered`);
  };

  return { tokens, observed, nextMessageId, nextObserve, send, sendConfirmable, register, close };
}
