/** Security of a device's two connections as it is registered (agent specification 2, 3.3). */
import { MooringError } from "../base/errors.ts";
import type { JsonSchema } from "../base/schema.ts";
import { checkKeyPair, readClientCertificate, readClientPrivateKey } from "./client-certificate.ts";
import {
  CERTIFICATE_USAGES,
  type CertificateUsage,
  type Connection,
  type ConnectionMode,
  type ConnectionSecurity,
} from "./device-accounts.ts";
import { readPskIdentity, readPskKey } from "./psk.ts";

type Text = string | null;

export interface SecurityBody {
  readonly serverSecurity: {
    readonly securityMode: string;
    readonly publicKeyOrId?: Text;
    readonly secretKey?: Text;
    /** REST names of the next four are not documented anywhere: they are those of the CSV columns. */
    readonly x509ClientCertificate?: Text;
    readonly x509ClientPrivateKey?: Text;
    readonly x509CertificateUsage?: Text;
    readonly serverPublicKey?: Text;
  };
  readonly bootstrapSecurity?: {
    readonly bootstrapSecurityMode?: Text;
    readonly bootstrapId?: Text;
    readonly bootstrapKey?: Text;
  } | null;
}

export interface DeviceSecurity {
  readonly server: ConnectionSecurity;
  readonly bootstrap: ConnectionSecurity;
  /** The key of the server connection is to be made up (PSK_GENERATED). */
  readonly generateServerKey: boolean;
  /** Whether the device was said to come for bootstrap, so that it must be told of a server. */
  readonly mustHaveServerUri: boolean;
}

/** `X.509` is a spelling of X509 that is about (agent specification 3.1). */
const BOOTSTRAP_MODES = ["NO_SEC", "PSK", "X509", "X.509", "DISABLED"];
const SERVER_MODES = [...BOOTSTRAP_MODES, "PSK_GENERATED"];

const text: JsonSchema = { type: ["string", "null"] };

export const SECURITY_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  serverSecurity: {
    type: "object",
    required: ["securityMode"],
    additionalProperties: false,
    properties: {
      securityMode: { type: "string", enum: SERVER_MODES },
      publicKeyOrId: text,
      secretKey: text,
      x509ClientCertificate: text,
      x509ClientPrivateKey: text,
      x509CertificateUsage: { type: ["string", "null"], enum: [...CERTIFICATE_USAGES, "", null] },
      serverPublicKey: { type: ["string", "null"], maxLength: 4096 },
    },
  },
  bootstrapSecurity: {
    type: ["object", "null"],
    additionalProperties: false,
    properties: {
      bootstrapSecurityMode: { type: ["string", "null"], enum: [...BOOTSTRAP_MODES, "", null] },
      bootstrapId: text,
      bootstrapKey: text,
    },
  },
};

interface FieldNames {
  readonly mode: string;
  readonly identity: string;
  readonly key: string;
}

/** Names of what a connection is secured with, as registration calls them: also for errors found later. */
export const SECURITY_FIELDS: Readonly<Record<Connection, FieldNames>> = {
  server: {
    mode: "serverSecurity.securityMode",
    identity: "serverSecurity.publicKeyOrId",
    key: "serverSecurity.secretKey",
  },
  bootstrap: {
    mode: "bootstrapSecurity.bootstrapSecurityMode",
    identity: "bootstrapSecurity.bootstrapId",
    key: "bootstrapSecurity.bootstrapKey",
  },
};

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

function requireAbsent(field: string, value: Text | undefined, mode: string): void {
  if (value) throw refuse(field, `must be empty for ${mode}`);
}

function requireGiven(field: string, value: Text | undefined, mode: string): string {
  if (!value) throw refuse(field, `is missing: ${mode} needs it`);
  return value;
}

function readPsk(names: FieldNames, mode: string, identity: Text | undefined, key: Text | undefined) {
  return {
    pskIdentity: readPskIdentity(names.identity, requireGiven(names.identity, identity, mode)),
    pskKey: readPskKey(names.key, requireGiven(names.key, key, mode)),
  };
}

