/** A server side of single messages, to prove a client alone before it meets the host: answers nothing by itself. */
import type { NamedOption } from "coap-packet";
import { openRawSocket, type RawSocket, type Received, uintBytes, uriOptions, uriPath } from "./raw-socket.ts";

export interface DeviceRequest {
  readonly code: string;
  readonly uri: string;
  readonly payload?: Uint8Array | string;
  readonly contentFormat?: number;
  readonly accept?: number;
  readonly observe?: 0 | 1;
  readonly token?: Buffer;
  readonly withinMs?: number;
}

export interface RawServer extends AsyncDisposable {
  readonly socket: RawSocket;
  readonly port: number;
  /** Takes the next Register and answers 2.01 with `/rd/<id>`. */
  acceptRegister(id: string, withinMs?: number): Promise<Received>;
  /** Takes the next request for that code and path and answers with `answerCode`. */
  accept(code: string, path: string, answerCode: string, withinMs?: number): Promise<Received>;
  /** Sends a confirmable request to a device and takes its response; a separate one is acknowledged. */
  ask(devicePort: number, request: DeviceRequest): Promise<Received>;
  /** Takes the next notification of an observation. @param reply how to answer a confirmable one */
  notification(token: Buffer, reply: "ack" | "reset", withinMs?: number): Promise<Received>;
}

const number = (name: NamedOption["name"], value: number | undefined): NamedOption[] =>
  value === undefined ? [] : [{ name, value: uintBytes(value) }];

export async function openRawServer(): Promise<RawServer> {
  const socket = await openRawSocket();
  let messageId = Math.floor(Math.random() * 0x10000);
  const nextMessageId = (): number => (messageId = (messageId + 1) & 0xffff);

  const accept = async (code: string, path: string, answerCode: string, withinMs?: number, options?: NamedOption[]) => {
    const isWanted = (message: Received): boolean => message.code === code && uriPath(message) === path;
    const request = await socket.receive(`${code} ${path}`, isWanted, withinMs);
    const answer = { code: answerCode, ack: request.confirmable, messageId: request.messageId, token: request.token };
    await socket.send({ ...answer, options: options ?? [] }, request.fromPort);
    return request;
  };

  return {
    socket,
    port: socket.port,
    accept: (code, path, answerCode, withinMs) => accept(code, path, answerCode, withinMs),
    acceptRegister: (id, withinMs) =>
      accept("0.02", "/rd", "2.01", withinMs, [
        { name: "Location-Path", value: Buffer.from("rd") },
        { name: "Location-Path", value: Buffer.from(id) },
      ]),
    async ask(devicePort, request) {
      const token = request.token ?? Buffer.from([1, 2, ...uintBytes(0x10000 + nextMessageId())]);
      await socket.send(
        {
          code: request.code,
          confirmable: true,
          messageId: nextMessageId(),
          token,
          options: [
            ...uriOptions(request.uri),
            ...number("Observe", request.observe),
            ...number("Content-Format", request.contentFormat),
            ...number("Accept", request.accept),
          ],
          payload: Buffer.from(request.payload ?? ""),
        },
        devicePort,
      );
      const isAnswer = (message: Received): boolean => message.code >= "2.00" && message.token.equals(token);
      const answer = await socket.receive(`the answer to ${request.code} ${request.uri}`, isAnswer, request.withinMs);
      if (answer.confirmable) await socket.send({ code: "0.00", ack: true, messageId: answer.messageId }, devicePort);
      return answer;
    },
    async notification(token, reply, withinMs) {
      const isOne = (message: Received): boolean => message.code >= "2.00" && message.token.equals(token);
      const message = await socket.receive("a notification", isOne, withinMs);
      const sendsReply = message.confirmable || reply === "reset";
      if (sendsReply) {
        const type = reply === "ack" ? { ack: true } : { reset: true };
        await socket.send({ code: "0.00", ...type, messageId: message.messageId }, message.fromPort);
      }
      return message;
    },
    [Symbol.asyncDispose]: () => socket.close(),
  };
}
