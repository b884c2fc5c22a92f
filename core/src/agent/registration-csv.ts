/** CSV files of devices (agent specification 3.2): each row as the body that REST would have sent, or the reason why not. */
import { once } from "node:events";
import { type CsvError, parse } from "csv-parse";
import { decodeUtf8 } from "../base/bytes.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import { csvName, DEVICE_FIELDS, type DeviceField, readCell } from "./device-fields.ts";
import { type DeviceDraft, ENDPOINT_ID_TYPE, readRegistration } from "./registration-body.ts";

export interface CsvRow {
  /** 1 is the header. */
  readonly line: number;
  /** Empty where the row has none. */
  readonly endpoint: string;
  readonly outcome: DeviceDraft | MooringError;
}

const LARGEST_BYTES = 10 * 1024 * 1024;
const LARGEST_RECORD = 256 * 1024;
/** A file of usual rows is full of bytes before it has so many. */
const MOST_ROWS = 100_000;
const MOST_COLUMNS = 1000;
/** What is read in one turn of the event loop, which devices wait for. */
const SLICE_BYTES = 16 * 1024;
const SLICE_ROWS = 200;
const DELIMITERS = [";", ",", "\t"] as const;

const ENDPOINT = "endpoint id";
const MODE = "securityMode";
const EXTERNAL = "external-";

/** Columns of the security body, by their place in it. */
const SECURITY: Readonly<Record<string, readonly [part: string, member: string]>> = {
  [MODE]: ["serverSecurity", "securityMode"],
  "lwm2m psk_id": ["serverSecurity", "publicKeyOrId"],
  "lwm2m psk_key": ["serverSecurity", "secretKey"],
  bootstrapSecurityMode: ["bootstrapSecurity", "bootstrapSecurityMode"],
  "bootstrap psk_id": ["bootstrapSecurity", "bootstrapId"],
  "bootstrap psk_key": ["bootstrapSecurity", "bootstrapKey"],
};
/** Need a secure connection, which this version does not have. */
const CERTIFICATES = ["x509ClientCertificate", "x509ClientPrivateKey", "x509CertificateUsage", "serverPublicKey"];
/** Columns of the platform's general file that say nothing to the agent. */
const IGNORED = ["CREDENTIALS", "SHELL", "com_cumulocity_model_Agent", "external-c8y_BootstrapPskId"];

