/** A CSV file of firmware versions: `name;version;url`, with `deviceType` and `description` where wanted. */
import { readCsvFile } from "../base/csv-file.ts";
import { MooringError } from "../base/errors.ts";
import type { FirmwareRepository, NewFirmwareVersion } from "./repository.ts";

export interface FirmwareFileResult {
  readonly numberOfAll: number;
  readonly numberOfSuccessful: number;
  readonly numberOfFailed: number;
  /** Rows that were not taken, the first 1000; line 1 is the header. */
  readonly failed: readonly {
    readonly line: number;
    readonly name: string;
    readonly version: string;
    readonly reason: string;
  }[];
}

const REQUIRED = ["name", "version", "url"] as const;
const COLUMNS: readonly string[] = [...REQUIRED, "deviceType", "description"];
const MOST_ROWS = 5000;
const MOST_SHOWN = 1000;
const LONGEST_SHOWN = 300;

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

function readRow(header: readonly string[], cells: readonly string[]): NewFirmwareVersion {
  if (cells.length !== header.length) throw refuse("row", `has ${cells.length} cells, the header ${header.length}`);
  const row = Object.fromEntries(header.map((column, at) => [column, cells[at]!]));
  return row as unknown as NewFirmwareVersion;
}

/** The same error under the name of the column. */
const reasonOf = (error: MooringError): string => error.message.replace(/^c8y_Firmware\.url\b/, "url");

/**
 * Each row by itself: those that break a rule are in the result, the others are in the repository.
 * @param csv UTF-8; separated by semicolon, comma or tab
 * @throws MooringError VALIDATION, TOO_LARGE where it is no such file: nothing is added then
 */
export async function addFirmwareFile(
  repository: Pick<FirmwareRepository, "add">,
  tenant: string,
  csv: Uint8Array,
  owner: string,
): Promise<FirmwareFileResult> {
  const { header, records } = await readCsvFile(csv, REQUIRED);
  const unknown = header.find(column => !COLUMNS.includes(column));
  if (unknown !== undefined) throw refuse("header", `has the column "${unknown}"; there are ${COLUMNS.join(", ")}`);
  if (records.length > MOST_ROWS) throw new MooringError("TOO_LARGE", `the file has more than ${MOST_ROWS} rows`);
  const failed: FirmwareFileResult["failed"][number][] = [];
  for (const { line, cells } of records) {
    const at = (column: string): string =>
      cells instanceof MooringError ? "" : (cells[header.indexOf(column)] ?? "").slice(0, LONGEST_SHOWN);
    try {
      if (cells instanceof MooringError) throw cells;
      await repository.add(tenant, readRow(header, cells), owner);
    } catch (error) {
      // What is no fault of the row ends the file: the rows before it are in, and are told so when it comes again.
      if (!(error instanceof MooringError) || error.code === "STORE_FAILED" || error.code === "STORE_FULL") throw error;
      failed.push({ line, name: at("name"), version: at("version"), reason: reasonOf(error).slice(0, LONGEST_SHOWN) });
    }
  }
  const numberOfAll = records.length;
  return {
    numberOfAll,
    numberOfSuccessful: numberOfAll - failed.length,
    numberOfFailed: failed.length,
    failed: failed.slice(0, MOST_SHOWN),
  };
}
