/** Bytes as text. The sandbox has no `TextDecoder`, hence these. */
import { PayloadError } from "./payload-error.ts";

const DIGITS = "0123456789abcdef";

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += DIGITS.charAt(byte >> 4) + DIGITS.charAt(byte & 15);
  return text;
}

/** Blanks may stand between bytes. @throws PayloadError for another character, or half a byte */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) throw new PayloadError("no hexadecimal, two digits a byte");
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

/** @param from where `bytes` stand in the payload, for the error. @throws PayloadError for a byte over 7f */
export function decodeAscii(bytes: Uint8Array, from = 0): string {
  let text = "";
  for (const [index, byte] of bytes.entries()) {
    if (byte > 0x7f) throw new PayloadError(`${toHex(bytes.subarray(index, index + 1))} is no ASCII`, from + index);
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Smallest code point that takes so many continuation bytes (RFC 3629 section 3). */
const SMALLEST = [0, 0x80, 0x800, 0x10000];

/** Continuation bytes that follow; undefined for a byte that begins no character. */
function continuations(first: number): number | undefined {
  if (first < 0x80) return 0;
  if (first >= 0xc2 && first < 0xe0) return 1;
  if (first >= 0xe0 && first < 0xf0) return 2;
  return first >= 0xf0 && first < 0xf5 ? 3 : undefined;
}

function codePointAt(bytes: Uint8Array, at: number): { readonly point: number; readonly bytes: number } | undefined {
  const first = bytes[at]!;
  const more = continuations(first);
  if (more === undefined || at + more >= bytes.length) return undefined;
  let point = more === 0 ? first : first & (0x3f >> more);
  for (let index = 1; index <= more; index++) {
    const byte = bytes[at + index]!;
    if (byte >> 6 !== 2) return undefined;
    point = (point << 6) | (byte & 0x3f);
  }
  const isHalf = point >= 0xd800 && point < 0xe000;
  return point < SMALLEST[more]! || isHalf || point > 0x10ffff ? undefined : { point, bytes: 1 + more };
}

/** Strict: no overlong forms, no surrogates (RFC 3629). @param from as of {@link decodeAscii}. @throws PayloadError */
export function decodeUtf8(bytes: Uint8Array, from = 0): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const found = codePointAt(bytes, at);
    if (!found) throw new PayloadError(`${toHex(bytes.subarray(at, at + 1))} begins no character of UTF-8`, from + at);
    text += String.fromCodePoint(found.point);
    at += found.bytes;
  }
  return text;
}
