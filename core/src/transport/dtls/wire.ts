/** Reading and writing the presentation language of TLS (RFC 5246 section 4): big-endian numbers and vectors with their length in front. Pure. */
import { malformed } from "./handshake-error.ts";

/** Reads from front to back. Every method throws HANDSHAKE_INVALID, alert decode_error, where the bytes do not hold what is asked for. */
export interface WireReader {
  /** Bytes not read yet. */
  readonly left: number;
  /** Bytes read so far. */
  readonly at: number;
  uint8(field: string): number;
  uint16(field: string): number;
  uint24(field: string): number;
  /** A view on the next `length` bytes. */
  bytes(length: number, field: string): Uint8Array;
  /** `opaque field<least..most>`: its length in `lengthBytes` bytes, then a view on as many. */
  vector(lengthBytes: 1 | 2 | 3, field: string, least?: number, most?: number): Uint8Array;
  /** `uint16 field<2..>`: at least one number. */
  uint16s(field: string): number[];
  /** `uint8 field<1..255>`: at least one number. */
  uint8s(field: string): number[];
  /** Nothing may be left. */
  end(): void;
}

/** @param subject what is read, for the error: `ClientHello`, `extension connection_id` */
export const createReader = (bytes: Uint8Array, subject: string): WireReader => new BytesReader(bytes, subject);

/** A class, since a handshake makes dozens: a function for each method would be most of what they cost. */
class BytesReader implements WireReader {
  readonly #bytes: Uint8Array;
  readonly #subject: string;
  #at = 0;

  constructor(bytes: Uint8Array, subject: string) {
    this.#bytes = bytes;
    this.#subject = subject;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  get at(): number {
    return this.#at;
  }

  /** @returns where the next `length` bytes stand */
  #take(length: number, field: string): number {
    if (length > this.left) throw malformed(this.#subject, field, `${length} bytes, ${this.left} are left`);
    const from = this.#at;
    this.#at += length;
    return from;
  }

  uint8(field: string): number {
    return this.#bytes[this.#take(1, field)]!;
  }

  uint16(field: string): number {
    const from = this.#take(2, field);
    return (this.#bytes[from]! << 8) | this.#bytes[from + 1]!;
  }

  uint24(field: string): number {
    return readUint24(this.#bytes, this.#take(3, field));
  }

  bytes(length: number, field: string): Uint8Array {
    const from = this.#take(length, field);
    return this.#bytes.subarray(from, from + length);
  }

  vector(lengthBytes: 1 | 2 | 3, field: string, least = 0, most = 2 ** (8 * lengthBytes) - 1): Uint8Array {
    const length = lengthBytes === 1 ? this.uint8(field) : lengthBytes === 2 ? this.uint16(field) : this.uint24(field);
    if (length < least || length > most) {
      throw malformed(this.#subject, field, `${length} bytes, ${least} to ${most} may be`);
    }
    return this.bytes(length, field);
  }

  uint16s(field: string): number[] {
    const raw = this.vector(2, field, 2);
    if (raw.length % 2 !== 0) throw malformed(this.#subject, field, `${raw.length} bytes of two-byte numbers`);
    const numbers: number[] = [];
    for (let at = 0; at < raw.length; at += 2) numbers.push((raw[at]! << 8) | raw[at + 1]!);
    return numbers;
  }

  uint8s(field: string): number[] {
    return [...this.vector(1, field, 1)];
  }

  end(): void {
    if (this.left > 0) throw malformed(this.#subject, "end", `${this.left} bytes too many`);
  }
}

export const readUint24 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;

export function writeUint24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 16;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value;
}

export const uint8 = (value: number): Uint8Array => Uint8Array.of(value);
export const uint16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value);
export const uint24 = (value: number): Uint8Array => Uint8Array.of(value >> 16, value >> 8, value);

/** Up to here an array has its bytes in itself (V8's limit); memory beside it takes ten times as long to get, and to give back. */
const SMALL_BYTES = 64;

/** For what is written and sent: not zeroed, and where it is not small, part of the pool of Node's buffers, which it keeps as a whole. */
export const allocate = (length: number): Uint8Array =>
  length > SMALL_BYTES ? Buffer.allocUnsafe(length) : new Uint8Array(length);

/** Copies all parts behind `at` free bytes, see {@link allocate}. */
function joinAt(at: number, parts: readonly Uint8Array[]): Uint8Array {
  let length = at;
  for (const part of parts) length += part.length;
  const whole = allocate(length);
  let to = at;
  for (const part of parts) {
    whole.set(part, to);
    to += part.length;
  }
  return whole;
}

/** Copies all parts into one array for short use, see {@link allocate}. */
export const joinBytes = (parts: readonly Uint8Array[]): Uint8Array => joinAt(0, parts);

/** Parts as one vector, its length in front. */
function vectorOf(lengthBytes: 1 | 2 | 3, parts: readonly Uint8Array[]): Uint8Array {
  const vector = joinAt(lengthBytes, parts);
  const length = vector.length - lengthBytes;
  for (let at = 0; at < lengthBytes; at++) vector[at] = length >>> (8 * (lengthBytes - 1 - at));
  return vector;
}

export const vector8 = (...parts: readonly Uint8Array[]): Uint8Array => vectorOf(1, parts);
export const vector16 = (...parts: readonly Uint8Array[]): Uint8Array => vectorOf(2, parts);
export const vector24 = (...parts: readonly Uint8Array[]): Uint8Array => vectorOf(3, parts);
