/** Starts the host as its users do, in a directory and on ports of its own, and ends it, gently or not. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { takePort } from "./ports.ts";
import { type ProcessEnd, startProcess, type TestProcess } from "./process.ts";
import { dropStore, storeOf } from "./store.ts";

export interface HostOptions {
  /** Environment for the host, over what the harness sets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Kept afterwards; default: a fresh directory that is removed when the host is disposed. */
  readonly dataDir?: string;
  /** Value of MOORING_STORE; default: the embedded store, or a database of the server that MOORING_STORE of this process names. */
  readonly store?: string;
  /** Arguments for the host, such as `--demo`. */
  readonly arguments?: readonly string[];
  /** Arguments for Node itself, such as `--inspect=127.0.0.1:0`. */
  readonly nodeArguments?: readonly string[];
  readonly readyWithinMs?: number;
}

export interface Administrator {
  readonly tenant: string;
  readonly user: string;
  readonly password: string;
}

export interface Host extends AsyncDisposable {
  /** `http://127.0.0.1:8068` */
  readonly http: string;
  readonly coapPort: number;
  readonly coapsPort: number;
  readonly bootstrapCoapPort: number;
  readonly bootstrapCoapsPort: number;
  readonly firmwareHttpPort: number;
  readonly firmwareHttpsPort: number;
  readonly dataDir: string;
  readonly admin: Administrator;
  /** Process id of the host now running. */
  readonly pid: number;
  /** Output of the host now running, oldest first. */
  readonly lines: readonly string[];
  /** Its last lines, for a failure text. */
  tail(count?: number): string;
  /** SIGTERM; the host drains, persists and ends by itself. */
  stop(): Promise<ProcessEnd>;
  /** SIGKILL: nothing is drained or persisted. */
  kill(): Promise<void>;
  /** Starts it again on the same data directory and ports; the former process must have ended. */
  start(): Promise<void>;
}

export const root = join(import.meta.dirname, "..", "..");

const READY_WITHIN_MS = 30_000;
const admin: Administrator = { tenant: "t1", user: "admin", password: "harness-password-1" };

/** @returns the log line's fields when it is JSON with that event */
export function logLine<T>(line: string, event: string): T | undefined {
  if (!line.includes(`"${event}"`)) return undefined;
  try {
    const fields = JSON.parse(line) as { readonly event?: unknown };
    return fields.event === event ? (fields as T) : undefined;
  } catch {
    return undefined;
  }
}

/** @throws Error with the host's output when it does not become ready in time */
export async function startHost(options: HostOptions = {}): Promise<Host> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "mooring-test-")));
  const ports = {
    http: await takePort(),
    coap: await takePort(),
    coaps: await takePort(),
    bootstrapCoap: await takePort(),
    bootstrapCoaps: await takePort(),
    firmwareHttp: await takePort(),
    firmwareHttps: await takePort(),
  };
  let running: TestProcess | undefined;

  const environment = (): Record<string, string> => {
    const store = options.store ?? storeOf(dataDir);
    return {
      MOORING_HTTP_PORT: String(ports.http),
      MOORING_HTTP_HOST: "127.0.0.1",
      MOORING_COAP_PORT: String(ports.coap),
      MOORING_COAP_HOST: "127.0.0.1",
      MOORING_COAPS_PORT: String(ports.coaps),
      MOORING_BOOTSTRAP_COAP_PORT: String(ports.bootstrapCoap),
      MOORING_BOOTSTRAP_COAPS_PORT: String(ports.bootstrapCoaps),
      MOORING_BOOTSTRAP_HOST: "127.0.0.1",
      MOORING_FIRMWARE_HOST: "127.0.0.1",
      MOORING_FIRMWARE_HTTP_PORT: String(ports.firmwareHttp),
      MOORING_FIRMWARE_HTTPS_PORT: String(ports.firmwareHttps),
      MOORING_DATA_DIR: dataDir,
      MOORING_TENANT: admin.tenant,
      MOORING_ADMIN_USER: admin.user,
      MOORING_ADMIN_PASSWORD: admin.password,
      ...(store ? { MOORING_STORE: store } : {}),
      ...options.env,
    };
  };
  const start = async (): Promise<void> => {
    running = startProcess({
      name: "the host",
      command: process.execPath,
      args: [...(options.nodeArguments ?? []), join(root, "core/src/main.ts"), ...(options.arguments ?? [])],
      cwd: root,
      env: environment(),
    });
    const isReady = (line: string): boolean => logLine(line, "server.ready") !== undefined;
    const line = await running.line(isReady, options.readyWithinMs ?? READY_WITHIN_MS).catch(async error => {
      await running!.stop();
      throw error;
    });
    const ready = logLine<Record<keyof typeof ports, string>>(line, "server.ready")!;
    for (const name of Object.keys(ports) as (keyof typeof ports)[])
      if (!ready[name].endsWith(`:${ports[name]}`))
        throw new Error(`the host's ${name} is ${ready[name]}, not ${ports[name]}`);
  };

  const host: Host = {
    http: `http://127.0.0.1:${ports.http}`,
    coapPort: ports.coap,
    coapsPort: ports.coaps,
    bootstrapCoapPort: ports.bootstrapCoap,
    bootstrapCoapsPort: ports.bootstrapCoaps,
    firmwareHttpPort: ports.firmwareHttp,
    firmwareHttpsPort: ports.firmwareHttps,
    get pid() {
      return running!.pid;
    },
    get lines() {
      return running!.lines;
    },
    dataDir,
    admin,
    tail: count => running!.tail(count),
    stop: () => running!.stop(15_000),
    async kill() {
      running!.signal("SIGKILL");
      await running!.ended;
    },
    start,
    async [Symbol.asyncDispose]() {
      await running!.stop(15_000);
      if (options.store === undefined) await dropStore(dataDir);
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
  await start();
  return host;
}
