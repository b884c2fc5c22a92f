/** What bootstrap gives a device, from its accounts and settings (agent specification 5). Pure. */
import { encodeUtf8 } from "../base/bytes.ts";
import { isFailure, MooringError } from "../base/errors.ts";
import type { BootstrapConfig, SecurityAccount, ServerAccount } from "../lwm2m/bootstrap/bootstrap-config.ts";
import { certificateDer, privateKeyDer } from "../x509/pem.ts";
import type { BootstrapSettings } from "./bootstrap-settings.ts";
import type { Certificates } from "./certificates.ts";
import {
  CERTIFICATE_USAGES,
  type ConnectionSecurity,
  type DeviceAccounts,
  type ServerSettings,
} from "./device-accounts.ts";

export interface BootstrapDefaults {
  /** Registration Lifetime of a server that names none, s. */
  readonly lifetimeSeconds: number;
  /** Content-Format for devices that name none. */
  readonly contentFormat: number;
  /** Ports of this bootstrap server, for accounts with it that are written: it is taken to be where the first LwM2M server is. */
  readonly coapPort: number;
  readonly coapsPort: number;
  /** Bounds of what a device's own setting may say, ms. */
  readonly minRequestTimeoutMs: number;
  readonly maxRequestTimeoutMs: number;
}

export interface BootstrapAccountParts {
  readonly defaults: BootstrapDefaults;
  readonly certificates: Pick<Certificates, "serverCertificateDer">;
}

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

type Keys = Pick<
  SecurityAccount,
  "mode" | "publicKeyOrIdentity" | "serverPublicKey" | "secretKey" | "certificateUsage"
>;

/** A certificate of this host by its name, or in the early form itself (agent specification 2). */
function serverKey(name: string, { certificates }: BootstrapAccountParts): Uint8Array {
  const known = certificates.serverCertificateDer(name);
  if (known) return known;
  try {
    return certificateDer(name);
  } catch (error) {
    if (!isFailure(error)) throw error;
    throw refuse("serverPublicKey", "names no server certificate of this host, and is none itself");
  }
}

function x509Keys(security: ConnectionSecurity, parts: BootstrapAccountParts): Keys {
  const { clientCertificate, clientPrivateKey, serverCertificate, certificateUsage } = security;
  return {
    mode: "X509",
    ...(clientCertificate !== undefined && { publicKeyOrIdentity: certificateDer(clientCertificate) }),
    ...(serverCertificate !== undefined && { serverPublicKey: serverKey(serverCertificate, parts) }),
    ...(clientPrivateKey !== undefined && { secretKey: privateKeyDer(clientPrivateKey) }),
    ...(certificateUsage !== undefined && {
      certificateUsage: CERTIFICATE_USAGES.indexOf(certificateUsage) as 0 | 1 | 2 | 3,
    }),
  };
}

function keysOf(security: ConnectionSecurity, parts: BootstrapAccountParts): Keys {
  switch (security.mode) {
    case "PSK": {
      const { pskIdentity, pskKey } = security;
      if (pskIdentity === undefined || !pskKey) throw refuse("secretKey", "is missing");
      return { mode: "PSK", publicKeyOrIdentity: encodeUtf8(pskIdentity), secretKey: pskKey };
    }
    case "X509":
      return x509Keys(security, parts);
    case "NO_SEC":
    case "DISABLED":
      return { mode: "NO_SEC" };
  }
}

function uriOf({ id, uri }: ServerSettings): string {
  if (uri !== undefined) return uri;
  throw refuse("lwm2mServerUri", id === "0" ? "is missing" : `of server ${id} is missing`);
}

/** The same host as the first server's, with the port of this bootstrap server. */
function bootstrapUri(
  serverUri: string,
  { mode }: ConnectionSecurity,
  { coapPort, coapsPort }: BootstrapDefaults,
): string {
  const { hostname } = new URL(serverUri);
  return mode === "NO_SEC" ? `coap://${hostname}:${coapPort}` : `coaps://${hostname}:${coapsPort}`;
}

function serverAccount(
  settings: ServerSettings,
  instance: number,
  { lifetimeSeconds }: BootstrapDefaults,
): ServerAccount {
  const { minimumPeriodSeconds, maximumPeriodSeconds, disableTimeoutSeconds } = settings;
  return {
    instance,
    shortServerId: settings.shortServerId,
    lifetimeSeconds: settings.lifetimeSeconds ?? lifetimeSeconds,
    ...(minimumPeriodSeconds !== undefined && { minimumPeriodSeconds }),
    ...(maximumPeriodSeconds !== undefined && { maximumPeriodSeconds }),
    ...(disableTimeoutSeconds !== undefined && { disableTimeoutSeconds }),
    // The object demands it: without it devices refuse the account.
    storing: settings.storeNotifications ?? true,
    // Queue mode is told only to devices of LwM2M 1.0, and only where it is configured (agent specification 21).
    binding: settings.binding ?? "U",
  };
}

/**
 * Servers that are switched off are left out. The account with the bootstrap server, where it is to be written, comes first.
 * @throws MooringError VALIDATION naming what is missing, CERTIFICATE_INVALID
 */
export function bootstrapConfigOf(
  accounts: DeviceAccounts,
  settings: BootstrapSettings,
  parts: BootstrapAccountParts,
): BootstrapConfig {
  const { defaults } = parts;
  const { endpoint, tenant, deviceId, bootstrap, generateBootstrapServer } = accounts;
  const servers = accounts.servers.filter(({ security }) => security.mode !== "DISABLED");
  const [first] = servers;
  if (!first) throw refuse("serverSecurity.securityMode", "leaves no server that is switched on");
  const own: Omit<SecurityAccount, "instance">[] = generateBootstrapServer
    ? [{ uri: bootstrapUri(uriOf(first), bootstrap, defaults), isBootstrap: true, ...keysOf(bootstrap, parts) }]
    : [];
  const others = servers.map(server => ({
    uri: uriOf(server),
    isBootstrap: false,
    ...keysOf(server.security, parts),
    shortServerId: server.shortServerId,
  }));
  const { serverInstance, requestTimeoutMs, logLevel, contentFormat, ...asked } = settings;
  const { minRequestTimeoutMs, maxRequestTimeoutMs } = defaults;
  return {
    ...asked,
    endpoint,
    tenant,
    deviceId,
    security: [...own, ...others].map((account, at) => ({
      ...account,
      instance: accounts.securityInstanceOffset + at,
    })),
    servers: servers.map((server, at) => serverAccount(server, serverInstance + at, defaults)),
    contentFormat: contentFormat ?? defaults.contentFormat,
    requestTimeoutMs:
      requestTimeoutMs === undefined
        ? undefined
        : Math.min(Math.max(requestTimeoutMs, minRequestTimeoutMs), maxRequestTimeoutMs),
    logLevel,
  };
}
