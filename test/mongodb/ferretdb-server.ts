/** A MongoDB-wire server for the tests, built once from its Go module and started on a free port of the loopback interface. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fetchQuietly } from "../interop/programs.ts";

const SOURCE = join(import.meta.dirname, "ferretdb");
const CACHE = join(import.meta.dirname, "../../.cache/ferretdb");
const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;

export interface FerretdbServer extends AsyncDisposable {
  /** `mongodb://127.0.0.1:<port>/` */
  readonly url: string;
}

export const isGoPresent = (): boolean => spawnSync("go", ["version"], { stdio: "ignore" }).status === 0;

/** Named by what it is built from, so that another version is built anew. */
function binaryPath(): string {
  const hash = createHash("sha256");
  for (const file of ["main.go", "go.mod", "go.sum"]) hash.update(readFileSync(join(SOURCE, file)));
  const suffix = process.platform === "win32" ? ".exe" : "";
  return join(CACHE, `ferretdb-${hash.digest("hex").slice(0, 16)}${suffix}`);
}

/**
 * @returns path of the program; the first time it takes a few minutes and 36 MB
 * @throws  Error when the Go module proxy or the compiler fails; their output is shown
 */
export async function buildFerretdb(): Promise<string> {
  const binary = binaryPath();
  if (existsSync(binary)) return binary;
  console.log("building FerretDB from its Go module into .cache/ (once, some minutes) ...");
  await mkdir(CACHE, { recursive: true });
  const startedAt = performance.now();
  const unfinished = `${binary}.${process.pid}`;
  // What has come when it fails is not fetched again.
  const args = ["build", "-C", SOURCE, "-trimpath", "-buildvcs=false", "-o", unfinished, "."];
  fetchQuietly("FerretDB", "go", args, { CGO_ENABLED: "0", GOTOOLCHAIN: "local" });
  await rename(unfinished, binary);
  console.log(`built in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  return binary;
}

/** The URL in its line `ready <url>`. */
async function readiness(server: ChildProcess): Promise<string> {
  const limit = AbortSignal.timeout(START_LIMIT_MS);
  const lines = createInterface({ input: server.stdout!, signal: limit });
  for await (const line of lines) if (line.startsWith("ready ")) return line.slice("ready ".length);
  throw new Error("FerretDB ended, or said nothing, before it was ready");
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, "exit");
  server.kill("SIGTERM");
  const killer = setTimeout(() => server.kill("SIGKILL"), STOP_LIMIT_MS);
  await ended;
  clearTimeout(killer);
}

/** The caller disposes of it: that ends the process and removes its data. */
export async function startFerretdb(): Promise<FerretdbServer> {
  const binary = await buildFerretdb();
  const data = await mkdtemp(join(tmpdir(), "mooring-ferretdb-"));
  const server = spawn(binary, [data], { stdio: ["ignore", "pipe", "inherit"] });
  const dispose = async (): Promise<void> => {
    await stop(server);
    await rm(data, { recursive: true, force: true });
  };
  try {
    return { url: await readiness(server), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
