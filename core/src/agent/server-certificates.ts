/**
 * What the server proves itself with over DTLS, from options of a tenant (agent specification 2): category `lwm2m-agent`, keys
 * `dtls.x509.certificate.<name>` and `credentials.dtls.x509.certificateKey.<name>`, each the Base64 of a whole PEM file.
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

const CERTIFICATE_KEY = "dtls.x509.certificate.";
const PRIVATE_KEY = "credentials.dtls.x509.certificateKey.";
/** Would stand in the clear. */
const UNSEALED_PRIVATE_KEY = "dtls.x509.certificateKey";
const NAME = /^[A-Za-z0-9._-]{1,100}$/;

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

/** Curves that the handshake has (agent specification 2: EC, P-256 or larger). */
const CURVES = ["prime256v1", "secp384r1"];
/** OIDs of ecdsa-with-SHA256, -SHA384 and -SHA512: what a constrained client can check. */
const SIGNATURES = ["1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4"];

function checkCurve(option: string, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): void {
  if (asymmetricKeyType !== "ec" || !CURVES.includes(asymmetricKeyDetails?.namedCurve ?? "")) {
    throw invalid(option, "must have an EC key on P-256 or P-384");
  }
}

function checkLeaf(option: string, leaf: Certificate, nowMs: number): void {
  checkCurve(option, leaf.publicKey);
  if (!SIGNATURES.includes(leaf.signatureAlgorithm))
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
function readChain(option: string, text: string, nowMs: number): readonly [Certificate, ...Certificate[]] {
  const chain = inOption(option, () => readCertificates(text)) as [Certificate, ...Certificate[]];
  checkLeaf(option, chain[0], nowMs);
  checkOrder(option, chain);
  return chain;
}

/** @param blamed the option that is named where the two do not belong together */
function readPair(
  name: string,
  certificate: string,
  privateKey: string,
  nowMs: number,
  blamed: string,
): NamedServerCertificate {
  const options = [CERTIFICATE_KEY + name, PRIVATE_KEY + name] as const;
  const chain = readChain(options[0], certificate, nowMs);
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

function nameOf(option: string): string | undefined {
  const prefix = [CERTIFICATE_KEY, PRIVATE_KEY].find(each => option.startsWith(each));
  if (prefix === undefined) return undefined;
  const name = option.slice(prefix.length);
  if (!NAME.test(name)) throw invalid(option, "must end in a name of 1 to 100 letters, digits, dots, - and _");
  return name;
}

/** Looks at one option that is about to change, with its other half where that is there. */
function checkOption(option: string, values: OptionValues, changed: readonly string[], nowMs: number): void {
  if (option.startsWith(UNSEALED_PRIVATE_KEY))
    throw invalid(option, `must be called ${PRIVATE_KEY}<name>, to be stored sealed`);
  const name = nameOf(option);
  if (name === undefined) return;
  const certificate = values.get(CERTIFICATE_KEY + name);
  const privateKey = values.get(PRIVATE_KEY + name);
  if (certificate !== undefined && privateKey !== undefined) {
    const isKeyNew = changed.includes(PRIVATE_KEY + name);
    readPair(name, certificate, privateKey, nowMs, isKeyNew ? PRIVATE_KEY + name : option);
  } else if (certificate !== undefined) readChain(option, certificate, nowMs);
  else
    checkCurve(
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
  for (const option of changed) checkOption(option, values, changed, nowMs);
}

/**
 * The pairs that can be used. One that has expired is served all the same: many devices do not look, and none would be served without.
 * @param broken told the name and rule of a pair that cannot be used
 */
export function readServerCertificates(
  values: OptionValues,
  broken: (name: string, rule: string) => void,
): NamedServerCertificate[] {
  const found: NamedServerCertificate[] = [];
  for (const [option, certificate] of values) {
    if (!option.startsWith(CERTIFICATE_KEY)) continue;
    const name = option.slice(CERTIFICATE_KEY.length);
    const privateKey = values.get(PRIVATE_KEY + name);
    if (privateKey === undefined) continue;
    try {
      found.push(readPair(name, certificate, privateKey, 0, PRIVATE_KEY + name));
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
