/** The sections `bootstrap` and `connectivity` of the settings API: views on a device's accounts (agent specification 4.2). */
import { compileSchema } from "../base/schema.ts";
import type { Fragments } from "../platform/platform.ts";
import type { Connection, DeviceAccounts } from "./device-accounts.ts";
import { givenMembers, type MemberTable, memberNames, memberSchemas, shownMembers } from "./settings-fields.ts";
import type { Renaming } from "./settings-names.ts";
import {
  CONNECTION_SCHEMA,
  changedSecurity,
  SECURITY_NAMES,
  type SecuritySettings,
  shownConnection,
} from "./settings-security.ts";

/** A section whose values are those of the accounts. */
export interface AccountSection {
  readonly rename: Renaming;
  show(accounts: DeviceAccounts): Fragments;
  /** @throws MooringError VALIDATION */
  change(accounts: DeviceAccounts, body: unknown): DeviceAccounts;
}

/** What forms send back beside the section's own members. */
export const FORM_MEMBERS = { id: {}, endpoint: {}, deviceInfo: {} } as const;

type Numbers = Pick<DeviceAccounts, "bootstrapShortServerId" | "securityInstanceOffset" | "generateBootstrapServer">;
const BOOTSTRAP: MemberTable<keyof Numbers> = {
  bootstrapServerId: ["bootstrapShortServerId", "bootstrapShortServerId"],
  securityInstanceOffset: ["securityInstanceOffset", "securityInstanceOffset"],
  generateBootstrapServer: ["generateBootstrapServer", "generateBootstrapServerConfig"],
};
const BOOTSTRAP_NAMES = memberNames(BOOTSTRAP);
const checkBootstrap = compileSchema<Fragments>({
  type: "object",
  additionalProperties: false,
  properties: { ...FORM_MEMBERS, ...memberSchemas(BOOTSTRAP) },
});

export const BOOTSTRAP_SECTION: AccountSection = {
  rename({ of, member }) {
    const field = of ? undefined : BOOTSTRAP_NAMES.get(member);
    return field === undefined ? undefined : { field };
  },
  show: accounts => shownMembers<DeviceAccounts>(BOOTSTRAP, accounts),
  change: (accounts, body) => ({ ...accounts, ...givenMembers<DeviceAccounts>(BOOTSTRAP, checkBootstrap(body)) }),
};

interface ConnectivityBody {
  readonly bootstrapConnectivity?: SecuritySettings;
  readonly serverConnectivity?: SecuritySettings;
}
const checkConnectivity = compileSchema<ConnectivityBody>({
  type: "object",
  additionalProperties: false,
  properties: { ...FORM_MEMBERS, bootstrapConnectivity: CONNECTION_SCHEMA, serverConnectivity: CONNECTION_SCHEMA },
});

const conditions = (connection: Connection) => ({
  nameOf: (member: string): string => `${connection}Connectivity.${member}`,
  serverCertificates: [],
});

export const CONNECTIVITY_SECTION: AccountSection = {
  rename({ of, member }) {
    if (of) return { field: `${of}Connectivity.${SECURITY_NAMES[member] ?? member}` };
    if (member !== "uri") return undefined;
    const rule = "does not fit the URI that the server account has; change both together under servers";
    return { field: "serverConnectivity.mode", rule };
  },
  show: ({ bootstrap, servers }) => ({
    bootstrapConnectivity: shownConnection(bootstrap),
    serverConnectivity: shownConnection(servers[0]!.security),
  }),
  change(accounts, body) {
    const { bootstrapConnectivity = {}, serverConnectivity = {} } = checkConnectivity(body);
    const [first, ...others] = accounts.servers;
    const security = changedSecurity(first!.security, serverConnectivity, conditions("server"));
    return {
      ...accounts,
      bootstrap: changedSecurity(accounts.bootstrap, bootstrapConnectivity, conditions("bootstrap")),
      servers: [{ ...first!, security }, ...others],
    };
  },
};
