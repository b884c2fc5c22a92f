/** Server accounts of a device as the settings API has them: `servers`, `servers/{id}` (agent specification 4.2). */
import { MooringError } from "../base/errors.ts";
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import type { Fragments } from "../platform/platform.ts";
import { type DeviceAccounts, type ServerSettings, UNSET_SERVER } from "./device-accounts.ts";
import { givenMembers, type MemberTable, memberNames, memberSchemas, shownMembers } from "./settings-fields.ts";
import type { Renaming } from "./settings-names.ts";
import {
  changedSecurity,
  refuse,
  SECURITY_NAMES,
  SECURITY_SETTINGS_SCHEMA,
  type SecuritySettings,
  shownSecurity,
} from "./settings-security.ts";

const MOST_SERVERS = 16;

type PlainMember = Exclude<keyof ServerSettings, "id" | "security">;
const MEMBERS: MemberTable<PlainMember> = {
  uri: ["uri", "lwm2mServerUri"],
  serverId: ["shortServerId", "lwm2mShortServerId"],
  registrationLifetime: ["lifetimeSeconds", "registrationLifetime"],
  defaultMinPeriod: ["minimumPeriodSeconds", "defaultMinimumPeriod"],
  defaultMaxPeriod: ["maximumPeriodSeconds", "defaultMaximumPeriod"],
  disableTimeout: ["disableTimeoutSeconds", "disableTimeout"],
  storeNotifications: ["storeNotifications", "notificationIfDisabled"],
  bindingMode: ["binding", "bindingMode"],
};

const NAMES = memberNames(MEMBERS);

const SERVER_SCHEMA: JsonSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    id: { type: ["string", "number", "null"] },
    endpoint: {},
    deviceInfo: {},
    ...memberSchemas(MEMBERS),
    bootstrap: { type: ["boolean", "null"] },
    security: SECURITY_SETTINGS_SCHEMA,
  },
};

type ServerBody = Fragments & {
  readonly id?: string | number | null;
  readonly bootstrap?: boolean | null;
  readonly security?: SecuritySettings;
};
const checkBody = compileSchema<ServerBody>(SERVER_SCHEMA);

/** @throws MooringError VALIDATION */
function readBody(body: unknown, id: string | undefined): ServerBody {
  const checked = checkBody(body);
  if (checked.bootstrap) {
    throw refuse(
      "bootstrap",
      "must be false: the account with the bootstrap server stands under bootstrap and connectivity",
    );
  }
  if (id !== undefined && checked.id !== undefined && checked.id !== null && String(checked.id) !== id) {
    throw refuse("id", "cannot be changed");
  }
  return checked;
}

/** Names of the fields of one server, whatever its place. */
export const renameServer: Renaming = ({ of, member }) => {
  if (of === "bootstrap") return undefined;
  const name = of ? SECURITY_NAMES[member] : NAMES.get(member);
  return name === undefined ? undefined : { field: of ? `security.${name}` : name };
};

export const shownServer = (server: ServerSettings): Fragments => ({
  id: server.id,
  ...shownMembers<ServerSettings>(MEMBERS, server),
  bootstrap: false,
  security: shownSecurity(server.security),
});

const noServer = (id: string): MooringError =>
  new MooringError("NOT_FOUND", `the device has no server account ${id.slice(0, 40)}`, {});

/** @throws MooringError NOT_FOUND */
export function serverOf({ servers }: DeviceAccounts, id: string): ServerSettings {
  const server = servers.find(each => each.id === id);
  if (!server) throw noServer(id);
  return server;
}

function changed(before: ServerSettings, body: ServerBody, certificates: readonly string[]): ServerSettings {
  const plain = givenMembers<ServerSettings>(MEMBERS, body);
  const conditions = { nameOf: (member: string) => `security.${member}`, serverCertificates: certificates };
  return { ...before, ...plain, security: changedSecurity(before.security, body.security ?? {}, conditions) };
}

/** @throws MooringError VALIDATION, NOT_FOUND */
export function withServerChanged(
  accounts: DeviceAccounts,
  id: string,
  body: unknown,
  certificates: readonly string[],
): DeviceAccounts {
  const read = readBody(body, id);
  const after = changed(serverOf(accounts, id), read, certificates);
  return { ...accounts, servers: accounts.servers.map(server => (server.id === id ? after : server)) };
}

/** It is the last one afterwards. @throws MooringError VALIDATION, CONFLICT when there are too many */
export function withServerAdded(
  accounts: DeviceAccounts,
  body: unknown,
  certificates: readonly string[],
): DeviceAccounts {
  const read = readBody(body, undefined);
  for (const name of ["uri", "serverId"]) if ((read[name] ?? "") === "") throw refuse(name, "is missing");
  if (read.security?.mode === undefined) throw refuse("security.mode", "is missing");
  if (accounts.servers.length >= MOST_SERVERS) {
    throw new MooringError("CONFLICT", `a device has at most ${MOST_SERVERS} server accounts`);
  }
  const id = String(Math.max(...accounts.servers.map(server => Number(server.id))) + 1);
  return { ...accounts, servers: [...accounts.servers, changed({ id, ...UNSET_SERVER }, read, certificates)] };
}

/** @throws MooringError NOT_FOUND, CONFLICT for the first one */
export function withServerRemoved(accounts: DeviceAccounts, id: string): DeviceAccounts {
  const server = serverOf(accounts, id);
  if (server === accounts.servers[0]) {
    throw new MooringError("CONFLICT", "the first server account cannot be removed: the device is registered with it");
  }
  return { ...accounts, servers: accounts.servers.filter(each => each !== server) };
}
