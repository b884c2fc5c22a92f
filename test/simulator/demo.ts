/**
 * The demo's devices as a process of their own: `node test/simulator/demo.ts --server coap://127.0.0.1:5783
 * --endpoints demo-meter-1,demo-meter-2 --interval-ms 5000 --until-stdin-ends`. Prints one JSON line per happening; ends on SIGTERM, SIGINT and, when asked to,
 * with the process that holds its standard input.
 */
import { parseArgs } from "node:util";
import { demoEndpoints, startDemoFleet } from "./fleet.ts";

const { values } = parseArgs({
  options: {
    server: { type: "string", default: "coap://127.0.0.1:5783" },
    endpoints: { type: "string", default: demoEndpoints(5).join(",") },
    "interval-ms": { type: "string", default: "5000" },
    "until-stdin-ends": { type: "boolean", default: false },
  },
});

const server = new URL(values.server);
const fleet = await startDemoFleet({
  endpoints: values.endpoints.split(",").filter(endpoint => endpoint !== ""),
  serverHost: server.hostname,
  serverPort: Number(server.port || 5683),
  intervalMs: Number(values["interval-ms"]),
  log: (event, fields) =>
    console.log(JSON.stringify({ level: "info", time: new Date().toISOString(), event, ...fields })),
});

const stop = (): void => void fleet.stop().then(() => process.exit(0));
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
if (values["until-stdin-ends"]) process.stdin.once("end", stop).resume();
