/**
 * How a document lies in a table: `_id`, the members that are not declared as JSON, and one real column per declared field. A column's
 * name holds its type, so that a field whose type changed is a new column, filled anew.
 */
import type { Document, FieldType } from "../collection.ts";
import type { Shape } from "../shape.ts";
import { MAX_DOCUMENT_LENGTH, tooLarge } from "../value-rules.ts";

/** What SQLite keeps in a cell. */
export type Cell = string | number | Uint8Array | null;

/** `[_id, JSON text of the rest, one cell per field in the shape's order]` */
export type Row = Cell[];

type Members = Record<string, unknown>;

const SQL_TYPES: Readonly<Record<FieldType, string>> = {
  string: "TEXT",
  int: "INTEGER",
  double: "REAL",
  bool: "INTEGER",
  time: "INTEGER",
  strings: "TEXT",
  bytes: "BLOB",
};

export const tableOf = (shape: Shape): string => `c_${shape.name}`;
/** The column that the table's own tree is ordered by. */
export const placeOf = ({ spec }: Shape): "_id" | "rowid" => (spec.clustered ? "_id" : "rowid");
export const columnOf = (name: string, type: FieldType): string => (name === "_id" ? "_id" : `${type}_${name}`);
export const columnDefinition = (name: string, type: FieldType): string => `${columnOf(name, type)} ${SQL_TYPES[type]}`;
export const columnsOf = (shape: Shape): string[] => shape.fields.map(([name, type]) => columnOf(name, type));

/** Columns to select for {@link decodeRow}. */
export const selectList = (shape: Shape): string => ["_id", "json(rest)", ...columnsOf(shape)].join(", ");

// `strings` is kept as one text in which each element stands between two separators, so that membership is a search.
const SEPARATOR = "\u0001";
const ESCAPE = "\u0002";

const escapeElement = (element: string): string =>
  element.includes(SEPARATOR) || element.includes(ESCAPE)
    ? element.replaceAll(ESCAPE, `${ESCAPE}2`).replaceAll(SEPARATOR, `${ESCAPE}1`)
    : element;

const unescapeElement = (element: string): string =>
  element.includes(ESCAPE) ? element.replaceAll(`${ESCAPE}1`, SEPARATOR).replaceAll(`${ESCAPE}2`, ESCAPE) : element;

/** What stands in the column where an array holds `element`. */
export const elementPattern = (element: string): string => SEPARATOR + escapeElement(element) + SEPARATOR;

const joinElements = (elements: readonly string[]): string =>
  elements.length === 0 ? SEPARATOR : SEPARATOR + elements.map(escapeElement).join(SEPARATOR) + SEPARATOR;

const splitElements = (text: string): string[] =>
  text === SEPARATOR ? [] : text.slice(1, -1).split(SEPARATOR).map(unescapeElement);

export function encodeCell(type: FieldType, value: unknown): Cell {
  if (value === undefined) return null;
  switch (type) {
    case "bool":
      return value ? 1 : 0;
    case "strings":
      return joinElements(value as readonly string[]);
    case "string":
    case "bytes":
      return value as string | Uint8Array;
    default:
      return value === 0 ? 0 : (value as number); // -0 becomes 0, as in JSON
  }
}

function decodeCell(type: FieldType, cell: Cell): unknown {
  switch (type) {
    case "bool":
      return cell === 1;
    case "strings":
      return splitElements(cell as string);
    default:
      return cell;
  }
}

function restOf(shape: Shape, document: Members): string {
  const rest: Members = {};
  for (const name of Object.keys(document)) if (shape.typeOf(name) === undefined) rest[name] = document[name];
  return JSON.stringify(rest);
}

/** @throws MooringError TOO_LARGE */
export function encodeRow(shape: Shape, document: Document): Row {
  const members = document as unknown as Members;
  const rest = restOf(shape, members);
  const row: Row = [document._id, rest];
  let length = rest.length;
  for (const [name, type] of shape.fields) {
    const cell = encodeCell(type, members[name]);
    if (typeof cell === "string") length += cell.length;
    row.push(cell);
  }
  if (length > MAX_DOCUMENT_LENGTH) throw tooLarge("the document", MAX_DOCUMENT_LENGTH);
  return row;
}

export function decodeRow(shape: Shape, row: Row): Document {
  const document: Members = { _id: row[0] };
  for (const [i, [name, type]] of shape.fields.entries()) {
    const cell = row[i + 2]!;
    if (cell !== null) document[name] = decodeCell(type, cell);
  }
  return Object.assign(document, JSON.parse(row[1] as string)) as unknown as Document;
}
