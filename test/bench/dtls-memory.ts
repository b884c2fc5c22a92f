/** Memory of a DTLS session, live and asleep, in a server of its own that keeps its sessions as the host does. */
import { eventually } from "../harness/eventually.ts";
import { inspectorAddress, type MemoryUsage, memoryAfterCollection } from "../harness/inspector.ts";
import type { TestProcess } from "../harness/process.ts";
import type { DtlsLoadPlan, DtlsLoadResult } from "./dtls-load.ts";
import { SLEEP_AFTER_MS } from "./dtls-parts.ts";
import { type ServerProcess, startDtlsServer, temporaryDirectory } from "./dtls-process.ts";
import { generateLoad } from "./generator.ts";
import { count, type Row } from "./row.ts";

const PSK_CCM_8 = 0xc0a8;
const DEVICES = 128;
const WITHIN_MS = 600_000;
/** Sessions that are there before, so that code and caches are. */
const FIRST = 1000;

const inUse = ({ heapUsed, external }: MemoryUsage): number => heapUsed + external;

interface Sessions {
  readonly live: number;
  readonly sleeping: number;
}

/** What the server has now. */
async function sessionsOf(server: TestProcess): Promise<Sessions> {
  const before = server.lines.length;
  server.write("sessions");
  await server.line(line => line.startsWith("sessions ") && server.lines.lastIndexOf(line) >= before);
  return JSON.parse(server.lines.findLast(line => line.startsWith("sessions "))!.slice("sessions ".length)) as Sessions;
}

async function addSessions({ process, serving }: ServerProcess, sessions: number): Promise<void> {
  const plan: DtlsLoadPlan = {
    ...{ port: serving.port, pid: process.pid, task: "sessions", devices: DEVICES, suite: PSK_CCM_8, withCid: true },
    ...{ count: sessions - 1, warmUp: 1, withinMs: WITHIN_MS },
  };
  await generateLoad<DtlsLoadResult>("dtls-load.ts", plan, WITHIN_MS + 10_000);
}

async function sleepAll(server: TestProcess): Promise<void> {
  server.write(`later ${SLEEP_AFTER_MS + 1}`);
  await eventually(async () => ((await sessionsOf(server)).live === 0 ? true : undefined), {
    withinMs: 30_000,
    everyMs: 250,
    what: "the sleep of all sessions",
  });
}

interface Step {
  readonly sessions: number;
  readonly liveBytes: number;
  readonly sleepingBytes: number;
  readonly rss: number;
}

async function measureSteps(totals: readonly number[]): Promise<Step[]> {
  await using directory = await temporaryDirectory();
  await using server = await startDtlsServer({ isSecure: true, keptIn: directory.path }, ["--inspect=127.0.0.1:0"]);
  const inspector = inspectorAddress(server.process.lines);
  await addSessions(server, FIRST);
  await sleepAll(server.process);
  let before = await memoryAfterCollection(inspector);
  let there = (await sessionsOf(server.process)).sleeping;
  const steps: Step[] = [];
  for (const total of totals) {
    await addSessions(server, total - there);
    const { live } = await sessionsOf(server.process);
    const awake = await memoryAfterCollection(inspector);
    await sleepAll(server.process);
    const asleep = await memoryAfterCollection(inspector);
    const each = (memory: MemoryUsage): number => (inUse(memory) - inUse(before)) / live;
    steps.push({ sessions: total, liveBytes: each(awake), sleepingBytes: each(asleep), rss: awake.rss });
    there += live;
    before = asleep;
  }
  return steps;
}

export async function dtlsMemory(quick: boolean): Promise<Row[]> {
  const steps = await measureSteps(quick ? [10_000] : [10_000, 100_000]);
  return steps.map(({ sessions, liveBytes, sleepingBytes, rss }) => ({
    what: `memory of a DTLS session, ${count(sessions)} in all`,
    figure: `${count(liveBytes)} bytes live, ${count(sleepingBytes)} asleep; ${count(rss / 1e6)} MB resident in all`,
  }));
}
