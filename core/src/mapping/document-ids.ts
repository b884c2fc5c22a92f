/**
 * Ids of what a message becomes. They follow from the message's key and the place of a document among its kind, never from a
 * time, so that a message that comes again, also to another life of this process, has the ids of the first and stores once.
 */
import { hash } from "node:crypto";

const DAY_MS = 86_400_000;
const DAY_DIGITS = 6;
const DEVICE_DIGITS = 7;
/** 52 bits, which a number holds exactly. */
const HASH_HEX_DIGITS = 13;
const HASH_DIGITS = 16;

export interface MessageIdentity {
  readonly tenant: string;
  /** Managed object id of the device. */
  readonly deviceId: string;
  /** Names the message; differs from those of all other messages of the device on the day of its receipt. */
  readonly messageKey: string;
  readonly receivedAtMs: number;
}

export type DocumentKind = "measurement" | "event" | "alarm" | "decode";

const digits = (value: number, count: number): string => String(value).padStart(count, "0");

/** Spreads devices evenly; two may share a number. */
function deviceNumber({ tenant, deviceId }: MessageIdentity): number {
  const text = `${tenant} ${deviceId}`;
  let number = 0;
  for (let i = 0; i < text.length; i++) number = (Math.imul(number, 31) + text.charCodeAt(i)) | 0;
  return (number >>> 0) % 10 ** DEVICE_DIGITS;
}

/**
 * 30 decimal digits: 1, the day of receipt (6), a number of the device (7), 16 digits of a hash (52 bits). What one device sends
 * on one day stands together in the index, so that a burst of it changes a page or two and not one for each document; message
 * keys differ by day as well, so nothing is lost with it.
 * @param place among the documents of that kind, from 0
 */
export function documentId(message: MessageIdentity, kind: DocumentKind, place: number): string {
  const { tenant, deviceId, messageKey, receivedAtMs } = message;
  // The key stands last: it alone may hold any character, so different parts never give the same text.
  const digest = hash("sha256", `${tenant} ${deviceId} ${kind} ${place} ${messageKey}`, "hex");
  const day = digits(Math.floor(receivedAtMs / DAY_MS), DAY_DIGITS);
  const hashed = digits(Number.parseInt(digest.slice(0, HASH_HEX_DIGITS), 16), HASH_DIGITS);
  return `1${day}${digits(deviceNumber(message), DEVICE_DIGITS)}${hashed}`;
}
