/** What a certificate says (RFC 5280 section 4.1, 4.2): what paths and names are checked by, beside node's own value. */
import { type KeyObject, X509Certificate } from "node:crypto";
import { decodeUtf8 } from "../base/bytes.ts";
import {
  childrenOf,
  contextTag,
  type DerElement,
  expectTag,
  readBits,
  readBoolean,
  readObjectId,
  readOnly,
  readSmallInteger,
  TAG,
  unreadable,
} from "./der.ts";

export interface Certificate {
  /** For signatures. */
  readonly x509: X509Certificate;
  readonly publicKey: KeyObject;
  readonly der: Uint8Array;
  /** Names in DER, compared byte by byte. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly version: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Undefined where there is none or more than one. */
  readonly commonName: string | undefined;
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  readonly isCa: boolean;
  /** Intermediate certificates that may stand below this one. */
  readonly pathLength: number | undefined;
  /** Numbers of the bits (RFC 5280 section 4.2.1.3); undefined: any use. */
  readonly keyUsage: ReadonlySet<number> | undefined;
  /** Object identifiers; undefined: any use. */
  readonly extendedKeyUsage: ReadonlySet<string> | undefined;
  /** Object identifiers of extensions that must not be passed over and are not understood here. */
  readonly notUnderstood: readonly string[];
  readonly signatureAlgorithm: string;
  /** Object identifier of the hash that {@link RSASSA_PSS} was used with; undefined for every other algorithm, which names its own. */
  readonly pssHash: string | undefined;
}

export const RSASSA_PSS = "1.2.840.113549.1.1.10";

