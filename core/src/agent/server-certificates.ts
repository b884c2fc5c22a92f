/**
 * What the server proves itself with, from options of a tenant (agent specification 2): category `lwm2m-agent`, keys
 * `dtls.x509.certificate.<name>` and `credentials.dtls.x509.certificateKey.<name>` for DTLS, `firmware.x509.certificate.default` and
 * `credentials.firmware.x509.certificateKey.default` for firmware over HTTPS, each the Base64 of a whole PEM file.
 */
import type { KeyObject } from "node:crypto";
import { isFailure, MooringError } from "../base/errors.ts";
import type { OptionValues } from "../tenants/tenant-options.ts";
import type { ServerCertificate } from "../transport/dtls/server-certificate.ts";
import { type Certificate, EXTENDED_KEY_USAGE, KEY_USAGE } from "../x509/certificate.ts";
import { isIssuedBy } from "../x509/path-validation.ts";
import { isKeyOf, readCertificates, readPrivateKey } from "../x509/pem.ts";

export const AGENT_CATEGORY = "lwm2m-agent";
/** Used where a client names no server, or one that no certificate is for. */
export const DEFAULT_CERTIFICATE = "default";

/** A certificate and its key as two options, and what they may be. */
export interface CertificateOptions {
  /** What the two keys begin with; a name follows. */
  readonly certificate: string;
  readonly privateKey: string;
  readonly names: RegExp;
  readonly namesRule: string;
  readonly keyRule: string;
  isKey(key: KeyObject): boolean;
  /** OIDs of the signatures that the leaf may have; absent: any. */
  readonly signatures?: readonly string[];
}

/** Curves that the handshake has (agent specification 2: EC, P-256 or larger). */
const CURVES = ["prime256v1", "secp384r1"];
const SHORTEST_RSA_BITS = 2048;
const isOnCurve = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean =>
  asymmetricKeyType === "ec" && CURVES.includes(asymmetricKeyDetails?.namedCurve ?? "");
const isLongRsa = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean =>
  asymmetricKeyType === "rsa" && (asymmetricKeyDetails?.modulusLength ?? 0) >= SHORTEST_RSA_BITS;

const SEALED = "credentials.";

export const DTLS_CERTIFICATES: CertificateOptions = {
  certificate: "dtls.x509.certificate.",
  privateKey: `${SEALED}dtls.x509.certificateKey.`,
  names: /^[A-Za-z0-9._-]{1,100}$/,
  namesRule: "must end in a name of 1 to 100 letters, digits, dots, - and _",
  keyRule: "must have an EC key on P-256 or P-384",
  isKey: isOnCurve,
  // ecdsa-with-SHA256, -SHA384 and -SHA512: what a constrained client can check.
  signatures: ["1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4"],
};

/** Of the TLS of Node: devices that fetch over HTTPS are not those that have ECDSA alone. */
export const FIRMWARE_CERTIFICATE: CertificateOptions = {
  certificate: "firmware.x509.certificate.",
  privateKey: `${SEALED}firmware.x509.certificateKey.`,
  names: /^default$/,
  namesRule: `must end in ${DEFAULT_CERTIFICATE}: there is one certificate for firmware`,
  keyRule: `must have an EC key on P-256 or P-384, or an RSA key of ${SHORTEST_RSA_BITS} bits or more`,
  isKey: key => isOnCurve(key) || isLongRsa(key),
};

const KINDS = [DTLS_CERTIFICATES, FIRMWARE_CERTIFICATE];

export interface NamedServerCertificate {
  readonly name: string;
  readonly leaf: Certificate;
  readonly certificate: ServerCertificate;
}

const invalid = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** Names the option in what is wrong with its value. */
function inOption<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isFailure(error, "CERTIFICATE_INVALID")) throw invalid(option, String(error.details["rule"]));
    throw error;
  }
}

function checkKey({ isKey, keyRule }: CertificateOptions, option: string, key: KeyObject): void {
  if (!isKey(key)) throw invalid(option, keyRule);
}

function checkLeaf(kind: CertificateOptions, option: string, leaf: Certificate, nowMs: number): void {
  checkKey(kind, option, leaf.publicKey);
  if (kind.signatures?.includes(leaf.signatureAlgorithm) === false)
    throw invalid(option, "must be signed with ECDSA and SHA-256 or more");
  if (leaf.notAfterMs < nowMs) throw invalid(option, `has expired at ${new Date(leaf.notAfterMs).toISOString()}`);
  if (leaf.keyUsage && !leaf.keyUsage.has(KEY_USAGE.digitalSignature)) throw invalid(option, "may not sign (keyUsage)");
  const { any, serverAuth } = EXTENDED_KEY_USAGE;
  if (leaf.extendedKeyUsage && !leaf.extendedKeyUsage.has(serverAuth) && !leaf.extendedKeyUsage.has(any)) {
    throw invalid(option, "is not for servers (extendedKeyUsage)");
  }
}

