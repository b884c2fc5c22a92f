/**
 * How a connection is secured, as the settings API reads and shows it (agent specification 4.2). What can be read is unset by null or
 * an empty text and stays where it is absent. Keys are never shown: absent and null leave what is stored, an empty text
 * clears it where the mode does without.
 */
import { isFailure, MooringError } from "../base/errors.ts";
import type { JsonSchema } from "../base/schema.ts";
import type { Fragments } from "../platform/platform.ts";
import { keyFingerprint, readCertificates, readPrivateKey } from "../x509/pem.ts";
import { readClientCertificate, readClientPrivateKey } from "./client-certificate.ts";
import {
  CERTIFICATE_USAGES,
  type CertificateUsage,
  type ConnectionMode,
  type ConnectionSecurity,
} from "./device-accounts.ts";
import { readPskKey } from "./psk.ts";

type Text = string | null | undefined;

export interface SecuritySettings {
  readonly mode?: string;
  readonly pskId?: Text;
  readonly pskKey?: Text;
  readonly x509Certificate?: Text;
  readonly x509PrivateKey?: Text;
  readonly x509ServerCertificateName?: Text;
  readonly certificateUsage?: Text;
}

const text: JsonSchema = { type: ["string", "null"], maxLength: 131_072 };
/** Shown only: what a form sends back of it is not looked at. */
const SHOWN_ONLY: JsonSchema = {};

const CONNECTION_MEMBERS: Readonly<Record<string, JsonSchema>> = {
  mode: { type: "string", enum: ["NO_SEC", "PSK", "X509", "X.509", "DISABLED"] },
  pskId: text,
  pskKey: text,
};

/** Mode and PSK alone. */
export const CONNECTION_SCHEMA: JsonSchema = {
  type: "object",
  additionalProperties: false,
  properties: CONNECTION_MEMBERS,
};

export const SECURITY_SETTINGS_SCHEMA: JsonSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    ...CONNECTION_MEMBERS,
    x509Certificate: text,
    x509CertificateCommonName: SHOWN_ONLY,
    x509PrivateKey: text,
    x509PrivateKeyFingerPrint: SHOWN_ONLY,
    x509ServerCertificateName: { type: ["string", "null"], maxLength: 4096 },
    certificateUsage: { type: ["string", "null"], enum: [...CERTIFICATE_USAGES, "", null] },
  },
};

/** Members of {@link ConnectionSecurity} by what the settings API calls them. */
export const SECURITY_NAMES: Readonly<Record<string, string>> = {
  mode: "mode",
  pskIdentity: "pskId",
  pskKey: "pskKey",
  clientCertificate: "x509Certificate",
  clientPrivateKey: "x509PrivateKey",
  serverCertificate: "x509ServerCertificateName",
  certificateUsage: "certificateUsage",
};

export const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

const MOST_NAME_CHARACTERS = 100;

export interface SecurityConditions {
  /** What the caller calls a member, in errors. */
  nameOf(member: keyof SecuritySettings): string;
  /** Server certificates that there are. */
  readonly serverCertificates: readonly string[];
}

/** What can be read: absent stays, null and "" unset. */
const readable = (given: Text, before: string | undefined): string | undefined =>
  given === undefined ? before : given || undefined;

/** What cannot be read: absent and null stay, "" clears. */
function writeOnly<T>(given: Text, before: T | undefined, read: (text: string) => T): T | undefined {
  if (given === undefined || given === null) return before;
  return given === "" ? undefined : read(given);
}

/** A secret that would be lost without a word. */
function requireNoKey(field: string, given: Text, mode: ConnectionMode): void {
  if (given) throw refuse(field, `must be empty for ${mode}`);
}

function requireKnown(
  field: string,
  name: string | undefined,
  before: string | undefined,
  known: readonly string[],
): void {
  // What is longer than any name is a key itself, as early releases had it.
  if (name === undefined || name === before || name.length > MOST_NAME_CHARACTERS || known.includes(name)) return;
  throw refuse(field, `must be the name of a server certificate: ${known.join(", ") || "there is none"}`);
}

