/** DTLS: its parts beside plain UDP, its sessions in memory, its start. */
import { dtlsMemory } from "./dtls-memory.ts";
import { dtlsInProcess, dtlsOverUdp } from "./dtls-speed.ts";
import { dtlsStart } from "./dtls-start.ts";
import type { Row } from "./row.ts";

export async function benchDtls(quick: boolean): Promise<Row[]> {
  return [
    ...(await dtlsOverUdp(quick)),
    ...(await dtlsInProcess(quick)),
    ...(await dtlsMemory(quick)),
    ...(await dtlsStart(quick)),
  ];
}
