/** Reads a payload from front to back. */
import { PayloadError } from "./payload-error.ts";
import { decodeAscii, decodeUtf8, toHex } from "./text.ts";

/** Which byte of a number comes first: "big" the highest, "little" the lowest. */
export type Endian = "big" | "little";

/**
 * Each call reads what follows and moves on. All throw {@link PayloadError} where the payload ends before, and leave the reader
 * where it was. Numbers come in the reader's own byte order unless a call says another.
 */
export interface Reader {
  /** Bytes read so far. */
  readonly at: number;
  /** Bytes that are left. */
  readonly left: number;
  u8(): number;
  i8(): number;
  u16(endian?: Endian): number;
  i16(endian?: Endian): number;
  u24(endian?: Endian): number;
  i24(endian?: Endian): number;
  u32(endian?: Endian): number;
  i32(endian?: Endian): number;
  u64(endian?: Endian): bigint;
  i64(endian?: Endian): bigint;
  /** Unsigned, of 1 to 6 bytes: exact as a number. */
  uint(bytes: number, endian?: Endian): number;
  /** Signed (two's complement), of 1 to 6 bytes. */
  int(bytes: number, endian?: Endian): number;
  /** IEEE 754 binary16, binary32, binary64. NaN and infinities come as they are: no measurement holds them. */
  f16(endian?: Endian): number;
  f32(endian?: Endian): number;
  f64(endian?: Endian): number;
  /**
   * Fields of bits, the highest first: `const [version, type] = frame.bits(4, 4)`.
   * @param widths each 1 to 32; together whole bytes
   */
  bits(...widths: readonly number[]): number[];
  /** Binary coded decimal, two digits a byte; text, since leading zeros count in serial numbers. @throws PayloadError for a digit over 9 */
  bcd(bytes: number): string;
  /** @throws PayloadError for a byte over 7f */
  ascii(bytes: number): string;
  /** @throws PayloadError for what is not UTF-8 */
  utf8(bytes: number): string;
  hex(bytes: number): string;
  /** A view of the payload, not a copy. */
  bytes(length: number): Uint8Array;
  /** A reader of the next bytes alone: of a record within the frame. */
  slice(length: number): Reader;
  skip(bytes: number): void;
  /** The next byte, which stays to be read. */
  peek(): number;
  /** @throws PayloadError where something is left */
  end(): void;
}

const MAX_EXACT_BYTES = 6;

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function assertCount(what: string, count: number, least: number, most: number): void {
  if (Number.isInteger(count) && count >= least && count <= most) return;
  throw new RangeError(`${what} must be ${least} to ${most}, not ${count}`);
}

/** @param endian byte order of its numbers. @param offset where `value` stands in the payload, for errors */
export function createReader(value: Uint8Array, endian: Endian = "big", offset = 0): Reader {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  let at = 0;

  const next = (length: number): number => {
    if (!(Number.isInteger(length) && length >= 0)) throw new RangeError(`${length} is no number of bytes`);
    if (at + length > value.length) {
      const missing = `${length} bytes are to follow, ${value.length - at} are left`;
      throw new PayloadError(length === 1 ? "a byte is to follow, none is left" : missing, offset + at);
    }
    at += length;
    return at - length;
  };
  const isLittle = (order: Endian = endian): boolean => order === "little";
  const bytes = (length: number): Uint8Array => {
    const from = next(length);
    return value.subarray(from, from + length);
  };
  const uint = (length: number, order?: Endian): number => {
    assertCount("bytes of a number", length, 1, MAX_EXACT_BYTES);
    const read = bytes(length);
    const add = (number: number, byte: number): number => number * 256 + byte;
    return isLittle(order) ? read.reduceRight(add, 0) : read.reduce(add, 0);
  };
  const int = (length: number, order?: Endian): number => {
    const number = uint(length, order);
    return number >= 2 ** (8 * length - 1) ? number - 2 ** (8 * length) : number;
  };
  const text = (length: number, decode: (read: Uint8Array, from: number) => string): string => {
    const from = at;
    const read = bytes(length);
    at = from;
    const decoded = decode(read, offset + from);
    at += length;
    return decoded;
  };

  return {
    get at() {
      return at;
    },
    get left() {
      return value.length - at;
    },
    u8: () => view.getUint8(next(1)),
    i8: () => view.getInt8(next(1)),
    u16: order => view.getUint16(next(2), isLittle(order)),
    i16: order => view.getInt16(next(2), isLittle(order)),
    u24: order => uint(3, order),
    i24: order => int(3, order),
    u32: order => view.getUint32(next(4), isLittle(order)),
    i32: order => view.getInt32(next(4), isLittle(order)),
    u64: order => view.getBigUint64(next(8), isLittle(order)),
    i64: order => view.getBigInt64(next(8), isLittle(order)),
    uint,
    int,
    f16: order => halfFloat(view.getUint16(next(2), isLittle(order))),
    f32: order => view.getFloat32(next(4), isLittle(order)),
    f64: order => view.getFloat64(next(8), isLittle(order)),
    bits: (...widths) => bitFields(bytes, widths),
    bcd: length => text(length, decodeBcd),
    ascii: length => text(length, decodeAscii),
    utf8: length => text(length, decodeUtf8),
    hex: length => toHex(bytes(length)),
    bytes,
    slice(length) {
      const from = offset + at;
      return createReader(bytes(length), endian, from);
    },
    skip: length => void next(length),
    peek() {
      const byte = view.getUint8(next(1));
      at--;
      return byte;
    },
    end() {
      if (at < value.length) throw new PayloadError(`${value.length - at} bytes stand after the end`, offset + at);
    },
  };
}

function decodeBcd(bytes: Uint8Array, from: number): string {
  const digits = toHex(bytes);
  const at = digits.search(/[a-f]/);
  if (at >= 0) throw new PayloadError(`${digits} is not binary coded decimal`, from + (at >> 1));
  return digits;
}

function bitFields(bytes: (length: number) => Uint8Array, widths: readonly number[]): number[] {
  for (const width of widths) assertCount("bits of a field", width, 1, 32);
  const total = widths.reduce((sum, width) => sum + width, 0);
  if (total % 8 !== 0) throw new RangeError(`fields of ${total} bits are no whole bytes`);
  const read = bytes(total / 8);
  let at = 0;
  return widths.map(width => {
    let field = 0;
    for (const end = at + width; at < end; at++) field = field * 2 + ((read[at >> 3]! >> (7 - (at & 7))) & 1);
    return field;
  });
}
