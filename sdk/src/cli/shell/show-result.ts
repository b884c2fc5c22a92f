/** Results of operations as people see them: the values of a device by path, with the names of the object models. Pure. */
import { parsePath } from "@mooring/core";
import type { DeviceTree } from "./device-tree.ts";
import type { ShellOperation } from "./operation.ts";

interface Row {
  readonly path: string;
  readonly name: string;
  readonly value: string;
}

/** Seconds that a time of the years 2000 to 2100 has. */
const isRecentTime = (seconds: number): boolean => seconds > 946_684_800 && seconds < 4_102_444_800;

/** `pmin=10 pmax=60` */
const attributesText = (attributes: object): string =>
  Object.entries(attributes)
    .map(([name, value]) => (value === true || value === "" ? name : `${name}=${value}`))
    .join(" ");

function rowOf(path: string, value: unknown, tree: Pick<DeviceTree, "resource">): Row {
  let resource: ReturnType<DeviceTree["resource"]>;
  try {
    resource = tree.resource(parsePath(path));
  } catch {
    resource = undefined;
  }
  const name = resource?.name ?? "";
  if (typeof value === "object" && value !== null) return { path, name, value: attributesText(value) };
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  const units = resource?.units ? ` ${resource.units}` : "";
  const isTime = resource?.type === "TIME" && typeof value === "number" && isRecentTime(value);
  return {
    path,
    name,
    value: isTime ? `${shown} (${new Date(value * 1000).toISOString()})` : `${shown}${units}`,
  };
}

function table(rows: readonly Row[]): string[] {
  const width = (of: (row: Row) => string): number => Math.max(...rows.map(row => of(row).length));
  const [pathWidth, nameWidth] = [width(({ path }) => path), width(({ name }) => name)];
  return rows.map(({ path, name, value }) =>
    [path.padEnd(pathWidth), ...(nameWidth > 0 ? [name.padEnd(nameWidth)] : []), value].join("  ").trimEnd(),
  );
}

const isByPath = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && Object.keys(value).every(key => key.startsWith("/"));

/** A result whose JSON has paths for names as a table, anything else as it is. */
export function prettyResult(result: string, tree: Pick<DeviceTree, "resource">): string {
  const [status = "", ...rest] = result.split("\n");
  let values: unknown;
  try {
    values = JSON.parse(rest.join("\n"));
  } catch {
    return result;
  }
  if (!isByPath(values) || Object.keys(values).length === 0) return result;
  return [status, ...table(Object.entries(values).map(([path, value]) => rowOf(path, value, tree)))].join("\n");
}

/** Why it failed, with what the device said. */
export function failureText({ failureReason = "it failed", c8y_Command }: ShellOperation): string {
  const { result } = c8y_Command ?? {};
  if (result === undefined || result === "") return failureReason;
  return result.includes(failureReason) ? result : `${result}\n${failureReason}`;
}

/** One line of JSON for programs. */
export const jsonResult = (command: string, { id, status, failureReason, c8y_Command }: ShellOperation): string =>
  JSON.stringify({
    command,
    operationId: id,
    status,
    ...(c8y_Command?.result !== undefined && { result: c8y_Command.result }),
    ...(failureReason !== undefined && { failureReason }),
    ...(c8y_Command?.error && { error: c8y_Command.error }),
  });
