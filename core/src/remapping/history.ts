/** The kept messages of a device, in the order of their receipt. */
import { type KeptMessage, readMessage } from "../mapping/value-history.ts";
import type { DocumentCollection } from "../store/collection.ts";
import { historyDay, historyRange, readHistoryId, type ValueHistoryDocument } from "../store/collections/values.ts";

export interface Stretch {
  readonly deviceId: string;
  /** Of receipt, both inclusive. */
  readonly fromMs: number;
  readonly toMs: number;
}

const DAY_MS = 86_400_000;
/** Rows read at a time, each of which may be 250 kB. */
const PAGE_SIZE = 200;

/** Ends a stretch early. */
export interface Limit {
  readonly maxMessages: number;
  /** Told of the last message's time of receipt, when more follow. Messages of one moment stay together. */
  reached(lastMs: number): void;
}

type History = Pick<DocumentCollection<ValueHistoryDocument>, "find" | "stream">;

/** A message that came twice, the second time after a restart of the host, is given once: the first made the documents. */
async function* messagesOf(history: History, { deviceId, fromMs, toMs }: Stretch): AsyncGenerator<KeptMessage> {
  const [first] = await history.find({ _id: { $gte: historyDay(fromMs) } }, { limit: 1 });
  if (!first) return;
  // Before the first day that is kept there is nothing to look for.
  const [firstMs] = readHistoryId(first._id);
  for (let startMs = Math.max(fromMs, firstMs - (firstMs % DAY_MS)); startMs <= toMs; ) {
    const nextDayMs = startMs - (startMs % DAY_MS) + DAY_MS;
    // Keys of messages differ by day.
    const seen = new Set<string>();
    const _id = historyRange(deviceId, startMs, Math.min(toMs, nextDayMs - 1));
    for await (const row of history.stream({ _id }, { pageSize: PAGE_SIZE })) {
      const message = readMessage(row);
      if (seen.size < seen.add(message.messageKey).size) yield message;
    }
    startMs = nextDayMs;
  }
}

export async function* keptMessages(history: History, stretch: Stretch, limit?: Limit): AsyncGenerator<KeptMessage> {
  let count = 0;
  let lastMs = 0;
  for await (const message of messagesOf(history, stretch)) {
    if (limit && count >= limit.maxMessages && message.receivedAtMs > lastMs) return limit.reached(lastMs);
    count++;
    lastMs = message.receivedAtMs;
    yield message;
  }
}
