/**
 * What the load of the DTLS benchmark goes to: a transport that sends every datagram back, a process of its own.
 * `node dtls-server.ts '{"isSecure":true}'` prints `serving <port>`. Lines on standard input: `later <ms>` sets its clock forward,
 * `sessions` is answered with `sessions <live> <sleeping>`.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Clock, systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import { openDtlsTransport } from "@mooring/core/internal/transport/dtls/dtls.ts";
import { openSequenceJournal } from "@mooring/core/internal/transport/dtls/sequence-journal.ts";
import { openUdpTransport } from "@mooring/core/internal/transport/udp/udp-transport.ts";
import { benchOptions, createBenchCredentials } from "./dtls-parts.ts";
import { openBenchSessions } from "./dtls-sessions.ts";

export interface DtlsServerPlan {
  /** False: plain UDP. */
  readonly isSecure: boolean;
  /** Directory of store and journal; absent: sessions live as long as the process. */
  readonly keptIn?: string;
}

let aheadMs = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };

async function openKept(directory: string) {
  mkdirSync(directory, { recursive: true });
  const { sessions } = await openBenchSessions(directory);
  return { store: sessions, journal: openSequenceJournal(join(directory, "dtls.journal")) };
}

async function openSecure(keptIn: string | undefined) {
  const below = await openUdpTransport({ host: "127.0.0.1", port: 0, maxPeers: 400_000, log: silentLog });
  const dtls = await openDtlsTransport({
    below,
    clock,
    random: createSystemRandom(),
    log: silentLog,
    credentials: createBenchCredentials(),
    options: benchOptions,
    ...(keptIn === undefined ? {} : { kept: await openKept(keptIn) }),
  });
  for await (const line of createInterface({ input: process.stdin })) 
  return dtls;
}
