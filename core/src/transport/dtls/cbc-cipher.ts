/** AES-128-CBC with the padding of TLS (RFC 5246 section 6.2.3.2). */
import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";

const CIPHER = "aes-128-cbc";
export const BLOCK_BYTES = 16;
export const IV_BYTES = BLOCK_BYTES;
/** Padding of at most 255 bytes, and the byte that counts it. */
export const MAX_PADDING_BYTES = 256;

/** Pads and encrypts. @returns the ciphertext, without IV */
export function encryptCbc(key: KeyObject, iv: Uint8Array, parts: readonly Uint8Array[]): Buffer[] {
  const cipher = createCipheriv(CIPHER, key, iv).setAutoPadding(false);
  let length = 0;
  const pieces = parts.map(part => {
    length += part.length;
    return cipher.update(part);
  });
  const padding = BLOCK_BYTES - (length % BLOCK_BYTES);
  pieces.push(cipher.update(Buffer.alloc(padding, padding - 1)));
  return pieces;
}

/** @param text whole blocks. @returns as many bytes, padding included */
export function decryptCbc(key: KeyObject, iv: Uint8Array, text: Uint8Array): Uint8Array {
  const decipher = createDecipheriv(CIPHER, key, iv).setAutoPadding(false);
  return decipher.update(text);
}

/**
 * What the padding at the end of a plaintext says, without a branch or a length of work that depends on its bytes.
 * @param most bytes that padding and its count may take, at most {@link MAX_PADDING_BYTES}
 * @returns bytes of padding with its count, 0 where it is wrong
 */
export function paddingBytes(plaintext: Uint8Array, most: number): number {
  const last = plaintext.length - 1;
  const count = plaintext[last]!;
  const checked = Math.min(MAX_PADDING_BYTES, most);
  // Every term is negative exactly when its condition holds, so that bit 31 is a mask.
  let wrong = (checked - 1 - count) >> 31;
  for (let i = 0; i < checked; i++) {
    const isPadding = (i - count - 1) >> 31;
    wrong |= isPadding & (plaintext[last - i]! ^ count);
  }
  const good = ~((wrong | -wrong) >> 31);
  return good & (count + 1);
}
