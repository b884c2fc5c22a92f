/**
 * What the load of the DTLS benchmark goes to: a transport that sends every datagram back, a process of its own.
 * `node dtls-server.ts '{"isSecure":true}'` prints a line `serving {"port":...}`. Lines on standard input: `later <ms>` sets its clock
 * forward, `sessions` is answered with `sessions {"live":...,"sleeping":...}`.
 */
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Clock, systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import { SECURED_MAX_PEERS } from "@mooring/core/internal/server-ports.ts";
import { type DtlsTransport, openDtlsTransport } from "@mooring/core/internal/transport/dtls/dtls.ts";
import { openSequenceJournal } from "@mooring/core/internal/transport/dtls/sequence-journal.ts";
import type { Transport } from "@mooring/core/internal/transport/transport.ts";
import { openUdpTransport } from "@mooring/core/internal/transport/udp/udp-transport.ts";
import { benchOptions, createBenchCredentials } from "./dtls-parts.ts";
import { openBenchSessions } from "./dtls-sessions.ts";

export interface DtlsServerPlan {
  /** False: plain UDP. */
  readonly isSecure: boolean;
  /** Directory of store and journal, which is there; absent: sessions live as long as the process. */
  readonly keptIn?: string;
  /** Default: a free one. */
  readonly port?: number;
}

export interface DtlsServing {
  readonly port: number;
  /** It took that long to open the DTLS transport, and the store below it, ms. */
  readonly transportMs?: number;
  readonly storeMs?: number;
}

const plan = JSON.parse(process.argv[2]!) as DtlsServerPlan;
let aheadMs = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };

const say = (what: string, value: object): void => console.log(`${what} ${JSON.stringify(value)}`);
const msSince = (startedAtMs: number): number => Math.round(performance.now() - startedAtMs);

function serve(transport: Transport, timing: Omit<DtlsServing, "port"> = {}): void {
  transport.start((bytes, peer) => transport.send(bytes, peer));
  const serving: DtlsServing = { port: transport.local.port, ...timing };
  say("serving", serving);
}

function obey(line: string, { sessions: { live, sleeping } }: DtlsTransport): void {
  const [command, ms] = line.split(" ");
  if (command === "later") aheadMs += Number(ms);
  else if (command === "sessions") say("sessions", { live, sleeping });
}

const below = await openUdpTransport({
  host: "127.0.0.1",
  port: plan.port ?? 0,
  ...(plan.isSecure ? { maxPeers: SECURED_MAX_PEERS } : {}),
  log: silentLog,
});
if (plan.isSecure) {
  const beganAtMs = performance.now();
  const store = plan.keptIn === undefined ? undefined : (await openBenchSessions(plan.keptIn, clock)).sessions;
  const storeMs = msSince(beganAtMs);
  const openedAtMs = performance.now();
  const dtls = await openDtlsTransport({
    below,
    clock,
    random: createSystemRandom(),
    log: silentLog,
    credentials: createBenchCredentials(),
    options: benchOptions,
    ...(store ? { kept: { store, journal: openSequenceJournal(join(plan.keptIn!, "dtls.journal")) } } : {}),
  });
  serve(dtls, { storeMs, transportMs: msSince(openedAtMs) });
  createInterface({ input: process.stdin }).on("line", line => obey(line, dtls));
} else serve(below);
