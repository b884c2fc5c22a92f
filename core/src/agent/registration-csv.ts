/** CSV files of devices (agent specification 3.2): each row as the body that REST would have sent, or the reason why not. */
import { type CsvRecord, nextTurn, readCsvFile } from "../base/csv-file.ts";
import { isFailure, MooringError } from "../base/errors.ts";
import { csvName, DEVICE_FIELDS, type DeviceField, readCell } from "./device-fields.ts";
import { type LegacyRow, newLegacyRow, readLegacyColumn, requireLegacyCell, withLegacy } from "./legacy-columns.ts";
import { type DeviceDraft, readRegistration } from "./registration-body.ts";

export interface CsvRow<T = DeviceDraft> {
  /** 1 is the header. */
  readonly line: number;
  /** Empty where the row has none. */
  readonly endpoint: string;
  readonly outcome: T | MooringError;
}

/** Cells of one row as what is wanted of it. @throws MooringError VALIDATION naming the column */
type ReadRow<T> = (header: readonly string[], cells: readonly string[]) => T;

/** What is read in one turn of the event loop, which devices wait for. */
const SLICE_ROWS = 200;

export const ENDPOINT = "endpoint id";
export const MODE = "securityMode";

type SecurityPart = "serverSecurity" | "bootstrapSecurity";

/** Columns of the security body, by their place in it. */
export const SECURITY_COLUMNS: Readonly<Record<string, readonly [part: SecurityPart, member: string]>> = {
  [MODE]: ["serverSecurity", "securityMode"],
  "lwm2m psk_id": ["serverSecurity", "publicKeyOrId"],
  "lwm2m psk_key": ["serverSecurity", "secretKey"],
  bootstrapSecurityMode: ["bootstrapSecurity", "bootstrapSecurityMode"],
  "bootstrap psk_id": ["bootstrapSecurity", "bootstrapId"],
  "bootstrap psk_key": ["bootstrapSecurity", "bootstrapKey"],
  x509ClientCertificate: ["serverSecurity", "x509ClientCertificate"],
  x509ClientPrivateKey: ["serverSecurity", "x509ClientPrivateKey"],
  x509CertificateUsage: ["serverSecurity", "x509CertificateUsage"],
  serverPublicKey: ["serverSecurity", "serverPublicKey"],
};

/** A column that early files of the legacy form have under another name (platform API 12.3). */
const SERVER_URI = "lwm2m server uri";
const FORMER_SERVER_URI = "lwm2m server url";

const FIELDS = new Map<string, DeviceField>(DEVICE_FIELDS.map(field => [csvName(field), field]));
FIELDS.set(FORMER_SERVER_URI, FIELDS.get(SERVER_URI)!);
/** Columns by the names that REST has for them. */
const COLUMNS = new Map<string, string>([
  ["endpointId", ENDPOINT],
  ...DEVICE_FIELDS.map(field => [field.rest, csvName(field)] as const),
  ...Object.entries(SECURITY_COLUMNS).map(([column, place]) => [place.join("."), column] as const),
]);

/** Names as people mistype them: without regard to capitals, blanks and signs. */
const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, "");
/** Columns by what is taken for them: such names, and the last part of those that REST has. */
const MEANT = new Map<string, string>([
  ...[...COLUMNS].map(([rest, column]) => [plain(rest.split(".").at(-1)!), column] as const),
  ...["type", ENDPOINT, ...Object.keys(SECURITY_COLUMNS), ...FIELDS.keys()].map(name => [plain(name), name] as const),
]);

/** A column that is not ours only by a slip would become a fragment that all can read, a key among them. */
function checkSpelling(name: string): void {
  const meant = MEANT.get(plain(name));
  if (meant === undefined || name === meant || name === "TYPE") return;
  throw refuse("header", `names "${name.slice(0, 100)}": did you mean "${meant}"?`);
}

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** What a row becomes before it is checked as a REST body. */
interface RowBody {
  readonly body: Record<string, unknown>;
  readonly legacy: LegacyRow;
}

function readColumn(column: string, cell: string, endpoint: string, { body, legacy }: RowBody): void {
  const security = Object.hasOwn(SECURITY_COLUMNS, column) ? SECURITY_COLUMNS[column] : undefined;
  const field = FIELDS.get(column);
  if (column === ENDPOINT) return;
  if (column === "type" || column === "TYPE") {
    body["type"] = cell;
  } else if (security) {
    const [part, member] = security;
    body[part] = { ...(body[part] as object | undefined), [member]: cell };
  } else if (field) {
    body[field.rest] = readCell(field, cell);
  } else {
    readLegacyColumn(column, cell, endpoint, legacy);
  }
}

