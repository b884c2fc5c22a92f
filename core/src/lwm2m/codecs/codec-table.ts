/** Which codec reads and writes which Content-Format, and which format to ask a device for. */
import { MooringError } from "../../base/errors.ts";
import { formatPath, type Lwm2mPath } from "../path.ts";
import type { ResourceValue } from "../resource-value.ts";
import { isAtLeast } from "../version.ts";
import { cborCodec } from "./cbor.ts";
import { CONTENT_FORMAT, type Codec, type CodecContext, contentFormatName } from "./codec.ts";
import { jsonCodec } from "./json.ts";
import { lwm2mCborCodec } from "./lwm2m-cbor.ts";
import { opaqueCodec } from "./opaque.ts";
import { senmlCborCodec } from "./senml-cbor.ts";
import { senmlJsonCodec } from "./senml-json.ts";
import { textCodec } from "./text.ts";
import { tlvCodec } from "./tlv.ts";

const { TEXT, OPAQUE, CBOR, SENML_CBOR, SENML_JSON, TLV, OLD_TLV, JSON: LWM2M_JSON, OLD_JSON } = CONTENT_FORMAT;
const { LWM2M_CBOR, SENML_ETCH_CBOR, SENML_ETCH_JSON } = CONTENT_FORMAT;

/** Numbers of TLV and JSON before they were registered. */
const DEPRECATED: readonly number[] = [OLD_TLV, OLD_JSON];

/** Each becomes documents of its own, and all those of a message are stored together. */
const MOST_VALUES = 10_000;

const limited = (codec: Codec): Codec => ({
  ...codec,
  decode(payload, context) {
    const values = codec.decode(payload, context);
    if (values.length <= MOST_VALUES) return values;
    throw new MooringError("TOO_LARGE", `the message holds ${values.length} values, more than ${MOST_VALUES}`, {
      values: values.length,
    });
  },
});

const CODECS: ReadonlyMap<number, Codec> = new Map(
  [
    textCodec,
    opaqueCodec,
    cborCodec,
    senmlJsonCodec,
    senmlCborCodec,
    tlvCodec,
    { ...tlvCodec, contentFormat: OLD_TLV },
    jsonCodec,
    { ...jsonCodec, contentFormat: OLD_JSON },
    lwm2mCborCodec,
    { ...senmlCborCodec, contentFormat: SENML_ETCH_CBOR },
    { ...senmlJsonCodec, contentFormat: SENML_ETCH_JSON },
  ].map(codec => [codec.contentFormat, limited(codec)]),
);

/** Content-Format number that stands for "none" with some clients (CoAP reserves it). */
const NO_CONTENT_FORMAT = 65535;

/**
 * Besides its own errors its `decode` throws TOO_LARGE for more than 10,000 values.
 * @throws MooringError CONTENT_FORMAT_UNSUPPORTED naming the format
 */
export function codecFor(contentFormat: number): Codec {
  const codec = CODECS.get(contentFormat);
  if (codec) return codec;
  throw unsupported(contentFormat, "is not supported for values");
}

const unsupported = (contentFormat: number, rule: string): MooringError =>
  new MooringError("CONTENT_FORMAT_UNSUPPORTED", `Content-Format ${contentFormatName(contentFormat)} ${rule}`, {
    contentFormat,
  });

export const isDeprecated = (contentFormat: number): boolean => DEPRECATED.includes(contentFormat);

/**
 * A payload that came without Content-Format: text where the path names a single resource; nothing where it is empty.
 * @throws MooringError CONTENT_FORMAT_UNSUPPORTED otherwise
 */
export function decodeUntyped(payload: Uint8Array, context: CodecContext): ResourceValue[] {
  const { path } = context;
  if (payload.length === 0 && path.length < 3) return [];
  if (path.length >= 3) {
    try {
      return textCodec.decode(payload, context);
    } catch (cause) {
      throw untyped(path, "which does not read as text either", cause);
    }
  }
  throw untyped(path, "and several resources cannot come as text");
}

const untyped = (path: Lwm2mPath, reason: string, cause?: unknown): MooringError =>
  new MooringError(
    "CONTENT_FORMAT_UNSUPPORTED",
    `the payload for ${formatPath(path)} has no Content-Format, ${reason}`,
    { path: formatPath(path) },
    { cause },
  );

/**
 * Decodes by the Content-Format that came, not by the one asked for.
 * @param contentFormat undefined or 65535: the payload names none
 * @throws MooringError of the codec, or CONTENT_FORMAT_UNSUPPORTED
 */
export function decodePayload(
  contentFormat: number | undefined,
  payload: Uint8Array,
  context: CodecContext,
): ResourceValue[] {
  if (contentFormat === undefined || contentFormat === NO_CONTENT_FORMAT) return decodeUntyped(payload, context);
  return codecFor(contentFormat).decode(payload, context);
}

export type DecodePayload = typeof decodePayload;

/** As {@link decodePayload}, where the numbers 1542 and 1543 of early devices are not to be understood (agent specification 10.2). */
export const decodeCurrentPayload: DecodePayload = (contentFormat, payload, context) => {
  if (contentFormat !== undefined && isDeprecated(contentFormat))
    throw unsupported(contentFormat, "is deprecated, and not to be understood here");
  return decodePayload(contentFormat, payload, context);
};

/**
 * Formats of several values, best first (agent specification 10.2), and those of one. LwM2M CBOR stands behind SenML, since
 * that alone can say times.
 */
const STRUCTURED = [TLV, OLD_TLV, SENML_CBOR, SENML_JSON, LWM2M_CBOR, LWM2M_JSON, OLD_JSON];
const SINGLE = [CBOR, TEXT, OPAQUE];

/** What a device has that offers nothing: TLV in 1.0 and mostly in 1.1; SenML CBOR first in 1.2, where TLV is optional. */
function assumed(version: string): number[] {
  if (isAtLeast(version, "1.2")) return [SENML_CBOR, TLV, SENML_JSON];
  return isAtLeast(version, "1.1") ? [TLV, SENML_CBOR, SENML_JSON] : [TLV];
}

/**
 * Content-Formats to ask a device for, best first; the next one is for a device that refuses the first.
 * @param version  LwM2M version of the registration
 * @param offered  `ct` of its root link; what we cannot decode is passed over
 * @param path     of the request: formats of a single value come in only for a resource or resource instance
 */
export function preferredFormats(version: string, offered: readonly number[], path: Lwm2mPath = []): number[] {
  const of = (formats: readonly number[]): number[] =>
    formats.filter(format => CODECS.has(format) && offered.includes(format));
  const found = [...of(STRUCTURED), ...(path.length >= 3 ? of(SINGLE) : [])];
  return found.length > 0 ? found : assumed(version).filter(format => CODECS.has(format));
}

/** What the composite operations may speak: answers, lists of paths, and values that are written (LwM2M Transport 1.2.2 table 6.4.4-1). */
const COMPOSITE = {
  answer: [SENML_CBOR, SENML_JSON, LWM2M_CBOR],
  paths: [SENML_CBOR, SENML_JSON, SENML_ETCH_CBOR, SENML_ETCH_JSON],
  write: [SENML_CBOR, SENML_JSON, LWM2M_CBOR, SENML_ETCH_CBOR, SENML_ETCH_JSON],
} as const;

/** As {@link preferredFormats}, for a body of a composite operation. A device that offers none is asked in SenML all the same. */
export function compositeFormats(body: keyof typeof COMPOSITE, offered: readonly number[]): number[] {
  const found = COMPOSITE[body].filter(format => offered.includes(format));
  return found.length > 0 ? found : [SENML_CBOR, SENML_JSON];
}
