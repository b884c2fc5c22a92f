/**
 * A decoder as one file, `<key>-<version>.mooring.json`: manifest and source, and what helps people with it. Checksum and
 * signature say that manifest and source are those that their author packed; vectors and README are not covered.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { MooringError, messageOf } from "../base/errors.ts";
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import type { DecoderManifest } from "./decoder.ts";
import { decoderVectorSchema, type VectorDocument } from "./decoder-vector.ts";
import { decoderManifestSchema } from "./manifest.ts";

const KB = 1024;
/** Of what a package holds at most, in bytes of UTF-8; `vectors` in number. */
export const DECODER_PACKAGE_LIMITS = { file: 2048 * KB, source: 512 * KB, readme: 64 * KB, vectors: 1000 } as const;

/** Ed25519 (RFC 8032) over {@link signedText}. */
export interface DecoderSignature {
  readonly algorithm: "ed25519";
  /** SubjectPublicKeyInfo in DER (RFC 8410 section 4), base64. */
  readonly publicKey: string;
  /** 64 bytes, base64. */
  readonly value: string;
}

export interface DecoderPackage {
  readonly format: 1;
  readonly manifest: DecoderManifest;
  /** An ES module without imports whose default export is the decoder. */
  readonly source: string;
  readonly language: "javascript";
  /** {@link decoderChecksum} of manifest and source. */
  readonly checksum: string;
  readonly vectors?: readonly VectorDocument[];
  /** Markdown. */
  readonly readme?: string;
  readonly signature?: DecoderSignature;
}

const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");

const refuse = (field: string, rule: string, cause?: unknown): never => {
  throw new MooringError("VALIDATION", `${field} ${rule}`, { field, rule }, { cause });
};

/**
 * JSON without blanks, members in the order of their UTF-16 code units, numbers as ECMAScript writes them (RFC 8785), so
 * that equal values give equal texts. Members that are undefined are left out, as JSON does.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(",")}}`;
}

/** What a signature covers and a checksum is of: key, version, manifest and source, no more. */
export const signedText = (manifest: DecoderManifest, source: string): string =>
  ["mooring-decoder-v1", manifest.key, manifest.version, sha256(canonicalJson(manifest)), sha256(source)].join("\n");

/** `sha256:` and 64 digits: the same for the same manifest and source, in a package or not. */
export const decoderChecksum = (manifest: DecoderManifest, source: string): string =>
  `sha256:${sha256(signedText(manifest, source))}`;

/** Name of a package's file. */
export const packageFileName = ({ key, version }: Pick<DecoderManifest, "key" | "version">): string =>
  `${key}-${version}.mooring.json`;

const publicKeyText = (key: KeyObject): string => key.export({ type: "spki", format: "der" }).toString("base64");

export interface SigningKey {
  /** PKCS #8 in PEM: the secret. */
  readonly privateKey: string;
  /** As in {@link DecoderSignature}: what a host is told to trust. */
  readonly publicKey: string;
}

export function generateSigningKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    publicKey: publicKeyText(publicKey),
  };
}

function asKey(read: () => KeyObject, field: string): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch (error) {
    return refuse(field, `cannot be read: ${messageOf(error)}`, error);
  }
  if (key.asymmetricKeyType !== "ed25519") refuse(field, `must be an Ed25519 key, not ${key.asymmetricKeyType}`);
  return key;
}

/** @param privateKey PKCS #8 in PEM. @throws MooringError VALIDATION where it is none of Ed25519 */
export function signDecoder(manifest: DecoderManifest, source: string, privateKey: string): DecoderSignature {
  const key = asKey(() => createPrivateKey(privateKey), "privateKey");
  return {
    algorithm: "ed25519",
    publicKey: publicKeyText(createPublicKey(key)),
    value: sign(undefined, Buffer.from(signedText(manifest, source)), key).toString("base64"),
  };
}

/** Says that the owner of `signature.publicKey` signed it, not who that is. @throws MooringError VALIDATION with `details {field, rule}` */
export function verifyDecoderSignature(manifest: DecoderManifest, source: string, signature: DecoderSignature): void {
  const der = Buffer.from(signature.publicKey, "base64");
  const key = asKey(() => createPublicKey({ key: der, type: "spki", format: "der" }), "signature.publicKey");
  const isGood = verify(
    undefined,
    Buffer.from(signedText(manifest, source)),
    key,
    Buffer.from(signature.value, "base64"),
  );
  if (!isGood) refuse("signature.value", "is not the signature of this manifest and source");
}

