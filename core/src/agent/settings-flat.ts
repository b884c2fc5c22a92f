/** The older, flat form of a device's accounts: `device/{deviceId}` (agent specification 4.2). */
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import type { Fragments } from "../platform/platform.ts";
import type { Connection, ConnectionSecurity, DeviceAccounts, ServerSettings } from "./device-accounts.ts";
import { givenMembers, type MemberTable, memberNames, memberSchemas, shownMembers } from "./settings-fields.ts";
import type { Renaming } from "./settings-names.ts";
import { changedSecurity, refuse, SECURITY_NAMES, type SecuritySettings } from "./settings-security.ts";

type Text = string | null;
type NumbersMember = "bootstrapShortServerId" | "securityInstanceOffset" | "generateBootstrapServer";

/** Of the first server. */
const SERVER_MEMBERS: MemberTable<Exclude<keyof ServerSettings, "id" | "security">> = {
  serverUri: ["uri", "lwm2mServerUri"],
  lwm2mShortServerId: ["shortServerId", "lwm2mShortServerId"],
  registrationLifeTime: ["lifetimeSeconds", "registrationLifetime"],
  defaultMinimumPeriod: ["minimumPeriodSeconds", "defaultMinimumPeriod"],
  defaultMaximumPeriod: ["maximumPeriodSeconds", "defaultMaximumPeriod"],
  bindingMode: ["binding", "bindingMode"],
};
const ACCOUNT_MEMBERS: MemberTable<NumbersMember> = {
  bootstrapShortServerId: ["bootstrapShortServerId", "bootstrapShortServerId"],
  securityInstanceOffset: ["securityInstanceOffset", "securityInstanceOffset"],
  generateBootstrapServerConfig: ["generateBootstrapServer", "generateBootstrapServerConfig"],
};
const MEMBERS = { ...SERVER_MEMBERS, ...ACCOUNT_MEMBERS };

const text: JsonSchema = { type: ["string", "null"], maxLength: 4096 };

const FLAT_SCHEMA: JsonSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    id: {},
    endpoint: text,
    deviceInfo: {},
    securityMode: { type: ["string", "null"], enum: ["NO_SEC", "PSK", "X509", "X.509", "DISABLED", null] },
    bootstrapId: text,
    bootstrapKey: text,
    publicKeyOrId: text,
    secretKey: text,
    serverPublicKey: text,
    ...memberSchemas(MEMBERS),
  },
};

type FlatBody = Fragments & {
  readonly endpoint?: Text;
  readonly securityMode?: Text;
  readonly bootstrapId?: Text;
  readonly bootstrapKey?: Text;
  readonly publicKeyOrId?: Text;
  readonly secretKey?: Text;
  readonly serverPublicKey?: Text;
};
const checkBody = compileSchema<FlatBody>(FLAT_SCHEMA);

const PLAIN_NAMES = memberNames(MEMBERS);
/** By the names of {@link SecuritySettings}. */
const SECURITY_FIELDS: Readonly<Record<Connection, Readonly<Record<string, string>>>> = {
  server: {
    mode: "securityMode",
    pskId: "publicKeyOrId",
    pskKey: "secretKey",
    x509ServerCertificateName: "serverPublicKey",
  },
  bootstrap: { pskId: "bootstrapId", pskKey: "bootstrapKey" },
};

export const renameFlat: Renaming = ({ of, member }) => {
  const field = of ? SECURITY_FIELDS[of][SECURITY_NAMES[member] ?? ""] : PLAIN_NAMES.get(member);
  return field === undefined ? undefined : { field };
};

export function shownFlat(accounts: DeviceAccounts): Fragments {
  const { deviceId: id, endpoint, bootstrap } = accounts;
  const [first] = accounts.servers;
  const { mode, pskIdentity, serverCertificate } = first!.security;
  return {
    id,
    endpoint,
    securityMode: mode,
    bootstrapId: bootstrap.pskIdentity ?? null,
    publicKeyOrId: pskIdentity ?? null,
    serverPublicKey: serverCertificate ?? null,
    ...shownMembers<ServerSettings>(SERVER_MEMBERS, first!),
    ...shownMembers<DeviceAccounts>(ACCOUNT_MEMBERS, accounts),
  };
}

/** @throws MooringError VALIDATION */
function readBody(body: unknown, { deviceId, endpoint }: DeviceAccounts): FlatBody {
  const checked = checkBody(body);
  const { id } = checked;
  if (id !== undefined && id !== null && String(id) !== deviceId) throw refuse("id", "cannot be changed");
  if (checked.endpoint && checked.endpoint !== endpoint) throw refuse("endpoint", "cannot be changed");
  return checked;
}

/** There is no mode for bootstrap here: it has a PSK where an identity is given, and loses it with the identity. */
function bootstrapMode({ bootstrapId }: FlatBody, before: ConnectionSecurity): Pick<SecuritySettings, "mode"> {
  if (bootstrapId === undefined) return {};
  if (bootstrapId) return { mode: "PSK" };
  return before.mode === "PSK" ? { mode: "NO_SEC" } : {};
}

const conditions = (connection: Connection, serverCertificates: readonly string[]) => ({
  nameOf: (member: string): string => SECURITY_FIELDS[connection][member] ?? member,
  serverCertificates,
});

/** @throws MooringError VALIDATION */
export function withFlatChanges(
  accounts: DeviceAccounts,
  body: unknown,
  certificates: readonly string[],
): DeviceAccounts {
  const read = readBody(body, accounts);
  const [first, ...others] = accounts.servers as [ServerSettings, ...ServerSettings[]];
  const { securityMode: mode, publicKeyOrId: pskId, secretKey: pskKey, serverPublicKey } = read;
  const server = { ...(mode && { mode }), pskId, pskKey, x509ServerCertificateName: serverPublicKey };
  const { bootstrapId, bootstrapKey } = read;
  const bootstrap = { ...bootstrapMode(read, accounts.bootstrap), pskId: bootstrapId, pskKey: bootstrapKey };
  return {
    ...accounts,
    ...givenMembers<DeviceAccounts>(ACCOUNT_MEMBERS, read),
    bootstrap: changedSecurity(accounts.bootstrap, bootstrap, conditions("bootstrap", certificates)),
    servers: [
      {
        ...first,
        ...givenMembers<ServerSettings>(SERVER_MEMBERS, read),
        security: changedSecurity(first.security, server, conditions("server", certificates)),
      },
      ...others,
    ],
  };
}
