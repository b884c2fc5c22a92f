/** Tables from shapes: made when absent, and brought to the shape's fields and indexes when it has changed. */
import type { Document, FieldType, IndexSpec } from "../collection.ts";
import type { Shape } from "../shape.ts";
import { checkField } from "../value-rules.ts";
import type { Database } from "./database.ts";
import {
  type Cell,
  columnDefinition,
  columnOf,
  columnsOf,
  decodeRow,
  encodeRow,
  placeOf,
  selectList,
  tableOf,
} from "./rows.ts";

const REWRITE_SLICE = 1000;

interface WantedIndex {
  readonly name: string;
  readonly text: string;
  /** Its line of sqlite_stat1. */
  readonly statistics: string;
}

// SQLite would count an equality by tenant as narrow as one by source. Its statistics are written, not measured, so that its plans do
// not depend on what was stored when they were made.
const ASSUMED_ROWS = 1_000_000;
const COARSE_VALUES = 4;
const FINE_VALUES = 100_000;

/** Rows in the table, then rows with equal values in the first column, in the first two, and so on. */
function statisticsOf(shape: Shape, fields: readonly string[]): string {
  let rows = ASSUMED_ROWS;
  const prefixes = fields.map(name => {
    rows = Math.max(1, Math.round(rows / (shape.isCoarse(name) ? COARSE_VALUES : FINE_VALUES)));
    return rows;
  });
  return [ASSUMED_ROWS, ...prefixes].join(" ");
}

function writeStatistics(database: Database, shape: Shape, indexes: readonly WantedIndex[]): void {
  const table = tableOf(shape);
  database.run("DELETE FROM sqlite_stat1 WHERE tbl = ?", [table]);
  const insert = "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)";
  // The tree of a clustered table stands under the table's own name.
  const primary = shape.spec.clustered ? table : `sqlite_autoindex_${table}_1`;
  database.run(insert, [table, primary, statisticsOf(shape, ["_id"])]);
  for (const { name, statistics } of indexes) database.run(insert, [table, name, statistics]);
}

/** The name says all of the index, so that a changed one is another one. */
function indexOf(shape: Shape, { keys, unique }: IndexSpec): WantedIndex | undefined {
  const usable = keys.filter(([name]) => shape.typeOf(name) !== "strings");
  if (usable.length === 0) return undefined;
  const columns = usable.map(([name, direction]) => [columnOf(name, shape.typeOf(name)!), direction] as const);
  const suffix = columns.map(([column, direction]) => column + (direction === 1 ? "" : "Desc")).join("_");
  const name = `${unique ? "u" : "i"}_${shape.name}_${suffix}`;
  const list = columns.map(([column, direction]) => column + (direction === 1 ? "" : " DESC")).join(", ");
  const statistics = statisticsOf(
    shape,
    usable.map(([field]) => field),
  );
  return {
    name,
    statistics,
    text: `CREATE ${unique ? "UNIQUE " : ""}INDEX IF NOT EXISTS ${name} ON ${tableOf(shape)} (${list})`,
  };
}

const strings = (database: Database, text: string, ...values: Cell[]): string[] =>
  database.rows({ text, values }).map(([cell]) => cell as string);

type Field = Shape["fields"][number];

/** A column's field, or undefined for `_id` and `rest`. */
function fieldOf(column: string): Field | undefined {
  const at = column.indexOf("_");
  return at > 0 ? [column.slice(at + 1), column.slice(0, at) as FieldType] : undefined;
}

const withFields = (shape: Shape, fields: readonly Field[]): Shape => ({
  ...shape,
  fields,
  typeOf: name => fields.find(field => field[0] === name)?.[1],
});

/** @throws MooringError VALIDATION when a stored value is none of the field's new type */
function checkFields(shape: Shape, document: Document): void {
  for (const [name, type] of shape.fields) {
    const value = (document as unknown as Record<string, unknown>)[name];
    if (value !== undefined) checkField(type, value, `${shape.name} ${document._id}: ${name}`);
  }
}

