/** Recorded datagrams to the host once more, no faster than it reads them. */
import type { Api } from "./api.ts";
import { wireRecords } from "./dtls-wire.ts";
import { eventually } from "./eventually.ts";
import { dtlsFigures } from "./metrics.ts";
import type { NatProxy, PassedDatagram } from "./nat-proxy.ts";

/** Fits a receive buffer of the usual size. */
const AT_ONCE = 200;
const SERVER_CID_BYTES = 3;

/**
 * Each from its device's present address and from a stranger's.
 * @returns protected records that were sent; the host has read all of them
 */
export async function replayAll(proxy: NatProxy, packets: readonly PassedDatagram[], api: Api): Promise<number> {
  let read = (await dtlsFigures(api))["records_received_total"]!;
  let sealed = 0;
  for (const from of ["device", "stranger"] as const) {
    for (let at = 0; at < packets.length; at += AT_ONCE) {
      for (const packet of packets.slice(at, at + AT_ONCE)) {
        await proxy.replay(packet, from);
        const records = wireRecords(packet.bytes, SERVER_CID_BYTES);
        read += records.length;
        sealed += records.filter(({ epoch }) => epoch > 0).length;
      }
      await eventually(async () => ((await dtlsFigures(api))["records_received_total"]! >= read ? true : undefined), {
        what: `${read} records at the host`,
      });
    }
  }
  return sealed;
}
