/**
 * A device in Queue Mode that keeps books. It wakes at fixed times, sends an Update, is there for a while and then hears nothing. It knows
 * repetitions as a CoAP endpoint does (RFC 7252 section 4.2): an Execute is done once for each message id within EXCHANGE_LIFETIME, and a repetition
 * gets the answer that the first one got.
 */
import { setTimeout as pause } from "node:timers/promises";
import { generate } from "coap-packet";
import { openRawSocket, optionValues, type Received, uriOptions, uriPath } from "./raw-socket.ts";

export interface SleepyDeviceOptions {
  readonly endpoint: string;
  readonly serverPort: number;
  /** How long it hears anything after it woke, ms; it tells the server so (`at`). */
  readonly awakeMs: number;
  /** From one wake to the next, ms. */
  readonly periodMs: number;
  /**
   * Called when an Execute is done, before its answer leaves.
   * @param count  how many are done
   * @returns whether the answer is to be sent; false: it is lost
   */
  readonly onExecuted?: (count: number) => boolean;
}

export interface SleepyDevice extends AsyncDisposable {
  /** Arguments of each Execute that was done, in order. */
  readonly executed: readonly string[];
  /** Messages that were known already: retransmissions, and deliveries again. */
  readonly repetitions: number;
  /** Messages that came while it slept. */
  readonly unheard: number;
  readonly wakes: number;
  register(): Promise<void>;
  /** Wakes and sleeps until `isDone`, looked at after each wake. */
  run(isDone: () => boolean): Promise<void>;
}

/** EXCHANGE_LIFETIME with the default parameters (RFC 7252 section 4.8.2). */
const EXCHANGE_LIFETIME_MS = 247_000;
const REPEAT_MS = 100;

export async function createSleepyDevice(options: SleepyDeviceOptions): Promise<SleepyDevice> {
  const { endpoint, serverPort, awakeMs, periodMs, onExecuted = () => true } = options;
  const socket = await openRawSocket();
  const executed: string[] = [];
  /** Answers by message id. */
  const answers = new Map<number, { readonly bytes: Buffer; readonly sinceMs: number }>();
  let [repetitions, unheard, wakes, messageId] = [0, 0, 0, Math.floor(Math.random() * 0x10000)];
  let isAwake = true;
  let location = "";

  function answerTo(message: Received): { readonly bytes: Buffer; readonly isSent: boolean } {
    const known = answers.get(message.messageId);
    if (known && performance.now() - known.sinceMs < EXCHANGE_LIFETIME_MS) {
      repetitions++;
      return { bytes: known.bytes, isSent: true };
    }
    const isExecute = message.code === "0.02" && uriPath(message).split("/").length === 4;
    if (isExecute) executed.push(message.payload.toString());
    const code = isExecute ? "2.04" : "4.04";
    const bytes = generate({ code, ack: true, messageId: message.messageId, token: message.token });
    answers.set(message.messageId, { bytes, sinceMs: performance.now() });
    return { bytes, isSent: !isExecute || onExecuted(executed.length) };
  }

  socket.onMessage(message => {
    const isRequest = message.code > "0.00" && message.code < "1.00";
    if (!isAwake) {
      unheard++;
      return true;
    }
    if (!isRequest) return false;
    const { bytes, isSent } = answerTo(message);
    if (isSent) void socket.sendBytes(bytes, serverPort);
    return true;
  });

  /** Repeats a request until it is answered, or `forMs` is over. */
  async function request(uri: string, forMs: number, payload = ""): Promise<Received | undefined> {
    messageId = (messageId + 1) & 0xffff;
    const token = Buffer.from([messageId >> 8, messageId & 0xff, 0x51]);
    const options = [
      ...uriOptions(uri),
      ...(payload === "" ? [] : [{ name: "Content-Format", value: Buffer.of(40) } as const]),
    ];
    const bytes = generate({
      code: "0.02",
      confirmable: true,
      messageId,
      token,
      options,
      payload: Buffer.from(payload),
    });
    const isAnswer = (message: Received): boolean => message.code >= "2.00" && message.token.equals(token);
    for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
      await socket.sendBytes(bytes, serverPort);
      const answer = await socket.receive("an answer", isAnswer, REPEAT_MS).catch(() => undefined);
      if (answer) return answer;
    }
    return undefined;
  }

  return {
    executed,
    get repetitions() {
      return repetitions;
    },
    get unheard() {
      return unheard;
    },
    get wakes() {
      return wakes;
    },
    async register() {
      const answer = await request(
        `/rd?ep=${endpoint}&lt=86400&lwm2m=1.1&b=U&Q&at=${awakeMs}`,
        10_000,
        "</1/0>,</3/0>",
      );
      if (answer?.code !== "2.01") throw new Error(`Register of ${endpoint}: ${answer?.code ?? "no answer"}`);
      location = `/${optionValues(answer, "Location-Path").map(String).join("/")}`;
      await pause(awakeMs);
      isAwake = false;
    },
    async run(isDone) {
      while (!isDone()) {
        const nextMs = performance.now() + periodMs;
        isAwake = true;
        wakes++;
        const asleep = pause(awakeMs);
        const answer = await request(location, awakeMs);
        // No answer: the host is down. It sleeps and tries again next time.
        if (answer && answer.code !== "2.04") throw new Error(`Update of ${endpoint}: ${answer.code}`);
        await asleep;
        isAwake = false;
        await pause(nextMs - performance.now());
      }
    },
    [Symbol.asyncDispose]: () => socket.close(),
  };
}
