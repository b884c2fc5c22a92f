/**
 * Ids of what a message becomes. They follow from the message's key and the place of a document among its kind, never from a
 * time, so that a message that comes again, also to another life of this process, has the ids of the first and stores once.
 */
import { hash } from "node:crypto";

const DAY_MS = 86_400_000;
const DAY_DIGITS = 6;
const DEVICE_DIGITS = 7;
const HASH_DIGITS = 16;

export interface MessageIdentity {
  readonly tenant: string;
  /** Managed object id of the device. */
  readonly deviceId: string;
  /** Names the message; differs from those of all other messages of the device on the day of its receipt. */
  readonly messageKey: string;
  readonly receivedAtMs: number;
}

/** What a kept payload becomes has ids of its own, apart from those of the message that it came in. @param id of the payload */
export const decodedMessage = ({
  id,
  ...from
}: Omit<MessageIdentity, "messageKey"> & { readonly id: string }): MessageIdentity => ({
  ...from,
  messageKey: `raw/${id}`,
});

export type DocumentKind = "measurement" | "event" | "alarm" | "decode";

/** How many documents of each kind a message became: their ids follow from places 0 to that. */
export type Places = Readonly<Record<DocumentKind, number>>;

/** The last digits of a whole number, with zeros before it. */
const digits = (value: number, count: number): string => String(10 ** count + (value % 10 ** count)).slice(1);

/** Spreads devices evenly; two may share a number. */
function deviceNumber({ tenant, deviceId }: MessageIdentity): number {
  const text = `${tenant} ${deviceId}`;
  let number = 0;
  for (let i = 0; i < text.length; i++) number = (Math.imul(number, 31) + text.charCodeAt(i)) | 0;
  return number >>> 0;
}

/**
 * 30 decimal digits: 1, the day of receipt (6), a number of the device (7), 16 digits of a hash (53 bits). What one device sends
 * on one day stands together in the index, so that a burst of it changes a page or two and not one for each document; message
 * keys differ by day as well, so nothing is lost with it.
 * @param place among the documents of that kind, from 0
 */
export function documentId(message: MessageIdentity, kind: DocumentKind, place: number): string {
  const { tenant, deviceId, messageKey, receivedAtMs } = message;
  // The key stands last: it alone may hold any character, so different parts never give the same text.
  const digest = hash("sha256", `${tenant} ${deviceId} ${kind} ${place} ${messageKey}`, "hex");
  const day = digits(Math.floor(receivedAtMs / DAY_MS), DAY_DIGITS);
  const half = (from: number): string => digits(Number.parseInt(digest.slice(from, from + 12), 16), HASH_DIGITS / 2);
  return `1${day}${digits(deviceNumber(message), DEVICE_DIGITS)}${half(0)}${half(12)}`;
}

/**
 * The id of an alarm that a message raised, where none was open. Alarm ids are never used twice: one that was raised by this message and
 * cleared since may be raised by its repetition.
 * @param appliedAtMs when the message was applied
 */
export const alarmDocumentId = (message: MessageIdentity, appliedAtMs: number, place: number): string =>
  documentId({ ...message, messageKey: `${appliedAtMs} ${message.messageKey}` }, "alarm", place);

/** The id of an alarm of that type that a message is found to have begun when it is mapped once more. */
export const historyAlarmId = (message: MessageIdentity, type: string): string =>
  documentId({ ...message, messageKey: `${type} ${message.messageKey}` }, "alarm", 0);
