/** Writes DER (ITU-T X.690 section 10) as far as a certificate needs it. */
import { concatBytes, encodeUtf8 } from "../base/bytes.ts";
import { TAG } from "./der.ts";

const MOST_LENGTH = 0xff_ffff;

function lengthBytes(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  if (length < 0x100) return Uint8Array.of(0x81, length);
  if (length < 0x1_0000) return Uint8Array.of(0x82, length >> 8, length & 0xff);
  if (length > MOST_LENGTH) throw new RangeError(`an element of ${length} bytes`);
  return Uint8Array.of(0x83, length >> 16, (length >> 8) & 0xff, length & 0xff);
}

/** One element; of several contents it is the whole of them. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(contents);
  return concatBytes([Uint8Array.of(tag), lengthBytes(content.length), content]);
}

export const sequence = (...members: readonly Uint8Array[]): Uint8Array => element(TAG.sequence, ...members);

/** @param magnitude big-endian, of a number that is not negative */
export function integer(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const shortest = magnitude.subarray(start);
  const isNegative = shortest.length === 0 || shortest[0]! >= 0x80;
  return element(TAG.integer, ...(isNegative ? [Uint8Array.of(0), shortest] : [shortest]));
}

/** @param dotted decimal, such as `2.5.4.3` */
export function objectId(dotted: string): Uint8Array {
  const [root = 0, second = 0, ...arcs] = dotted.split(".").map(Number);
  const bytes = [40 * root + second, ...arcs].flatMap(arc => {
    const groups = [arc & 0x7f];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128))
      groups.unshift(0x80 | (rest & 0x7f));
    return groups;
  });
  return element(TAG.objectId, Uint8Array.from(bytes));
}

export const boolean = (value: boolean): Uint8Array => element(TAG.boolean, Uint8Array.of(value ? 0xff : 0));
export const octetString = (content: Uint8Array): Uint8Array => element(TAG.octetString, content);
export const utf8String = (text: string): Uint8Array => element(TAG.utf8String, encodeUtf8(text));
/** Whole bytes. */
export const bitString = (content: Uint8Array): Uint8Array => element(TAG.bitString, Uint8Array.of(0), content);

/** UTCTime up to 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). */
export function time(ms: number): Uint8Array {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  const isShort = new Date(ms).getUTCFullYear() < 2050;
  return element(isShort ? TAG.utcTime : TAG.generalizedTime, encodeUtf8(isShort ? text.slice(2) : text));
}
