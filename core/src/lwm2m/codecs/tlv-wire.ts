/** The TLV layer of LwM2M TS 1.0.2 section 6.4.3 (Core 1.1.1 section 7.4.5): headers and contents, no data types. */
import { concatBytes } from "../../base/bytes.ts";
import { MooringError } from "../../base/errors.ts";

/** Type byte, bits 7-6. */
const KINDS = ["objectInstance", "resourceInstance", "multipleResource", "resource"] as const;
export type TlvKind = (typeof KINDS)[number];

export interface Tlv {
  readonly kind: TlvKind;
  /** 0..65535 */
  readonly id: number;
  /** A view on the payload. */
  readonly content: Uint8Array;
}

const LARGEST_ID = 0xffff;
const LARGEST_LENGTH = 0xff_ffff;

function readUint(bytes: Uint8Array, at: number, length: number): number {
  if (at + length > bytes.length) {
    throw new MooringError("TLV_INVALID", "the payload ends within the header of a TLV", { at, length: bytes.length });
  }
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + bytes[at + i]!;
  return value;
}

/**
 * Splits one level of a payload; nested TLVs are the contents' affair.
 * @returns views on `bytes`, in order
 * @throws MooringError TLV_INVALID where a header or content runs past the end, or one identifier stands twice
 */
export function readTlvs(bytes: Uint8Array): Tlv[] {
  const found: Tlv[] = [];
  const seen = new Set<number>();
  let at = 0;
  while (at < bytes.length) {
    const type = bytes[at]!;
    const idBytes = type & 0x20 ? 2 : 1;
    const lengthBytes = (type >> 3) & 0x03;
    const id = readUint(bytes, at + 1, idBytes);
    const length = lengthBytes === 0 ? type & 0x07 : readUint(bytes, at + 1 + idBytes, lengthBytes);
    const start = at + 1 + idBytes + lengthBytes;
    if (start + length > bytes.length) {
      throw new MooringError("TLV_INVALID", `TLV ${id} of ${length} bytes runs past the payload`, { id, at, length });
    }
    if (seen.has(id)) throw new MooringError("TLV_INVALID", `TLV ${id} stands twice on one level`, { id, at });
    seen.add(id);
    found.push({ kind: KINDS[(type >> 6) as 0 | 1 | 2 | 3], id, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

/** How many bytes the length field takes; up to 7 fits the type byte. */
const lengthFieldBytes = (length: number): 0 | 1 | 2 | 3 =>
  length < 8 ? 0 : length < 0x100 ? 1 : length < 0x1_0000 ? 2 : 3;

function bigEndian(value: number, length: number): number[] {
  return Array.from({ length }, (_, i) => (value >>> (8 * (length - 1 - i))) & 0xff);
}

/**
 * The shortest header of a TLV.
 * @param id 0..65535
 * @param length of the content, in bytes
 * @throws MooringError VALUE_TYPE for a content of 16 MiB or more, which the length field cannot say
 */
export function tlvHeader(kind: TlvKind, id: number, length: number): Uint8Array {
  if (length > LARGEST_LENGTH || id > LARGEST_ID) {
    throw new MooringError("VALUE_TYPE", `TLV ${id}: ${length} bytes are more than TLV can carry`, {
      id,
      length,
      limit: LARGEST_LENGTH,
    });
  }
  const idBytes = id > 0xff ? 2 : 1;
  const lengthBytes = lengthFieldBytes(length);
  const type = (KINDS.indexOf(kind) << 6) | (idBytes === 2 ? 0x20 : 0) | (lengthBytes << 3);
  return Uint8Array.from([
    lengthBytes === 0 ? type | length : type,
    ...bigEndian(id, idBytes),
    ...bigEndian(length, lengthBytes),
  ]);
}

/** One TLV with its shortest header. @throws MooringError as {@link tlvHeader} */
export const writeTlv = (kind: TlvKind, id: number, content: Uint8Array): Uint8Array =>
  concatBytes([tlvHeader(kind, id, content.length), content]);
