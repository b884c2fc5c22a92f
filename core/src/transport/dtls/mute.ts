/**
 * Sources (address and port) that sent too many bad records are not listened to for a while.
 *
 * A source address can be forged, so muting must not become a weapon against the peer who has it: records of a session whose peer is
 * there, and of a handshake whose cookie came back from there, are taken all the same, and what is bad at such a source is not held
 * against it. All that a forger reaches is that a peer without a session cannot begin a handshake from that one port meanwhile.
 */
import type { Clock } from "../../base/clock.ts";
import { type BucketRate, createTokenBuckets } from "../../base/token-bucket.ts";

const MAX_SOURCES = 10_000;

export interface Mute {
  isMuted(source: string): boolean;
  /** A bad record came from there. */
  charge(source: string): void;
}

export function createMute(clock: Pick<Clock, "monotonic">, muteAfter: BucketRate, muteMs: number): Mute {
  const buckets = createTokenBuckets(clock, muteAfter, MAX_SOURCES);
  /** Until when, oldest first. */
  const muted = new Map<string, number>();

  function forgetOldest(): void {
    const [oldest] = muted.keys();
    if (oldest !== undefined) muted.delete(oldest);
  }

  return {
    isMuted(source) {
      const untilMs = muted.get(source);
      if (untilMs === undefined) return false;
      if (clock.monotonic() < untilMs) return true;
      muted.delete(source);
      return false;
    },
    charge(source) {
      if (muted.has(source) || buckets.take(source) === 0) return;
      if (muted.size >= MAX_SOURCES) forgetOldest();
      muted.set(source, clock.monotonic() + muteMs);
    },
  };
}
