/** CoAP with one server for devices that must be light: single messages through `coap-packet`, retransmission, no blocks. */
import type { Clock } from "@mooring/core/internal/base/clock.ts";
import type { Random } from "@mooring/core/internal/base/random.ts";
import { generate, type NamedOption, type Packet, type ParsedPacket, parse } from "coap-packet";

export interface CoapLaneParts {
  readonly clock: Clock;
  readonly random: Random;
  /** First retransmission; default 2000 (RFC 7252 section 4.8). */
  readonly ackTimeoutMs?: number | undefined;
  /** Default 4 (RFC 7252 section 4.8). */
  readonly maxRetransmit?: number | undefined;
  send(datagram: Uint8Array): void;
  /** A request of the server, once however often it comes. @returns its answer, sent piggybacked where the request was confirmable */
  onRequest(request: ParsedPacket): LaneAnswer;
  /** Called for each message that is sent again. */
  onRetransmission?(): void;
}

export interface LaneAnswer {
  readonly code: string;
  readonly options?: readonly NamedOption[];
  readonly payload?: Uint8Array;
}

export interface LaneRequest {
  /** `0.01` to `0.04`. */
  readonly code: string;
  readonly options: readonly NamedOption[];
  readonly payload?: Uint8Array;
}

export interface CoapLane {
  /** A datagram from the server. What is no CoAP message is left alone. */
  receive(datagram: Uint8Array): void;
  /** Confirmable. @returns undefined where nobody answered */
  request(request: LaneRequest): Promise<ParsedPacket | undefined>;
  /** A confirmable notification (RFC 7641 section 4.5). @returns how it was answered */
  notify(token: Uint8Array, answer: LaneAnswer): Promise<"acknowledged" | "reset" | "unanswered">;
  /** A non-confirmable notification: nobody says whether it came. */
  tell(token: Uint8Array, answer: LaneAnswer): void;
  /** Ends all that waits, as if nobody answered. */
  close(): void;
}

/** RFC 7252 section 4.8. */
const ACK_TIMEOUT_MS = 2000;
const ACK_RANDOM_FACTOR = 1.5;
const MAX_RETRANSMIT = 4;
/** Of a separate response. */
const RESPONSE_WITHIN_MS = 60_000;
/** The server's last requests with their answers, by message id. */
const REMEMBERED = 16;

type Outcome = ParsedPacket | "acknowledged" | "reset" | "unanswered";

interface Waiting {
  readonly token: string | undefined;
  settle(outcome: Outcome): void;
  timer: Disposable;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function parsed(datagram: Uint8Array): ParsedPacket | undefined {
  try {
    return parse(Buffer.from(datagram));
  } catch {
    return undefined;
  }
}

export function createCoapLane(parts: CoapLaneParts): CoapLane {
  const { clock, random, send, onRequest, onRetransmission, ackTimeoutMs = ACK_TIMEOUT_MS } = parts;
  const { maxRetransmit = MAX_RETRANSMIT } = parts;
  const waiting = new Map<number, Waiting>();
  const remembered = new Map<number, { readonly request: Buffer; readonly answer: Buffer }>();
  let messageId = random.int(0x10000);
  const nextMessageId = (): number => (messageId = (messageId + 1) & 0xffff);

  /** Sends a confirmable message until it is settled or given up. */
  const transmit = (packet: Packet, token: string | undefined): Promise<Outcome> =>
    new Promise(resolve => {
      const id = packet.messageId!;
      const bytes = generate(packet);
      let timeoutMs = ackTimeoutMs * (1 + random.fraction() * (ACK_RANDOM_FACTOR - 1));
      let sent = 0;
      const entry: Waiting = {
        token,
        settle(outcome) {
          entry.timer[Symbol.dispose]();
          waiting.delete(id);
          resolve(outcome);
        },
        timer: { [Symbol.dispose]() {} },
      };
      const attempt = (): void => {
        send(bytes);
        if (sent++ > 0) onRetransmission?.();
        entry.timer = clock.after(timeoutMs, () => (sent > maxRetransmit ? entry.settle("unanswered") : attempt()));
        timeoutMs *= 2;
      };
      waiting.set(id, entry);
      attempt();
    });

  const notification = (token: Uint8Array, answer: LaneAnswer, confirmable: boolean): Packet => ({
    code: answer.code,
    confirmable,
    messageId: nextMessageId(),
    token: Buffer.from(token),
    options: [...(answer.options ?? [])],
    payload: Buffer.from(answer.payload ?? []),
  });

  const serve = (message: ParsedPacket, request: Buffer): void => {
    const known = remembered.get(message.messageId);
    // A server that was started anew may happen to use an id again, for something else.
    let answer = known?.request.equals(request) ? known.answer : undefined;
    if (!answer) {
      const { code, options = [], payload = Buffer.alloc(0) } = onRequest(message);
      const reply = { code, token: message.token, options: [...options], payload: Buffer.from(payload) };
      answer = generate(
        message.confirmable
          ? { ...reply, ack: true, messageId: message.messageId }
          : { ...reply, messageId: nextMessageId() },
      );
      remembered.delete(message.messageId);
      remembered.set(message.messageId, { request, answer });
      if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value!);
    }
    send(answer);
  };
  const acknowledge = ({ messageId: id }: ParsedPacket): void =>
    send(generate({ code: "0.00", ack: true, messageId: id }));

  /** A response, piggybacked or separate, to whom its token belongs. */
  const takeResponse = (message: ParsedPacket): void => {
    const token = hex(message.token);
    const entry = [...waiting.values()].find(each => each.token === token);
    if (message.confirmable) acknowledge(message);
    entry?.settle(message);
  };
  const takeEmpty = (message: ParsedPacket): void => {
    const entry = waiting.get(message.messageId);
    if (!entry) return;
    if (message.reset) entry.settle("reset");
    else if (entry.token === undefined) entry.settle("acknowledged");
    else {
      // The response comes by itself; nothing is sent again.
      entry.timer[Symbol.dispose]();
      entry.timer = clock.after(RESPONSE_WITHIN_MS, () => entry.settle("unanswered"));
    }
  };

  return {
    receive(datagram) {
      const message = parsed(datagram);
      if (!message) return;
      if (message.code === "0.00") takeEmpty(message);
      else if (message.code < "1.00") serve(message, Buffer.from(datagram));
      else takeResponse(message);
    },
    async request({ code, options, payload = Buffer.alloc(0) }) {
      const token = Buffer.from(random.bytes(4));
      const packet: Packet = {
        code,
        confirmable: true,
        messageId: nextMessageId(),
        token,
        options: [...options],
        payload: Buffer.from(payload),
      };
      const outcome = await transmit(packet, hex(token));
      return typeof outcome === "string" ? undefined : outcome;
    },
    async notify(token, answer) {
      const outcome = await transmit(notification(token, answer, true), undefined);
      return typeof outcome === "string" ? outcome : "acknowledged";
    },
    tell: (token, answer) => send(generate(notification(token, answer, false))),
    close() {
      for (const entry of [...waiting.values()]) entry.settle("unanswered");
    },
  };
}
