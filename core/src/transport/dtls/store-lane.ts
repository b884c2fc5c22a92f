/** What goes to the store in batches, one after the other, and again while the store fails. */
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";

export interface StoreLaneParts<T> {
  readonly clock: Clock;
  readonly log: Log;
  /** In log lines: `insert`. */
  readonly name: string;
  store(batch: readonly T[]): Promise<void>;
  stored?(batch: readonly T[]): void;
  /** Given up on after {@link ATTEMPTS}; absent: tried for as long as it takes. */
  lost?(batch: readonly T[]): void;
}

export interface StoreLane<T> {
  push(item: T): void;
  /** Resolves when all that waits was tried. */
  tried(): Promise<void>;
  /** Tries what waits once more and ends. */
  close(): Promise<void>;
}

const MAX_BATCH = 500;
const RETRY_MS = 1000;
export const ATTEMPTS = 10;

export function createStoreLane<T>(parts: StoreLaneParts<T>): StoreLane<T> {
  const { clock, log, name } = parts;
  let waiting: T[] = [];
  let attempts = 0;
  let running: Promise<void> | undefined;
  let retry: Disposable | undefined;
  let isClosed = false;

  function onFailure(batch: readonly T[], error: unknown): void {
    log.warn("dtls.store.failed", { what: name, count: batch.length, reason: messageOf(error) });
    if (!parts.lost || ++attempts < ATTEMPTS) {
      waiting = [...batch, ...waiting];
      return;
    }
    attempts = 0;
    parts.lost(batch);
  }

  async function storeBatch(): Promise<boolean> {
    const batch = waiting.slice(0, MAX_BATCH);
    waiting = waiting.slice(MAX_BATCH);
    const error = await parts.store(batch).then(
      () => undefined,
      (reason: unknown) => reason ?? "no reason",
    );
    if (error !== undefined) onFailure(batch, error);
    else {
      attempts = 0;
      parts.stored?.(batch);
    }
    return error === undefined;
  }

  async function run(): Promise<void> {
    let succeeds = true;
    while (succeeds && waiting.length > 0) succeeds = await storeBatch();
    running = undefined;
    if (waiting.length > 0 && !isClosed) retry = clock.after(RETRY_MS, begin);
  }

  function begin(): void {
    retry?.[Symbol.dispose]();
    retry = undefined;
    if (waiting.length > 0) running ??= run();
  }

  return {
    push(item) {
      waiting.push(item);
      // In a microtask: what comes in the same turn goes together.
      if (!retry && !running && waiting.length === 1) queueMicrotask(begin);
    },
    async tried() {
      begin();
      await running;
    },
    async close() {
      isClosed = true;
      await running;
      begin();
      await running;
    },
  };
}
