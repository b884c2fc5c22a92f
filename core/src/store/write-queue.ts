/**
 * Group commit: under load, operations that come within a few milliseconds are stored together, one batch after the other. A caller
 * that waits for each of its writes is alone in each batch; it is not kept waiting for others that do not come.
 */
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";

export interface WriteQueueParts<C, R> {
  /** Stores a batch; one result per command, in order. A rejection is that of every command. */
  readonly flush: (batch: readonly C[]) => Promise<readonly R[]>;
  readonly clock: Clock;
  /** Shortest time from a batch that several callers shared to the next; 0: each is stored as soon as the running job ends. */
  readonly groupCommitMs: number;
  /** So many are stored without waiting. */
  readonly maxBatch: number;
  /** Most commands waiting or being stored; beyond, pushing throws STORE_FULL. */
  readonly maxQueued: number;
}

export interface WriteQueue<C, R> {
  /** @throws MooringError STORE_FULL or CLOSED; then none of the commands is taken */
  push(commands: readonly C[]): Promise<readonly R[]>;
  readonly size: number;
  /** Stores what waits; later pushes are CLOSED. */
  close(): Promise<void>;
}

interface Group<C, R> {
  readonly commands: readonly C[];
  readonly resolve: (results: readonly R[]) => void;
  readonly reject: (reason: unknown) => void;
}

export function createWriteQueue<C, R>(parts: WriteQueueParts<C, R>): WriteQueue<C, R> {
  const { clock, groupCommitMs, maxBatch, maxQueued } = parts;
  let waiting: Group<C, R>[] = [];
  let waitingCount = 0;
  let storingCount = 0;
  let storing: Promise<void> | undefined;
  let timer: Disposable | undefined;
  let isPlanned = false;
  let isClosed = false;
  let nextFlushMs = 0;

  /** Whole groups, until the batch is large enough. */
  const take = (): Group<C, R>[] => {
    let count = 0;
    const end = waiting.findIndex(({ commands }) => (count += commands.length) >= maxBatch);
    const taken = end < 0 ? waiting : waiting.slice(0, end + 1);
    waiting = end < 0 ? [] : waiting.slice(end + 1);
    return taken;
  };

  const settle = (groups: readonly Group<C, R>[], results: readonly R[]): void => {
    let at = 0;
    for (const { commands, resolve } of groups) resolve(results.slice(at, (at += commands.length)));
  };

  const store = async (): Promise<void> => {
    const groups = take();
    const batch = groups.flatMap(({ commands }) => commands);
    waitingCount -= batch.length;
    storingCount = batch.length;
    nextFlushMs = groups.length > 1 ? clock.monotonic() + groupCommitMs : 0;
    try {
      settle(groups, await parts.flush(batch));
    } catch (error) {
      for (const { reject } of groups) reject(error);
    }
    storingCount = 0;
    storing = undefined;
    plan();
  };

  const begin = (): void => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    isPlanned = false;
    if (!storing && waitingCount > 0) storing = store();
  };

  const plan = (): void => {
    if (storing || waitingCount === 0) return;
    const waitMs = nextFlushMs - clock.monotonic();
    if (waitingCount >= maxBatch || isClosed) begin();
    else if (isPlanned) return;
    else if (groupCommitMs === 0) queueMicrotask(begin);
    else if (waitMs <= 0) setImmediate(begin);
    else timer = clock.after(waitMs, begin);
    isPlanned = !storing;
  };

  return {
    push(commands) {
      if (isClosed) return Promise.reject(new MooringError("CLOSED", "the store is closed"));
      if (commands.length === 0) return Promise.resolve([]);
      const queued = waitingCount + storingCount;
      // A group that is larger than the whole queue is let in alone.
      if (queued > 0 && queued + commands.length > maxQueued) {
        return Promise.reject(new MooringError("STORE_FULL", "too many writes are waiting", { queued }));
      }
      return new Promise((resolve, reject) => {
        waiting.push({ commands, resolve, reject });
        waitingCount += commands.length;
        plan();
      });
    },
    get size() {
      return waitingCount + storingCount;
    },
    async close() {
      isClosed = true;
      begin();
      while (storing) await storing;
    },
  };
}
