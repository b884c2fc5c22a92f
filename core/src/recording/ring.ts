/** The newest entries whose bytes fit. */
import type { RecordedEntry } from "./recording.ts";

export interface Ring {
  add(entry: RecordedEntry): void;
  /** The oldest first. */
  entries(): readonly RecordedEntry[];
  readonly packets: number;
  /** Of packets and notes. */
  readonly bytes: number;
  /** Packets that are gone. */
  readonly dropped: number;
}

/** What an entry costs beside its contents. */
const OVERHEAD_BYTES = 120;
/** Entries that are gone are cut off once they are as many. */
const SLACK = 256;

const sizeOf = (entry: RecordedEntry): number =>
  OVERHEAD_BYTES + (entry.kind === "packet" ? entry.bytes.length : entry.text.length * 2);

/** @param maxBytes of memory, about; one entry always fits */
export function createRing(maxBytes: number): Ring {
  let kept: RecordedEntry[] = [];
  let first = 0;
  let memory = 0;
  let [packets, bytes, dropped] = [0, 0, 0];

  function count(entry: RecordedEntry, sign: 1 | -1): void {
    memory += sign * sizeOf(entry);
    bytes += sign * (entry.kind === "packet" ? entry.bytes.length : entry.text.length);
    if (entry.kind === "packet") packets += sign;
  }

  function dropOldest(): void {
    const oldest = kept[first++]!;
    count(oldest, -1);
    if (oldest.kind === "packet") dropped++;
    if (first < SLACK) return;
    kept = kept.slice(first);
    first = 0;
  }

  return {
    add(entry) {
      kept.push(entry);
      count(entry, 1);
      while (memory > maxBytes && kept.length - first > 1) dropOldest();
    },
    entries: () => kept.slice(first),
    get packets() {
      return packets;
    },
    get bytes() {
      return bytes;
    },
    get dropped() {
      return dropped;
    },
  };
}
