/**
 * Ids of what a message becomes. They follow from the message's key and the place of a document among its kind, never from a
 * time, so that a message that comes again, also to another life of this process, has the ids of the first and stores once.
 */
import { hash } from "node:crypto";

const DAY_MS = 86_400_000;
const DAY_DIGITS = 6;
const HASH_HEX_DIGITS = 19;
const HASH_DIGITS = 23;

export interface MessageIdentity {
  readonly tenant: string;
  /** Managed object id of the device. */
  readonly deviceId: string;
  /** Names the message; differs from those of all other messages of the device on the day of its receipt. */
  readonly messageKey: string;
  readonly receivedAtMs: number;
}

export type DocumentKind = "measurement" | "event" | "alarm" | "decode";

/**
 * 30 decimal digits: 1, the day of receipt (6), 23 digits of a hash (76 bits). The day keeps new ids near each other in the
 * index; message keys differ by day as well, so nothing is lost with it.
 * @param place among the documents of that kind, from 0
 */
export function documentId(message: MessageIdentity, kind: DocumentKind, place: number): string {
  const { tenant, deviceId, messageKey, receivedAtMs } = message;
  // The key stands last: it alone may hold any character, so different parts never give the same text.
  const digest = hash("sha256", `${tenant} ${deviceId} ${kind} ${place} ${messageKey}`, "hex");
  const digits = BigInt(`0x${digest.slice(0, HASH_HEX_DIGITS)}`).toString();
  const day = String(Math.floor(receivedAtMs / DAY_MS));
  return `1${day.padStart(DAY_DIGITS, "0")}${digits.padStart(HASH_DIGITS, "0")}`;
}
