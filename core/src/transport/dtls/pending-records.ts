/** Records of epoch 1 that come before their keys: reordered, or while a key is looked up (RFC 6347 section 4.2.4). Few and small. */
import { CONTENT, type RecordView } from "./records.ts";

/** A Finished, cut in small pieces and repeated. */
const MAX_RECORDS = 8;
/** A Finished under any suite, with the longest Connection ID, has less. */
const MAX_FRAGMENT_BYTES = 512;

export interface PendingRecords {
  /** Copies it; others, such as early application data, are for the peer to repeat. The oldest gives way: it is the likeliest to be forged. */
  keep(record: RecordView): void;
  /** All of them, once, in the order in which they came. */
  takeAll(): RecordView[];
}

export function createPendingRecords(): PendingRecords {
  let records: RecordView[] = [];
  return {
    keep(record) {
      if (record.type === CONTENT.applicationData || record.fragment.length > MAX_FRAGMENT_BYTES) return;
      if (records.length === MAX_RECORDS) records.shift();
      records.push({ ...record, cid: Uint8Array.from(record.cid), fragment: Uint8Array.from(record.fragment) });
    },
    takeAll() {
      const all = records;
      records = [];
      return all;
    },
  };
}
