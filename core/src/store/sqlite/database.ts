/** A database file and its prepared statements. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { MooringError, messageOf } from "../../base/errors.ts";
import type { Sql } from "./compile.ts";
import type { Cell } from "./rows.ts";

export interface Database {
  readonly file: string;
  /** For statements that are used once: schema, pragmas. */
  exec(text: string): void;
  /** Runs a cached statement. @returns rows as arrays of cells */
  rows(statement: Sql): Cell[][];
  /** Runs a cached statement. @returns rows changed */
  run(text: string, values: readonly Cell[]): number;
  close(): void;
}

export interface DatabaseOptions {
  readonly readOnly: boolean;
  readonly synchronous: "FULL" | "NORMAL";
  readonly cacheMiB: number;
  /** WAL pages after which a commit copies them into the file; more: fewer, longer stalls. */
  readonly checkpointPages: number;
}

const KEPT_STATEMENTS = 500;
const BUSY_TIMEOUT_MS = 10_000;
/** "Moor", so that another program's file is not taken for ours. */
const APPLICATION_ID = 0x4d6f6f72;
/** Larger files are checked by `PRAGMA quick_check` when an operator asks, not at every start. */
const CHECKED_AT_START_BYTES = 64 * 1024 * 1024;

const failed = (file: string, error: unknown): MooringError =>
  new MooringError("STORE_FAILED", `${file}: ${messageOf(error)}`, { file }, { cause: error });

/** Gives the statement for a text, prepared once and kept while it is among the last {@link KEPT_STATEMENTS} used. */
function createStatements(database: DatabaseSync): (text: string) => StatementSync {
  const kept = new Map<string, StatementSync>();
  return text => {
    const known = kept.get(text);
    if (known) kept.delete(text);
    const statement = known ?? database.prepare(text);
    if (!known) statement.setReturnArrays(true);
    kept.set(text, statement);
    if (kept.size > KEPT_STATEMENTS) kept.delete(kept.keys().next().value!);
    return statement;
  };
}

function checkFile(database: DatabaseSync): void {
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0];
  const id = pragma("application_id");
  const pages = pragma("page_count") as number;
  if (id !== APPLICATION_ID && pages > 0) throw new MooringError("STORE_FAILED", "is no store of this program");
  if (pages * (pragma("page_size") as number) > CHECKED_AT_START_BYTES) return;
  const verdict = pragma("quick_check(1)");
  if (verdict !== "ok") throw new MooringError("STORE_FAILED", `is damaged: ${String(verdict)}`);
}

function prepareFile(database: DatabaseSync, options: DatabaseOptions): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA cache_size = ${-1024 * options.cacheMiB}`);
  if (options.readOnly) return;
  checkFile(database);
  database.exec(
    `PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${options.synchronous}; ` +
      `PRAGMA wal_autocheckpoint = ${options.checkpointPages}; PRAGMA application_id = ${APPLICATION_ID}; ` +
      "PRAGMA temp_store = MEMORY",
  );
}

/**
 * @param file path, or `:memory:`
 * @throws MooringError STORE_FAILED when the file cannot be opened, is damaged or is not ours
 */
export function openDatabase(file: string, options: DatabaseOptions): Database {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(file, { readOnly: options.readOnly });
  } catch (error) {
    throw failed(file, error);
  }
  try {
    prepareFile(database, options);
  } catch (error) {
    database.close();
    throw failed(file, error);
  }
  const statement = createStatements(database);
  return {
    file,
    exec: text => database.exec(text),
    rows: ({ text, values }) => statement(text).all(...values) as unknown as Cell[][],
    run: (text, values) => Number(statement(text).run(...values).changes),
    close: () => database.close(),
  };
}
