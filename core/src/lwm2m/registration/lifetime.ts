/**
 * Expiry without a timer per device. Items stand in buckets of one second, by the deadline they had when they were filed. An Update
 * moves nothing: the sweep looks at a bucket when its second has come, asks for the deadline anew and files again what
 * lives on. One timer is armed, for the earliest bucket.
 */
import type { Clock } from "../../base/clock.ts";

/** Deadline on the monotonic clock: lifetime and grace after the last Register or Update (agent specification 6.3). */
export const deadlineOf = (lifetimeSeconds: number, seenMonotonicMs: number, graceMs: number): number =>
  lifetimeSeconds === 0 ? Number.POSITIVE_INFINITY : seenMonotonicMs + lifetimeSeconds * 1000 + graceMs;

export interface Expiring {
  /** Bucket in which it stands, kept by the sweep; -1 outside. */
  bucket: number;
}

export interface ExpirySweep<T extends Expiring> extends Disposable {
  /** Files an item, also one whose deadline has moved forward in time. */
  add(item: T): void;
  remove(item: T): void;
}

export interface ExpirySweepParts<T> {
  readonly clock: Clock;
  /** Monotonic ms; infinite: never. */
  deadlineMs(item: T): number;
  /** The item has left the sweep when this is called. */
  onExpired(item: T): void;
}

const BUCKET_MS = 1000;

export function createExpirySweep<T extends Expiring>(parts: ExpirySweepParts<T>): ExpirySweep<T> {
  const buckets = new Map<number, Set<T>>();
  let timer: Disposable | undefined;
  let armedFor = Number.POSITIVE_INFINITY;

  function arm(bucket: number): void {
    if (bucket >= armedFor) return;
    timer?.[Symbol.dispose]();
    armedFor = bucket;
    timer = parts.clock.after(Math.max(0, bucket * BUCKET_MS - parts.clock.monotonic()), sweep);
  }

  function add(item: T): void {
    remove(item);
    const deadline = parts.deadlineMs(item);
    if (deadline === Number.POSITIVE_INFINITY) return;
    item.bucket = Math.ceil(deadline / BUCKET_MS);
    const bucket = buckets.get(item.bucket);
    if (bucket) bucket.add(item);
    else buckets.set(item.bucket, new Set([item]));
    arm(item.bucket);
  }

  function remove(item: T): void {
    const bucket = buckets.get(item.bucket);
    if (bucket?.delete(item) && bucket.size === 0) buckets.delete(item.bucket);
    item.bucket = -1;
  }

  function sweep(): void {
    const nowMs = parts.clock.monotonic();
    armedFor = Number.POSITIVE_INFINITY;
    const due = [...buckets.keys()].filter(bucket => bucket * BUCKET_MS <= nowMs);
    for (const item of due.flatMap(bucket => [...buckets.get(bucket)!])) {
      if (parts.deadlineMs(item) > nowMs) add(item);
      else {
        remove(item);
        parts.onExpired(item);
      }
    }
    let earliest = Number.POSITIVE_INFINITY;
    for (const bucket of buckets.keys()) if (bucket < earliest) earliest = bucket;
    if (earliest < Number.POSITIVE_INFINITY) arm(earliest);
  }

  return {
    add,
    remove,
    [Symbol.dispose]() {
      timer?.[Symbol.dispose]();
      buckets.clear();
    },
  };
}
