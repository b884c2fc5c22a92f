/** Reading and writing the presentation language of TLS (RFC 5246 section 4): big-endian numbers and vectors with their length in front. Pure. */
import { concatBytes } from "../../base/bytes.ts";
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
export function createReader(bytes: Uint8Array, subject: string): WireReader {
  let at = 0;
  const take = (length: number, field: string): number => {
    if (length > bytes.length - at) throw malformed(subject, field, `${length} bytes, ${bytes.length - at} are left`);
    const from = at;
    at += length;
    return from;
  };
  const reader: WireReader = {
    get left() {
      return bytes.length - at;
    },
    get at() {
      return at;
    },
    uint8: field => bytes[take(1, field)]!,
    uint16(field) {
      const from = take(2, field);
      return (bytes[from]! << 8) | bytes[from + 1]!;
    },
    uint24: field => readUint24(bytes, take(3, field)),
    bytes(length, field) {
      const from = take(length, field);
      return bytes.subarray(from, from + length);
    },
    vector(lengthBytes, field, least = 0, most = 2 ** (8 * lengthBytes) - 1) {
      const length =
        lengthBytes === 1 ? reader.uint8(field) : lengthBytes === 2 ? reader.uint16(field) : reader.uint24(field);
      if (length < least || length > most)
        throw malformed(subject, field, `${length} bytes, ${least} to ${most} may be`);
      return reader.bytes(length, field);
    },
    uint16s(field) {
      const raw = reader.vector(2, field, 2);
      if (raw.length % 2 !== 0) throw malformed(subject, field, `${raw.length} bytes of two-byte numbers`);
      return Array.from({ length: raw.length / 2 }, (_, i) => (raw[2 * i]! << 8) | raw[2 * i + 1]!);
    },
    uint8s: field => [...reader.vector(1, field, 1)],
    end() {
      if (at < bytes.length) throw malformed(subject, "end", `${bytes.length - at} bytes too many`);
    },
  };
  return reader;
}

export const readUint24 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;

export const uint8 = (value: number): Uint8Array => Uint8Array.of(value);
export const uint16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value);
export const uint24 = (value: number): Uint8Array => Uint8Array.of(value >> 16, value >> 8, value);

/** Parts as one vector, its length in front. */
const vectorWith =
  (length: (value: number) => Uint8Array) =>
  (...parts: readonly Uint8Array[]): Uint8Array => {
    const total = parts.reduce((sum, part) => sum + part.length, 0);
    return concatBytes([length(total), ...parts]);
  };

export const vector8 = vectorWith(uint8);
export const vector16 = vectorWith(uint16);
export const vector24 = vectorWith(uint24);
