/** What a record's tag or MAC covers besides the content (RFC 5246 section 6.2.3, RFC 9146 section 5). Pure. */
import { CONTENT, VERSION_MAJOR, VERSION_MINOR_1_2, writeEpochSequence } from "./records.ts";

const PLAIN_BYTES = 13;
/** The Connection ID comes to it. */
const CID_BYTES = 23;
const PLACEHOLDER_BYTES = 8;

/**
 * `seq_num + type + version + length`, or with a Connection ID the form of RFC 9146 section 5, which no record without one can have.
 * @param type of the record on the wire
 * @param cid empty unless the type is `cid`
 * @param length of the content, of the inner plaintext, or of IV and ciphertext with encrypt-then-MAC
 */
export function additionalData(
  type: number,
  epoch: number,
  sequence: number,
  cid: Uint8Array,
  length: number,
): Uint8Array {
  const data = Buffer.allocUnsafe(type === CONTENT.cid ? CID_BYTES + cid.length : PLAIN_BYTES);
  if (type === CONTENT.cid) {
    data.fill(0xff, 0, PLACEHOLDER_BYTES);
    data[8] = CONTENT.cid;
    data[9] = cid.length;
    data[10] = CONTENT.cid;
    data[11] = VERSION_MAJOR;
    data[12] = VERSION_MINOR_1_2;
    writeEpochSequence(data, 13, epoch, sequence);
    data.set(cid, 21);
  } else {
    writeEpochSequence(data, 0, epoch, sequence);
    data[8] = type;
    data[9] = VERSION_MAJOR;
    data[10] = VERSION_MINOR_1_2;
  }
  data[data.length - 2] = length >>> 8;
  data[data.length - 1] = length;
  return data;
}
