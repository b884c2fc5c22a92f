/** Starts the servers of the DTLS benchmark. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess, type TestProcess } from "../harness/process.ts";
import type { DtlsServerPlan, DtlsServing } from "./dtls-server.ts";

export interface ServerProcess extends AsyncDisposable {
  readonly process: TestProcess;
  readonly serving: DtlsServing;
}

const START_WITHIN_MS = 60_000;
const PREFIX = "serving ";

/** The one of echo.ts: a socket without a transport. */
export async function startEcho(): Promise<ServerProcess> {
  const echo = startProcess({ name: "echo", command: process.execPath, args: [join(import.meta.dirname, "echo.ts")] });
  const port = Number((await echo.line(/^echo \d+$/)).split(" ")[1]);
  return { process: echo, serving: { port }, [Symbol.asyncDispose]: () => echo[Symbol.asyncDispose]() };
}

export async function startDtlsServer(
  plan: DtlsServerPlan,
  nodeArguments: readonly string[] = [],
): Promise<ServerProcess> {
  const server = startProcess({
    name: "dtls-server.ts",
    command: process.execPath,
    args: [...nodeArguments, join(import.meta.dirname, "dtls-server.ts"), JSON.stringify(plan)],
  });
  const line = await server.line(each => each.startsWith(PREFIX), START_WITHIN_MS);
  const serving = JSON.parse(line.slice(PREFIX.length)) as DtlsServing;
  return { process: server, serving, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), "mooring-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
