/** DTLSInnerPlaintext: what records with a Connection ID encrypt, content, its type, zeros (RFC 9146 section 4). Pure. */
import type { PlainRecord } from "./protection.ts";
import { CONTENT } from "./records.ts";

/** No zeros of ours: nothing here hides lengths. */
export function wrapInner(type: number, content: Uint8Array): Uint8Array {
  const inner = Buffer.allocUnsafe(content.length + 1);
  inner.set(content);
  inner[content.length] = type;
  return inner;
}

/** @returns undefined where there is no type before the zeros, or one that cannot stand inside */
export function unwrapInner(inner: Uint8Array): PlainRecord | undefined {
  let end = inner.length;
  while (end > 0 && inner[end - 1] === 0) end--;
  const type = inner[end - 1];
  if (type === undefined || type < CONTENT.changeCipherSpec || type > CONTENT.applicationData) return undefined;
  return { type, content: inner.subarray(0, end - 1) };
}
