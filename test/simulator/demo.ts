/**
 * Meters that move by themselves, as a process of their own. `node test/simulator/demo.ts my-device ...` registers those endpoints
 * without keys at `coap://127.0.0.1:5783`, or at the port that `--port` names. Without endpoints the first line of standard input says what to
 * do ({@link DemoOrder} as JSON), and the process ends with whoever holds that input. Prints one JSON line per happening.
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type DemoMeter, startDemoFleet } from "./fleet.ts";

export interface DemoOrder {
  /** UDP, of meters without bootstrap. */
  readonly serverPort: number;
  readonly meters: readonly {
    readonly endpoint: string;
    readonly bootstrap?: { readonly port: number; readonly identity: string; readonly keyHex: string };
  }[];
}

const meterOf = ({ endpoint, bootstrap }: DemoOrder["meters"][number]): DemoMeter => ({
  endpoint,
  ...(bootstrap && {
    bootstrap: {
      port: bootstrap.port,
      psk: { identity: bootstrap.identity, key: Buffer.from(bootstrap.keyHex, "hex") },
    },
  }),
});

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string", default: "5783" } },
});

const ended: ((run: () => void) => void)[] = [];

async function readOrder(): Promise<DemoOrder> {
  const input = createInterface({ input: process.stdin });
  ended.push(run => input.once("close", run));
  const line = await new Promise<string>(resolve => input.once("line", resolve));
  return JSON.parse(line) as DemoOrder;
}

const { serverPort, meters }: DemoOrder =
  positionals.length > 0
    ? { serverPort: Number(values.port), meters: positionals.map(endpoint => ({ endpoint })) }
    : await readOrder();
const fleet = await startDemoFleet({
  meters: meters.map(meterOf),
  serverPort,
  log: (event, fields) =>
    console.log(JSON.stringify({ level: "info", time: new Date().toISOString(), event, ...fields })),
});

/** A meter in the middle of a handshake need not end it. */
const LEAVE_WITHIN_MS = 2000;

const stop = (): void => {
  setTimeout(() => process.exit(0), LEAVE_WITHIN_MS);
  void fleet.stop().then(() => process.exit(0));
};
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
for (const when of ended) when(stop);
