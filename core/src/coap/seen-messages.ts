/**
 * The message ids that one peer used lately and what each was answered (RFC 7252 section 4.5). Plain arrays that grow with
 * need, because a hundred thousand peers have one each for some minutes after they spoke.
 */
import type { MessageView } from "./message.ts";

/** What a duplicate gets: one of the marks below, a bare code (its own token goes back), or a stored datagram. */
export type Reply = number | Uint8Array;

/** The message is still being worked on: its duplicates are answered with silence. */
export const PENDING = -1;
/** The message was Non-confirmable, or nothing is to be said. */
export const SILENT = -2;
/** The message was rejected. */
export const RESET = -3;
/** Still being worked on, but a repetition is acknowledged at once. */
export const ACK_ON_REPEAT = -4;
/** Nothing was said and nothing kept: the next copy counts as new. */
export const RELEASED = -5;
/** Code 0.00 as a bare code is the empty acknowledgement. */
export const EMPTY_ACK = 0;

export interface SeenMessages {
  readonly keys: number[];
  readonly untilMs: number[];
  readonly replies: Reply[];
  /** Where the next entry goes once the arrays have reached their size. */
  next: number;
}

const FREE = -1;
const FIRST_SIZE = 4;
/** A peer that sends more than this within EXCHANGE_LIFETIME loses the memory of its oldest messages. */
export const MAX_SEEN = 128;

const FINGERPRINT_BYTES = 20;

/**
 * Message id in the lower 16 bits, above it 14 bits over length and first bytes (code, token, first options): a duplicate is the same
 * datagram, whereas a device that restarted may begin again with an id that it used a minute ago.
 */
export function seenKey(view: MessageView): number {
  const { bytes } = view;
  const end = Math.min(bytes.length, FINGERPRINT_BYTES);
  let hash = bytes.length;
  for (let i = 0; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  return (((hash ^ (hash >>> 14)) & 0x3fff) << 16) | view.messageId;
}

export const createSeenMessages = (): SeenMessages => ({ keys: [], untilMs: [], replies: [], next: 0 });

/** Index of a message that was seen within its lifetime, or -1. An expired namesake is wiped, so that it is not found again. */
export function findSeen(seen: SeenMessages, key: number, nowMs: number): number {
  const at = seen.keys.indexOf(key);
  if (at < 0 || seen.untilMs[at]! > nowMs) return at;
  seen.keys[at] = FREE;
  return -1;
}

/** Keeps a message that {@link findSeen} did not find; the one seen longest ago gives way where all places are taken. */
export function addSeen(seen: SeenMessages, key: number, untilMs: number, reply: Reply, nowMs: number): void {
  const at = placeFor(seen, nowMs);
  seen.keys[at] = key;
  seen.untilMs[at] = untilMs;
  seen.replies[at] = reply;
}

/** The arrays fill up to a power of two, are gone round while the oldest has expired, and grow when it has not. */
function placeFor(seen: SeenMessages, nowMs: number): number {
  const size = seen.keys.length;
  if (size < FIRST_SIZE || (size & (size - 1)) !== 0) return size;
  const oldest = seen.next;
  if (seen.untilMs[oldest]! > nowMs && size < MAX_SEEN) {
    rotate(seen.keys, oldest);
    rotate(seen.untilMs, oldest);
    rotate(seen.replies, oldest);
    seen.next = 0;
    return size;
  }
  seen.next = (oldest + 1) % size;
  return oldest;
}

/** Puts the oldest first again, so that going round stays in order of age after the growth. */
function rotate<T>(column: T[], oldest: number): void {
  if (oldest > 0) column.push(...column.splice(0, oldest));
}

/** Changes what the duplicates of a message get. Nothing happens where it has given way already. */
export function setReply(seen: SeenMessages, key: number, reply: Reply): void {
  const at = seen.keys.indexOf(key);
  if (at >= 0) seen.replies[at] = reply;
}

/** True when no message in it is within its lifetime. */
export const allExpired = (seen: SeenMessages, nowMs: number): boolean => seen.untilMs.every(until => until <= nowMs);
