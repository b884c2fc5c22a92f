/** CSV files with a header (RFC 4180), read in slices; a record that cannot be read stands in its place. The one home of csv-parse. */
import { once } from "node:events";
import { type CsvError, parse } from "csv-parse";
import { decodeUtf8 } from "./bytes.ts";
import { MooringError } from "./errors.ts";

export interface CsvRecord {
  /** 1 is the header. */
  readonly line: number;
  /** Trimmed; their number may differ from that of the header. */
  readonly cells: readonly string[] | MooringError;
}

export interface CsvFile {
  /** Names of the columns, each once. */
  readonly header: readonly string[];
  readonly records: readonly CsvRecord[];
}

const LARGEST_BYTES = 10 * 1024 * 1024;
const LARGEST_RECORD = 256 * 1024;
/** A file of usual rows is full of bytes before it has so many. */
const MOST_ROWS = 100_000;
const MOST_COLUMNS = 1000;
/** What is read in one turn of the event loop, which others wait for. */
const SLICE_BYTES = 16 * 1024;
const DELIMITERS = [";", ",", "\t"] as const;

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** Lets everything else that waits have its turn. */
export const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** The delimiter that the header holds most of, outside quotes; the first named where they tie. */
function delimiterOf(text: string): string {
  const header = (/^[^\r\n]*/.exec(text)?.[0] ?? "").replace(/"[^"]*"/g, "");
  const count = (delimiter: string): number => header.split(delimiter).length;
  return DELIMITERS.reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

function readHeader(
  cells: readonly string[],
  required: readonly string[],
  checkName: (name: string) => void,
): readonly string[] {
  if (cells.length > MOST_COLUMNS) throw refuse("header", `has more than ${MOST_COLUMNS} columns`);
  const names = cells.map(cell => cell.trim());
  const unnamed = names.indexOf("");
  if (unnamed >= 0) throw refuse("header", `column ${unnamed + 1} has no name`);
  names.forEach(checkName);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw refuse("header", `names "${twice}" twice`);
  for (const column of required) {
    if (!names.includes(column)) throw refuse("header", `has no column "${column}"`);
  }
  return names;
}

/** All records, broken ones in their place; in slices, so that a large file does not hold up devices. */
async function recordsOf(csv: Uint8Array, delimiter: string): Promise<CsvRecord[]> {
  const records: CsvRecord[] = [];
  const broken = (error: CsvError): CsvRecord => ({
    line: Number(error["lines"] ?? 0),
    cells: refuse("row", error.message),
  });
  const parser = parse({
    bom: true,
    delimiter,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    trim: true,
    max_record_size: LARGEST_RECORD,
    on_record(cells: readonly string[], { lines }) {
      records.push({ line: lines, cells });
      return null;
    },
    on_skip: error => void (error && records.push(broken(error))),
  });
  parser.resume();
  for (let at = 0; at < csv.length; at += SLICE_BYTES) {
    parser.write(csv.subarray(at, at + SLICE_BYTES));
    if (records.length > MOST_ROWS + 1) {
      parser.destroy();
      throw new MooringError("TOO_LARGE", `the file has more than ${MOST_ROWS} rows`);
    }
    await nextTurn();
  }
  const ended = once(parser, "end");
  parser.end();
  await ended;
  return records;
}

/**
 * @param csv      UTF-8, with or without byte order mark; separated by semicolon, comma or tab, whichever the header has most of
 * @param required columns that there must be
 * @param checkName throws for a column that there must not be
 * @throws MooringError VALIDATION or TOO_LARGE where it is no such file
 */
export async function readCsvFile(
  csv: Uint8Array,
  required: readonly string[],
  checkName: (name: string) => void = () => {},
): Promise<CsvFile> {
  if (csv.length > LARGEST_BYTES) throw new MooringError("TOO_LARGE", `the file is larger than ${LARGEST_BYTES} bytes`);
  const text = decodeUtf8(csv);
  if (text === undefined) throw refuse("file", "is not UTF-8 text");
  const [first, ...records] = await recordsOf(csv, delimiterOf(text.replace(/^\uFEFF/, "")));
  if (!first) throw refuse("file", "is empty");
  if (first.cells instanceof MooringError) throw refuse("header", "cannot be read");
  return { header: readHeader(first.cells, required, checkName), records };
}
