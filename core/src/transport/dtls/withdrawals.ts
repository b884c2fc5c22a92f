/** Who may not come any more, for as long as a handshake is under way that may have been let in before. */
import type { PeerIdentity } from "../transport.ts";

type IsEnded = (identity: PeerIdentity) => boolean;

export interface Withdrawals {
  /** All there ever were. */
  readonly count: number;
  add(isEnded: IsEnded): void;
  /** Whether one of those after the first `before` concerns the peer. */
  concern(identity: PeerIdentity, before: number): boolean;
  /** Forgets those that no handshake is older than. */
  trim(): void;
}

/** @param oldest how many there had been when the oldest handshake under way began; undefined: none is under way */
export function createWithdrawals(oldest: () => number | undefined): Withdrawals {
  let count = 0;
  /** The latest of them. */
  let kept: IsEnded[] = [];

  return {
    get count() {
      return count;
    },
    add(isEnded) {
      count++;
      if (oldest() !== undefined) kept.push(isEnded);
    },
    concern: (identity, before) => kept.slice(kept.length - (count - before)).some(isEnded => isEnded(identity)),
    trim() {
      const needed = count - (oldest() ?? count);
      if (needed < kept.length) kept = kept.slice(kept.length - needed);
    },
  };
}
