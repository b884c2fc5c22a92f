/**
 * Records under AES-128-CBC with HMAC-SHA-256, for old devices: encrypt-then-MAC (RFC 7366) where it was agreed, else MAC-then-encrypt
 * (RFC 5246 section 6.2.3.2) that does the same work and fails in the same way whatever the padding says.
 */
import { createHash, createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import { concatBytes } from "../../base/bytes.ts";
import type { Random } from "../../base/random.ts";
import { additionalData } from "./additional-data.ts";
import { BLOCK_BYTES, decryptCbc, encryptCbc, IV_BYTES, MAX_PADDING_BYTES, paddingBytes } from "./cbc-cipher.ts";
import { unwrapContent, wrapContent } from "./inner-plaintext.ts";
import type { RecordProtection } from "./protection.ts";
import { RECORD_HEADER_BYTES, writeRecordHeader } from "./records.ts";

export const MAC_BYTES = 32;
const HASH = "sha256";
const HASH_BLOCK_BYTES = 64;
/** What SHA-256 adds at least: a bit and the length. */
const HASH_TAIL_BYTES = 9;
/** The longest padding makes this difference. */
const FILLER = new Uint8Array(MAX_PADDING_BYTES);

export interface CbcKeys {
  readonly key: KeyObject;
  readonly macKey: KeyObject;
}

/** How a fragment is made of a plaintext, and back. `dataFor` gives what the MAC covers before the text, by the length of that. */
interface Composition {
  seal(keys: CbcKeys, iv: Uint8Array, plaintext: Uint8Array, dataFor: (length: number) => Uint8Array): Uint8Array;
  /** @returns undefined where the fragment is not authentic */
  open(keys: CbcKeys, fragment: Uint8Array, dataFor: (length: number) => Uint8Array): Uint8Array | undefined;
}

/**
 * @param cidBytes of the Connection ID in the records, for their overhead
 * @param random for IVs, which must not be foreseen
 */
export function createCbcProtection(
  keys: CbcKeys,
  encryptThenMac: boolean,
  cidBytes: number,
  random: Pick<Random, "bytes">,
): RecordProtection {
  const composition = encryptThenMac ? ENCRYPT_THEN_MAC : MAC_THEN_ENCRYPT;
  return {
    overhead: RECORD_HEADER_BYTES + cidBytes + IV_BYTES + MAC_BYTES + BLOCK_BYTES + (cidBytes > 0 ? 1 : 0),
    seal(type, epoch, sequence, cid, content) {
      const { type: wireType, content: plaintext } = wrapContent(type, cid, content);
      const fragment = composition.seal(keys, random.bytes(IV_BYTES), plaintext, length =>
        additionalData(wireType, epoch, sequence, cid, length),
      );
      const fragmentAt = RECORD_HEADER_BYTES + cid.length;
      const record = Buffer.allocUnsafe(fragmentAt + fragment.length);
      writeRecordHeader(record, wireType, epoch, sequence, cid, fragment.length);
      record.set(fragment, fragmentAt);
      return record;
    },
    open({ type, epoch, sequence, cid, fragment }) {
      const plaintext = composition.open(keys, fragment, length => additionalData(type, epoch, sequence, cid, length));
      return plaintext && unwrapContent(type, plaintext);
    },
  };
}

const macOf = (key: KeyObject, data: Uint8Array, text: Uint8Array): Buffer =>
  createHmac(HASH, key).update(data).update(text).digest();

const isWholeBlocks = (bytes: number): boolean => bytes > 0 && bytes % BLOCK_BYTES === 0;

/** RFC 7366 section 3; the length under the MAC leaves the MAC out (erratum 4212). */
const ENCRYPT_THEN_MAC: Composition = {
  seal({ key, macKey }, iv, plaintext, dataFor) {
    const text = concatBytes([iv, ...encryptCbc(key, iv, [plaintext])]);
    return concatBytes([text, macOf(macKey, dataFor(text.length), text)]);
  },
  open({ key, macKey }, fragment, dataFor) {
    const macAt = fragment.length - MAC_BYTES;
    if (!isWholeBlocks(macAt - IV_BYTES)) return undefined;
    const text = fragment.subarray(0, macAt);
    if (!timingSafeEqual(macOf(macKey, dataFor(macAt), text), fragment.subarray(macAt))) return undefined;
    const padded = decryptCbc(key, text.subarray(0, IV_BYTES), text.subarray(IV_BYTES));
    const padding = paddingBytes(padded, padded.length);
    return padding === 0 ? undefined : padded.subarray(0, padded.length - padding);
  },
};

/** Wrong padding counts as none, so that there is always a MAC to compare (RFC 5246 section 6.2.3.2). */
const MAC_THEN_ENCRYPT: Composition = {
  seal({ key, macKey }, iv, plaintext, dataFor) {
    const mac = macOf(macKey, dataFor(plaintext.length), plaintext);
    return concatBytes([iv, ...encryptCbc(key, iv, [plaintext, mac])]);
  },
  open({ key, macKey }, fragment, dataFor) {
    const textBytes = fragment.length - IV_BYTES;
    if (!isWholeBlocks(textBytes) || textBytes <= MAC_BYTES) return undefined;
    const padded = decryptCbc(key, fragment.subarray(0, IV_BYTES), fragment.subarray(IV_BYTES));
    const padding = paddingBytes(padded, padded.length - MAC_BYTES);
    const plaintextBytes = padded.length - MAC_BYTES - Math.max(1, padding);
    const data = dataFor(plaintextBytes);
    const mac = macOf(macKey, data, padded.subarray(0, plaintextBytes));
    evenOut(data.length + plaintextBytes, data.length + padded.length - MAC_BYTES - 1);
    const isSame = timingSafeEqual(mac, padded.subarray(plaintextBytes, plaintextBytes + MAC_BYTES));
    return isSame && padding > 0 ? padded.subarray(0, plaintextBytes) : undefined;
  },
};

/**
 * Hashes the blocks that a MAC over `most` bytes would have taken more than one over `done` bytes did: the time of a refusal must not
 * tell the length of the padding (Lucky Thirteen).
 */
function evenOut(done: number, most: number): void {
  const more = hashBlocks(most) - hashBlocks(done);
  createHash(HASH).update(FILLER.subarray(0, more * HASH_BLOCK_BYTES));
}

const hashBlocks = (bytes: number): number => Math.ceil((bytes + HASH_TAIL_BYTES) / HASH_BLOCK_BYTES);