/** Each certificate must be issued by the next (RFC 5246 section 7.4.2). */
function checkOrder(option: string, chain: readonly Certificate[]): void {
  for (const [at, issuer] of chain.slice(1).entries()) {
    if (!isIssuedBy(chain[at]!, issuer)) {
      throw invalid(option, `has certificates out of order: number ${at + 1} was not issued by number ${at + 2}`);
    }
  }
}

/** @throws MooringError VALIDATION naming the option and the rule */
function readChain(
  kind: CertificateOptions,
  option: string,
  text: string,
  nowMs: number,
): readonly [Certificate, ...Certificate[]] {
  const chain = inOption(option, () => readCertificates(text)) as [Certificate, ...Certificate[]];
  checkLeaf(kind, option, chain[0], nowMs);
  checkOrder(option, chain);
  return chain;
}

/** @param blamed the option that is named where the two do not belong together */
function readPair(
  kind: CertificateOptions,
  name: string,
  certificate: string,
  privateKey: string,
  nowMs: number,
  blamed: string,
): NamedServerCertificate {
  const options = [kind.certificate + name, kind.privateKey + name] as const;
  const chain = readChain(kind, options[0], certificate, nowMs);
  const key = inOption(options[1], () => readPrivateKey(privateKey));
  const [leaf] = chain;
  if (!isKeyOf(leaf, key)) {
    const other = options.find(option => option !== blamed);
    throw invalid(blamed, `does not belong to ${other}; to replace both, put both in one request`);
  }
  return {
    name,
    leaf,
    certificate: {
      chain: chain.map(({ der }) => der),
      privateKey: key,
      subjectPublicKeyInfo: new Uint8Array(leaf.publicKey.export({ type: "spki", format: "der" })),
    },
  };
}

/** Looks at one option that is about to change, with its other half where that is there. */
function checkOption(
  kind: CertificateOptions,
  option: string,
  values: OptionValues,
  changed: readonly string[],
  nowMs: number,
): void {
  const { certificate: certificateKey, privateKey: privateKeyKey } = kind;
  // The private key under this name would stand in the clear.
  if (option.startsWith(privateKeyKey.slice(SEALED.length, -1)))
    throw invalid(option, `must be called ${privateKeyKey}<name>, to be stored sealed`);
  const prefix = [certificateKey, privateKeyKey].find(each => option.startsWith(each));
  if (prefix === undefined) return;
  const name = option.slice(prefix.length);
  if (!kind.names.test(name)) throw invalid(option, kind.namesRule);
  const certificate = values.get(certificateKey + name);
  const privateKey = values.get(privateKeyKey + name);
  if (certificate !== undefined && privateKey !== undefined) {
    const isKeyNew = changed.includes(privateKeyKey + name);
    readPair(kind, name, certificate, privateKey, nowMs, isKeyNew ? privateKeyKey + name : option);
  } else if (certificate !== undefined) readChain(kind, option, certificate, nowMs);
  else
    checkKey(
      kind,
      option,
      inOption(option, () => readPrivateKey(privateKey!)),
    );
}

/**
 * Refuses what could not serve a handshake.
 * @param values  options of the category as they would be
 * @param changed keys of those that are about to change
 * @throws MooringError VALIDATION naming the option
 */
export function checkServerCertificates(values: OptionValues, changed: readonly string[], nowMs: number): void {
  for (const option of changed) for (const kind of KINDS) checkOption(kind, option, values, changed, nowMs);
}

/**
 * The pairs that can be used. One that has expired is served all the same: many devices do not look, and none would be served without.
 * @param broken told the name and rule of a pair that cannot be used
 */
export function readServerCertificates(
  kind: CertificateOptions,
  values: OptionValues,
  broken: (name: string, rule: string) => void,
): NamedServerCertificate[] {
  const found: NamedServerCertificate[] = [];
  for (const [option, certificate] of values) {
    if (!option.startsWith(kind.certificate)) continue;
    const name = option.slice(kind.certificate.length);
    const key = kind.privateKey + name;
    const privateKey = values.get(key);
    if (privateKey === undefined) continue;
    try {
      found.push(readPair(kind, name, certificate, privateKey, 0, key));
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      broken(name, error.message);
    }
  }
  return found;
}

/** Whether the certificate names the server so, exactly (RFC 6066 section 3: without regard to case). */
export function isFor({ leaf: { dnsNames, commonName } }: NamedServerCertificate, serverName: string): boolean {
  const wanted = serverName.toLowerCase();
  return [...dnsNames, commonName].some(name => name?.toLowerCase() === wanted);
}
