/** Token buckets: how often something may happen, on the whole or for each of many keys. */
import type { Clock } from "./clock.ts";

export interface BucketRate {
  /** Tokens that come back each second. */
  readonly perSecond: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
}

export interface TokenBuckets {
  /** Takes a token. @returns 0, or ms until there is one: nothing was taken then */
  take(key: string): number;
  /** Gives back a token that was taken and not used. */
  giveBack(key: string): void;
  /** Keys whose buckets are not full. */
  readonly size: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * @param maxKeys buckets in memory; above it the longest unused one is forgotten, which is full again if it is not among those that
 *                come too often
 */
export function createTokenBuckets(
  clock: Pick<Clock, "monotonic">,
  { perSecond, burst }: BucketRate,
  maxKeys = 1,
): TokenBuckets {
  /** In order of last use. */
  const buckets = new Map<string, Bucket>();

  const filled = (bucket: Bucket, nowMs: number): number =>
    Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);

  function bucketOf(key: string, nowMs: number): Bucket {
    const known = buckets.get(key);
    if (known) {
      if (maxKeys > 1) {
        buckets.delete(key);
        buckets.set(key, known);
      }
      known.tokens = filled(known, nowMs);
      known.atMs = nowMs;
      return known;
    }
    const oldest = buckets.size >= maxKeys ? buckets.keys().next().value : undefined;
    if (oldest !== undefined) buckets.delete(oldest);
    const fresh = { tokens: burst, atMs: nowMs };
    buckets.set(key, fresh);
    return fresh;
  }

  return {
    take(key) {
      const bucket = bucketOf(key, clock.monotonic());
      if (bucket.tokens < 1) return Math.max(1, Math.ceil(((1 - bucket.tokens) / perSecond) * 1000 - 1e-6));
      bucket.tokens--;
      return 0;
    },
    giveBack(key) {
      const bucket = buckets.get(key);
      if (bucket) bucket.tokens = Math.min(burst, bucket.tokens + 1);
    },
    get size() {
      return buckets.size;
    },
  };
}
