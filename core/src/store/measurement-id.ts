/** Ids of measurements that follow from what they say, so that a repeat has the id of the first. */
import { createHash } from "node:crypto";

const TIME_DIGITS = 14;
const HASH_DIGITS = 15;

/**
 * 30 decimal digits: 1, the time in ms (14 digits), 15 digits of a hash. The time first keeps new ids together at the end of the
 * index; two of 1000 measurements of one millisecond share an id once in 2e9 milliseconds.
 * @param identity what tells this measurement from others of its time: tenant, device, path, notification, place in a result
 */
export function measurementId(timeMs: number, identity: string): string {
  const hash = createHash("sha256").update(identity).digest().readBigUInt64BE(0) % 10n ** BigInt(HASH_DIGITS);
  const time = String(Math.max(0, Math.trunc(timeMs)))
    .padStart(TIME_DIGITS, "0")
    .slice(-TIME_DIGITS);
  return `1${time}${String(hash).padStart(HASH_DIGITS, "0")}`;
}
