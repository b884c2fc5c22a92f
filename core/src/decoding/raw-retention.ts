/** Raw payloads do not stay for ever: what is older than the operator wants goes, decoded or not, slice by slice. */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { inSlices, SLICE } from "../platform/in-slices.ts";
import { createRetention, type Retention } from "../platform/retention.ts";
import type { DocumentCollection } from "../store/collection.ts";
import type { RawPayloadDocument } from "../store/collections/decoding.ts";
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

/** Payloads read at a time, each of which may be as long as a CoAP body. */
const READ_SLICE = 50;

export function createRawRetention({ payloads, write, clock, log, keepMs }: RawRetentionParts): Retention {
  return createRetention({
    of: "rawPayloads",
    clock,
    log,
    async deleteOld(isClosed) {
      const old = { time: { $lt: clock.now() - keepMs } };
      // Nothing else tells of what is decoded, so it goes unread; said so, it is found by time, not by status.
      const decoded = { ...old, status: { $nin: ["PENDING", "IN_PROGRESS", "ERROR"] } } as const;
      await inSlices(async () => (isClosed() ? 0 : payloads.deleteMany(decoded, { limit: SLICE })));
      while (!isClosed()) {
        const page = await payloads.find(old, { sort: [["time", 1]], limit: READ_SLICE });
        if (page.length > 0) await write(page.flatMap(document => forgetOps(fromRawDocument(document))));
        if (page.length < READ_SLICE) return;
      }
    },
  });
}
