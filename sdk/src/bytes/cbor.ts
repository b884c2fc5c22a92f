/** CBOR (RFC 8949) to values. What is not well-formed is refused; sizes are checked against what is there before anything is made. */
import { PayloadError } from "./payload-error.ts";
import { createReader, type Reader } from "./reader.ts";
import { decodeUtf8, toHex } from "./text.ts";

/** A tagged value whose tag is none of 2 and 3 (RFC 8949 section 3.4). */
export class CborTag {
  readonly tag: number;
  readonly value: CborValue;

  constructor(tag: number, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}

/** A simple value without a meaning in ECMAScript (RFC 8949 section 3.3). */
export class CborSimple {
  readonly simple: number;

  constructor(simple: number) {
    this.simple = simple;
  }
}

/**
 * Integers past 2^53 and bignums (tags 2, 3) are bigint. Maps are `Map`, so that keys may be numbers and none can reach a
 * prototype; {@link plainCbor} makes JSON of it.
 */
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | undefined
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<CborValue, CborValue>
  | CborTag
  | CborSimple;

export interface CborOptions {
  /** Arrays, maps and tags in each other; 16 when absent. */
  readonly maxDepth?: number;
}

const DEFAULT_DEPTH = 16;
/** A bignum of more would cost more to print than a decode may take. */
const MAX_BIGNUM_BYTES = 128;
const BREAK = 0xff;
const INDEFINITE = 31;

/** Major types (RFC 8949 section 3.1). */
const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

interface Head {
  readonly at: number;
  readonly major: number;
  readonly info: number;
}

function readHead(reader: Reader): Head {
  const { at } = reader;
  const byte = reader.u8();
  return { at, major: byte >> 5, info: byte & 0x1f };
}

const asInteger = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

/** The argument of a head (RFC 8949 section 3). */
function argument(reader: Reader, { at, info }: Head): number | bigint {
  if (info < 24) return info;
  if (info === 24) return reader.u8();
  if (info === 25) return reader.u16("big");
  if (info === 26) return reader.u32("big");
  if (info === 27) return asInteger(reader.u64("big"));
  throw new PayloadError(`CBOR: ${info} is no length`, at);
}

/** Bytes or items that follow; as each takes one byte at the least, what cannot be there is refused before anything is made for it. */
function count(reader: Reader, head: Head, bytesEach: number): number {
  const items = Number(argument(reader, head));
  if (items * bytesEach > reader.left) {
    throw new PayloadError(`CBOR: ${items} bytes or items are to follow, ${reader.left} bytes are left`, head.at);
  }
  return items;
}

function isBreak(reader: Reader): boolean {
  if (reader.peek() !== BREAK) return false;
  reader.skip(1);
  return true;
}

/** Strings, whole or in chunks of the same type (RFC 8949 section 3.2.3). */
function chunks(reader: Reader, head: Head): Uint8Array[] {
  if (head.info !== INDEFINITE) return [reader.bytes(count(reader, head, 1))];
  const parts: Uint8Array[] = [];
  while (!isBreak(reader)) {
    const part = readHead(reader);
    if (part.major !== head.major || part.info === INDEFINITE) {
      throw new PayloadError("CBOR: a chunk of another type within a string", part.at);
    }
    parts.push(reader.bytes(count(reader, part, 1)));
  }
  return parts;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Runs `one` for each item, as many as the head says, or until the break. */
function each(reader: Reader, head: Head, bytesEach: number, one: () => void): void {
  if (head.info === INDEFINITE) {
    while (!isBreak(reader)) one();
    return;
  }
  for (let left = count(reader, head, bytesEach); left > 0; left--) one();
}

function readMap(reader: Reader, head: Head, depth: number): Map<CborValue, CborValue> {
  const map = new Map<CborValue, CborValue>();
  each(reader, head, 2, () => {
    const { at } = reader;
    const key = readItem(reader, depth);
    if (map.has(key)) throw new PayloadError(`CBOR: key ${String(key)} stands twice in a map`, at);
    map.set(key, readItem(reader, depth));
  });
  return map;
}

/** Bignums (RFC 8949 section 3.4.3); other tags are kept. */
function readTag(reader: Reader, head: Head, depth: number): CborValue {
  const tag = Number(argument(reader, head));
  const value = readItem(reader, depth);
  if (tag !== 2 && tag !== 3) return new CborTag(tag, value);
  if (!(value instanceof Uint8Array) || value.length > MAX_BIGNUM_BYTES) {
    throw new PayloadError(`CBOR: a bignum must be at most ${MAX_BIGNUM_BYTES} bytes`, head.at);
  }
  const number = BigInt(value.length === 0 ? "0" : `0x${toHex(value)}`);
  return tag === 2 ? number : -1n - number;
}

const SIMPLE: Readonly<Record<number, CborValue>> = { 20: false, 21: true, 22: null, 23: undefined };

function readSimple(reader: Reader, { at, info }: Head): CborValue {
  if (info === 25) return reader.f16("big");
  if (info === 26) return reader.f32("big");
  if (info === 27) return reader.f64("big");
  if (info > 24)
    throw new PayloadError(info === INDEFINITE ? "CBOR: a break outside of anything" : `CBOR: ${info} is reserved`, at);
  const simple = info === 24 ? reader.u8() : info;
  if (info === 24 && simple < 32) throw new PayloadError(`CBOR: simple value ${simple} in two bytes`, at);
  return simple in SIMPLE ? SIMPLE[simple] : new CborSimple(simple);
}

function readItem(reader: Reader, depth: number): CborValue {
  const head = readHead(reader);
  const inner = (): number => {
    if (depth === 0) throw new PayloadError("CBOR: nested too deeply", head.at);
    return depth - 1;
  };
  switch (head.major) {
    case MAJOR.unsigned:
      return argument(reader, head);
    case MAJOR.negative: {
      const number = argument(reader, head);
      return typeof number === "number" && number < Number.MAX_SAFE_INTEGER ? -1 - number : -1n - BigInt(number);
    }
    case MAJOR.bytes:
      return joined(chunks(reader, head));
    case MAJOR.text:
      // Each chunk is a text of its own (RFC 8949 section 3.2.3).
      return chunks(reader, head)
        .map(part => decodeUtf8(part, head.at))
        .join("");
    case MAJOR.array: {
      const items: CborValue[] = [];
      const below = inner();
      each(reader, head, 1, () => void items.push(readItem(reader, below)));
      return items;
    }
    case MAJOR.map:
      return readMap(reader, head, inner());
    case MAJOR.tag:
      return readTag(reader, head, inner());
    default:
      return readSimple(reader, head);
  }
}

/** One item; the reader stands behind it. @throws PayloadError */
export const readCborItem = (reader: Reader, { maxDepth = DEFAULT_DEPTH }: CborOptions = {}): CborValue =>
  readItem(reader, maxDepth);

/** A payload that is one item. @throws PayloadError, also where something follows */
export function readCbor(bytes: Uint8Array, options?: CborOptions): CborValue {
  const reader = createReader(bytes);
  const value = readCborItem(reader, options);
  reader.end();
  return value;
}

/** A payload of items one after the other, also none (CBOR sequence, RFC 8742). @throws PayloadError */
export function readCborSequence(bytes: Uint8Array, options?: CborOptions): CborValue[] {
  const reader = createReader(bytes);
  const values: CborValue[] = [];
  while (reader.left > 0) values.push(readCborItem(reader, options));
  return values;
}

type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** What a map's key is called as a name: digits, hexadecimal for bytes. @throws PayloadError for an array, a map, a tag or a simple value */
export function cborName(key: CborValue): string {
  if (key instanceof Uint8Array) return toHex(key);
  if (typeof key === "object" && key !== null) throw new PayloadError("CBOR: a key that cannot be a name");
  return String(key);
}

/**
 * As JSON has it: maps become objects (without prototype), bytes hexadecimal, bigints numbers where they are exact, else
 * decimal digits; of a tag its value; what JSON does not have (undefined, NaN, other simple values) null.
 * @throws PayloadError where two keys of a map have the same name, or one cannot be a name
 */
export function plainCbor(value: CborValue): Plain {
  if (typeof value === "bigint") {
    const exact = asInteger(value);
    return typeof exact === "number" ? exact : value.toString();
  }
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof CborTag) return plainCbor(value.value);
  if (Array.isArray(value)) return value.map(plainCbor);
  if (!(value instanceof Map)) return null;
  const plain: Record<string, Plain> = Object.create(null) as Record<string, Plain>;
  for (const [key, item] of value as ReadonlyMap<CborValue, CborValue>) {
    const name = cborName(key);
    if (name in plain || name === "__proto__")
      throw new PayloadError(`CBOR: "${name}" cannot be a name, or stands twice`);
    plain[name] = plainCbor(item);
  }
  return plain;
}

/**
 * Decimal fractions and bigfloats (tags 4 and 5, RFC 8949 section 3.4.4) as numbers; decimals go through their digits, so that 27315 x 10^-2 is 273.15.
 * @returns undefined for another tag
 * @throws  PayloadError where there is no `[exponent, mantissa]` of whole numbers in the tag
 */
export function cborFraction({ tag, value }: CborTag): number | undefined {
  if (tag !== 4 && tag !== 5) return undefined;
  const [exponent, mantissa, ...more] = Array.isArray(value) ? (value as readonly CborValue[]) : [];
  const isWhole = typeof mantissa === "bigint" || Number.isInteger(mantissa);
  if (more.length > 0 || !Number.isInteger(exponent) || !isWhole)
    throw new PayloadError(`CBOR: tag ${tag} holds no fraction`);
  return tag === 4 ? Number(`${mantissa}e${exponent}`) : Number(mantissa) * 2 ** Number(exponent);
}
