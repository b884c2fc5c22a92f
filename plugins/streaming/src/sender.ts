/**
 * Sends what waits for one target, in order and batch by batch. A target that is slow or away costs nobody but its own queue: an attempt that fails is
 * made again after a pause that grows, and what gives way meanwhile is counted.
 */
import { type Clock, type DeviceData, type Log, messageOf } from "@mooring/sdk";
import { createDataQueue } from "./data-queue.ts";
import { messagesOf } from "./message.ts";
import { RefusedError, type Target } from "./target.ts";

export interface SenderLimits {
  readonly maxQueueBytes: number;
  readonly maxMessageBytes: number;
  /** Of one attempt. */
  readonly requestTimeoutMs: number;
}

export interface Sender extends AsyncDisposable {
  /** Never waits, never fails. */
  publish(data: DeviceData): void;
  readonly counters: {
    /** Messages that the target has taken. */
    readonly published: number;
    /** Messages given up: refused by the target, or by too many attempts. */
    readonly refused: number;
    /** Values that are too long for a message. */
    readonly tooLong: number;
    /** Sets of data that gave way to newer ones, or to the end. */
    readonly dropped: number;
    /** Sets of data that wait. */
    readonly waiting: number;
  };
}

const BATCH = 100;
const BATCH_BYTES = 2 ** 20;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** One batch that a target cannot stomach must not keep all others from it for ever. */
const MOST_ATTEMPTS = 10;
const DRAIN_MS = 2000;

export function createSender(parts: {
  readonly target: Target;
  readonly limits: SenderLimits;
  readonly clock: Clock;
  readonly log: Log;
}): Sender {
  const { target, limits, clock } = parts;
  const log = parts.log.with({ target: target.name });
  const queue = createDataQueue(limits.maxQueueBytes);
  const ended = new AbortController();
  const { signal: end } = ended;
  let [published, refused, tooLong, left] = [0, 0, 0, 0];
  let [failing, closing] = [false, false];
  /** Undefined: messages are on their way. */
  let sleep: { readonly until: "data" | "retry"; readonly over: PromiseWithResolvers<void> } | undefined;
  /** Told when there is nothing more that could be sent now. */
  let onRest: (() => void) | undefined;

  async function sleepUntil(until: "data" | "retry"): Promise<void> {
    sleep = { until, over: Promise.withResolvers() };
    onRest?.();
    await sleep.over.promise;
    sleep = undefined;
  }
  const wake = (): void => sleep?.over.resolve();

  async function pause(ms: number): Promise<void> {
    using _timer = clock.after(ms, wake);
    await sleepUntil("retry");
  }

  async function attempt(messages: readonly string[]): Promise<void> {
    const limit = new AbortController();
    const late = new Error(`no end within ${limits.requestTimeoutMs} ms`);
    using _timer = clock.after(limits.requestTimeoutMs, () => limit.abort(late));
    await target.send(messages, AbortSignal.any([end, limit.signal]));
  }

  function delivered(messages: readonly string[]): void {
    published += messages.length;
    if (failing) log.info("streaming.again", { waiting: queue.length, dropped: queue.dropped });
    failing = false;
  }

  function failed(error: unknown): void {
    log[failing ? "debug" : "warn"]("streaming.failing", { reason: messageOf(error), waiting: queue.length });
    failing = true;
  }

  /** @returns whether the target has them now, or never will */
  async function deliver(messages: readonly string[]): Promise<boolean> {
    for (let tried = 1; !end.aborted; tried++) {
      try {
        await attempt(messages);
        delivered(messages);
        return true;
      } catch (error) {
        if (end.aborted) return false;
        if (error instanceof RefusedError || tried === MOST_ATTEMPTS) {
          refused += messages.length;
          log.warn("streaming.refused", { messages: messages.length, reason: messageOf(error) });
          return true;
        }
        failed(error);
        await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tried - 1)));
      }
    }
    return false;
  }

  async function run(): Promise<void> {
    while (!end.aborted) {
      if (queue.length === 0) {
        await sleepUntil("data");
        continue;
      }
      const sets = queue.take(BATCH, BATCH_BYTES);
      const messages = sets.map(data => messagesOf(data, limits.maxMessageBytes));
      for (const each of messages) tooLong += each.tooLong;
      const texts = messages.flatMap(each => each.texts);
      if (texts.length > 0 && !(await deliver(texts))) left += sets.length;
    }
  }

  /** What waits may still go while the target takes it. */
  async function drain(): Promise<void> {
    if (sleep) return;
    const rest = Promise.withResolvers<void>();
    onRest = rest.resolve;
    using _limit = clock.after(DRAIN_MS, rest.resolve);
    await rest.promise;
  }

  const running = run().catch(error => log.error("streaming.fault", { reason: messageOf(error) }));
  return {
    publish(data) {
      if (closing) return;
      queue.add(data);
      if (sleep?.until === "data") wake();
    },
    counters: {
      get published() {
        return published;
      },
      get refused() {
        return refused;
      },
      get tooLong() {
        return tooLong;
      },
      get dropped() {
        return queue.dropped + left;
      },
      get waiting() {
        return queue.length;
      },
    },
    async [Symbol.asyncDispose]() {
      closing = true;
      await drain();
      ended.abort(new Error("the host stops"));
      wake();
      await running;
      left += queue.length;
      await target.close();
    },
  };
}