export const KEY_USAGE = { digitalSignature: 0, keyCertSign: 5 } as const;
export const EXTENDED_KEY_USAGE = {
  any: "2.5.29.37.0",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

const COMMON_NAME = "2.5.4.3";
const EXTENSION = {
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  certificatePolicies: "2.5.29.32",
  extendedKeyUsage: "2.5.29.37",
} as const;
/** Any policy is good enough here, so that policies need no look (RFC 5280 section 6.1.1 (c)). */
const UNDERSTOOD: readonly string[] = [
  EXTENSION.keyUsage,
  EXTENSION.subjectAltName,
  EXTENSION.basicConstraints,
  EXTENSION.certificatePolicies,
  EXTENSION.extendedKeyUsage,
];
/** What RSASSA-PSS means where it names none (RFC 4055 section 3.1). */
const SHA_1 = "1.3.14.3.2.26";
const DNS_NAME = contextTag(2);
const URI = contextTag(6);

interface Extension {
  readonly critical: boolean;
  /** DER. */
  readonly value: Uint8Array;
}
type Extensions = ReadonlyMap<string, Extension>;

function readExtension(element: DerElement): [id: string, extension: Extension] {
  const [id, ...rest] = childrenOf(element, TAG.sequence);
  const [first, second] = rest;
  const marked = first?.tag === TAG.boolean;
  const value = expectTag(marked ? second : first, TAG.octetString).content;
  return [readObjectId(id), { critical: marked && readBoolean(first), value }];
}

/** No extension may stand twice (RFC 5280 section 4.2). */
function readExtensions(element: DerElement | undefined): Extensions {
  if (!element) return new Map();
  const read = childrenOf(readOnly(element.content, TAG.sequence), TAG.sequence).map(readExtension);
  const extensions = new Map(read);
  if (extensions.size !== read.length) throw unreadable("an extension stands twice");
  return extensions;
}

/** The texts that names are written as today (RFC 5280 section 4.1.2.4); others name nobody. */
function textOf({ tag, content }: DerElement): string | undefined {
  const isText = tag === TAG.utf8String || tag === TAG.printableString || tag === TAG.ia5String;
  return isText ? decodeUtf8(content) : undefined;
}

function commonNameOf(name: DerElement): string | undefined {
  const attributes = childrenOf(name, TAG.sequence).flatMap(set => childrenOf(set, TAG.set));
  const named = attributes
    .map(attribute => childrenOf(attribute, TAG.sequence))
    .filter(([type]) => readObjectId(type) === COMMON_NAME);
  const value = named.length === 1 ? named[0]![1] : undefined;
  return value && textOf(value);
}

function alternativeNames(extensions: Extensions, tag: number): string[] {
  const extension = extensions.get(EXTENSION.subjectAltName);
  if (!extension) return [];
  return childrenOf(readOnly(extension.value, TAG.sequence), TAG.sequence)
    .filter(name => name.tag === tag)
    .map(name => decodeUtf8(name.content))
    .filter(name => name !== undefined);
}

function basicConstraints(extensions: Extensions): Pick<Certificate, "isCa" | "pathLength"> {
  const extension = extensions.get(EXTENSION.basicConstraints);
  const members = extension ? childrenOf(readOnly(extension.value, TAG.sequence), TAG.sequence) : [];
  const [first, second] = members;
  const isCa = first?.tag === TAG.boolean && readBoolean(first);
  const length = first?.tag === TAG.boolean ? second : first;
  return { isCa, pathLength: length && readSmallInteger(length) };
}

function usages(extensions: Extensions): Pick<Certificate, "keyUsage" | "extendedKeyUsage"> {
  const usage = extensions.get(EXTENSION.keyUsage);
  const extended = extensions.get(EXTENSION.extendedKeyUsage);
  return {
    keyUsage: usage && readBits(readOnly(usage.value, TAG.bitString)),
    extendedKeyUsage:
      extended && new Set(childrenOf(readOnly(extended.value, TAG.sequence), TAG.sequence).map(readObjectId)),
  };
}

/** Constraints on names count also where they are not marked: to pass over them would widen what a CA may say. */
const notUnderstood = (extensions: Extensions): string[] =>
  [...extensions]
    .filter(([id, { critical }]) => (critical || id === EXTENSION.nameConstraints) && !UNDERSTOOD.includes(id))
    .map(([id]) => id);

interface SignedPart {
  readonly version: number;
  readonly issuer: DerElement;
  readonly subject: DerElement;
  readonly extensions: Extensions;
}

/** TBSCertificate (RFC 5280 section 4.1). */
function readSignedPart(element: DerElement | undefined): SignedPart {
  const members = childrenOf(element, TAG.sequence);
  const explicit = members[0]?.tag === contextTag(0, true) ? members.shift() : undefined;
  const version = explicit ? readSmallInteger(readOnly(explicit.content, TAG.integer)) + 1 : 1;
  const [, , issuer, , subject] = members;
  return {
    version,
    issuer: expectTag(issuer, TAG.sequence),
    subject: expectTag(subject, TAG.sequence),
    extensions: readExtensions(members.find(({ tag }) => tag === contextTag(3, true))),
  };
}

function publicKeyOf(x509: X509Certificate): KeyObject {
  try {
    return x509.publicKey;
  } catch {
    throw unreadable("its public key is none, or of an unknown kind");
  }
}

/** Of RSASSA-PSS-params (RFC 4055 section 3.1). */
function pssHashOf(parameters: DerElement | undefined): string {
  const [first] = parameters ? childrenOf(parameters, TAG.sequence) : [];
  if (first?.tag !== contextTag(0, true)) return SHA_1;
  return readObjectId(childrenOf(readOnly(first.content, TAG.sequence), TAG.sequence)[0]);
}

function signatureOf(element: DerElement | undefined): Pick<Certificate, "signatureAlgorithm" | "pssHash"> {
  const [id, parameters] = childrenOf(element, TAG.sequence);
  const signatureAlgorithm = readObjectId(id);
  return { signatureAlgorithm, pssHash: signatureAlgorithm === RSASSA_PSS ? pssHashOf(parameters) : undefined };
}

/** @throws MooringError CERTIFICATE_INVALID */
export function readCertificate(x509: X509Certificate): Certificate {
  const der = new Uint8Array(x509.raw);
  const [signed, algorithm] = childrenOf(readOnly(der, TAG.sequence), TAG.sequence);
  const { version, issuer, subject, extensions } = readSignedPart(signed);
  return {
    x509,
    publicKey: publicKeyOf(x509),
    der,
    issuer: issuer.whole,
    subject: subject.whole,
    version,
    notBeforeMs: x509.validFromDate.getTime(),
    notAfterMs: x509.validToDate.getTime(),
    commonName: commonNameOf(subject),
    dnsNames: alternativeNames(extensions, DNS_NAME),
    uris: alternativeNames(extensions, URI),
    ...basicConstraints(extensions),
    ...usages(extensions),
    notUnderstood: notUnderstood(extensions),
    ...signatureOf(algorithm),
  };
}

/** @throws MooringError CERTIFICATE_INVALID */
export function certificateFromDer(der: Uint8Array): Certificate {
  // Looked at first, so that the other parser gets nothing after the certificate.
  readOnly(der, TAG.sequence);
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(der);
  } catch {
    throw unreadable("it is no X.509 certificate");
  }
  return readCertificate(x509);
}
