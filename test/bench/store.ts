/**
 * How fast measurements are stored, durably acknowledged each, against plain inserts of the same rows by the database itself, in one
 * run. Alone: `node test/bench/store.ts`.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { measurementId } from "@mooring/core/internal/store/measurement-id.ts";
import type { Measurement } from "@mooring/core/internal/store/series.ts";
import { openSqlite } from "@mooring/core/internal/store/sqlite/open-sqlite.ts";
import { appendOp, type Store } from "@mooring/core/internal/store/store.ts";
import { count, perSecond, type Row, table, times } from "./row.ts";

const SOURCES = 1000;
const ROWS = 60_000;
/** Stored before the clock starts, so that compiling is not measured. */
const WARM_UP_ROWS = 10_000;
/** Notifications on their way at the same time. */
const IN_FLIGHT = 2000;
const PLAIN_BATCH = 1000;

const measurement = (i: number): Measurement => {
  const source = String(1_000_000_001 + (Math.abs(i) % SOURCES));
  const timeMs = 1_700_000_000_000 + i * 10;
  return {
    id: measurementId(timeMs, `t1/${source}/3303/0/5700`),
    tenant: "t1",
    source,
    type: "c8y_lwm2m",
    timeMs,
    fragments: { c8y_Temperature: { T: { value: 20 + (i % 100) / 8, unit: "Cel" } } },
  };
};

const rateSince = (done: number, startedAt: number): number =>
  Math.round((done / (performance.now() - startedAt)) * 1000);

/** The least that a program could do: the same columns and indexes, one thread, many rows per transaction. */
function plainInserts(directory: string, measurements: readonly Measurement[]): number {
  const database = new DatabaseSync(join(directory, "plain.db"));
  database.exec("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  database.exec("CREATE TABLE m (id TEXT PRIMARY KEY, tenant TEXT, source TEXT, type TEXT, time INTEGER, body BLOB)");
  database.exec("CREATE INDEX m_source ON m (source, time); CREATE INDEX m_tenant ON m (tenant, time)");
  const insert = database.prepare("INSERT INTO m VALUES (?, ?, ?, ?, ?, jsonb(?)) ON CONFLICT DO NOTHING");
  const startedAt = performance.now();
  for (let from = 0; from < measurements.length; from += PLAIN_BATCH) {
    database.exec("BEGIN");
    for (const { id, tenant, source, type, timeMs, fragments } of measurements.slice(from, from + PLAIN_BATCH)) {
      insert.run(id, tenant, source, type, timeMs, JSON.stringify(fragments));
    }
    database.exec("COMMIT");
  }
  const rate = rateSince(measurements.length, startedAt);
  database.close();
  return rate;
}

/** Each measurement is a write of its own, as notifications are. @returns writes a second, and the loop's longest pause in ms */
async function storeInserts(
  store: Store,
  measurements: readonly Measurement[],
): Promise<[rate: number, pauseMs: number]> {
  let next = 0;
  let pauseMs = 0;
  let lastTurn = performance.now();
  const turns = setInterval(() => {
    pauseMs = Math.max(pauseMs, performance.now() - lastTurn - 1);
    lastTurn = performance.now();
  }, 1);
  const writer = async (): Promise<void> => {
    while (next < measurements.length) await store.write([appendOp(measurements[next++]!)]);
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, writer));
  const rate = rateSince(measurements.length, startedAt);
  clearInterval(turns);
  return [rate, Math.round(pauseMs)];
}

async function latencies(asked: number, ask: (i: number) => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  for (let i = 0; i < asked; i++) await ask(i);
  return Math.round(((performance.now() - startedAt) / asked) * 1000);
}

export async function benchStore(): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), "mooring-bench-"));
  try {
    const measurements = Array.from({ length: ROWS }, (_, i) => measurement(i));
    const plain = plainInserts(directory, measurements);
    await using store = await openSqlite({ directory, collections: [], clock: systemClock, host: "worker" });
    await storeInserts(
      store,
      Array.from({ length: WARM_UP_ROWS }, (_, i) => measurement(-1 - i)),
    );
    const [rate, pauseMs] = await storeInserts(store, measurements);
    const of = "plain SQLite inserts, 1000 a transaction";
    const query = { tenant: "t1", order: "newestFirst", limit: 50 } as const;
    const page = await latencies(200, i => store.series.query({ ...query, source: measurements[i]!.source }));
    const single = await latencies(200, i => store.series.append([measurement(ROWS + i)]));
    return [
      { what: of, figure: perSecond(plain) },
      {
        what: "measurements stored and acknowledged one by one",
        figure: perSecond(rate),
        ratio: `${times(rate / plain)} of ${of}`,
      },
      { what: "longest pause of the event loop meanwhile", figure: `${count(pauseMs)} ms` },
      { what: "the newest 50 measurements of a device", figure: `${count(page)} us` },
      { what: "a single measurement, stored", figure: `${count(single)} us` },
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) console.log(table(await benchStore()));
