/** The value of Block1 and Block2 (RFC 7959 section 2.2). */
import { MooringError } from "../base/errors.ts";

export interface Block {
  /** Block number, 0..2^20 - 1. */
  readonly num: number;
  /** More blocks follow. */
  readonly more: boolean;
  /** Size exponent 0..6: the block size is 2^(szx + 4), 16 to 1024 bytes. */
  readonly szx: number;
}

const MAX_SZX = 6;
const MAX_NUM = 2 ** 20 - 1;

export const blockBytes = (szx: number): number => 2 ** (szx + 4);

/** Where the block begins in the body, in bytes. */
export const blockStart = (block: Block): number => block.num * blockBytes(block.szx);

/** @param value the option as an unsigned number; zero length is 0. @returns undefined for SZX 7, reserved over UDP */
export function decodeBlock(value: number): Block | undefined {
  const szx = value & 7;
  return szx > MAX_SZX ? undefined : { num: value >>> 4, more: (value & 8) !== 0, szx };
}

/** @throws MooringError BLOCK_SIZE_INVALID for a size exponent above 6 or a number of more than 20 bits */
export function encodeBlock(block: Block): number {
  if (!(block.szx >= 0 && block.szx <= MAX_SZX)) {
    throw new MooringError("BLOCK_SIZE_INVALID", `block size exponent ${block.szx} is not 0..6`, { szx: block.szx });
  }
  if (block.num > MAX_NUM) {
    throw new MooringError("BLOCK_SIZE_INVALID", `block number ${block.num} has more than 20 bits`, { num: block.num });
  }
  return block.num * 16 + (block.more ? 8 : 0) + block.szx;
}

/** The block of a body at a byte offset; `more` where the body goes on after it. @param start multiple of the block size */
export const blockAt = (start: number, szx: number, bodyBytes: number): Block => ({
  num: start / blockBytes(szx),
  more: start + blockBytes(szx) < bodyBytes,
  szx,
});
