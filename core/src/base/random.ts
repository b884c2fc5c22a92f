/** Randomness is given, so that a test sees the same jitter, tokens and identifiers each time. */
import { randomFillSync, randomInt } from "node:crypto";

export interface Random {
  /** `length` fresh random bytes. */
  bytes(length: number): Uint8Array;
  /** Whole number, 0 <= n < `limit`, `limit` at most 2^48 - 1. */
  int(limit: number): number;
  /** 0 <= x < 1, for jitter. */
  fraction(): number;
}

const POOL_BYTES = 8192;

/** Cryptographically strong; small requests are served from a pool. */
export function createSystemRandom(): Random {
  const pool = new Uint8Array(POOL_BYTES);
  let at = POOL_BYTES;
  const bytes = (length: number): Uint8Array => {
    if (length > POOL_BYTES / 4) return randomFillSync(new Uint8Array(length));
    if (at + length > POOL_BYTES) {
      randomFillSync(pool);
      at = 0;
    }
    const slice = pool.slice(at, at + length);
    pool.fill(0, at, at + length);
    at += length;
    return slice;
  };
  return {
    bytes,
    int: limit => randomInt(limit),
    fraction() {
      const [a, b, c, d] = bytes(4) as unknown as [number, number, number, number];
      return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) / 2 ** 32;
    },
  };
}

/** Repeatable, for tests and benchmarks (mulberry32); never for keys. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    bytes: length => Uint8Array.from({ length }, () => Math.floor(fraction() * 256)),
    int: limit => Math.floor(fraction() * limit),
    fraction,
  };
}

const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** `length` characters that need no escaping in a path, 6 random bits each. */
export function urlSafeId(random: Random, length: number): string {
  let text = "";
  for (const byte of random.bytes(length)) text += URL_SAFE[byte & 63];
  return text;
}
