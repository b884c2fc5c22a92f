/** Records under AES-128-CCM (RFC 6655) and AES-128-GCM (RFC 5288), in the form of RFC 5246 section 6.2.3.3. */
import { type CipherCCMTypes, createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import { additionalData } from "./additional-data.ts";
import { unwrapContent, wrapContent } from "./inner-plaintext.ts";
import type { RecordProtection } from "./protection.ts";
import { MAX_PLAINTEXT_BYTES, RECORD_HEADER_BYTES, writeEpochSequence, writeRecordHeader } from "./records.ts";

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
export function createAeadProtection({ cipher, tagBytes, key, salt }: AeadKeys, cidBytes: number): RecordProtection {
  // The types of node:crypto know CCM and GCM apart; calls with the options of CCM are good for both.
  const mode = cipher as CipherCCMTypes;
  const tagOption = { authTagLength: tagBytes };

  function seal(type: number, epoch: number, sequence: number, cid: Uint8Array, content: Uint8Array): Uint8Array {
    const { type: wireType, content: plaintext } = wrapContent(type, cid, content);
    const fragmentAt = RECORD_HEADER_BYTES + cid.length;
    const textAt = fragmentAt + EXPLICIT_NONCE_BYTES;
    const record = Buffer.allocUnsafe(textAt + plaintext.length + tagBytes);
    writeRecordHeader(record, wireType, epoch, sequence, cid, record.length - fragmentAt);
    writeEpochSequence(record, fragmentAt, epoch, sequence);
    const sealing = createCipheriv(mode, key, nonceOf(salt, record, fragmentAt), tagOption);
    sealing.setAAD(additionalData(wireType, epoch, sequence, cid, plaintext.length), {
      plaintextLength: plaintext.length,
    });
    record.set(sealing.update(plaintext), textAt);
    sealing.final();
    record.set(sealing.getAuthTag(), textAt + plaintext.length);
    return record;
  }

  /** @returns undefined where the tag is not that of the text */
  function decrypted(fragment: Uint8Array, aad: Uint8Array): Uint8Array | undefined {
    const tagAt = fragment.length - tagBytes;
    const opening = createDecipheriv(mode, key, nonceOf(salt, fragment, 0), tagOption);
    opening.setAuthTag(fragment.subarray(tagAt));
    opening.setAAD(aad, { plaintextLength: tagAt - EXPLICIT_NONCE_BYTES });
    try {
      const plaintext = opening.update(fragment.subarray(EXPLICIT_NONCE_BYTES, tagAt));
      opening.final();
      return plaintext;
    } catch {
      return undefined;
    }
  }

  return {
    overhead: RECORD_HEADER_BYTES + cidBytes + EXPLICIT_NONCE_BYTES + tagBytes + (cidBytes > 0 ? 1 : 0),
    seal,
    open({ type, epoch, sequence, cid, fragment }) {
      const length = fragment.length - EXPLICIT_NONCE_BYTES - tagBytes;
      if (length < 0 || length > MAX_PLAINTEXT_BYTES) return undefined;
      const plaintext = decrypted(fragment, additionalData(type, epoch, sequence, cid, length));
      return plaintext && unwrapContent(type, plaintext);
    },
  };
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
