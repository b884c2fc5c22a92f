/**
 * The part of Node's `Buffer` that decoding scripts use, for ChirpStack, which gives it to them; the sandbox has none. Reading
 * past the end throws a RangeError, as there.
 */

/** Never called here: its text is compiled in the isolate. @returns the class */
function scriptBuffer(): unknown {
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

  const utf8Bytes = (text: string): number[] => {
    const escaped = encodeURIComponent(text.toWellFormed()).matchAll(/%(..)|(.)/gs);
    return Array.from(escaped, ([, hex, one]) => (hex ? Number.parseInt(hex, 16) : one!.charCodeAt(0)));
  };
  const hexBytes = (text: string): number[] =>
    Array.from(/^(?:[0-9a-f]{2})*/i.exec(text)![0].matchAll(/../g), ([pair]) => Number.parseInt(pair!, 16));
  const base64Bytes = (text: string): number[] => {
    const bytes: number[] = [];
    let bits = 0;
    let held = 0;
    for (const digit of text.replaceAll("-", "+").replaceAll("_", "/")) {
      if (!DIGITS.includes(digit)) continue;
      held = ((held << 6) | DIGITS.indexOf(digit)) & 0xffff;
      bits += 6;
      if (bits >= 8) bytes.push((held >> (bits -= 8)) & 0xff);
    }
    return bytes;
  };
  const latin1Bytes = (text: string): number[] => Array.from(text, one => one.charCodeAt(0) & 0xff);

  const latin1Text = (bytes: Uint8Array, mask = 0xff): string =>
    Array.from(bytes, byte => String.fromCharCode(byte & mask)).join("");
  const hexText = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
  const utf8Text = (bytes: Uint8Array): string => {
    try {
      return decodeURIComponent(Array.from(bytes, byte => `%${byte.toString(16).padStart(2, "0")}`).join(""));
    } catch {
      return latin1Text(bytes).replace(/[^\0-\x7f]/g, "\ufffd");
    }
  };
  const base64Text = (bytes: Uint8Array): string => {
    let text = "";
    for (let at = 0; at < bytes.length; at += 3) {
      const three = ((bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)) >>> 0;
      const digits = [18, 12, 6, 0].map(shift => DIGITS[(three >> shift) & 63]!);
      text += digits
        .slice(0, Math.min(4, bytes.length - at + 1))
        .join("")
        .padEnd(4, "=");
    }
    return text;
  };

  const READERS: Record<string, (text: string) => number[]> = {
    utf8: utf8Bytes,
    hex: hexBytes,
    base64: base64Bytes,
    ascii: latin1Bytes,
    latin1: latin1Bytes,
    binary: latin1Bytes,
  };
  const WRITERS: Record<string, (bytes: Uint8Array) => string> = {
    utf8: utf8Text,
    hex: hexText,
    base64: base64Text,
    ascii: bytes => latin1Text(bytes, 0x7f),
    latin1: latin1Text,
    binary: latin1Text,
  };
  const encodingOf = (encoding: unknown): string => {
    const name = String(encoding ?? "utf8").toLowerCase();
    const known = name === "utf-8" ? "utf8" : name;
    if (known in READERS) return known;
    throw new TypeError(`Unknown encoding: ${name}`);
  };
  const bytesOf = (value: unknown, encoding?: unknown): ArrayLike<number> | ArrayBuffer =>
    typeof value === "string" ? READERS[encodingOf(encoding)]!(value) : (value as ArrayLike<number>);

  class Buffer extends Uint8Array {
    constructor(value: unknown, more?: unknown, length?: number) {
      if (typeof value === "number") super(value);
      else if (value instanceof ArrayBuffer) super(value, more as number | undefined, length);
      else super(bytesOf(value, more) as ArrayLike<number>);
    }
    static override from(value: unknown, more?: unknown, length?: number): Buffer {
      return new Buffer(value, more, length);
    }
    static alloc(length: number): Buffer {
      return new Buffer(length);
    }
    static concat(parts: readonly Uint8Array[]): Buffer {
      return new Buffer(parts.flatMap(part => Array.from(part)));
    }
    static isBuffer(value: unknown): boolean {
      return value instanceof Buffer;
    }
    static byteLength(value: unknown, encoding?: unknown): number {
      return new Buffer(value, encoding).length;
    }
    override toString(encoding?: unknown, from?: number, to?: number): string {
      return WRITERS[encodingOf(encoding)]!(this.subarray(from, to));
    }
    toJSON(): unknown {
      return { type: "Buffer", data: Array.from(this) };
    }
    /** A view, as in Node, not a copy. */
    override slice(from?: number, to?: number): this {
      return this.subarray(from, to) as this;
    }
    equals(other: Uint8Array): boolean {
      return this.length === other.length && this.every((byte, at) => byte === other[at]);
    }
  }

  type Read = (this: Uint8Array, at?: number, length?: number) => number | bigint;
  const methods: Record<string, Read> = {};
  const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
    new DataView(buffer, byteOffset, byteLength);
  const SINGLE = { UInt8: "getUint8", Int8: "getInt8" } as const;
  const ORDERED = {
    UInt16: "getUint16",
    Int16: "getInt16",
    UInt32: "getUint32",
    Int32: "getInt32",
    Float: "getFloat32",
    Double: "getFloat64",
    BigUInt64: "getBigUint64",
    BigInt64: "getBigInt64",
  } as const;
  /** One to six bytes. */
  const wide = (bytes: Uint8Array, at: number, length: number, little: boolean, signed: boolean): number => {
    if (at < 0 || !(length >= 1 && length <= 6) || at + length > bytes.length) {
      throw new RangeError("Attempt to access memory outside buffer bounds");
    }
    const part = Array.from(bytes.subarray(at, at + length));
    const value = (little ? part.reverse() : part).reduce((sum, byte) => sum * 256 + byte, 0);
    return signed && value >= 2 ** (8 * length - 1) ? value - 2 ** (8 * length) : value;
  };
  for (const [name, get] of Object.entries(SINGLE)) {
    methods[`read${name}`] = function (at = 0) {
      return viewOf(this)[get](at);
    };
  }
  for (const little of [true, false]) {
    const order = little ? "LE" : "BE";
    for (const [name, get] of Object.entries(ORDERED)) {
      methods[`read${name}${order}`] = function (at = 0) {
        return viewOf(this)[get](at, little);
      };
    }
    for (const signed of [true, false]) {
      methods[`read${signed ? "Int" : "UInt"}${order}`] = function (at = 0, length = 0) {
        return wide(this, at, length, little, signed);
      };
    }
  }
  for (const [name, read] of Object.entries(methods)) {
    // Node has them by both spellings: readUInt8, readUint8.
    for (const spelling of [name, name.replace("UInt", "Uint")]) {
      Object.defineProperty(Buffer.prototype, spelling, { value: read, writable: true, configurable: true });
    }
  }
  return Buffer;
}

/** Source of an expression that gives the class. */
export const scriptBufferSource = (): string => `(${scriptBuffer.toString()})()`;
