/** The one that writes: takes batches, each in one transaction per database, and answers when they are committed. */
import { MooringError, messageOf } from "../../base/errors.ts";
import type { Shape } from "../shape.ts";
import { type FormValues, insertOf, planOf, type UpdateForm, whereOf } from "../update-form.ts";
import { applyUpdate, type UpdatePlan } from "../update-plan.ts";
import { compileSelect } from "./compile.ts";
import { compileUpdate, type UpdateStatement } from "./compile-update.ts";
import type { Database } from "./database.ts";
import { columnsOf, decodeRow, encodeRow, type Row, tableOf } from "./rows.ts";
import { fromWireForm, toWireFailure, type WireCommand, type WireForm, type WireResult } from "./wire.ts";

export interface Writer {
  /** @param forms numbered on from those of earlier calls. @throws MooringError STORE_FAILED when the batch could not be committed */
  execute(batch: readonly WireCommand[], forms?: readonly WireForm[]): WireResult[];
}

/** A table ready to be written. */
interface Table {
  readonly shape: Shape;
  readonly database: Database;
  readonly columns: readonly string[];
  readonly insertText: string;
}

const UNIQUE_VIOLATED: ReadonlySet<unknown> = new Set([1555, 2067]); // SQLITE_CONSTRAINT_PRIMARYKEY, _UNIQUE

function tableFor(shape: Shape, database: Database): Table {
  const columns = columnsOf(shape);
  const places = ["?", "jsonb(?)", ...columns.map(() => "?")].join(", ");
  const insertText = `INSERT INTO ${tableOf(shape)} (${["_id", "rest", ...columns].join(", ")}) VALUES (${places}) ON CONFLICT DO NOTHING`;
  return { shape, database, columns, insertText };
}

const inserted = (isNew: boolean): WireResult => (isNew ? "inserted" : "duplicate");

const insertRow = ({ database, insertText }: Table, row: Row): boolean => database.run(insertText, row) > 0;

function duplicateKey(table: Table, id: string): MooringError {
  return new MooringError("DUPLICATE_KEY", `${table.shape.name}: a unique key of ${id} is taken`, {
    collection: table.shape.name,
    _id: id,
  });
}

/** Writes only the cells that differ, so that indexes of the others are left alone. */
function updateRow(table: Table, before: Row, after: Row): void {
  const changed: string[] = [];
  const values: Row = [];
  if (before[1] !== after[1]) {
    changed.push("rest = jsonb(?)");
    values.push(after[1]!);
  }
  for (const [i, column] of table.columns.entries()) {
    if (before[i + 2] === after[i + 2]) continue;
    changed.push(`${column} = ?`);
    values.push(after[i + 2]!);
  }
  if (changed.length === 0) return;
  const id = before[0] as string;
  try {
    table.database.run(`UPDATE ${tableOf(table.shape)} SET ${changed.join(", ")} WHERE _id = ?`, [...values, id]);
  } catch (error) {
    if (UNIQUE_VIOLATED.has((error as { errcode?: unknown }).errcode)) throw duplicateKey(table, id);
    throw error;
  }
}

function updateDocument(table: Table, before: Row, plan: UpdatePlan): Row {
  const document = decodeRow(table.shape, before);
  applyUpdate(document, plan, false);
  const after = encodeRow(table.shape, document);
  updateRow(table, before, after);
  return after;
}

function insertForUpdate(table: Table, row: Row): void {
  if (!insertRow(table, row)) throw duplicateKey(table, row[0] as string);
}

function update(table: Table, { select, plan, insert, returning }: WireCommand & { do: "update" }): WireResult {
  const [before] = table.database.rows(select);
  if (!before) {
    if (!insert) return "none";
    insertForUpdate(table, insert);
    return { outcome: "inserted", count: 0, ...(returning === "after" && { row: insert }) };
  }
  const after = updateDocument(table, before, plan);
  const row = returning === "after" ? after : returning === "before" ? before : undefined;
  return { outcome: "done", count: 1, ...(row && { row }) };
}

