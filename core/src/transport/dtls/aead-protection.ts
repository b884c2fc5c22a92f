/** Records under AES-128-CCM (RFC 6655) and AES-128-GCM (RFC 5288), in the form of RFC 5246 section 6.2.3.3. */
import { type CipherCCMTypes, createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import { additionalData } from "./additional-data.ts";
import { unwrapContent, wrapContent } from "./inner-plaintext.ts";
import type { PlainRecord, RecordProtection } from "./protection.ts";
import { RECORD_HEADER_BYTES, type RecordView, writeEpochSequence, writeRecordHeader } from "./records.ts";

/** Part of the nonce that follows from the master secret. */
export const SALT_BYTES = 4;
/** Part of the nonce that stands in the record: ours is epoch and sequence number, which come once under a key. */
const EXPLICIT_NONCE_BYTES = 8;

export interface AeadKeys {
  readonly cipher: "aes-128-gcm" | "aes-128-ccm";
  readonly tagBytes: number;
  readonly key: KeyObject;
  /** {@link SALT_BYTES} as one big-endian number. */
  readonly salt: number;
}

/** @param cidBytes of the Connection ID in the records, for their overhead */
export const createAeadProtection = (keys: AeadKeys, cidBytes: number): RecordProtection =>
  new AeadProtection(keys, cidBytes);

/** A class, since each session holds two: functions of their own would cost 300 bytes more each. */
class AeadProtection implements RecordProtection {
  readonly overhead: number;
  // The types of node:crypto know CCM and GCM apart; calls with the options of CCM are good for both.
  readonly #cipher: CipherCCMTypes;
  readonly #tagBytes: number;
  readonly #key: KeyObject;
  readonly #salt: number;

  constructor({ cipher, tagBytes, key, salt }: AeadKeys, cidBytes: number) {
    this.overhead = RECORD_HEADER_BYTES + cidBytes + EXPLICIT_NONCE_BYTES + tagBytes + (cidBytes > 0 ? 1 : 0);
    this.#cipher = cipher as CipherCCMTypes;
    this.#tagBytes = tagBytes;
    this.#key = key;
    this.#salt = salt;
  }

  seal(type: number, epoch: number, sequence: number, cid: Uint8Array, content: Uint8Array): Uint8Array {
    const { type: wireType, content: plaintext } = wrapContent(type, cid, content);
    const fragmentAt = RECORD_HEADER_BYTES + cid.length;
    const textAt = fragmentAt + EXPLICIT_NONCE_BYTES;
    const tagAt = textAt + plaintext.length;
    const record = Buffer.allocUnsafe(tagAt + this.#tagBytes);
    writeRecordHeader(record, wireType, epoch, sequence, cid, record.length - fragmentAt);
    writeEpochSequence(record, fragmentAt, epoch, sequence);
    const nonce = nonceOf(this.#salt, record, fragmentAt);
    const cipher = createCipheriv(this.#cipher, this.#key, nonce, { authTagLength: this.#tagBytes });
    const aad = additionalData(wireType, epoch, sequence, cid, plaintext.length);
    cipher.setAAD(aad, { plaintextLength: plaintext.length });
    record.set(cipher.update(plaintext), textAt);
    cipher.final();
    record.set(cipher.getAuthTag(), tagAt);
    return record;
  }

  open({ type, epoch, sequence, cid, fragment }: RecordView): PlainRecord | undefined {
    const length = fragment.length - EXPLICIT_NONCE_BYTES - this.#tagBytes;
    if (length < 0) return undefined;
    const plaintext = this.#decrypted(fragment, additionalData(type, epoch, sequence, cid, length), length);
    return plaintext && unwrapContent(type, plaintext);
  }

  /** @returns undefined where the tag is not that of text and additional data */
  #decrypted(fragment: Uint8Array, aad: Uint8Array, length: number): Uint8Array | undefined {
    const tagAt = EXPLICIT_NONCE_BYTES + length;
    const nonce = nonceOf(this.#salt, fragment, 0);
    const decipher = createDecipheriv(this.#cipher, this.#key, nonce, { authTagLength: this.#tagBytes });
    decipher.setAuthTag(fragment.subarray(tagAt));
    decipher.setAAD(aad, { plaintextLength: length });
    try {
      const plaintext = decipher.update(fragment.subarray(EXPLICIT_NONCE_BYTES, tagAt));
      decipher.final();
      return plaintext;
    } catch {
      return undefined;
    }
  }
}

/** Salt and the explicit part that stands at `at` (RFC 5288 section 3, RFC 6655 section 3). */
function nonceOf(salt: number, bytes: Uint8Array, at: number): Uint8Array {
  const nonce = Buffer.allocUnsafe(SALT_BYTES + EXPLICIT_NONCE_BYTES);
  nonce[0] = salt >>> 24;
  nonce[1] = salt >>> 16;
  nonce[2] = salt >>> 8;
  nonce[3] = salt;
  for (let i = 0; i < EXPLICIT_NONCE_BYTES; i++) nonce[SALT_BYTES + i] = bytes[at + i]!;
  return nonce;
}
