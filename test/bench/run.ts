/**
 * `npm run bench [-- --quick] [-- round-trips notifications memory herd store decode dtls]`: every figure as a ratio to something
 * measured in the same run. The targets are those of ARCHITECTURE.md; a missed one is shown and does not fail the run.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { benchDecode } from "./decode.ts";
import { benchDtls } from "./dtls.ts";
import { benchMemory } from "./memory.ts";
import { benchNotifications } from "./notifications.ts";
import { benchHerd } from "./registration-herd.ts";
import { benchRoundTrips } from "./round-trips.ts";
import { type Row, table } from "./row.ts";
import { benchStore } from "./store.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
});
const only = [...positionals, ...(values.only?.split(",") ?? [])];

type Bench = (quick: boolean) => Promise<Row[]>;
const benches: readonly [string, Bench][] = [
  ["round-trips", benchRoundTrips],
  ["notifications", benchNotifications],
  ["memory", benchMemory],
  ["herd", benchHerd],
  ["store", benchStore],
  ["decode", benchDecode],
  ["dtls", benchDtls],
];

const rows: Row[] = [];
try {
  for (const [name, bench] of benches) {
    if (only.length > 0 && !only.includes(name)) continue;
    console.error(`bench: ${name} ...`);
    rows.push(...(await bench(values.quick)));
  }
} finally {
  console.log(`Node ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model ?? "unknown processor"}`);
  console.log(table(rows));
}
