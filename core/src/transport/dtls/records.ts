/** Records on the wire (RFC 6347 section 4.1, with Connection ID RFC 9146 section 4). Pure. */
import { EMPTY_BYTES } from "../../base/bytes.ts";

/** ContentType (RFC 5246 section 6.2.1, RFC 9146 section 3). */
export const CONTENT = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  /** tls12_cid: the real type stands inside, encrypted. */
  cid: 25,
} as const;

/** One record as it stands in a datagram; views, nothing copied. */
export interface RecordView {
  /** A value of {@link CONTENT}; others are not read. */
  readonly type: number;
  readonly epoch: number;
  /** 48 bits. */
  readonly sequence: number;
  /** Empty unless type is `cid`. */
  readonly cid: Uint8Array;
  /** Plaintext in epoch 0, ciphertext later. */
  readonly fragment: Uint8Array;
}

/** For one that outlives its datagram. */
export const copyRecord = (record: RecordView): RecordView => ({
  ...record,
  cid: Uint8Array.from(record.cid),
  fragment: Uint8Array.from(record.fragment),
});

export interface RecordsRead {
  /** In their order; views on the datagram. */
  readonly records: RecordView[];
  /** Something in the datagram was no record; it and what came after it was left out. */
  readonly malformed: boolean;
}

/** Type, version, epoch, sequence number, length; a Connection ID stands before the length. */
export const RECORD_HEADER_BYTES = 13;
/** Most bytes of content (RFC 5246 section 6.2.1). */
export const MAX_PLAINTEXT_BYTES = 2 ** 14;
/** Most bytes of a protected fragment (RFC 5246 section 6.2.3). */
const MAX_CIPHERTEXT_BYTES = MAX_PLAINTEXT_BYTES + 2048;
/** Sequence numbers have 48 bits (RFC 6347 section 4.1). */
export const MAX_SEQUENCE = 2 ** 48 - 1;
export const VERSION_MAJOR = 254;
export const VERSION_MINOR_1_2 = 253;
const VERSION_MINOR_1_0 = 255;

/**
 * Splits a datagram into its records. Decrypts and judges nothing; which types an epoch allows is for the reader of the records.
 * @param cidLength bytes of the Connection IDs that this side gave out; 0: a record of type `cid` is none
 */
export function readRecords(datagram: Uint8Array, cidLength: number): RecordsRead {
  const records: RecordView[] = [];
  let at = 0;
  while (at < datagram.length) {
    const record = readRecord(datagram, at, cidLength);
    if (record === undefined) return { records, malformed: true };
    records.push(record);
    at += RECORD_HEADER_BYTES + record.cid.length + record.fragment.length;
  }
  return { records, malformed: records.length === 0 };
}

function readRecord(bytes: Uint8Array, at: number, cidLength: number): RecordView | undefined {
  const type = bytes[at]!;
  const withCid = type === CONTENT.cid;
  const fragmentAt = at + RECORD_HEADER_BYTES + (withCid ? cidLength : 0);
  if (fragmentAt > bytes.length) return undefined;
  const epoch = (bytes[at + 3]! << 8) | bytes[at + 4]!;
  if (withCid ? cidLength === 0 || epoch === 0 : type < CONTENT.changeCipherSpec || type > CONTENT.applicationData) {
    return undefined;
  }
  if (bytes[at + 1] !== VERSION_MAJOR || !allowsMinor(bytes[at + 2]!, type, epoch)) return undefined;
  const length = (bytes[fragmentAt - 2]! << 8) | bytes[fragmentAt - 1]!;
  // No type may be empty on the wire: RFC 5246 section 6.2.1 in plaintext, and every protection adds to the content.
  if (length === 0 || length > (epoch === 0 ? MAX_PLAINTEXT_BYTES : MAX_CIPHERTEXT_BYTES)) return undefined;
  if (fragmentAt + length > bytes.length) return undefined;
  return {
    type,
    epoch,
    sequence: readSequence(bytes, at + 5),
    cid: withCid ? bytes.subarray(fragmentAt - 2 - cidLength, fragmentAt - 2) : EMPTY_BYTES,
    fragment: bytes.subarray(fragmentAt, fragmentAt + length),
  };
}

/**
 * Before the version is agreed on, hellos and alerts may come as DTLS 1.0: a HelloVerifyRequest should (RFC 6347 section 4.2.1), a
 * ClientHello may (RFC 5246 appendix E.1).
 */
const allowsMinor = (minor: number, type: number, epoch: number): boolean =>
  minor === VERSION_MINOR_1_2 ||
  (minor === VERSION_MINOR_1_0 && epoch === 0 && (type === CONTENT.handshake || type === CONTENT.alert));

const readSequence = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! * 256 + bytes[at + 1]!) * 2 ** 32 +
  (((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0);

/** Writes epoch and sequence number, 8 bytes: in a header, as `seq_num` of a MAC, as the explicit part of a nonce. */
export function writeEpochSequence(bytes: Uint8Array, at: number, epoch: number, sequence: number): void {
  const high = Math.floor(sequence / 2 ** 32);
  const low = sequence >>> 0;
  bytes[at] = epoch >>> 8;
  bytes[at + 1] = epoch;
  bytes[at + 2] = high >>> 8;
  bytes[at + 3] = high;
  bytes[at + 4] = low >>> 24;
  bytes[at + 5] = low >>> 16;
  bytes[at + 6] = low >>> 8;
  bytes[at + 7] = low;
}

/**
 * Writes the header of a record, {@link RECORD_HEADER_BYTES} and the Connection ID, at the start of `bytes`.
 * @param cid only where `type` is `cid`
 * @param length of the fragment behind it
 */
export function writeRecordHeader(
  bytes: Uint8Array,
  type: number,
  epoch: number,
  sequence: number,
  cid: Uint8Array,
  length: number,
): void {
  bytes[0] = type;
  bytes[1] = VERSION_MAJOR;
  bytes[2] = VERSION_MINOR_1_2;
  writeEpochSequence(bytes, 3, epoch, sequence);
  if (cid.length > 0) bytes.set(cid, RECORD_HEADER_BYTES - 2);
  const lengthAt = RECORD_HEADER_BYTES - 2 + cid.length;
  bytes[lengthAt] = length >>> 8;
  bytes[lengthAt + 1] = length;
}

/** One record of epoch 0; copies the content. @param content 1..16384 bytes */
export function writePlainRecord(type: number, sequence: number, content: Uint8Array): Uint8Array {
  const record = new Uint8Array(RECORD_HEADER_BYTES + content.length);
  writeRecordHeader(record, type, 0, sequence, EMPTY_BYTES, content.length);
  record.set(content, RECORD_HEADER_BYTES);
  return record;
}
