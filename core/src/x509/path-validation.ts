/** Whether a chain of certificates leads to one that is trusted (RFC 5280 section 6.1; order of the chain RFC 5246 section 7.4.2). */
import type { KeyObject } from "node:crypto";
import { equalBytes } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";
import { type Certificate, EXTENDED_KEY_USAGE, KEY_USAGE, RSASSA_PSS } from "./certificate.ts";

/** What the leaf is to prove. */
export type Purpose = "clientAuth" | "serverAuth";

export interface PathConditions {
  readonly nowMs: number;
  readonly purpose: Purpose;
}

/** Signatures that count, with the names that the platform gives them. */
export const SIGNATURE_NAMES: Readonly<Record<string, string>> = {
  "1.2.840.10045.4.3.2": "SHA256withECDSA",
  "1.2.840.10045.4.3.3": "SHA384withECDSA",
  "1.2.840.10045.4.3.4": "SHA512withECDSA",
  "1.2.840.113549.1.1.11": "SHA256withRSA",
  "1.2.840.113549.1.1.12": "SHA384withRSA",
  "1.2.840.113549.1.1.13": "SHA512withRSA",
  [RSASSA_PSS]: "RSASSA-PSS",
};

/** SHA-256, SHA-384 and SHA-512. */
const PSS_HASHES: readonly string[] = ["2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"];
/** Of authorities; what devices may have, the handshake says. */
const CURVES: readonly string[] = ["prime256v1", "secp384r1", "secp521r1"];

const LONGEST_CHAIN = 8;
const SMALLEST_RSA_BITS = 2048;

const refuse = (at: number, rule: string): MooringError =>
  new MooringError("CERTIFICATE_INVALID", `certificate ${at + 1} of the chain ${rule}`, { certificate: at + 1, rule });

const isSelfIssued = ({ issuer, subject }: Certificate): boolean => equalBytes(issuer, subject);

/** Whether the issuer has the right name and its key made the signature. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (!equalBytes(certificate.issuer, issuer.subject)) return false;
  try {
    return certificate.x509.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function checkEach(certificate: Certificate, at: number, { nowMs, purpose }: PathConditions): void {
  const { notBeforeMs, notAfterMs, notUnderstood, extendedKeyUsage } = certificate;
  if (nowMs < notBeforeMs) throw refuse(at, "is not valid yet");
  if (nowMs > notAfterMs) throw refuse(at, "has expired");
  if (notUnderstood.length > 0) throw refuse(at, `has the extension ${notUnderstood[0]}, which is not understood`);
  const { any, [purpose]: wanted } = EXTENDED_KEY_USAGE;
  if (extendedKeyUsage && !extendedKeyUsage.has(wanted) && !extendedKeyUsage.has(any)) {
    throw refuse(at, `is not for ${purpose}`);
  }
}

function checkSignature({ signatureAlgorithm, pssHash }: Certificate, at: number): void {
  const isWeak = !(signatureAlgorithm in SIGNATURE_NAMES) || (pssHash !== undefined && !PSS_HASHES.includes(pssHash));
  if (isWeak) throw refuse(at, `is signed by ${pssHash ?? signatureAlgorithm}, which is too weak`);
}

/** @param below intermediate certificates between this one and the leaf, without self-issued ones */
function checkIssuer({ isCa, pathLength, keyUsage, publicKey }: Certificate, at: number, below: number): void {
  if (!isCa) throw refuse(at, "issued another one and is not of a CA");
  if (keyUsage && !keyUsage.has(KEY_USAGE.keyCertSign)) throw refuse(at, "may not issue others (keyUsage)");
  if (pathLength !== undefined && below > pathLength)
    throw refuse(at, `allows ${pathLength} intermediate certificates`);
  checkIssuerKey(publicKey, at);
}

function checkIssuerKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, at: number): void {
  const isRsa = asymmetricKeyType === "rsa" || asymmetricKeyType === "rsa-pss";
  if (!isRsa && asymmetricKeyType !== "ec") throw refuse(at, "has a key that is neither EC nor RSA");
  if (!isRsa && !CURVES.includes(asymmetricKeyDetails?.namedCurve ?? "")) {
    throw refuse(at, "has an EC key that is not on P-256, P-384 or P-521");
  }
  if (isRsa && (asymmetricKeyDetails?.modulusLength ?? 0) < SMALLEST_RSA_BITS) {
    throw refuse(at, `has an RSA key of less than ${SMALLEST_RSA_BITS} bits`);
  }
}

function checkLeaf({ keyUsage, publicKey }: Certificate): void {
  if (keyUsage && !keyUsage.has(KEY_USAGE.digitalSignature)) throw refuse(0, "may not sign (keyUsage)");
  if (publicKey.asymmetricKeyType !== "ec") throw refuse(0, "has a key that is not EC");
}

/** Of several trusted certificates with the name and key of the issuer (an old one and its successor) one that holds is enough. */
function checkAnchors(anchors: readonly Certificate[], at: number, below: number, conditions: PathConditions): void {
  let failure: unknown;
  for (const anchor of anchors) {
    try {
      checkEach(anchor, at, conditions);
      checkIssuer(anchor, at, below);
      return;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/**
 * Follows the chain from its leaf to the first certificate that one of `anchors` issued. What stands behind that is not looked at.
 * @param chain leaf first, each one issued by the next; the trusted certificate itself may be left out
 * @throws MooringError CERTIFICATE_INVALID with details {certificate: place in the chain from 1, rule}
 */
export function validatePath(
  chain: readonly Certificate[],
  anchors: readonly Certificate[],
  conditions: PathConditions,
): void {
  if (chain.length === 0 || chain.length > LONGEST_CHAIN) {
    throw refuse(0, `must be in a chain of 1 to ${LONGEST_CHAIN} certificates`);
  }
  checkLeaf(chain[0]!);
  let below = 0;
  for (const [at, certificate] of chain.entries()) {
    checkEach(certificate, at, conditions);
    checkSignature(certificate, at);
    if (at > 0) {
      checkIssuer(certificate, at, below);
      if (!isSelfIssued(certificate)) below++;
    }
    const issuers = anchors.filter(anchor => isIssuedBy(certificate, anchor));
    if (issuers.length > 0) {
      checkAnchors(issuers, at + 1, below, conditions);
      return;
    }
    const next = chain[at + 1];
    if (!next) throw refuse(at, "was issued by none that is trusted");
    if (!isIssuedBy(certificate, next)) throw refuse(at, "was not issued by the next one");
  }
}
