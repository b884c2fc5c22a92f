/** The value history does not stay for ever: whole days go, slice by slice. */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { inSlices, SLICE } from "../platform/in-slices.ts";
import { createRetention, type Retention } from "../platform/retention.ts";
import type { DocumentCollection } from "../store/collection.ts";
import { historyDay, type ValueHistoryDocument } from "../store/collections/values.ts";

export interface ValueRetentionParts {
  readonly history: Pick<DocumentCollection<ValueHistoryDocument>, "deleteMany">;
  readonly clock: Clock;
  readonly log: Log;
  /** From the receipt of a message on, then until the end of that UTC day; 0: nothing is kept. */
  readonly keepMs: number;
}

export function createValueRetention({ history, clock, log, keepMs }: ValueRetentionParts): Retention {
  return createRetention({
    of: "valueHistory",
    clock,
    log,
    async deleteOld(isClosed) {
      const old = keepMs === 0 ? {} : { _id: { $lt: historyDay(clock.now() - keepMs) } };
      await inSlices(async () => (isClosed() ? 0 : history.deleteMany(old, { limit: SLICE })));
    },
  });
}