/** A form as the writer uses it. */
interface KnownForm {
  readonly table: Table;
  readonly form: UpdateForm;
  readonly statement: UpdateStatement | undefined;
}

function updateByForm({ table, form, statement }: KnownForm, values: FormValues): WireResult {
  const { shape, database } = table;
  const cells = statement?.bind(values);
  if (cells && database.run(statement!.text, cells) > 0) return "one";
  const [before] = database.rows(compileSelect(shape, { where: whereOf(form, values), limit: 1 }));
  if (before) {
    updateDocument(table, before, planOf(form, values));
    return "one";
  }
  if (!form.upsert) return "none";
  insertForUpdate(table, encodeRow(shape, insertOf(form, values)));
  return inserted(true);
}

/** What is upserted is new most of the time, and then costs no look. */
function replace(table: Table, { select, row, upsert }: WireCommand & { do: "replace" }): WireResult {
  if (upsert && insertRow(table, row)) return inserted(true);
  const [before] = table.database.rows(select);
  if (before) {
    updateRow(table, before, row);
    return { outcome: "done", count: 1 };
  }
  if (upsert) throw duplicateKey(table, row[0] as string);
  return "none";
}

function perform(table: Table, command: Exclude<WireCommand, { do: "form" }>): WireResult {
  switch (command.do) {
    case "insert":
      return inserted(insertRow(table, command.row));
    case "update":
      return update(table, command);
    case "replace":
      return replace(table, command);
    case "delete":
      return { outcome: "done", count: table.database.run(command.delete.text, command.delete.values) };
  }
}

/** @param databaseOf the database that holds a shape's table */
export function createWriter(shapes: Iterable<Shape>, databaseOf: (shape: Shape) => Database): Writer {
  const tables = new Map([...shapes].map(shape => [shape.name, tableFor(shape, databaseOf(shape))]));
  const known: KnownForm[] = [];
  const learn = (wire: WireForm): void => {
    const table = tables.get(wire.collection)!;
    const form = fromWireForm(table.shape, wire);
    known.push({ table, form, statement: compileUpdate(form) });
  };
  const tableOfCommand = (command: WireCommand): Table =>
    command.do === "form" ? known[command.form]!.table : tables.get(command.collection)!;
  /**
   * In the order in which they commit: what survives power loss first. A process that dies in between has then stored events and alarms, and not
   * what says that they are (the status of a raw payload, the progress of a job), so that it is done again; else they would be missing for good.
   */
  const databases = new Set(
    (["full", "normal"] as const).flatMap(durability =>
      [...tables.values()].filter(({ shape }) => shape.spec.durability === durability).map(({ database }) => database),
    ),
  );
  const attempt = (table: Table, command: WireCommand): WireResult => {
    try {
      return command.do === "form" ? updateByForm(known[command.form]!, command.values) : perform(table, command);
    } catch (error) {
      if (error instanceof MooringError) return { outcome: "failed", failure: toWireFailure(error) };
      throw error;
    }
  };
  return {
    execute(batch, forms = []) {
      forms.forEach(learn);
      const open = new Set<Database>();
      try {
        const results = batch.map(command => {
          const table = tableOfCommand(command);
          if (open.size !== open.add(table.database).size) table.database.exec("BEGIN IMMEDIATE");
          return attempt(table, command);
        });
        for (const database of databases.intersection(open)) {
          database.exec("COMMIT");
          open.delete(database);
        }
        return results;
      } catch (error) {
        for (const database of open) rollBack(database);
        throw new MooringError("STORE_FAILED", `the store could not write: ${messageOf(error)}`, {}, { cause: error });
      }
    },
  };
}

/** SQLite has rolled back by itself after some errors; then there is nothing to do. */
function rollBack(database: Database): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // No transaction is open any more, which is what was wanted.
  }
}
