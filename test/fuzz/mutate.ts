/** What noise on the way, and bad clients, make of a payload. */
import type { Random } from "@mooring/core/internal/base/random.ts";

/** One to four places: a byte replaced or its bits turned, bytes inserted, dropped, doubled, or the rest cut off. */
export function mutate(random: Random, payload: Uint8Array): Uint8Array {
  let bytes = Uint8Array.from(payload);
  for (let changes = 1 + random.int(4); changes > 0 && bytes.length > 0; changes--) {
    const at = random.int(bytes.length);
    const kind = random.int(7);
    if (kind === 0) bytes[at] = random.int(256);
    else if (kind === 1) bytes[at]! ^= 1 << random.int(8);
    else if (kind === 2)
      bytes = Uint8Array.from([...bytes.subarray(0, at), ...random.bytes(1 + random.int(8)), ...bytes.subarray(at)]);
    else if (kind === 3) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + random.int(8))]);
    else if (kind === 4) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(random.int(at + 1))]);
    else if (kind === 5) bytes = bytes.slice(0, at);
    else bytes.fill(random.int(256), at, at + 1 + random.int(4));
  }
  return bytes;
}
