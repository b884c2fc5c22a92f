/** What is uploaded: a decoder version as JSON, or a package file. Read, checked, and held against the host's policy of signatures. */
import { MooringError } from "../../base/errors.ts";
import { compileSchema } from "../../base/schema.ts";
import type { DecoderManifest } from "../../contract/decoder.ts";
import {
  assertKnownKey,
  checkDecoderPackage,
  DECODER_PACKAGE_LIMITS,
  type DecoderSignature,
  decoderSignatureSchema,
  verifyDecoderSignature,
} from "../../contract/decoder-package.ts";
import { decoderManifestSchema } from "../../contract/manifest.ts";

export interface DecoderUpload {
  readonly manifest: DecoderManifest;
  readonly source: string;
  readonly language: "javascript" | "typescript";
  /** Who wrote it, as the uploader says. */
  readonly author?: string;
  readonly signature?: DecoderSignature;
}

export interface SignaturePolicy {
  /** Takes only what a trusted key has signed. */
  readonly requireSignature: boolean;
  /** Public keys, as in {@link DecoderSignature}. */
  readonly trustedKeys: readonly string[];
}

const checkBody = compileSchema<Omit<DecoderUpload, "language"> & Partial<Pick<DecoderUpload, "language">>>({
  type: "object",
  required: ["manifest", "source"],
  additionalProperties: false,
  properties: {
    manifest: decoderManifestSchema,
    source: { type: "string", minLength: 1 },
    language: { enum: ["javascript", "typescript"] },
    author: { type: "string", minLength: 1, maxLength: 200 },
    signature: decoderSignatureSchema,
  },
});

/** A document with `format` is a package. */
const isPackage = (body: unknown): boolean => typeof body === "object" && body !== null && "format" in body;

function checkSource(source: string): void {
  const bytes = Buffer.byteLength(source);
  if (bytes <= DECODER_PACKAGE_LIMITS.source) return;
  const rule = `must not be larger than ${DECODER_PACKAGE_LIMITS.source} bytes, but has ${bytes}`;
  throw new MooringError("TOO_LARGE", `source ${rule}`, { field: "source", rule });
}

/**
 * @param body parsed JSON
 * @throws MooringError VALIDATION or TOO_LARGE with `details {field, rule}`
 */
export function readDecoderUpload(body: unknown, { requireSignature, trustedKeys }: SignaturePolicy): DecoderUpload {
  const upload = isPackage(body) ? checkDecoderPackage(body) : { language: "javascript" as const, ...checkBody(body) };
  const { manifest, source, signature } = upload;
  checkSource(source);
  if (signature !== undefined) verifyDecoderSignature(manifest, source, signature);
  if (requireSignature) assertKnownKey(signature, trustedKeys);
  return upload;
}
