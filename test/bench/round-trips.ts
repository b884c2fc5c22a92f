/** Round trips of a confirmable request: raw echo, the host's Update, libcoap's example server; interleaved, medians. */
import { join } from "node:path";
import { registerDevice } from "../harness/agent.ts";
import { api } from "../harness/api.ts";
import { type Host, startHost } from "../harness/host.ts";
import { takePort } from "../harness/ports.ts";
import { startProcess, type TestProcess } from "../harness/process.ts";
import { onPath } from "../interop/programs.ts";
import { generateLoad } from "./generator.ts";
import type { LoadPlan, LoadResult } from "./load.ts";
import { median, perSecond, type Row, ratioOf, times } from "./row.ts";

const PEERS = 1000;
const IN_FLIGHT = 128;
const ROUNDS = 3;
const UPDATE_TO_ECHO = 0.6;
const UPDATE_TO_LIBCOAP = 2;

interface Target {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly code: string;
  readonly uris: readonly string[];
  readonly payloadBytes: number;
  /** Queries to register with, one each time it is called. */
  register?(): readonly string[];
}

const sameUri = (uri: string): string[] => Array.from({ length: PEERS }, () => uri);

/** libcoap's example server; `-d` lets a PUT create its resource. undefined where it is not installed. */
async function startLibcoap(): Promise<{ readonly server: TestProcess; readonly port: number } | undefined> {
  if (!onPath("coap-server-notls")) return undefined;
  const port = await takePort();
  const args = ["-A", "127.0.0.1", "-p", String(port), "-d", "10", "-v", "0"];
  return { server: startProcess({ name: "coap-server", command: "coap-server-notls", args }), port };
}

async function measure(target: Target, seconds: number): Promise<LoadResult> {
  const queries = target.register?.();
  const plan: LoadPlan = {
    port: target.port,
    pid: target.pid,
    uris: target.uris,
    code: target.code,
    payloadBytes: target.payloadBytes,
    inFlight: IN_FLIGHT,
    warmUpMs: 1000,
    measureMs: seconds * 1000,
    isEcho: target.name === "echo",
    ...(queries ? { register: queries } : {}),
  };
  return generateLoad<LoadResult>("load.ts", plan, plan.warmUpMs + plan.measureMs + 60_000);
}

/**
 * Requests for each CPU second of the server, where that can be read. The generator is no faster than the echo, so rates
 * alone would make all servers look equal.
 */
const speed = (result: LoadResult): number => result.perCpuSecond ?? result.perSecond;

function rowsOf(results: ReadonlyMap<string, readonly LoadResult[]>): Row[] {
  const of = (name: string, figure: (result: LoadResult) => number): number =>
    median((results.get(name) ?? []).map(figure));
  const speedOf = (name: string): number => of(name, speed);
  const [echo, update, quiet, libcoap] = [speedOf("echo"), speedOf("update"), speedOf("quiet"), speedOf("libcoap")];
  const figure = (name: string): string => {
    const cpu = of(name, speed);
    return `${perSecond(of(name, result => result.perSecond))}, ${perSecond(cpu)} of CPU, p99 ${of(name, result => result.p99Ms).toFixed(1)} ms`;
  };
  const toEcho = ratioOf(update, echo);
  const toLibcoap = ratioOf(update, libcoap);
  return [
    { what: "raw dgram echo, round trips", figure: figure("echo"), ratio: "1.00" },
    {
      what: "Update (CON), answered",
      figure: figure("update"),
      ratio: `${times(toEcho)} of the raw echo`,
      target: times(UPDATE_TO_ECHO),
      met: toEcho >= UPDATE_TO_ECHO,
    },
    {
      what: "the same, log level NONE: no lifecycle events",
      figure: figure("quiet"),
      ratio: `${times(ratioOf(quiet, echo))} of the raw echo`,
    },
    ...(results.has("libcoap")
      ? [
          {
            what: "libcoap's example server, PUT",
            figure: figure("libcoap"),
            ratio: `${times(ratioOf(libcoap, echo))} of the raw echo`,
          },
          {
            what: "Update against libcoap",
            figure: "",
            ratio: `${times(toLibcoap)} x libcoap`,
            target: times(UPDATE_TO_LIBCOAP),
            met: toLibcoap >= UPDATE_TO_LIBCOAP,
          },
        ]
      : [{ what: "libcoap's example server", figure: "not installed: apt-get install libcoap3-bin" }]),
  ];
}

export async function benchRoundTrips(quick: boolean): Promise<Row[]> {
  const seconds = quick ? 2 : 5;
  const echo = startProcess({ name: "echo", command: process.execPath, args: [join(import.meta.dirname, "echo.ts")] });
  const host = await startHost();
  // A host of its own: lifecycle events that wait in the other are written for some seconds more.
  const quietHost = await startHost();
  const libcoap = await startLibcoap();
  try {
    const echoPort = Number((await echo.line(/^echo \d+$/)).split(" ")[1]);
    const endpoints = Array.from({ length: PEERS }, (_, at) => `bench-${at}`);
    for (const endpointId of endpoints) {
      await registerDevice(api(host), { endpointId });
      await registerDevice(api(quietHost), { endpointId, logLevel: "NONE" });
    }
    const updates = (name: string, { coapPort: port, pid }: Host): Target => ({
      name,
      port,
      pid,
      code: "0.02",
      uris: [],
      payloadBytes: 0,
      register: () => endpoints.map(endpoint => `ep=${endpoint}&lt=86400&lwm2m=1.0&b=U`),
    });
    const targets: Target[] = [
      { name: "echo", port: echoPort, pid: echo.pid, code: "0.02", uris: sameUri("/rd/AbCdEfGhIj"), payloadBytes: 0 },
      updates("update", host),
      updates("quiet", quietHost),
    ];
    if (libcoap) {
      const { server, port } = libcoap;
      targets.push({
        name: "libcoap",
        port,
        pid: server.pid,
        code: "0.03",
        uris: sameUri("/b/AbCdEfGhIj"),
        payloadBytes: 1,
      });
    }
    const results = new Map<string, LoadResult[]>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const target of targets) {
        const result = await measure(target, seconds);
        if (target.name !== "echo" && result.refused > 0) throw new Error(`${target.name}: ${result.refused} refused`);
        results.set(target.name, [...(results.get(target.name) ?? []), result]);
      }
    }
    return rowsOf(results);
  } finally {
    await echo.stop();
    await libcoap?.server.stop();
    await host[Symbol.asyncDispose]();
    await quietHost[Symbol.asyncDispose]();
  }
}
