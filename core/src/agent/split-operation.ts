/**
 * An operation of several lines becomes one operation for each line (agent specification 10.2), in order. Nothing is made while one of the
 * lines is no command; when all are there the operation is SUCCESSFUL and names them. A host that died in between makes what is missing.
 */
import { isFailure } from "../base/errors.ts";
import type { Operation, Operations } from "../platform/platform.ts";
import { type Failing, failingOf, LINE_FRAGMENT, lineOperation, orderOf } from "./command-operation.ts";
import { parseCommand } from "./shell/parse-command.ts";

const PAGE = 2000;

/** The lines that are no commands. @returns undefined where all are */
export function refusedLines(lines: readonly string[]): Failing | undefined {
  const refusals = lines.flatMap((line, i) => {
    try {
      parseCommand(line);
      return [];
    } catch (error) {
      if (!isFailure(error)) throw error;
      return [{ number: i + 1, failing: failingOf(line, error) }];
    }
  });
  const [first] = refusals;
  if (!first) return undefined;
  const also = refusals.length > 1 ? ` (and ${refusals.length - 1} more)` : "";
  return {
    reason: `line ${first.number}: ${first.failing.reason}${also}; nothing was executed`,
    result: refusals.map(({ number, failing }) => `line ${number}:\n${failing.result}`).join("\n"),
    error: { ...first.failing.error!, ...{ line: first.number } },
  };
}

/** Lines that there are operations for already, by number. */
async function madeLines(operations: Operations, tenant: string, parent: Operation): Promise<Map<number, string>> {
  const made = new Map<number, string>();
  const filter = { deviceId: parent.deviceId, fragmentType: LINE_FRAGMENT, fromMs: parent.creationTimeMs };
  for (let currentPage = 1; ; currentPage++) {
    const { items } = await operations.list(tenant, filter, { currentPage, pageSize: PAGE, withTotal: false });
    for (const operation of items) {
      const { id, line } = orderOf(operation);
      if (id === parent.id && line > 0) made.set(line, operation.id);
    }
    if (items.length < PAGE) return made;
  }
}

/**
 * Makes the operations of the lines.
 * @param isResumed an earlier life of the host may have made some
 * @returns their ids, in order. @throws MooringError those of the store: what is made stays
 */
export async function makeLines(
  operations: Operations,
  tenant: string,
  parent: Operation,
  lines: readonly string[],
  isResumed: boolean,
): Promise<readonly string[]> {
  const made = isResumed ? await madeLines(operations, tenant, parent) : new Map<number, string>();
  const ids: string[] = [];
  for (const [i, text] of lines.entries()) {
    const line = i + 1;
    ids.push(made.get(line) ?? (await operations.create(tenant, lineOperation(parent, text, line))).id);
  }
  return ids;
}
