/**
 * Which sequence numbers of an epoch were taken (RFC 6347 section 4.1.2.6): a window of 64 below the newest. A number is looked at
 * before its record is opened, and marked only when the record proved authentic.
 */

/** Plain numbers, since there is one for each session. */
export interface ReplayWindow {
  /** Highest number taken; -1: none yet. */
  newest: number;
  /** Bit i: `newest - i` was taken. */
  recent: number;
  /** Bit i: `newest - 32 - i` was taken. */
  older: number;
}

const HALF_BITS = 32;
const WINDOW_BITS = 2 * HALF_BITS;
const ALL_TAKEN = -1;

/** @param above nothing at or below it is ever taken, such as what an earlier process may have taken; -1: everything is fresh */
export const createReplayWindow = (above = -1): ReplayWindow => ({
  newest: above,
  recent: ALL_TAKEN,
  older: ALL_TAKEN,
});

/** Whether a record of this number may be opened. */
export function isFresh(window: ReplayWindow, sequence: number): boolean {
  const behind = window.newest - sequence;
  if (behind < 0) return true;
  if (behind >= WINDOW_BITS) return false;
  const taken = behind < HALF_BITS ? window.recent >>> behind : window.older >>> (behind - HALF_BITS);
  return (taken & 1) === 0;
}

/**
 * Marks the number of an authentic, fresh record as taken.
 * @returns whether it is the newest so far: only then may its address become the peer's (RFC 9146 section 6)
 */
export function accept(window: ReplayWindow, sequence: number): boolean {
  const ahead = sequence - window.newest;
  if (ahead > 0) {
    moveUp(window, ahead);
    window.newest = sequence;
    window.recent |= 1;
    return true;
  }
  if (-ahead < HALF_BITS) window.recent |= 1 << -ahead;
  else if (-ahead < WINDOW_BITS) window.older |= 1 << (-ahead - HALF_BITS);
  return false;
}

function moveUp(window: ReplayWindow, by: number): void {
  if (by < HALF_BITS) {
    window.older = (window.older << by) | (window.recent >>> (HALF_BITS - by));
    window.recent <<= by;
  } else {
    // Shift counts are taken modulo 32 by the language.
    window.older = by < WINDOW_BITS ? window.recent << (by - HALF_BITS) : 0;
    window.recent = 0;
  }
}
