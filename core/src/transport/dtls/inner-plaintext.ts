/**
 * What a record encrypts: its content, or with a Connection ID the DTLSInnerPlaintext, which is content, its type, and zeros
 * (RFC 9146 section 4). Pure.
 */
import assert from "node:assert/strict";
import type { PlainRecord } from "./protection.ts";
import { CONTENT, MAX_PLAINTEXT_BYTES } from "./records.ts";

/**
 * No zeros of ours: nothing here hides lengths.
 * @param cid of the receiver; empty: the content as it is
 * @returns type on the wire, bytes to encrypt
 */
export function wrapContent(type: number, cid: Uint8Array, content: Uint8Array): PlainRecord {
  const isWrapped = cid.length > 0;
  assert(content.length + (isWrapped ? 1 : 0) <= MAX_PLAINTEXT_BYTES, "the sender keeps to the size of a record");
  if (!isWrapped) return { type, content };
  const inner = Buffer.allocUnsafe(content.length + 1);
  inner.set(content);
  inner[content.length] = type;
  return { type: CONTENT.cid, content: inner };
}

/**
 * @param type on the wire
 * @returns undefined where there are too many bytes, no type before the zeros, or one that cannot stand inside
 */
export function unwrapContent(type: number, plaintext: Uint8Array): PlainRecord | undefined {
  if (plaintext.length > MAX_PLAINTEXT_BYTES) return undefined;
  if (type !== CONTENT.cid) return { type, content: plaintext };
  let typeAt = plaintext.length - 1;
  while (typeAt >= 0 && plaintext[typeAt] === 0) typeAt--;
  const inner = plaintext[typeAt];
  if (inner === undefined || inner < CONTENT.changeCipherSpec || inner > CONTENT.applicationData) return undefined;
  return { type: inner, content: plaintext.subarray(0, typeAt) };
}
