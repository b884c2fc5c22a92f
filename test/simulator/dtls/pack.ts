/** Records into datagrams (RFC 6347 section 4.1.1: several in one, none over two). */
import { concatBytes } from "@mooring/core/internal/base/bytes.ts";

/** In order; a record that is longer than a datagram may be goes alone. */
export function packDatagrams(records: readonly Uint8Array[], maxBytes: number): Uint8Array[] {
  const datagrams: Uint8Array[][] = [];
  let room = 0;
  for (const record of records) {
    if (record.length > room || datagrams.length === 0) {
      datagrams.push([]);
      room = maxBytes;
    }
    datagrams.at(-1)!.push(record);
    room -= record.length;
  }
  return datagrams.map(concatBytes);
}
