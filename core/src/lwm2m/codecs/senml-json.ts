/** SenML JSON (Content-Format 110; RFC 8428 section 5, LwM2M Core 1.1.1 section 7.4.4). */
import { encodeUtf8 } from "../../base/bytes.ts";
import { MooringError } from "../../base/errors.ts";
import { formatPath } from "../path.ts";
import type { ResourceValue } from "../resource-value.ts";
import { CONTENT_FORMAT, type Codec, type CodecContext } from "./codec.ts";
import { numberText, parseExactJson } from "./exact-json.ts";
import { decodeBase64, formatObjectLinkText } from "./scalar.ts";
import { type OutgoingRecord, recordsOfValues, type SenmlRecord, valuesOfRecords } from "./senml.ts";

const invalid = (message: string, details: Record<string, unknown> = {}): MooringError =>
  new MooringError("SENML_INVALID", message, details);

function recordOf(record: unknown, at: number): SenmlRecord {
  if (typeof record !== "object" || record === null || Array.isArray(record)) {
    throw invalid(`SenML record ${at}: is no object`, { record: at });
  }
  const fields = new Map<string, unknown>(Object.entries(record));
  const data = fields.get("vd");
  if (data === undefined) return fields;
  const bytes = typeof data === "string" ? decodeBase64(data) : undefined;
  if (!bytes) throw invalid(`SenML record ${at}: vd is no base64 text`, { record: at, label: "vd" });
  return fields.set("vd", bytes);
}

/** @throws MooringError SENML_INVALID */
export function readJsonRecords(payload: Uint8Array): SenmlRecord[] {
  const pack = parseExactJson(payload, "SENML_INVALID");
  if (!Array.isArray(pack)) throw invalid("the payload is no JSON array of records");
  return pack.map(recordOf);
}

function numberField({ path }: ResourceValue, value: number | bigint): string {
  const text = numberText(value);
  if (text !== undefined) return `"v":${text}`;
  throw new MooringError("VALUE_TYPE", `${formatPath(path)}: JSON has no form for ${value}`, {
    path: formatPath(path),
  });
}

/** RFC 8428 section 4.3 asks for the first, without padding; the other one is padded. */
type Base64 = "base64url" | "base64";

/** Label and JSON text; integers of 64 bits with all their digits. */
function valueField(resource: ResourceValue, base64: Base64): string {
  const { value } = resource;
  if (typeof value === "string") return `"vs":${JSON.stringify(value)}`;
  if (typeof value === "boolean") return `"vb":${value}`;
  if (value instanceof Uint8Array) {
    return `"vd":"${Buffer.from(value.buffer, value.byteOffset, value.length).toString(base64)}"`;
  }
  return typeof value === "object" ? `"vlo":"${formatObjectLinkText(value)}"` : numberField(resource, value);
}

export function recordText({ bn, bt, n, t, value }: OutgoingRecord, base64: Base64 = "base64url"): string {
  const fields = [
    bn === undefined ? [] : [`"bn":${JSON.stringify(bn)}`],
    bt === undefined ? [] : [`"bt":${bt}`],
    n === undefined ? [] : [`"n":${JSON.stringify(n)}`],
    t === undefined ? [] : [`"t":${t}`],
    value === undefined ? [] : [valueField(value, base64)],
  ];
  return `{${fields.flat().join(",")}}`;
}

export const writeJsonRecords = (records: readonly OutgoingRecord[]): Uint8Array =>
  encodeUtf8(`[${records.map(record => recordText(record)).join(",")}]`);

export const senmlJsonCodec: Codec = {
  contentFormat: CONTENT_FORMAT.SENML_JSON,
  decode: (payload: Uint8Array, context: CodecContext) => valuesOfRecords(readJsonRecords(payload), context),
  encode: (values, context) => writeJsonRecords(recordsOfValues(values, context)),
};