/** What is switched off may keep what it will be switched on with. */
function readConnection(
  names: FieldNames,
  mode: ConnectionMode,
  identity: Text | undefined,
  key: Text | undefined,
): ConnectionSecurity {
  if (mode === "PSK" || (mode === "DISABLED" && (identity || key))) {
    return { mode, ...readPsk(names, mode, identity, key) };
  }
  requireAbsent(names.identity, identity, mode);
  requireAbsent(names.key, key, mode);
  return { mode };
}

const CERTIFICATE_FIELDS = [
  "x509ClientCertificate",
  "x509ClientPrivateKey",
  "x509CertificateUsage",
  "serverPublicKey",
] as const;

function readCertificates(
  body: SecurityBody["serverSecurity"],
  mode: string,
): Omit<ConnectionSecurity, "mode" | "pskIdentity" | "pskKey"> {
  const name = (field: (typeof CERTIFICATE_FIELDS)[number]): string => `serverSecurity.${field}`;
  if (mode !== "X509" && mode !== "DISABLED") {
    for (const field of CERTIFICATE_FIELDS) requireAbsent(name(field), body[field], mode);
  }
  const { x509ClientCertificate, x509ClientPrivateKey, x509CertificateUsage, serverPublicKey } = body;
  const clientCertificate = x509ClientCertificate
    ? readClientCertificate(name("x509ClientCertificate"), x509ClientCertificate)
    : undefined;
  const clientPrivateKey = x509ClientPrivateKey
    ? readClientPrivateKey(name("x509ClientPrivateKey"), x509ClientPrivateKey)
    : undefined;
  checkKeyPair(name("x509ClientPrivateKey"), clientCertificate, clientPrivateKey);
  return {
    ...(clientCertificate !== undefined && { clientCertificate }),
    ...(clientPrivateKey !== undefined && { clientPrivateKey }),
    ...(x509CertificateUsage && { certificateUsage: x509CertificateUsage as CertificateUsage }),
    ...(serverPublicKey && { serverCertificate: serverPublicKey }),
  };
}

const modeOf = (mode: string): ConnectionMode => (mode === "X.509" ? "X509" : (mode as ConnectionMode));

function readServer(body: SecurityBody["serverSecurity"]): Pick<DeviceSecurity, "server" | "generateServerKey"> {
  const { securityMode, publicKeyOrId, secretKey } = body;
  const names = SECURITY_FIELDS.server;
  const mode = modeOf(securityMode);
  const certificates = readCertificates(body, mode);
  if (securityMode !== "PSK_GENERATED") {
    return {
      server: { ...readConnection(names, mode, publicKeyOrId, secretKey), ...certificates },
      generateServerKey: false,
    };
  }
  requireAbsent(names.identity, publicKeyOrId, securityMode);
  requireAbsent(names.key, secretKey, securityMode);
  return { server: { mode: "PSK" }, generateServerKey: true };
}

/**
 * Where none is named, bootstrap is secured as the server connection is; a device with a PSK for the server alone does not come for
 * bootstrap. @returns undefined: has to be named
 */
function impliedBootstrapMode(serverMode: string, hasPsk: boolean): string | undefined {
  if (serverMode === "PSK_GENERATED") return hasPsk ? "PSK" : undefined;
  return serverMode === "PSK" && !hasPsk ? "DISABLED" : serverMode;
}

/** @throws MooringError VALIDATION naming the field */
export function readSecurity({ serverSecurity, bootstrapSecurity }: SecurityBody): DeviceSecurity {
  const { server, generateServerKey } = readServer(serverSecurity);
  const { bootstrapSecurityMode: given, bootstrapId, bootstrapKey } = bootstrapSecurity ?? {};
  const names = SECURITY_FIELDS.bootstrap;
  const mode = given || impliedBootstrapMode(serverSecurity.securityMode, Boolean(bootstrapId || bootstrapKey));
  if (generateServerKey && (mode === undefined || mode === "DISABLED")) {
    throw refuse(names.mode, "must be NO_SEC, PSK or X509: a generated key reaches the device by bootstrap");
  }
  const bootstrap = readConnection(names, modeOf(mode!), bootstrapId, bootstrapKey);
  const mustHaveServerUri = generateServerKey || (Boolean(given) && given !== "DISABLED");
  return { server, bootstrap, generateServerKey, mustHaveServerUri };
}
