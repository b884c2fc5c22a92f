/** What a cipher suite does to the records of one direction and epoch. */
import type { RecordView } from "./records.ts";

export interface PlainRecord {
  /** ContentType of what is inside, never `cid`. */
  readonly type: number;
  readonly content: Uint8Array;
}

export interface RecordProtection {
  /** Most bytes that sealing adds to a content, header and Connection ID included. */
  readonly overhead: number;
  /**
   * @param cid of the receiver; empty: a record as in RFC 6347, else one of RFC 9146
   * @returns the whole record, header first; the caller owns it
   */
  seal(type: number, epoch: number, sequence: number, cid: Uint8Array, content: Uint8Array): Uint8Array;
  /** @returns undefined where the record is not authentic, too short or breaks a rule inside; never throws. The content is the caller's. */
  open(record: RecordView): PlainRecord | undefined;
}

export interface ProtectionPair {
  /** Opens what the client sealed, seals as the client. */
  readonly client: RecordProtection;
  readonly server: RecordProtection;
}
