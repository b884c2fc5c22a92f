/** What does not stay for ever: looked for at the start and every hour. */
import { type Clock, every } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

export interface Retention extends AsyncDisposable {
  /** Sweeps now, and from then on every hour. */
  start(): void;
  /** Deletes what is too old now. Never rejects: what fails is logged and left to the next sweep. */
  sweep(): Promise<void>;
}

export interface RetentionParts {
  /** For the log: `rawPayloads`. */
  readonly of: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Deletes in short steps, and ends soon once it is closed. */
  deleteOld(isClosed: () => boolean): Promise<void>;
}

const PERIOD_MS = 3_600_000;

export function createRetention({ of, clock, log, deleteOld }: RetentionParts): Retention {
  let sweeping: Promise<void> | undefined;
  let timer: Disposable | undefined;
  let closed = false;

  const sweep = (): Promise<void> => {
    sweeping ??= deleteOld(() => closed)
      .catch((error: unknown) => log.warn(`${of}.sweepFailed`, { reason: messageOf(error) }))
      .finally(() => {
        sweeping = undefined;
      });
    return sweeping;
  };

  return {
    start() {
      timer ??= every(clock, PERIOD_MS, sweep, () => {});
      void sweep();
    },
    sweep,
    async [Symbol.asyncDispose]() {
      closed = true;
      timer?.[Symbol.dispose]();
      await sweeping;
    },
  };
}