/** @param known public keys as in {@link DecoderSignature}. @throws MooringError VALIDATION with `details {field, rule}` */
export function assertKnownKey(signature: DecoderSignature | undefined, known: readonly string[]): void {
  if (signature === undefined) return void refuse("signature", "is missing: this host takes signed decoders only");
  const given = Buffer.from(signature.publicKey, "base64");
  if (known.some(key => Buffer.from(key, "base64").equals(given))) return;
  refuse("signature.publicKey", "is none of the keys that this host knows");
}

const BASE64 = { pattern: "^[A-Za-z0-9+/]+={0,2}$", patternRule: "must be base64", type: "string" } as const;

export const decoderSignatureSchema: JsonSchema = {
  type: "object",
  required: ["algorithm", "publicKey", "value"],
  additionalProperties: false,
  properties: {
    algorithm: { enum: ["ed25519"] },
    publicKey: { ...BASE64, maxLength: 256 },
    value: { ...BASE64, maxLength: 128 },
  },
};

const checkShape = compileSchema<DecoderPackage>({
  type: "object",
  required: ["format", "manifest", "source", "language", "checksum"],
  additionalProperties: false,
  properties: {
    format: { enum: [1] },
    manifest: decoderManifestSchema,
    source: { type: "string", minLength: 1 },
    language: { enum: ["javascript"] },
    checksum: { type: "string", pattern: "^sha256:[0-9a-f]{64}$", patternRule: "must be sha256: and 64 digits" },
    vectors: { type: "array", items: decoderVectorSchema, maxItems: DECODER_PACKAGE_LIMITS.vectors },
    readme: { type: "string" },
    signature: decoderSignatureSchema,
  },
});

function assertSize(field: "file" | "source" | "readme", content: string | Uint8Array): void {
  const bytes = Buffer.byteLength(content);
  const limit = DECODER_PACKAGE_LIMITS[field];
  if (bytes <= limit) return;
  const rule = `must not be larger than ${limit} bytes, but has ${bytes}`;
  throw new MooringError("TOO_LARGE", `${field} ${rule}`, { field, rule });
}

/** @throws MooringError VALIDATION or TOO_LARGE with `details {field, rule}` */
export function checkDecoderPackage(value: unknown): DecoderPackage {
  const checked = checkShape(value);
  const { manifest, source, readme = "", checksum, signature } = checked;
  // Half of a surrogate pair would be hashed as another character.
  if (!source.isWellFormed()) refuse("source", "must be well-formed Unicode");
  assertSize("source", source);
  assertSize("readme", readme);
  const counted = decoderChecksum(manifest, source);
  if (checksum !== counted) refuse("checksum", `is not that of this manifest and source, which is ${counted}`);
  if (signature !== undefined) verifyDecoderSignature(manifest, source, signature);
  return checked;
}

/**
 * Reads a package file; its signature, where it has one, is a good one of the key that it names.
 * @throws MooringError MALFORMED for what is no JSON in UTF-8; VALIDATION or TOO_LARGE with `details {field, rule}`
 */
export function readDecoderPackage(file: string | Uint8Array): DecoderPackage {
  assertSize("file", file);
  let value: unknown;
  try {
    value = JSON.parse(typeof file === "string" ? file : new TextDecoder("utf-8", { fatal: true }).decode(file));
  } catch (error) {
    throw new MooringError("MALFORMED", `the package is no JSON: ${messageOf(error)}`, {}, { cause: error });
  }
  return checkDecoderPackage(value);
}

export interface PackageParts {
  readonly manifest: DecoderManifest;
  readonly source: string;
  readonly vectors?: readonly VectorDocument[];
  readonly readme?: string;
  /** PKCS #8 in PEM; without it the package is not signed. */
  readonly privateKey?: string;
}

/** @throws MooringError VALIDATION or TOO_LARGE with `details {field, rule}`, as {@link checkDecoderPackage} */
export function buildDecoderPackage({ manifest, source, vectors, readme, privateKey }: PackageParts): DecoderPackage {
  return checkDecoderPackage({
    format: 1,
    manifest,
    source,
    language: "javascript",
    checksum: decoderChecksum(manifest, source),
    ...(vectors && { vectors }),
    ...(readme !== undefined && { readme }),
    ...(privateKey !== undefined && { signature: signDecoder(manifest, source, privateKey) }),
  });
}

/** The file's text: the same for the same package. @throws MooringError TOO_LARGE with `details {field, rule}` */
export function writeDecoderPackage(packed: DecoderPackage): string {
  const text = `${JSON.stringify(packed, undefined, 2)}\n`;
  assertSize("file", text);
  return text;
}
