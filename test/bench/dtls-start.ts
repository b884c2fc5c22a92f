/** How soon a server serves the sessions of the one before it. */
import { takePort } from "../harness/ports.ts";
import { connectDtls } from "../simulator/dtls/connect.ts";
import { clientOptions } from "./dtls-parts.ts";
import { startDtlsServer, temporaryDirectory } from "./dtls-process.ts";
import { openBenchSessions, storePast } from "./dtls-sessions.ts";
import { count, median, type Row } from "./row.ts";

const PSK_CCM_8 = 0xc0a8;
const SESSIONS = 100_000;
const ROUNDS = 3;
const REPEAT_MS = 20;

interface Start {
  /** Of store, then of the transport, ms. */
  readonly storeMs: number;
  readonly transportMs: number;
  /** From the start of the process to the first answered record of a session of the process before. */
  readonly answeredMs: number;
}

/** Leaves a server's data behind as `kill -9` does, with so many sessions, and one whose device is still there. */
async function measureStart(sessions: number): Promise<Start> {
  await using directory = await temporaryDirectory();
  const port = await takePort();
  const plan = { isSecure: true, keptIn: directory.path, port };
  let answered = (): void => {};
  await using opened = new AsyncDisposableStack();
  const former = await startDtlsServer(plan);
  const device = opened.use(
    await connectDtls({
      ...clientOptions("device", PSK_CCM_8),
      cid: new Uint8Array(0),
      serverPort: port,
      onData: () => answered(),
    }),
  );
  const ask = (): Promise<void> =>
    new Promise(resolve => {
      const repeat = setInterval(() => device.client.send(Buffer.alloc(64, 1)), REPEAT_MS);
      answered = () => {
        clearInterval(repeat);
        resolve();
      };
    });
  await ask();
  former.process.signal("SIGKILL");
  await former.process.ended;
  {
    await using store = await openBenchSessions(directory.path);
    await storePast(store.sessions, sessions);
  }
  const startedAtMs = performance.now();
  const asked = ask();
  const { serving } = opened.use(await startDtlsServer(plan));
  await asked;
  return { storeMs: serving.storeMs!, transportMs: serving.transportMs!, answeredMs: performance.now() - startedAtMs };
}

export async function dtlsStart(quick: boolean): Promise<Row[]> {
  const sessions = quick ? SESSIONS / 10 : SESSIONS;
  const starts: Start[] = [];
  for (let round = 0; round < (quick ? 1 : ROUNDS); round++) starts.push(await measureStart(sessions));
  const of = (figure: (start: Start) => number): string => count(median(starts.map(figure)));
  return [
    {
      what: `start with ${count(sessions)} stored sessions`,
      figure: `store ${of(start => start.storeMs)} ms, sessions ${of(start => start.transportMs)} ms; from the start of the process to an answered record of a stored session ${of(start => start.answeredMs)} ms`,
    },
  ];
}
