import { assert } from "chai";
import { createManualClock, type ManualClock } from "../../../core/src/base/clock.ts";
import { createRecordingLog } from "../../../core/src/base/log.ts";
import { sizeOf } from "../src/data-queue.ts";
import { createSender, type Sender } from "../src/sender.ts";
import { RefusedError, type Target } from "../src/target.ts";
import { data, firstValue, number } from "./support.ts";

const LIMITS = { maxQueueBytes: 1_000_000, maxMessageBytes: 10_000, requestTimeoutMs: 10_000 };

describe("plugin streaming: sender", () => {
  let clock: ManualClock;
  let log: ReturnType<typeof createRecordingLog>;
  let sent: unknown[][];
  let closed: boolean;
  /** Undefined: takes all. */
  let answer: ((signal: AbortSignal) => Promise<void>) | undefined;
  let sender: Sender;

  const target: Target = {
    name: "test",
    async send(messages, signal) {
      sent.push(messages.map(firstValue));
      await answer?.(signal);
    },
    close: async () => void (closed = true),
  };
  const open = (limits: Partial<typeof LIMITS> = {}) =>
    createSender({ target, limits: { ...LIMITS, ...limits }, clock, log });
  const publish = (...values: readonly number[]) => {
    for (const value of values) sender.publish(data([number(value)]));
  };
  const settle = () => clock.advance(0);
  const events = () => log.lines.map(({ event }) => event);

  beforeEach(() => {
    [clock, log, sent, closed, answer] = [createManualClock(), createRecordingLog(), [], false, undefined];
    sender = open();
  });
  afterEach(async () => {
    const end = sender[Symbol.asyncDispose]();
    await clock.advance(60_000);
    await end;
    assert.equal(clock.pending, 0);
  });

  it("what comes goes at once, in order; what comes meanwhile goes together", async () => {
    const first = Promise.withResolvers<void>();
    answer = () => first.promise;
    publish(1);
    await settle();
    publish(2, 3);
    answer = undefined;
    first.resolve();
    await settle();
    publish(4);
    await settle();
    assert.deepEqual(sent, [[1], [2, 3], [4]]);
    assert.deepInclude(sender.counters, { published: 4, dropped: 0, refused: 0, waiting: 0 });
  });

  it("at most 100 sets at a time", async () => {
    publish(...Array.from({ length: 250 }, (_, at) => at));
    await settle();
    assert.deepEqual(
      sent.map(({ length }) => length),
      [100, 100, 50],
    );
    assert.deepEqual(
      sent.flat(),
      Array.from({ length: 250 }, (_, at) => at),
    );
  });

  it("a target that fails gets the same again, after pauses that grow; said once, and once that it is well", async () => {
    answer = () => Promise.reject(new Error("away"));
    publish(1);
    await settle();
    const attempts: number[] = [];
    for (const pause of [1000, 2000, 4000, 8000]) {
      await clock.advance(pause - 1);
      attempts.push(sent.length);
      await clock.advance(1);
    }
    assert.deepEqual(attempts, [1, 2, 3, 4]);
    answer = undefined;
    await clock.advance(16_000);
    assert.deepEqual(sent.flat(), [1, 1, 1, 1, 1, 1]);
    assert.deepEqual(
      events().filter(event => event !== "streaming.failing"),
      ["streaming.again"],
    );
    assert.lengthOf(
      log.lines.filter(({ level }) => level === "warn"),
      1,
    );
  });

  it("an attempt that takes too long is ended", async () => {
    answer = signal =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    publish(1);
    await clock.advance(10_000);
    assert.equal(log.lines[0]?.fields?.["reason"], "no end within 10000 ms");
    answer = undefined;
    await clock.advance(1000);
    assert.equal(sender.counters.published, 1);
  });

  it("what the target will never take is given up, the next goes on", async () => {
    answer = () => Promise.reject(new RefusedError("answered 400"));
    publish(1);
    await settle();
    answer = undefined;
    publish(2);
    await settle();
    assert.deepEqual(sent, [[1], [2]]);
    assert.deepInclude(sender.counters, { published: 1, refused: 1 });
  });

  it("a batch that fails for ever does not keep the others from going for ever", async () => {
    answer = () => Promise.reject(new Error("broken"));
    publish(1);
    await clock.advance(600_000);
    assert.lengthOf(sent, 10);
    assert.equal(sender.counters.refused, 1);
    answer = undefined;
    publish(2);
    await clock.advance(60_000);
    assert.equal(sender.counters.published, 1);
  });

  it("a target that is away: the newest are kept, within the limit, and counted what gave way", async () => {
    await sender[Symbol.asyncDispose]();
    const bytes = sizeOf(data([number(0)]));
    sender = open({ maxQueueBytes: 10 * bytes });
    answer = () => Promise.reject(new Error("away"));
    publish(0);
    await settle();
    publish(...Array.from({ length: 5000 }, (_, at) => at + 1));
    assert.deepInclude(sender.counters, { waiting: 10, dropped: 4990 });
    answer = undefined;
    await clock.advance(60_000);
    assert.deepEqual(
      sent.at(-1),
      Array.from({ length: 10 }, (_, at) => 4991 + at),
    );
    assert.equal(sender.counters.published, 11);
  });

  it("values that are too long are counted, the others go", async () => {
    const opaque = { path: [9, 0, 0], type: "OPAQUE", value: new Uint8Array(20_000) } as const;
    sender.publish(data([opaque, number(1)]));
    sender.publish(data([opaque]));
    await settle();
    assert.deepEqual(sent, [[1]]);
    assert.deepInclude(sender.counters, { tooLong: 2, published: 1 });
  });

  it("the end waits for what a target takes, and takes no more", async () => {
    const first = Promise.withResolvers<void>();
    answer = () => first.promise;
    publish(1);
    await settle();
    publish(2);
    const end = sender[Symbol.asyncDispose]();
    publish(3);
    answer = undefined;
    first.resolve();
    await end;
    assert.deepEqual(sent, [[1], [2]]);
    assert.isTrue(closed);
    assert.deepInclude(sender.counters, { published: 2, dropped: 0 });
  });

  it("the end does not wait for a target that is away, nor longer than two seconds for one that is slow", async () => {
    answer = () => Promise.reject(new Error("away"));
    publish(1);
    await settle();
    publish(2);
    await sender[Symbol.asyncDispose]();
    assert.equal(sender.counters.dropped, 2);
    sender = open();
    answer = signal =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    publish(3);
    await settle();
    const end = sender[Symbol.asyncDispose]();
    await clock.advance(1999);
    assert.equal(sender.counters.dropped, 0);
    await clock.advance(1);
    await end;
    assert.equal(sender.counters.dropped, 1);
  });
});
