/** DTLS over UDP: records, hellos and handshakes, in CPU time of the server beside that of plain echoes of the same run. */
import { SUITES } from "@mooring/core/internal/transport/dtls/suites.ts";
import { type InProcessPlan, inProcess } from "./dtls-in-process.ts";
import type { DtlsLoadPlan, DtlsLoadResult } from "./dtls-load.ts";
import { type ServerProcess, startDtlsServer, startEcho, temporaryDirectory } from "./dtls-process.ts";
import { generateLoad } from "./generator.ts";
import { median, perSecond, type Row, ratioOf, times } from "./row.ts";

const PSK_CCM_8 = 0xc0a8;
const ECDHE_ECDSA_CCM_8 = 0xc0ae;
const DEVICES = 128;
const WITHIN_MS = 120_000;
const ROUNDS = 3;
const HELLO_TO_ECHO = 0.5;
const HANDSHAKES_PER_SECOND = 4000;

interface Load {
  readonly name: string;
  readonly server: "echo" | "udp" | "dtls" | "kept";
  readonly task: DtlsLoadPlan["task"];
  readonly withCid?: boolean;
  readonly suite?: number;
  readonly count: number;
}

const ECHO = "raw dgram echo, 64 bytes";
const UDP = "UDP transport, 64 bytes and back";

const LOADS: readonly Load[] = [
  { name: ECHO, server: "echo", task: "datagrams", count: 40_000 },
  { name: UDP, server: "udp", task: "datagrams", count: 40_000 },
  { name: "records of PSK_CCM_8 and back", server: "dtls", task: "records", count: 20_000 },
  { name: "the same with Connection ID", server: "dtls", task: "records", withCid: true, count: 20_000 },
  { name: "the same, sessions kept", server: "kept", task: "records", count: 20_000 },
  {
    name: "the same, sessions kept, with Connection ID",
    server: "kept",
    task: "records",
    withCid: true,
    count: 20_000,
  },
  { name: "ClientHello without cookie, answered", server: "dtls", task: "hellos", count: 20_000 },
  { name: "handshakes, PSK_CCM_8, with Connection ID", server: "dtls", task: "handshakes", withCid: true, count: 4000 },
  { name: "the same, sessions kept", server: "kept", task: "handshakes", withCid: true, count: 4000 },
  {
    name: "resumed, and a record and back, sessions kept",
    server: "kept",
    task: "resumptions",
    withCid: true,
    count: 4000,
  },
  {
    name: "handshakes, ECDHE_ECDSA_CCM_8, both with certificates",
    server: "dtls",
    task: "handshakes",
    withCid: true,
    suite: ECDHE_ECDSA_CCM_8,
    count: 2000,
  },
];

async function runLoad(load: Load, share: number): Promise<DtlsLoadResult> {
  await using directory = await temporaryDirectory();
  await using server = await startServer(load, directory.path);
  const { task, withCid = false, suite = PSK_CCM_8 } = load;
  const count = load.count * share;
  // Awaited here: the server ends with this function.
  return await generateLoad<DtlsLoadResult>(
    "dtls-load.ts",
    {
      port: server.serving.port,
      pid: server.process.pid,
      devices: DEVICES,
      warmUp: count / 2,
      withinMs: WITHIN_MS,
      ...{ task, withCid, suite, count },
    } satisfies DtlsLoadPlan,
    WITHIN_MS + 10_000,
  );
}

function startServer({ server }: Load, keptIn: string): Promise<ServerProcess> {
  if (server === "echo") return startEcho();
  return startDtlsServer({ isSecure: server !== "udp", ...(server === "kept" ? { keptIn } : {}) });
}

const micros = (value: number): string => `${value.toFixed(1)} us of CPU`;

interface Measured extends Load {
  readonly cpuMicros: number;
  readonly perSecond: number;
  readonly failed: number;
}

function rowOf({ name, task, ...measured }: Measured, of: (name: string) => number): Row {
  const { cpuMicros, failed } = measured;
  const toEcho = ratioOf(of(ECHO), cpuMicros);
  const ofUdp = task === "records" ? `, ${times(ratioOf(of(UDP), cpuMicros))} of the UDP transport` : "";
  const row: Row = {
    what: name,
    figure: `${micros(cpuMicros)}, ${perSecond(1e6 / cpuMicros)} of CPU${failed > 0 ? `, ${failed} failed` : ""}`,
    ratio: `${times(toEcho)} of the raw echo${ofUdp}`,
  };
  return task === "hellos" ? { ...row, target: times(HELLO_TO_ECHO), met: toEcho >= HELLO_TO_ECHO } : row;
}

export async function dtlsOverUdp(quick: boolean): Promise<Row[]> {
  const results = new Map<Load, DtlsLoadResult[]>(LOADS.map(load => [load, []]));
  for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
    for (const load of LOADS) results.get(load)!.push(await runLoad(load, quick ? 1 / 4 : 1));
  }
  const measured = LOADS.map((load): Measured => {
    const of = (figure: (result: DtlsLoadResult) => number): number => median(results.get(load)!.map(figure));
    return { ...load, cpuMicros: of(r => r.cpuMicros), perSecond: of(r => r.perSecond), failed: of(r => r.failed) };
  });
  const of = (name: string): number => measured.find(each => each.name === name)!.cpuMicros;
  return measured.map(each => rowOf(each, of));
}

const nameOf = (name: string): string => name.slice("TLS_".length).replace("_WITH_AES_128_", "_");

/** What DTLS itself takes, for each suite, without a network and without a store. */
export async function dtlsInProcess(quick: boolean): Promise<Row[]> {
  const rows: Row[] = [];
  const measure = (plan: Omit<InProcessPlan, "rounds">): Promise<number> =>
    inProcess({ ...plan, rounds: quick ? 20 : 60 });
  for (const { id: suite, name } of SUITES) {
    const full = await measure({ what: "handshakes", suite, withCid: false });
    const resumed = await measure({ what: "resumptions", suite, withCid: false });
    const records = await measure({ what: "records", suite, withCid: true });
    const rate = 1e6 / full;
    rows.push({
      what: `${nameOf(name)}, no network`,
      figure: `handshake ${micros(full)}, ${perSecond(rate)}; resumed ${micros(resumed)}; record and back ${micros(records)}`,
      ...(suite === PSK_CCM_8 ? { target: perSecond(HANDSHAKES_PER_SECOND), met: rate >= HANDSHAKES_PER_SECOND } : {}),
    });
  }
  return rows;
}
