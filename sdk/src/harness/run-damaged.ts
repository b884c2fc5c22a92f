/** What a radio or a bad client makes of payloads: a decoder says what is wrong with them, it does not throw. */
import { type Decoder, type DecoderResult, MooringError, messageOf } from "@mooring/core";
import { toHex } from "@mooring/core/internal/base/bytes.ts";
import { inputOf, seen } from "./run-vectors.ts";
import { readVectors, type Vector } from "./vector.ts";

/** Bytes that are decoded for one vector, about; of longer ones the damage is spread over the whole. */
const BYTES_PER_VECTOR = 200_000;

/** Cut short at every place, then with every single bit turned. */
function* damaged({ value }: Vector): Generator<Uint8Array> {
  const step = Math.ceil((9 * value.length ** 2) / BYTES_PER_VECTOR);
  for (let length = 0; length < value.length; length += step) yield value.slice(0, length);
  for (let bit = 0; bit < 8 * value.length; bit += step) {
    const changed = value.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    yield changed;
  }
}

/**
 * One mocha test per vector: each of its damaged payloads gives a result that the host takes; to be called inside `describe`.
 * @param check what more is to hold of each of them
 * @throws MooringError UNSUPPORTED outside of mocha, and as `readVectors`
 */
export function runDamaged(
  decoder: Decoder,
  folder: string,
  check: (result: DecoderResult, payload: Uint8Array, vector: Vector) => void = () => {},
): void {
  if (typeof globalThis.it !== "function") throw new MooringError("UNSUPPORTED", "runDamaged makes mocha tests");
  for (const vector of readVectors(folder)) {
    globalThis.it(`${vector.name}: cut short, and with bits turned`, () => {
      for (const value of damaged(vector)) {
        try {
          check(seen(decoder.decode(inputOf({ ...vector, value }))), value, vector);
        } catch (error) {
          const why = `payload ${toHex(value)}: ${messageOf(error)}`;
          throw new MooringError("DECODER_FAILED", why, { name: vector.name }, { cause: error });
        }
      }
    });
  }
}
