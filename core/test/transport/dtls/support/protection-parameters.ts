import { EMPTY_BYTES } from "../../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../../src/base/random.ts";
import type { ProtectionParameters } from "../../../../src/transport/dtls/derive-protection.ts";
import { type RecordView, readRecords } from "../../../../src/transport/dtls/records.ts";

const random = createSeededRandom(9146);

/** Fixed, so that two calls give the same keys. */
const SECRETS = { masterSecret: random.bytes(48), clientRandom: random.bytes(32), serverRandom: random.bytes(32) };

/** Both sides with Connection IDs of `cidLength` bytes; 0: none was agreed. */
export const parametersOf = (suite: number, cidLength = 0, encryptThenMac = false): ProtectionParameters => ({
  suite,
  ...SECRETS,
  encryptThenMac,
  clientCid: cidLength === 0 ? EMPTY_BYTES : new Uint8Array(cidLength).fill(0xc1),
  serverCid: cidLength === 0 ? undefined : new Uint8Array(cidLength).fill(0x5e),
});

/** The only record of a datagram. */
export function recordOf(datagram: Uint8Array, cidLength = 0): RecordView {
  const { records, malformed } = readRecords(datagram, cidLength);
  const [record] = records;
  if (malformed || records.length !== 1 || record === undefined) throw new TypeError("not exactly one record");
  return record;
}

/** One with each bit of `bytes` changed. */
export function* everyBitFlipped(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    yield changed;
  }
}
