/** What is uploaded: a decoder version as JSON, where its service is, or a package file. Read, checked, and held against the host's policy of signatures. */
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
import { invalid } from "../../platform/body.ts";
import { isCumulocityDecoder, readCumulocityManifest } from "../remote/cumulocity-manifest.ts";
import { checkAddress, checkRemoteService, type RemoteService } from "../remote/remote-service.ts";
import type { CallOutcome } from "../remote/service-client.ts";

interface Upload {
  readonly manifest: DecoderManifest;
  /** Who wrote it, as the uploader says. */
  readonly author?: string;
  readonly signature?: DecoderSignature;
}

export type DecoderUpload = Upload &
  (
    | { readonly source: string; readonly language: "javascript" | "typescript" }
    | { readonly service: RemoteService; readonly language: "service" }
  );

export interface UploadPolicy {
  /** Takes only what a trusted key has signed. */
  readonly requireSignature: boolean;
  /** Public keys, as in {@link DecoderSignature}. */
  readonly trustedKeys: readonly string[];
  /** Origins of services that may have addresses inside the host's network. */
  readonly allowedOrigins: readonly string[];
}

const author = { type: "string", minLength: 1, maxLength: 200 } as const;

interface SourceBody extends Upload {
  readonly source: string;
  readonly language?: "javascript" | "typescript";
}
const checkBody = compileSchema<SourceBody>({
  type: "object",
  required: ["manifest", "source"],
  additionalProperties: false,
  properties: {
    manifest: decoderManifestSchema,
    source: { type: "string", minLength: 1 },
    language: { enum: ["javascript", "typescript"] },
    author,
    signature: decoderSignatureSchema,
  },
});

/** The service is looked at apart, and the manifest may be that of a Cumulocity microservice. */
const checkServiceBody = compileSchema<{ manifest: unknown; service: unknown; author?: string }>({
  type: "object",
  required: ["manifest", "service"],
  additionalProperties: false,
  properties: { manifest: { type: "object" }, service: { type: "object" }, author },
});
const checkServiceManifest = compileSchema<{ manifest: DecoderManifest }>({
  type: "object",
  properties: { manifest: decoderManifestSchema },
});

const has = (body: unknown, member: string): boolean => typeof body === "object" && body !== null && member in body;
/** A document with `format` is a package. */
const isPackage = (body: unknown): boolean => has(body, "format");

function readService(body: unknown, allowedOrigins: readonly string[]): DecoderUpload {
  const { manifest, service, ...rest } = checkServiceBody(body);
  const read = isCumulocityDecoder(manifest)
    ? readCumulocityManifest(manifest)
    : checkServiceManifest({ manifest }).manifest;
  const checked = checkRemoteService(service);
  checkAddress(checked, allowedOrigins);
  return { ...rest, manifest: read, service: checked, language: "service" };
}

function checkSource(source: string): void {
  const bytes = Buffer.byteLength(source);
  if (bytes <= DECODER_PACKAGE_LIMITS.source) return;
  const rule = `must not be larger than ${DECODER_PACKAGE_LIMITS.source} bytes, but has ${bytes}`;
  throw new MooringError("TOO_LARGE", `source ${rule}`, { field: "source", rule });
}

/**
 * A service that comes without a manifest is asked for its own.
 * @throws MooringError VALIDATION where it gives none
 */
export async function withManifest(
  body: unknown,
  { allowedOrigins }: UploadPolicy,
  fetchManifest?: (service: RemoteService) => Promise<CallOutcome>,
): Promise<unknown> {
  if (!fetchManifest || !has(body, "service") || has(body, "manifest")) return body;
  const { service } = body as { readonly service: unknown };
  const checked = checkRemoteService(service);
  checkAddress(checked, allowedOrigins);
  const outcome = await fetchManifest(checked);
  if (outcome.ok) return { ...(body as object), manifest: outcome.body };
  throw invalid("manifest", `is missing, and ${checked.url} has no cumulocity.json: ${outcome.message}`);
}

/**
 * @param body parsed JSON
 * @throws MooringError VALIDATION or TOO_LARGE with `details {field, rule}`
 */
export function readDecoderUpload(
  body: unknown,
  { requireSignature, trustedKeys, allowedOrigins }: UploadPolicy,
): DecoderUpload {
  if (has(body, "service")) {
    // Nobody has signed a service: where signatures are asked for, only the operator may name one.
    if (requireSignature) assertKnownKey(undefined, trustedKeys);
    return readService(body, allowedOrigins);
  }
  const upload = isPackage(body) ? checkDecoderPackage(body) : { language: "javascript" as const, ...checkBody(body) };
  const { manifest, source, signature } = upload;
  checkSource(source);
  if (signature !== undefined) verifyDecoderSignature(manifest, source, signature);
  if (requireSignature) assertKnownKey(signature, trustedKeys);
  return upload;
}
