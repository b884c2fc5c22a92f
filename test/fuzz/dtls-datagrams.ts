/** Bad DTLS datagrams out of good ones. */
import { concatBytes } from "@mooring/core/internal/base/bytes.ts";
import type { Random } from "@mooring/core/internal/base/random.ts";

const HEADER_BYTES = 13;
/** Type, version, epoch, sequence number, length; then the header of a handshake message, and what a hello begins with. */
const TELLING_BYTES = 80;
const MAX_RUBBISH_BYTES = 200;

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const setAt = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  if (at < bytes.length) bytes[at] = value;
  return bytes;
};
const cut = (bytes: Uint8Array, random: Random): Uint8Array => bytes.subarray(0, random.int(bytes.length + 1));

/** A number of two bytes, mostly near what it was or at an end of its range. */
function strangeLength(bytes: Uint8Array, at: number, random: Random): Uint8Array {
  if (at + 1 >= bytes.length) return bytes;
  const was = (bytes[at]! << 8) | bytes[at + 1]!;
  const values = [0, 1, was - 1, was + 1, 2 ** 14, 2 ** 14 + 1, 2 ** 16 - 1, random.int(2 ** 16)];
  const value = values[random.int(values.length)]! & 0xffff;
  return setAt(setAt(bytes, at, value >> 8), at + 1, value & 255);
}

const MUTATIONS: readonly Mutation[] = [
  bytes => bytes,
  (bytes, random) => setAt(bytes, random.int(bytes.length), random.int(256)),
  (bytes, random) => setAt(bytes, random.int(Math.min(bytes.length, TELLING_BYTES)), random.int(256)),
  (bytes, random) => setAt(bytes, 0, 20 + random.int(7)),
  (bytes, random) => setAt(bytes, 4, random.int(3)),
  (bytes, random) => setAt(bytes, 10, random.int(256)),
  (bytes, random) => strangeLength(bytes, 11, random),
  // length, fragment_offset and fragment_length of a handshake message
  (bytes, random) => strangeLength(bytes, HEADER_BYTES + 1 + random.int(11), random),
  (bytes, random) => strangeLength(bytes, random.int(bytes.length), random),
  cut,
  (bytes, random) => concatBytes([bytes, random.bytes(1 + random.int(40))]),
  (bytes, _, other) => concatBytes([bytes, other]),
  (bytes, random, other) => concatBytes([cut(bytes, random), other.subarray(random.int(other.length))]),
  (bytes, random, other) =>
    concatBytes([other.subarray(0, HEADER_BYTES), bytes.subarray(Math.min(HEADER_BYTES, random.int(20)))]),
  (_, random) => random.bytes(random.int(MAX_RUBBISH_BYTES)),
];

/**
 * @param bytes a datagram that was good, not changed
 * @param other another one
 */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let mutated: Uint8Array = Uint8Array.from(bytes);
  for (let rounds = 1 + random.int(3); rounds > 0; rounds--) {
    if (mutated.length === 0) return mutated;
    mutated = MUTATIONS[random.int(MUTATIONS.length)]!(mutated, random, other);
  }
  return mutated;
}