/** Without members that are undefined. */
const given = <T extends object>(members: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;

function certificatesOf(
  before: ConnectionSecurity,
  body: SecuritySettings,
  { nameOf, serverCertificates }: SecurityConditions,
): Omit<ConnectionSecurity, "mode" | "pskIdentity" | "pskKey"> {
  const certificateText = readable(body.x509Certificate, before.clientCertificate);
  const clientCertificate =
    certificateText === undefined ? undefined : readClientCertificate(nameOf("x509Certificate"), certificateText);
  // A key goes with its certificate.
  const keyBefore = clientCertificate === undefined ? undefined : before.clientPrivateKey;
  const clientPrivateKey = writeOnly(body.x509PrivateKey, keyBefore, key =>
    readClientPrivateKey(nameOf("x509PrivateKey"), key),
  );
  const serverCertificate = readable(body.x509ServerCertificateName, before.serverCertificate);
  requireKnown(nameOf("x509ServerCertificateName"), serverCertificate, before.serverCertificate, serverCertificates);
  const certificateUsage = readable(body.certificateUsage, before.certificateUsage) as CertificateUsage | undefined;
  return given({ clientCertificate, clientPrivateKey, serverCertificate, certificateUsage });
}

/**
 * @param body checked by one of the schemas
 * @returns the security as it becomes; what its mode has no use for is dropped when it is stored
 * @throws  MooringError VALIDATION
 */
export function changedSecurity(
  before: ConnectionSecurity,
  body: SecuritySettings,
  conditions: SecurityConditions,
): ConnectionSecurity {
  const { nameOf } = conditions;
  const mode = body.mode === undefined ? before.mode : modeOf(body.mode);
  if (mode !== "PSK" && mode !== "DISABLED") requireNoKey(nameOf("pskKey"), body.pskKey, mode);
  if (mode !== "X509" && mode !== "DISABLED") requireNoKey(nameOf("x509PrivateKey"), body.x509PrivateKey, mode);
  const pskIdentity = readable(body.pskId, before.pskIdentity);
  const pskKey = writeOnly(body.pskKey, before.pskKey, hex => readPskKey(nameOf("pskKey"), hex));
  const certificates = mode === "X509" || mode === "DISABLED" ? certificatesOf(before, body, conditions) : {};
  return { mode, ...given({ pskIdentity, pskKey }), ...certificates };
}

/** `X.509` is a spelling of X509 that is about (agent specification 21). */
export const modeOf = (mode: string): ConnectionMode => (mode === "X.509" ? "X509" : (mode as ConnectionMode));

export const shownConnection = ({ mode, pskIdentity }: ConnectionSecurity): Fragments => ({
  mode,
  pskId: pskIdentity ?? null,
});

/** A file travels as its Base64. */
const encoded = (file: string): string =>
  file.includes("-----BEGIN") ? Buffer.from(file, "utf8").toString("base64") : file;

/** What cannot be read any more is shown as absent. */
function quietly<T>(read: () => T | undefined): T | null {
  try {
    return read() ?? null;
  } catch (error) {
    if (isFailure(error, "CERTIFICATE_INVALID")) return null;
    throw error;
  }
}

export function shownSecurity(security: ConnectionSecurity): Fragments {
  const { clientCertificate: certificate, clientPrivateKey: key, serverCertificate, certificateUsage } = security;
  return {
    ...shownConnection(security),
    x509Certificate: certificate === undefined ? null : encoded(certificate),
    x509CertificateCommonName:
      certificate === undefined ? null : quietly(() => readCertificates(certificate)[0]!.commonName),
    x509PrivateKeyFingerPrint: key === undefined ? null : quietly(() => keyFingerprint(readPrivateKey(key))),
    x509ServerCertificateName: serverCertificate ?? null,
    certificateUsage: certificateUsage ?? null,
  };
}
