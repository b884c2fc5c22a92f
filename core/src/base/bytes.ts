/** Byte helpers without protocol words. Functions return views where they can; a copy is said so. */
import { MooringError } from "./errors.ts";

export const EMPTY_BYTES = new Uint8Array(0);

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** @throws MooringError MALFORMED for an odd number of digits or another character */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new MooringError("MALFORMED", "hexadecimal text must have an even number of the digits 0-9, a-f", {
      length: text.length,
    });
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Copies all parts into one new array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const utf8Encoder = new TextEncoder();
const utf8Strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const encodeUtf8 = (text: string): Uint8Array => utf8Encoder.encode(text);

/** So short that a loop is quicker than a call of the decoder. */
const SHORT_TEXT_BYTES = 16;

function shortAscii(bytes: Uint8Array): string | undefined {
  let text = "";
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i]! > 0x7f) return undefined;
    text += String.fromCharCode(bytes[i]!);
  }
  return text;
}

/** @returns the text, or undefined where the bytes are not UTF-8 (RFC 3629) */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const short = bytes.length <= SHORT_TEXT_BYTES ? shortAscii(bytes) : undefined;
  if (short !== undefined) return short;
  try {
    return utf8Strict.decode(bytes);
  } catch {
    return undefined;
  }
}
