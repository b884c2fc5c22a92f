/** What accounts must be before they are stored, wherever they come from. Pure. */
import { MooringError } from "../base/errors.ts";
import { LARGEST_SHORT_SERVER_ID } from "./account-fragments.ts";
import { checkKeyPair, readClientCertificate, readClientPrivateKey } from "./client-certificate.ts";
import type { ConnectionSecurity, DeviceAccounts, ServerSettings } from "./device-accounts.ts";
import { checkPskKey, readPskIdentity } from "./psk.ts";
import { checkServerUri } from "./server-uri.ts";

const LARGEST_SECONDS = 2 ** 32 - 1;

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

function requireInteger(field: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw refuse(field, `must be a whole number from ${least} to ${most}`);
}

function checkPsk(field: string, { mode, pskIdentity, pskKey }: ConnectionSecurity): void {
  if (pskIdentity === undefined && pskKey === undefined && mode !== "PSK") return;
  if (pskIdentity === undefined) throw refuse(`${field}.pskIdentity`, `is missing: ${mode} needs it`);
  if (pskKey === undefined) throw refuse(`${field}.pskKey`, `is missing: ${mode} needs it`);
  readPskIdentity(`${field}.pskIdentity`, pskIdentity);
  checkPskKey(`${field}.pskKey`, pskKey);
}

function checkCertificates(field: string, { clientCertificate, clientPrivateKey }: ConnectionSecurity): void {
  if (clientCertificate !== undefined) readClientCertificate(`${field}.clientCertificate`, clientCertificate);
  if (clientPrivateKey !== undefined) readClientPrivateKey(`${field}.clientPrivateKey`, clientPrivateKey);
  checkKeyPair(`${field}.clientPrivateKey`, clientCertificate, clientPrivateKey);
}

/** Only what the mode needs is kept; what is switched off may keep what it will be switched on with. */
function ofItsMode(security: ConnectionSecurity): ConnectionSecurity {
  const { mode, pskIdentity, pskKey, ...certificates } = security;
  const psk = { ...(pskIdentity !== undefined && { pskIdentity }), ...(pskKey !== undefined && { pskKey }) };
  switch (mode) {
    case "NO_SEC":
      return { mode };
    case "PSK":
      return { mode, ...psk };
    case "X509":
      return { mode, ...certificates };
    case "DISABLED":
      return security;
  }
}

function checkedSecurity(field: string, given: ConnectionSecurity): ConnectionSecurity {
  const security = ofItsMode(given);
  checkPsk(field, security);
  checkCertificates(field, security);
  return security;
}

function checkedServer(field: string, server: ServerSettings): ServerSettings {
  const security = checkedSecurity(`${field}.security`, server.security);
  if (server.uri !== undefined) checkServerUri(`${field}.uri`, server.uri, security.mode);
  requireInteger(`${field}.shortServerId`, server.shortServerId, 1, LARGEST_SHORT_SERVER_ID);
  requireInteger(`${field}.lifetimeSeconds`, server.lifetimeSeconds, 1, LARGEST_SECONDS);
  requireInteger(`${field}.minimumPeriodSeconds`, server.minimumPeriodSeconds, 0, LARGEST_SECONDS);
  requireInteger(`${field}.maximumPeriodSeconds`, server.maximumPeriodSeconds, 0, LARGEST_SECONDS);
  requireInteger(`${field}.disableTimeoutSeconds`, server.disableTimeoutSeconds, 0, LARGEST_SECONDS);
  return { ...server, security };
}

/** A short server ID and an account id name one account of the device (LwM2M Core 1.1.1 appendix E.2). */
function requireDistinct(servers: readonly ServerSettings[]): void {
  if (servers.length === 0) throw refuse("servers", "must hold at least one account");
  for (const member of ["id", "shortServerId"] as const) {
    const twice = servers.findIndex((server, at) => servers.findIndex(other => other[member] === server[member]) < at);
    if (twice >= 0) throw refuse(`servers[${twice}].${member}`, "must not be that of another account");
  }
}

/**
 * @returns what is stored: without keys that the modes have no use for
 * @throws  MooringError VALIDATION naming the field as in {@link DeviceAccounts}
 */
export function checkedAccounts(accounts: DeviceAccounts): DeviceAccounts {
  requireDistinct(accounts.servers);
  requireInteger("bootstrapShortServerId", accounts.bootstrapShortServerId, 0, LARGEST_SHORT_SERVER_ID);
  requireInteger("securityInstanceOffset", accounts.securityInstanceOffset, 0, LARGEST_SHORT_SERVER_ID);
  return {
    ...accounts,
    bootstrap: checkedSecurity("bootstrap", accounts.bootstrap),
    servers: accounts.servers.map((server, at) => checkedServer(`servers[${at}]`, server)),
  };
}
