/** Raw payloads do not stay for ever: what is older than the operator wants goes, decoded or not, slice by slice. */
import { type Clock, every } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { inSlices, SLICE } from "../platform/in-slices.ts";
import type { DocumentCollection } from "../store/collection.ts";
import type { RawPayloadDocument } from "../store/collections.ts";
import type { WriteOp } from "../store/store.ts";
import { forgetOps, fromRawDocument } from "./raw-payload.ts";

export interface RawRetentionParts {
  readonly payloads: Pick<DocumentCollection<RawPayloadDocument>, "find" | "deleteMany">;
  write(ops: readonly WriteOp[]): Promise<unknown>;
  readonly clock: Clock;
  readonly log: Log;
  /** From the receipt of a payload on. */
  readonly keepMs: number;
}

export interface RawRetention extends AsyncDisposable {
  /** Sweeps now, and from then on every hour. */
  start(): void;
  /** Deletes what is too old now. Never rejects: what fails is logged and left to the next sweep. */
  sweep(): Promise<void>;
}

const PERIOD_MS = 3_600_000;
/** Payloads read at a time, each of which may be as long as a CoAP body. */
const READ_SLICE = 50;

export function createRawRetention({ payloads, write, clock, log, keepMs }: RawRetentionParts): RawRetention {
  let sweeping: Promise<void> | undefined;
  let timer: Disposable | undefined;
  let closed = false;

  const deleteOld = async (): Promise<void> => {
    const old = { time: { $lt: clock.now() - keepMs } };
    // Nothing else tells of what is decoded, so it goes unread; said so, it is found by time, not by status.
    const decoded = { ...old, status: { $nin: ["PENDING", "IN_PROGRESS", "ERROR"] } } as const;
    await inSlices(async () => (closed ? 0 : payloads.deleteMany(decoded, { limit: SLICE })));
    while (!closed) {
      const page = await payloads.find(old, { sort: [["time", 1]], limit: READ_SLICE });
      if (page.length > 0) await write(page.flatMap(document => forgetOps(fromRawDocument(document))));
      if (page.length < READ_SLICE) return;
    }
  };
  const sweep = (): Promise<void> => {
    sweeping ??= deleteOld()
      .catch((error: unknown) => log.warn("rawPayloads.sweepFailed", { reason: messageOf(error) }))
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
