/**
 * A UDP socket that speaks single CoAP messages through `coap-packet`: no retransmission, no matching, no mercy. It knows a repetition, as every
 * endpoint must (RFC 7252 section 4.2): a peer whose machine is busy repeats what was answered in time.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { generate, type NamedOption, type OptionName, type Packet, type ParsedPacket, parse } from "coap-packet";
import { within } from "./eventually.ts";

export interface Received extends ParsedPacket {
  readonly bytes: Buffer;
  readonly fromPort: number;
}

export interface RawSocket extends AsyncDisposable {
  readonly port: number;
  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array, toPort: number): Promise<void>;
  send(message: Packet, toPort: number): Promise<void>;
  /**
   * Takes the first message, waiting or to come, that `accepts`; others stay for later calls. A confirmable message that came again
   * is there again only where it was taken and {@link RawSocket.send} has sent no answer.
   * @throws Error listing what came instead
   */
  receive(what: string, accepts: (message: Received) => boolean, withinMs?: number): Promise<Received>;
  /** Hands every later message to `handle` as it arrives; messages it returns true for are not kept for `receive`. */
  onMessage(handle: (message: Received) => boolean): void;
  /** @throws Error showing it when a message that `accepts` arrives within `forMs` */
  silence(forMs: number, accepts?: (message: Received) => boolean): Promise<void>;
  close(): Promise<void>;
}

export const option = (message: ParsedPacket, name: OptionName): Buffer | undefined =>
  message.options.find(entry => entry.name === name)?.value;

export const optionValues = (message: ParsedPacket, name: OptionName): readonly Buffer[] =>
  message.options.filter(entry => entry.name === name).map(entry => entry.value);

/** An option that is an unsigned integer (RFC 7252 section 3.2). */
export function optionNumber(message: ParsedPacket, name: OptionName): number | undefined {
  const value = option(message, name);
  return value?.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** `/3303/0/5700` */
export const uriPath = (message: ParsedPacket): string =>
  `/${optionValues(message, "Uri-Path")
    .map(segment => segment.toString())
    .join("/")}`;

/** Bytes of an option value, as few as the number needs. */
export function uintBytes(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from(bytes);
}

/** Uri-Path and Uri-Query options of `/rd?ep=a&lt=60`. */
export function uriOptions(uri: string): NamedOption[] {
  const [path = "", query = ""] = uri.split("?");
  const named = (name: OptionName, values: readonly string[]): NamedOption[] =>
    values.filter(value => value !== "").map(value => ({ name, value: Buffer.from(value) }));
  return [...named("Uri-Path", path.split("/")), ...named("Uri-Query", query.split("&"))];
}

/** One line for a failure text. */
export function describeMessage(message: ParsedPacket): string {
  const type = message.confirmable ? "CON" : message.ack ? "ACK" : message.reset ? "RST" : "NON";
  const token = message.token.toString("hex") || "empty";
  return `${type} ${message.code} mid ${message.messageId} token ${token} ${uriPath(message)} [${message.payload.length}]`;
}

interface Waiting {
  accepts(message: Received): boolean;
  take(message: Received): void;
}

/** A confirmable message and what it was answered with. */
interface Exchange {
  readonly message: Received;
  answer?: Buffer;
}

export async function openRawSocket(address = "127.0.0.1"): Promise<RawSocket> {
  const socket: Socket = createSocket("udp4");
  socket.bind(0, address);
  await once(socket, "listening");
  const kept: Received[] = [];
  const waiting = new Set<Waiting>();
  /** The last one of each message id and port. */
  const exchanges = new Map<string, Exchange>();
  let handle: (message: Received) => boolean = () => false;

  /** Whether it was answered, and is again, or is still to be taken. */
  function isSettled(message: Received): boolean {
    const key = `${message.fromPort} ${message.messageId}`;
    const known = exchanges.get(key);
    if (known?.message.bytes.equals(message.bytes)) {
      if (known.answer) void sendBytes(known.answer, message.fromPort);
      if (known.answer || kept.includes(known.message)) return true;
    }
    exchanges.set(key, { message });
    return false;
  }

  socket.on("message", (bytes, from) => {
    const message: Received = { ...parse(bytes), bytes, fromPort: from.port };
    if (message.confirmable && isSettled(message)) return;
    if (handle(message)) return;
    for (const entry of waiting) {
      if (!entry.accepts(message)) continue;
      waiting.delete(entry);
      entry.take(message);
      return;
    }
    kept.push(message);
  });

  const sendBytes = (bytes: Uint8Array, toPort: number): Promise<void> =>
    new Promise((resolve, reject) =>
      socket.send(bytes, toPort, "127.0.0.1", error => (error ? reject(error) : resolve())),
    );
  const receive: RawSocket["receive"] = async (what, accepts, withinMs = 5000) => {
    const at = kept.findIndex(accepts);
    if (at >= 0) return kept.splice(at, 1)[0]!;
    let entry: Waiting | undefined;
    const coming = new Promise<Received>(take => {
      entry = { accepts, take };
      waiting.add(entry);
    });
    try {
      return await within(coming, withinMs, what);
    } catch (error) {
      const others = kept.map(describeMessage).join("; ") || "nothing";
      throw new Error(`${(error as Error).message}; came instead: ${others}`);
    } finally {
      waiting.delete(entry!);
    }
  };
  const close = (): Promise<void> => new Promise(resolve => socket.close(resolve));

  return {
    port: socket.address().port,
    sendBytes,
    send(message, toPort) {
      const bytes = generate(message);
      const answered = message.ack || message.reset ? exchanges.get(`${toPort} ${message.messageId}`) : undefined;
      if (answered) {
        answered.answer = bytes;
        // One that came again meanwhile has its answer, too.
        const again = kept.indexOf(answered.message);
        if (again >= 0) kept.splice(again, 1);
      }
      return sendBytes(bytes, toPort);
    },
    receive,
    onMessage: handler => {
      handle = handler;
    },
    async silence(forMs, accepts = () => true) {
      await pause(forMs);
      const heard = kept.find(accepts);
      if (heard) throw new Error(`silence was broken by ${describeMessage(heard)}`);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
