/** Connection IDs of ours (RFC 9146 section 3): random, so that they tell nothing, and each in use once. */
import type { Random } from "../../base/random.ts";
import { type CidKey, cidKey } from "./session.ts";

/** Sessions may take a quarter of all there are, handshakes another: at most every second try meets one in use. */
const SHARE = 1 / 4;
const TRIES = 256;

/** How many sessions, and as many handshakes, may be where Connection IDs have that length. */
export const capacityOf = (cidLength: number): number =>
  cidLength === 0 ? Number.MAX_SAFE_INTEGER : Math.floor(256 ** Math.min(cidLength, 6) * SHARE);

/** @returns `length` bytes that are not in use */
export function freshCid(random: Pick<Random, "bytes">, length: number, isInUse: (cid: CidKey) => boolean): Uint8Array {
  let cid = random.bytes(length);
  for (let tries = 1; length > 0 && tries < TRIES && isInUse(cidKey(cid)); tries++) cid = random.bytes(length);
  return cid;
}
