/** Errors of accounts under the names that the caller used: the store of accounts names fields as accounts do. */
import { isFailure, MooringError } from "../base/errors.ts";
import type { Connection } from "./device-accounts.ts";

/** A member of the accounts: of how a connection is secured, or else of the first server or the accounts as a whole. */
export interface AccountField {
  readonly of: Connection | undefined;
  readonly member: string;
}

export interface CallersField {
  readonly field: string;
  /** Where another one helps the caller more. */
  readonly rule?: string;
}

/** @returns what the caller calls the field; undefined: it has no name there */
export type Renaming = (field: AccountField) => CallersField | undefined;

const FORMS: readonly (readonly [form: RegExp, read: (match: readonly string[]) => AccountField])[] = [
  [/^servers\[\d+\]\.security\.(\w+)$/, ([, member]) => ({ of: "server", member: member! })],
  [/^(server|bootstrap)\.(\w+)$/, ([, of, member]) => ({ of: of as Connection, member: member! })],
  [/^(?:servers\[\d+\]\.)?(\w+)$/, ([, member]) => ({ of: undefined, member: member! })],
];

function readField(text: string): AccountField | undefined {
  for (const [form, read] of FORMS) {
    const match = form.exec(text);
    if (match) return read(match);
  }
  return undefined;
}

function renamed(error: MooringError, rename: Renaming): MooringError {
  const { field, connection } = error.details;
  // A PSK identity that is taken is told by its connection.
  const place = readField(typeof connection === "string" ? `${connection}.pskIdentity` : String(field));
  const known = place && rename(place);
  if (!known) return error;
  const rule = known.rule ?? error.details["rule"];
  const message = known.rule ? `${known.field} ${known.rule}` : error.message.replace(String(field), known.field);
  return new MooringError(error.code, message, { ...error.details, field: known.field, rule });
}

/** @throws MooringError as `work` does, VALIDATION and DUPLICATE renamed */
export async function withNames<T>(rename: Renaming, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isFailure(error, "VALIDATION", "DUPLICATE") ? renamed(error, rename) : error;
  }
}