function withFilled({ spec: { filled } }: Shape, document: Document): Document {
  if (!filled) return document;
  const made = Object.entries(filled).map(([name, text]) => [name, text + document._id]);
  return { ...Object.fromEntries(made), ...document };
}

/** Rows are read as documents under the old columns and written under the new ones. */
function rewriteRows(database: Database, before: Shape, shape: Shape): void {
  const table = tableOf(shape);
  const place = placeOf(shape);
  const select = `SELECT ${place}, ${selectList(before)} FROM ${table} WHERE ${place} > ? ORDER BY ${place} LIMIT ?`;
  const columns = columnsOf(shape).map(column => `${column} = ?`);
  const update = `UPDATE ${table} SET ${["rest = jsonb(?)", ...columns].join(", ")} WHERE ${place} = ?`;
  let after: Cell = shape.spec.clustered ? "" : 0;
  for (;;) {
    const rows = database.rows({ text: select, values: [after, REWRITE_SLICE] });
    for (const [at, ...row] of rows) {
      const document = withFilled(shape, decodeRow(before, row));
      checkFields(shape, document);
      database.run(update, [...encodeRow(shape, document).slice(1), at!]);
      after = at!;
    }
    if (rows.length < REWRITE_SLICE) return;
  }
}

const dropIndexes = (database: Database, shape: Shape, kept: ReadonlySet<string>): void => {
  const text = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL";
  for (const name of strings(database, text, tableOf(shape))) if (!kept.has(name)) database.exec(`DROP INDEX ${name}`);
};

/** A field that is new, gone or of another type moves its values between its column and the rest. */
function alignColumns(database: Database, shape: Shape): void {
  const table = tableOf(shape);
  const present = strings(database, "SELECT name FROM pragma_table_info(?)", table);
  const wanted = new Set(columnsOf(shape));
  const added = shape.fields.filter(([name, type]) => !present.includes(columnOf(name, type)));
  const old = present.filter(column => fieldOf(column));
  const dropped = old.filter(column => !wanted.has(column));
  if (added.length === 0 && dropped.length === 0) return;
  for (const [name, type] of added) database.exec(`ALTER TABLE ${table} ADD COLUMN ${columnDefinition(name, type)}`);
  rewriteRows(database, withFields(shape, old.map(fieldOf) as Field[]), shape);
  if (dropped.length > 0) dropIndexes(database, shape, new Set());
  for (const column of dropped) database.exec(`ALTER TABLE ${table} DROP COLUMN ${column}`);
}

function createIndexes(database: Database, shape: Shape): void {
  const wanted = shape.spec.indexes.flatMap(spec => indexOf(shape, spec) ?? []);
  dropIndexes(database, shape, new Set(wanted.map(({ name }) => name)));
  for (const { text } of wanted) database.exec(text);
  writeStatistics(database, shape, wanted);
}

/** All or nothing. @throws MooringError VALIDATION when stored values do not fit a field's type */
export function applySchema(database: Database, shapes: readonly Shape[]): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    // Makes sqlite_stat1 where it is missing; a file that has it is not measured anew.
    if (strings(database, "SELECT name FROM sqlite_schema WHERE name = 'sqlite_stat1'").length === 0) {
      database.exec("ANALYZE");
    }
    for (const shape of shapes) {
      const columns = ["_id TEXT PRIMARY KEY NOT NULL", "rest BLOB NOT NULL"];
      const layout = shape.spec.clustered ? " WITHOUT ROWID" : "";
      database.exec(`CREATE TABLE IF NOT EXISTS ${tableOf(shape)} (${columns.join(", ")})${layout}`);
      alignColumns(database, shape);
      createIndexes(database, shape);
    }
    database.exec("ANALYZE sqlite_schema");
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