const FIELDS = new Map<string, DeviceField>(DEVICE_FIELDS.map(field => [csvName(field), field]));

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** The delimiter that the header holds most of, outside quotes; the first named where they tie. */
function delimiterOf(text: string): string {
  const header = (/^[^\r\n]*/.exec(text)?.[0] ?? "").replace(/"[^"]*"/g, "");
  const count = (delimiter: string): number => header.split(delimiter).length;
  return DELIMITERS.reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

function readHeader(cells: readonly string[]): readonly string[] {
  if (cells.length > MOST_COLUMNS) throw refuse("header", `has more than ${MOST_COLUMNS} columns`);
  const names = cells.map(cell => cell.trim());
  const unnamed = names.indexOf("");
  if (unnamed >= 0) throw refuse("header", `column ${unnamed + 1} has no name`);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw refuse("header", `names "${twice}" twice`);
  for (const required of [ENDPOINT, MODE]) {
    if (!names.includes(required)) throw refuse("header", `has no column "${required}"`);
  }
  return names;
}

/** What a row becomes before it is checked as a REST body. */
interface RowBody {
  readonly body: Record<string, unknown>;
  readonly fragments: Record<string, string>;
  readonly externalIds: { type: string; externalId: string }[];
  name: string | undefined;
}

/** Legacy columns repeat what others say; where they contradict, the row is wrong (agent specification 3.2). */
function readLegacy(column: string, cell: string, endpoint: string, row: RowBody): boolean {
  switch (column) {
    case "ID":
      if (cell !== endpoint) throw refuse("ID", `must equal "${ENDPOINT}"`);
      return true;
    case "IDTYPE":
      if (cell !== ENDPOINT_ID_TYPE) throw refuse("IDTYPE", `must be ${ENDPOINT_ID_TYPE}`);
      return true;
    case "NAME":
      row.name = cell;
      return true;
    case "TYPE":
    case "type":
      row.body["type"] = cell;
      return true;
    case "PATH":
      throw refuse("PATH", "is not supported: devices cannot be put into groups by this file");
    default:
      return IGNORED.includes(column);
  }
}

function readColumn(column: string, cell: string, endpoint: string, row: RowBody): void {
  const security = SECURITY[column];
  const field = FIELDS.get(column);
  if (column === ENDPOINT || readLegacy(column, cell, endpoint, row)) return;
  if (security) {
    const [part, member] = security;
    row.body[part] = { ...(row.body[part] as object | undefined), [member]: cell };
  } else if (CERTIFICATES.includes(column)) {
    throw refuse(column, "needs DTLS, which this version does not have");
  } else if (field) {
    row.body[field.rest] = readCell(field, cell);
  } else if (column.startsWith(EXTERNAL)) {
    row.externalIds.push({ type: column.slice(EXTERNAL.length), externalId: cell });
  } else {
    row.fragments[column] = cell;
  }
}

/** @throws MooringError VALIDATION naming the column */
function readRow(header: readonly string[], cells: readonly string[]): DeviceDraft {
  if (cells.length !== header.length) throw refuse("row", `has ${cells.length} cells, the header ${header.length}`);
  const endpoint = cells[header.indexOf(ENDPOINT)]!;
  if (endpoint === "") throw refuse(ENDPOINT, "is missing");
  if (cells[header.indexOf(MODE)] === "") throw refuse(MODE, "is missing");
  const row: RowBody = { body: { endpointId: endpoint }, fragments: {}, externalIds: [], name: undefined };
  for (const [at, column] of header.entries()) {
    const cell = cells[at]!;
    if (cell !== "") readColumn(column, cell, endpoint, row);
  }
  const draft = readRegistration(row.body);
  return { ...draft, name: row.name ?? draft.name, fragments: row.fragments, externalIds: row.externalIds };
}

interface RawRecord {
  readonly line: number;
  readonly cells: readonly string[] | CsvError;
}

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** All records, broken ones in their place; in slices, so that a large file does not hold up devices. */
async function recordsOf(csv: Uint8Array, delimiter: string): Promise<RawRecord[]> {
  const records: RawRecord[] = [];
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
    on_skip: error => void (error && records.push({ line: Number(error["lines"] ?? 0), cells: error })),
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

function toRow(header: readonly string[], { line, cells }: RawRecord): CsvRow {
  if (!Array.isArray(cells)) return { line, endpoint: "", outcome: refuse("row", messageOf(cells)) };
  const endpoint = cells[header.indexOf(ENDPOINT)] ?? "";
  try {
    return { line, endpoint, outcome: readRow(header, cells) };
  } catch (error) {
    if (error instanceof MooringError) return { line, endpoint, outcome: error };
    throw error;
  }
}

async function rowsOf(header: readonly string[], records: readonly RawRecord[]): Promise<CsvRow[]> {
  const rows: CsvRow[] = [];
  for (let at = 0; at < records.length; at += SLICE_ROWS) {
    rows.push(...records.slice(at, at + SLICE_ROWS).map(record => toRow(header, record)));
    await nextTurn();
  }
  return rows;
}

/** An endpoint that stands in the file twice is made once. */
function withoutRepetitions(rows: readonly CsvRow[]): CsvRow[] {
  const lines = new Map<string, number>();
  return rows.map(row => {
    const first = lines.get(row.endpoint);
    if (row.outcome instanceof MooringError) return row;
    if (first !== undefined) return { ...row, outcome: refuse(ENDPOINT, `stands in line ${first} already`) };
    lines.set(row.endpoint, row.line);
    return row;
  });
}

/**
 * @param csv UTF-8, with or without byte order mark; separated by semicolon, comma or tab, whichever the header has most of
 * @throws MooringError VALIDATION or TOO_LARGE where it is no such file; bad rows are in the result
 */
export async function readRegistrationCsv(csv: Uint8Array): Promise<CsvRow[]> {
  if (csv.length > LARGEST_BYTES) throw new MooringError("TOO_LARGE", `the file is larger than ${LARGEST_BYTES} bytes`);
  const text = decodeUtf8(csv);
  if (text === undefined) throw refuse("file", "is not UTF-8 text");
  const [first, ...others] = await recordsOf(csv, delimiterOf(text.replace(/^\uFEFF/, "")));
  if (!first || !Array.isArray(first.cells)) throw refuse("header", "cannot be read");
  const header = readHeader(first.cells);
  return withoutRepetitions(await rowsOf(header, others));
}
