/**
 * A device that keeps books: it is observed on a resource, /3303/0/5700 unless told otherwise, sends numbered confirmable notifications one after the other,
 * each repeated byte for byte until it is acknowledged, and Updates between them. What was acknowledged must be stored.
 */
import { setTimeout as pause } from "node:timers/promises";
import { generate, type Packet } from "coap-packet";
import {
  openRawSocket,
  optionNumber,
  optionValues,
  type Received,
  uintBytes,
  uriOptions,
  uriPath,
} from "./raw-socket.ts";

/** What is observed, and how a value of it is written. */
export interface SteadyResource {
  readonly path: string;
  /** Content-Format. */
  readonly format: number;
  payload(value: number): Buffer;
}

export interface SteadyDeviceOptions {
  readonly endpoint: string;
  readonly serverPort: number;
  /** First value it notifies; the next are one higher each. */
  readonly firstValue: number;
  readonly resource?: SteadyResource;
  /** Pause after an acknowledged notification. */
  readonly pauseMs?: number;
  /** An Update after that many notifications. */
  readonly updateEvery?: number;
}

export interface SteadyDevice extends AsyncDisposable {
  readonly endpoint: string;
  /** Values whose notification was acknowledged, in order. */
  readonly acknowledged: readonly number[];
  /** Values sent at least once. */
  readonly sent: readonly number[];
  /** Codes that Updates were answered with, by code. */
  readonly updates: ReadonlyMap<string, number>;
  /** Notifications answered by Reset: the server has lost the observation. */
  readonly resets: number;
  /** Messages that had to be sent again: they were under way when the server went, or while it was away. */
  readonly repeated: number;
  /** Times the server asked to observe. */
  readonly observations: number;
  register(): Promise<void>;
  /** Resolves when the server observes the resource. */
  observed(): Promise<void>;
  /** Sends until `signal` aborts, then resolves once the last notification is acknowledged; from where it stopped the last time. */
  run(signal: AbortSignal): Promise<void>;
}

const ACK_TIMEOUT_MS = 400;
const TEMPERATURE: SteadyResource = {
  path: "/3303/0/5700",
  format: 0,
  payload: value => Buffer.from(String(value)),
};

/** A number in four opaque bytes, for decoders. */
export const OPAQUE_NUMBER: SteadyResource = {
  path: "/33456/0/123",
  format: 42,
  payload(value) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  },
};

export async function createSteadyDevice(options: SteadyDeviceOptions): Promise<SteadyDevice> {
  const { endpoint, serverPort, firstValue, resource = TEMPERATURE, pauseMs = 5, updateEvery = 20 } = options;
  const contentFormat = { name: "Content-Format", value: Buffer.from(uintBytes(resource.format)) } as const;
  const socket = await openRawSocket();
  const acknowledged: number[] = [];
  const sent: number[] = [];
  const updates = new Map<string, number>();
  let [resets, repeated, observations, messageId, observe] = [0, 0, 0, Math.floor(Math.random() * 0x10000), 1];
  const instance = resource.path.split("/", 3).join("/");
  let next = firstValue;
  let token: Buffer | undefined;
  let location = "";
  let tellObserved: () => void = () => {};
  const isObserved = new Promise<void>(resolve => {
    tellObserved = resolve;
  });
  const nextMessageId = (): number => (messageId = (messageId + 1) & 0xffff);

  socket.onMessage(message => {
    if (!(message.code > "0.00" && message.code < "1.00")) return false;
    const wantsObservation = uriPath(message) === resource.path && optionNumber(message, "Observe") === 0;
    const answer: Packet = { code: "4.04", ack: true, messageId: message.messageId, token: message.token };
    if (wantsObservation) {
      observations++;
      token = message.token;
      answer.code = "2.05";
      answer.options = [{ name: "Observe", value: uintBytes(observe++) }, contentFormat];
      answer.payload = resource.payload(firstValue - 1);
    } else if (uriPath(message) === resource.path) {
      answer.code = "2.05";
      answer.payload = resource.payload(firstValue - 1);
    }
    void socket.send(answer, serverPort).then(() => wantsObservation && tellObserved());
    return true;
  });

  /** Sends the same bytes until something answers them. */
  const untilAnswered = async (message: Packet, isAnswer: (answer: Received) => boolean): Promise<Received> => {
    const bytes = generate(message);
    for (;;) {
      await socket.sendBytes(bytes, serverPort);
      try {
        return await socket.receive("an answer", isAnswer, ACK_TIMEOUT_MS);
      } catch {
        repeated++;
      }
    }
  };
  const request = (uri: string, payload = ""): Promise<Received> => {
    const own = Buffer.from(uintBytes(0x1000000 + nextMessageId()));
    const message: Packet = {
      code: "0.02",
      confirmable: true,
      messageId,
      token: own,
      options: [
        ...uriOptions(uri),
        ...(payload === "" ? [] : [{ name: "Content-Format" as const, value: Buffer.from([40]) }]),
      ],
      payload: Buffer.from(payload),
    };
    return untilAnswered(message, answer => answer.code >= "2.00" && answer.token.equals(own));
  };
  const notify = async (value: number): Promise<void> => {
    const id = nextMessageId();
    sent.push(value);
    const message: Packet = {
      code: "2.05",
      confirmable: true,
      messageId: id,
      token: token!,
      options: [{ name: "Observe", value: uintBytes(observe++) }, contentFormat],
      payload: resource.payload(value),
    };
    const answer = await untilAnswered(message, each => each.code === "0.00" && each.messageId === id);
    if (answer.reset) resets++;
    else acknowledged.push(value);
  };
  const update = async (): Promise<void> => {
    const { code } = await request(location);
    updates.set(code, (updates.get(code) ?? 0) + 1);
  };

  return {
    endpoint,
    acknowledged,
    sent,
    updates,
    get resets() {
      return resets;
    },
    get repeated() {
      return repeated;
    },
    get observations() {
      return observations;
    },
    async register() {
      const answer = await request(`/rd?ep=${endpoint}&lt=86400&lwm2m=1.0&b=U`, `</1/0>,<${instance}>`);
      if (answer.code !== "2.01") throw new Error(`Register of ${endpoint}: ${answer.code} ${answer.payload}`);
      location = `/${optionValues(answer, "Location-Path").map(String).join("/")}`;
    },
    observed: () => isObserved,
    async run(signal) {
      for (let count = 1; !signal.aborted; count++) {
        await notify(next++);
        if (count % updateEvery === 0) await update();
        await pause(pauseMs);
      }
    },
    [Symbol.asyncDispose]: () => socket.close(),
  };
}