/** The same error under the name of the column. */
function underColumn(error: MooringError): MooringError {
  const { field, rule } = error.details as { readonly field?: string; readonly rule?: string };
  const column = field === undefined ? undefined : COLUMNS.get(field);
  return column === undefined || rule === undefined ? error : refuse(column, rule);
}

function readDraft(body: unknown): DeviceDraft {
  try {
    return readRegistration(body);
  } catch (error) {
    throw isFailure(error, "VALIDATION") ? underColumn(error) : error;
  }
}

function endpointOf(header: readonly string[], cells: readonly string[]): string {
  if (cells.length !== header.length) throw refuse("row", `has ${cells.length} cells, the header ${header.length}`);
  const endpoint = cells[header.indexOf(ENDPOINT)]!;
  if (endpoint === "") throw refuse(ENDPOINT, "is missing");
  return endpoint;
}

/** @throws MooringError VALIDATION naming the column */
function readDevice(header: readonly string[], cells: readonly string[]): DeviceDraft {
  const endpoint = endpointOf(header, cells);
  if (cells[header.indexOf(MODE)] === "") throw refuse(MODE, "is missing");
  const row: RowBody = { body: { endpointId: endpoint }, legacy: newLegacyRow() };
  for (const [at, column] of header.entries()) {
    const cell = cells[at]!;
    if (cell !== "") readColumn(column, cell, endpoint, row);
    else requireLegacyCell(column);
  }
  return withLegacy(readDraft(row.body), row.legacy);
}

/** Whether a column is about the device itself, not one that nobody knows or that the platform's general file has. */
export const isDeviceColumn = (column: string): boolean =>
  column === ENDPOINT || Object.hasOwn(SECURITY_COLUMNS, column) || FIELDS.has(column);

/** A row of such columns, by name. @throws MooringError VALIDATION naming the column */
export const readDeviceColumns = (columns: ReadonlyMap<string, string>): DeviceDraft =>
  readDevice([...columns.keys()], [...columns.values()]);

function toRow<T>(header: readonly string[], { line, cells }: CsvRecord, read: ReadRow<T>): CsvRow<T> {
  if (cells instanceof MooringError) return { line, endpoint: "", outcome: cells };
  const endpoint = cells[header.indexOf(ENDPOINT)] ?? "";
  try {
    return { line, endpoint, outcome: read(header, cells) };
  } catch (error) {
    if (error instanceof MooringError) return { line, endpoint, outcome: error };
    throw error;
  }
}

async function rowsOf<T>(
  header: readonly string[],
  records: readonly CsvRecord[],
  read: ReadRow<T>,
): Promise<CsvRow<T>[]> {
  const rows: CsvRow<T>[] = [];
  for (let at = 0; at < records.length; at += SLICE_ROWS) {
    rows.push(...records.slice(at, at + SLICE_ROWS).map(record => toRow(header, record, read)));
    await nextTurn();
  }
  return rows;
}

/** An endpoint that stands in the file twice counts once. */
function withoutRepetitions<T>(rows: readonly CsvRow<T>[]): CsvRow<T>[] {
  const lines = new Map<string, number>();
  return rows.map(row => {
    const first = lines.get(row.endpoint);
    if (row.outcome instanceof MooringError) return row;
    if (first !== undefined) return { ...row, outcome: refuse(ENDPOINT, `stands in line ${first} already`) };
    lines.set(row.endpoint, row.line);
    return row;
  });
}

async function readCsv<T>(csv: Uint8Array, required: readonly string[], read: ReadRow<T>): Promise<CsvRow<T>[]> {
  const { header, records } = await readCsvFile(csv, required, checkSpelling);
  return withoutRepetitions(await rowsOf(header, records, read));
}

/**
 * @param csv UTF-8, with or without byte order mark; separated by semicolon, comma or tab, whichever the header has most of
 * @throws MooringError VALIDATION or TOO_LARGE where it is no such file; bad rows are in the result
 */
export const readRegistrationCsv = (csv: Uint8Array): Promise<CsvRow[]> => readCsv(csv, [ENDPOINT, MODE], readDevice);

/** Endpoints to remove, from a file of the same form: of its columns that of the endpoint counts. @throws as {@link readRegistrationCsv} */
export const readRemovalCsv = (csv: Uint8Array): Promise<CsvRow<string>[]> => readCsv(csv, [ENDPOINT], endpointOf);
