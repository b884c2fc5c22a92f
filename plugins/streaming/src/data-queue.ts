/** Data of devices that wait for one target: bounded, the oldest give way. */
import type { DeviceData } from "@mooring/sdk";

export interface DataQueue {
  readonly length: number;
  /** Sets of data that gave way. */
  readonly dropped: number;
  /** Never waits, never fails. */
  add(data: DeviceData): void;
  /** The oldest, at least one where there is any, up to `most` and about so many bytes. */
  take(most: number, mostBytes: number): DeviceData[];
}

interface Entry {
  readonly data: DeviceData;
  readonly bytes: number;
}

/** Of a message without values, and of a record without its value. */
const MESSAGE_BYTES = 250;
const RECORD_BYTES = 60;
/** Places that were taken from are given back in one go. */
const COMPACT_AT = 1024;

/** About as long as the message will be: it is not written before it is sent. */
export function sizeOf({ values }: Pick<DeviceData, "values">): number {
  let bytes = MESSAGE_BYTES;
  for (const { value } of values) {
    bytes += RECORD_BYTES;
    if (typeof value === "string") bytes += value.length;
    else if (value instanceof Uint8Array) bytes += (value.length * 4) / 3;
  }
  return bytes;
}

/** @param maxBytes of all that waits, by {@link sizeOf} */
export function createDataQueue(maxBytes: number): DataQueue {
  let entries: Entry[] = [];
  let first = 0;
  let [bytes, dropped] = [0, 0];

  function next(): Entry | undefined {
    const entry = entries[first];
    if (!entry) return undefined;
    bytes -= entry.bytes;
    first++;
    if (first >= COMPACT_AT && first * 2 >= entries.length) {
      entries = entries.slice(first);
      first = 0;
    }
    return entry;
  }

  return {
    get length() {
      return entries.length - first;
    },
    get dropped() {
      return dropped;
    },
    add(data) {
      const size = sizeOf(data);
      entries.push({ data, bytes: size });
      bytes += size;
      while (bytes > maxBytes && next()) dropped++;
    },
    take(most, mostBytes) {
      const taken: DeviceData[] = [];
      let size = 0;
      while (taken.length < most && (taken.length === 0 || size + (entries[first]?.bytes ?? 0) <= mostBytes)) {
        const entry = next();
        if (!entry) break;
        taken.push(entry.data);
        size += entry.bytes;
      }
      return taken;
    },
  };
}
