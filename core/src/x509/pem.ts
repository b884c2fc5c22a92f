/** Certificates and keys as text: PEM (RFC 7468), or the Base64 of the DER alone. */
import { createPrivateKey, createPublicKey, hash, type KeyObject } from "node:crypto";
import { decodeUtf8 } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";
import { type Certificate, certificateFromDer } from "./certificate.ts";

const LONGEST_TEXT = 128 * 1024;
const MOST_CERTIFICATES = 8;
const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const invalid = (rule: string): MooringError => new MooringError("CERTIFICATE_INVALID", rule, { rule });

/** @throws MooringError CERTIFICATE_INVALID */
export function decodeBase64(text: string): Uint8Array {
  const compact = text.replace(/\s+/g, "");
  if (compact.length > 2 * LONGEST_TEXT) throw invalid("is too long");
  if (!BASE64.test(compact)) throw invalid("is not Base64");
  return new Uint8Array(Buffer.from(compact, "base64"));
}

interface Block {
  readonly label: string;
  readonly bytes: Uint8Array;
}

function blocksOf(text: string): Block[] {
  if (text.length > LONGEST_TEXT) throw invalid("is too long");
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0 && text.includes("-----")) throw invalid("is PEM that is cut or has broken lines");
  return blocks.map(([, label, body]) => ({ label: label!, bytes: decodeBase64(body!) }));
}

/**
 * A file as the API takes it: the Base64 of the file, or PEM as it is.
 * @returns PEM, or undefined where the Base64 is of something else, such as DER
 * @throws MooringError CERTIFICATE_INVALID
 */
function pemOfFile(encoded: string): string | undefined {
  if (encoded.includes("-----BEGIN")) return encoded;
  const text = decodeUtf8(decodeBase64(encoded));
  return text?.includes("-----BEGIN") ? text : undefined;
}

/**
 * Certificates in the order in which they stand.
 * @param encoded PEM, its Base64, or the Base64 of one certificate in DER
 * @throws MooringError CERTIFICATE_INVALID
 */
export function readCertificates(encoded: string): Certificate[] {
  const pem = pemOfFile(encoded);
  const ders = pem === undefined ? [derOfFile(encoded)] : certificateBlocks(pem);
  if (ders.length > MOST_CERTIFICATES) throw invalid(`holds more than ${MOST_CERTIFICATES} certificates`);
  return ders.map(certificateFromDer);
}

/** Tag of every certificate (RFC 5280 section 4.1). */
const SEQUENCE = 0x30;

function derOfFile(encoded: string): Uint8Array {
  const bytes = decodeBase64(encoded);
  if (bytes[0] !== SEQUENCE) throw invalid("is neither PEM nor a certificate in DER");
  return bytes;
}

function certificateBlocks(pem: string): Uint8Array[] {
  const blocks = blocksOf(pem);
  if (blocks.some(({ label }) => label.endsWith("PRIVATE KEY")))
    throw invalid("holds a private key, which does not belong here");
  const found = blocks.filter(({ label }) => label === "CERTIFICATE").map(({ bytes }) => bytes);
  if (found.length === 0) throw invalid("holds no certificate");
  return found;
}

/** Types of unencrypted keys by their label; one of them in DER without a label is PKCS#8. */
const KEY_TYPES: Readonly<Record<string, "pkcs8" | "sec1" | "pkcs1">> = {
  "PRIVATE KEY": "pkcs8",
  "EC PRIVATE KEY": "sec1",
  "RSA PRIVATE KEY": "pkcs1",
};

function keyBlock(pem: string | undefined, encoded: string): Block {
  if (pem === undefined) return { label: "PRIVATE KEY", bytes: decodeBase64(encoded) };
  const [block, ...others] = blocksOf(pem).filter(({ label }) => label.endsWith("PRIVATE KEY"));
  if (!block) throw invalid("holds no private key");
  if (others.length > 0) throw invalid("holds more than one private key");
  return block;
}

/**
 * @param encoded PEM (PKCS#8, SEC 1, PKCS#1), its Base64, or the Base64 of PKCS#8 in DER
 * @throws MooringError CERTIFICATE_INVALID; its text never holds anything of the key
 */
export function readPrivateKey(encoded: string): KeyObject {
  const { label, bytes } = keyBlock(pemOfFile(encoded), encoded);
  const type = KEY_TYPES[label];
  if (type === undefined) throw invalid("holds a private key that is encrypted or of an unknown kind");
  try {
    return createPrivateKey({ key: Buffer.from(bytes), format: "der", type });
  } catch {
    throw invalid("holds a private key that cannot be read");
  }
}

const spki = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });

/** Of the public key, so that it tells nothing of the private one: SHA-256 in hexadecimal. */
export const keyFingerprint = (privateKey: KeyObject): string =>
  hash("sha256", spki(createPublicKey(privateKey)), "hex");

export const isKeyOf = (certificate: Certificate, privateKey: KeyObject): boolean =>
  spki(createPublicKey(privateKey)).equals(spki(certificate.publicKey));

/** The first certificate in DER: as it is written to devices. @throws MooringError CERTIFICATE_INVALID */
export const certificateDer = (encoded: string): Uint8Array => readCertificates(encoded)[0]!.der;

/** PKCS#8 in DER: as it is written to devices. @throws MooringError CERTIFICATE_INVALID */
export const privateKeyDer = (encoded: string): Uint8Array =>
  new Uint8Array(readPrivateKey(encoded).export({ type: "pkcs8", format: "der" }));

const WIDTH = /.{1,64}/g;

/** PEM of a certificate in DER. */
export const pemOf = (der: Uint8Array): string =>
  [
    "-----BEGIN CERTIFICATE-----",
    ...(Buffer.from(der).toString("base64").match(WIDTH) ?? []),
    "-----END CERTIFICATE-----",
    "",
  ].join("\n");

/** PEM of one certificate, the same for the same bytes. */
export const toPem = ({ der }: Certificate): string => pemOf(der);
