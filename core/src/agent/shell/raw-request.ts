/** The JSON of the `coap` command (agent specification 10.3). Pure. */
import { EMPTY_BYTES, fromHex } from "../../base/bytes.ts";
import { isFailure } from "../../base/errors.ts";
import { compileSchema } from "../../base/schema.ts";
import type { Method } from "../../coap/request.ts";
import { CONTENT_FORMAT } from "../../lwm2m/codecs/codec.ts";
import type { RawRequest } from "./command.ts";
import { readJsonObject } from "./json.ts";
import { refuse, type Word } from "./words.ts";

export const RAW_EXAMPLE = '{"method":"get","uri":"/3/0","accept":11542}';

const METHODS = ["get", "post", "put", "delete", "fetch", "ipatch", "patch"];

/** IANA media types of LwM2M's formats (CoRE Parameters registry). */
const MEDIA_TYPES: Readonly<Record<string, number>> = {
  "text/plain": CONTENT_FORMAT.TEXT,
  "text/plain;charset=utf-8": CONTENT_FORMAT.TEXT,
  "application/link-format": CONTENT_FORMAT.LINK,
  "application/octet-stream": CONTENT_FORMAT.OPAQUE,
  "application/json": 50,
  "application/cbor": CONTENT_FORMAT.CBOR,
  "application/senml+json": CONTENT_FORMAT.SENML_JSON,
  "application/senml+cbor": CONTENT_FORMAT.SENML_CBOR,
  "application/senml-etch+json": CONTENT_FORMAT.SENML_ETCH_JSON,
  "application/senml-etch+cbor": CONTENT_FORMAT.SENML_ETCH_CBOR,
  "application/vnd.oma.lwm2m+tlv": CONTENT_FORMAT.TLV,
  "application/vnd.oma.lwm2m+json": CONTENT_FORMAT.JSON,
  "application/vnd.oma.lwm2m+cbor": CONTENT_FORMAT.LWM2M_CBOR,
};

const FORMAT = { type: ["integer", "string", "null"], minimum: 0, maximum: 65_535 };

interface Body {
  readonly method: string;
  readonly uri?: string | null;
  readonly contentFormat?: number | string | null;
  readonly accept?: number | string | null;
  readonly payloadHex?: string | null;
}
const checkBody = compileSchema<Body>({
  type: "object",
  required: ["method"],
  additionalProperties: false,
  properties: {
    method: { type: "string", enum: METHODS },
    uri: { type: ["string", "null"], maxLength: 1024 },
    contentFormat: FORMAT,
    accept: FORMAT,
    payloadHex: { type: ["string", "null"], pattern: "^[A-Fa-f0-9]+$" },
  },
});

/** Uri-Path and Uri-Query, each segment decoded as URIs are. @throws URIError */
function splitUri(uri: string): Pick<RawRequest, "path" | "query"> {
  const [path = "", ...query] = uri.split("?");
  const parts = (text: string, separator: string): string[] =>
    text
      .split(separator)
      .filter(each => each !== "")
      .map(decodeURIComponent);
  return { path: parts(path, "/"), query: parts(query.join("?"), "&") };
}

/** @throws MooringError VALIDATION, which names the member */
export function readRawRequest(word: Word): RawRequest {
  const json = readJsonObject(word, RAW_EXAMPLE);
  const method = json["method"];
  const wrong = (field: string, rule: string) => refuse(word, `is no request: ${field} ${rule}`, RAW_EXAMPLE);

  function formatOf(field: "contentFormat" | "accept", value: number | string | null | undefined): number | undefined {
    if (typeof value !== "string") return value ?? undefined;
    const known = MEDIA_TYPES[value.toLowerCase().replaceAll(/\s/g, "")];
    if (known === undefined) throw wrong(field, `must be a number or one of ${Object.keys(MEDIA_TYPES).join(", ")}`);
    return known;
  }

  let body: Body;
  try {
    body = checkBody({ ...json, ...(typeof method === "string" && { method: method.toLowerCase() }) });
  } catch (error) {
    if (!isFailure(error)) throw error;
    throw wrong(String(error.details["field"]), String(error.details["rule"]));
  }
  const { uri, payloadHex } = body;
  let target: Pick<RawRequest, "path" | "query">;
  try {
    target = splitUri(uri ?? "");
  } catch {
    throw wrong("uri", "must be a path such as /3/0?pmin=10, with % only before two hexadecimal digits");
  }
  if (payloadHex && payloadHex.length % 2 !== 0) throw wrong("payloadHex", "must have an even number of digits");
  const contentFormat = formatOf("contentFormat", body.contentFormat);
  const accept = formatOf("accept", body.accept);
  return {
    method: body.method.toUpperCase() as Method,
    ...target,
    ...(contentFormat !== undefined && { contentFormat }),
    ...(accept !== undefined && { accept }),
    payload: payloadHex ? fromHex(payloadHex) : EMPTY_BYTES,
  };
}
