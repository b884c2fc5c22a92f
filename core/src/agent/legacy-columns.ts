/**
 * Columns that a file of devices shares with the platform's general one (agent specification 3.2, platform API 12.3), and those that
 * nobody knows. What they say twice must agree.
 */
import { MooringError } from "../base/errors.ts";
import type { Fragments } from "../platform/platform.ts";
import { PSK_ID_TYPES } from "./psk-external-ids.ts";
import { type DeviceDraft, ENDPOINT_ID_TYPE } from "./registration-body.ts";

/** What these columns of a row say. */
export interface LegacyRow {
  readonly fragments: Record<string, unknown>;
  readonly externalIds: { type: string; externalId: string }[];
  name: string | undefined;
  groups: readonly string[];
  shell: boolean;
}

export const newLegacyRow = (): LegacyRow => ({
  fragments: {},
  externalIds: [],
  name: undefined,
  groups: [],
  shell: true,
});

const ENDPOINT = "endpoint id";
const CREDENTIALS = "CREDENTIALS";
const EXTERNAL = "external-";
const SHORTEST_PASSWORD = 12;
const CHARACTERS = [/\p{Lu}/u, /\p{Ll}/u, /\p{Nd}/u, /[^\p{L}\p{Nd}]/u];
const MOST_GROUPS = 20;
/** Say nothing to the agent; the last one is a password that must not become a fragment. */
const IGNORED = new Set(["AUTH_TYPE", "TENANT", "ENROLLMENT_OTP"]);

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** The platform would make a user with it; the agent has no use for it and keeps nothing of it. */
function checkCredentials(password: string): void {
  if (password.length >= SHORTEST_PASSWORD && CHARACTERS.every(kind => kind.test(password))) return;
  const rule = `must have at least ${SHORTEST_PASSWORD} characters, with capital and small letters, digits and others`;
  throw refuse(CREDENTIALS, rule);
}

function readFlag(column: string, cell: string): boolean {
  if (/^(1|true)$/i.test(cell)) return true;
  if (/^(0|false)$/i.test(cell)) return false;
  throw refuse(column, "must be 1 or 0");
}

function readPath(cell: string): readonly string[] {
  const names = cell.split("/").map(name => name.trim());
  if (names.some(name => name === "")) throw refuse("PATH", "must be names of groups, separated by one / each");
  if (names.length > MOST_GROUPS) throw refuse("PATH", `must not name more than ${MOST_GROUPS} groups`);
  return names;
}

function requireEqual(column: string, cell: string, other: string, is: string): void {
  if (cell !== is) throw refuse(column, `must equal "${other}"`);
}

/** A dot makes an object (platform API 12.3). */
function setProperty(fragments: Record<string, unknown>, column: string, cell: string): void {
  const names = column.split(".");
  const last = names.pop()!;
  if (last === "" || names.includes("") || column.includes("__proto__"))
    throw refuse(column, "is no name of a property");
  let at = fragments;
  for (const name of names) {
    if (!Object.hasOwn(at, name)) at[name] = {};
    const inner = at[name];
    if (typeof inner !== "object") throw refuse(column, `cannot be within "${name}", which has a value of its own`);
    at = inner as Record<string, unknown>;
  }
  if (Object.hasOwn(at, last)) throw refuse(column, "has a value already");
  at[last] = cell;
}

/** @throws MooringError VALIDATION naming the column */
export function readLegacyColumn(column: string, cell: string, endpoint: string, row: LegacyRow): void {
  switch (column) {
    case "ID":
      requireEqual(column, cell, ENDPOINT, endpoint);
      return;
    case "IDTYPE":
      if (cell !== ENDPOINT_ID_TYPE) throw refuse(column, `must be ${ENDPOINT_ID_TYPE}`);
      return;
    case CREDENTIALS:
      checkCredentials(cell);
      return;
    case "NAME":
      row.name = cell;
      return;
    case "PATH":
      row.groups = readPath(cell);
      return;
    case "SHELL":
      row.shell = readFlag(column, cell);
      return;
    case "com_cumulocity_model_Agent":
      readFlag(column, cell);
      return;
    case "ICCID":
      setProperty(row.fragments, "c8y_Mobile.iccid", cell);
      return;
  }
  if (IGNORED.has(column)) return;
  if (column.startsWith(EXTERNAL)) row.externalIds.push({ type: column.slice(EXTERNAL.length), externalId: cell });
  else setProperty(row.fragments, column, cell);
}

/** A column that is there must be filled in. @throws MooringError VALIDATION */
export function requireLegacyCell(column: string): void {
  if (column === CREDENTIALS) throw refuse(column, "is missing");
}

/** PSK identities become external ids by themselves; a file that names them must name the same. */
function furtherIds({ endpoint, security }: DeviceDraft, row: LegacyRow): LegacyRow["externalIds"] {
  const connections = ["server", "bootstrap"] as const;
  for (const { type, externalId } of row.externalIds) {
    if (type === ENDPOINT_ID_TYPE) requireEqual(EXTERNAL + type, externalId, ENDPOINT, endpoint);
    const connection = connections.find(each => PSK_ID_TYPES[each] === type);
    const identity = connection && security[connection].pskIdentity;
    if (identity === undefined) continue;
    const column = connection === "server" ? "lwm2m psk_id" : "bootstrap psk_id";
    requireEqual(EXTERNAL + type, externalId, column, identity);
  }
  const own: readonly string[] = [ENDPOINT_ID_TYPE, ...Object.values(PSK_ID_TYPES)];
  return row.externalIds.filter(({ type }) => !own.includes(type));
}

/** @throws MooringError VALIDATION naming the column */
export function withLegacy(draft: DeviceDraft, row: LegacyRow): DeviceDraft {
  return {
    ...draft,
    name: row.name ?? draft.name,
    fragments: row.fragments as Fragments,
    externalIds: furtherIds(draft, row),
    groups: row.groups,
    shell: row.shell,
  };
}
