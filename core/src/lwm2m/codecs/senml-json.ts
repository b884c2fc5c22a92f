/** SenML JSON (Content-Format 110; RFC 8428 section 5, LwM2M Core 1.1.1 section 7.4.4). */
import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { MooringError } from "../../base/errors.ts";
import { formatPath, type Lwm2mPath } from "../path.ts";
import type { ResourceValue } from "../resource-value.ts";
import { CONTENT_FORMAT, type Codec, type CodecContext } from "./codec.ts";
import { decodeBase64, formatObjectLinkText } from "./scalar.ts";
import { type OutgoingRecord, recordsOfValues, type SenmlRecord, valuesOfRecords } from "./senml.ts";

const invalid = (message: string, details: Record<string, unknown> = {}): MooringError =>
  new MooringError("SENML_INVALID", message, details);

/** Digits that a double may not hold exactly; more than 20 are beyond 64 bits and stay numbers. */
const LONG_NUMBER = /\d{16}/;
const LONG_INTEGER = /^-?\d{16,20}$/;

type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Integers past 2^53 as bigint, from their digits. */
const exact: Reviver = (_key, value, { source }) =>
  typeof value === "number" && source !== undefined && !Number.isSafeInteger(value) && LONG_INTEGER.test(source)
    ? BigInt(source)
    : value;

function parse(payload: Uint8Array): unknown {
  const text = decodeUtf8(payload);
  if (text === undefined) throw invalid("the payload is not UTF-8 text");
  try {
    return LONG_NUMBER.test(text) ? JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]) : JSON.parse(text);
  } catch (cause) {
    throw new MooringError("SENML_INVALID", "the payload is not JSON", { length: payload.length }, { cause });
  }
}

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
  const pack = parse(payload);
  if (!Array.isArray(pack)) throw invalid("the payload is no JSON array of records");
  return pack.map(recordOf);
}

function numberText(path: Lwm2mPath, value: number | bigint): string {
  if (typeof value === "bigint" || Number.isFinite(value)) return String(value);
  throw new MooringError("VALUE_TYPE", `${formatPath(path)}: JSON has no form for ${value}`, {
    path: formatPath(path),
  });
}

/** Label and JSON text; integers of 64 bits with all their digits, bytes in base64url without padding. */
function valueField({ path, value }: ResourceValue): string {
  if (typeof value === "string") return `"vs":${JSON.stringify(value)}`;
  if (typeof value === "boolean") return `"vb":${value}`;
  if (value instanceof Uint8Array) {
    return `"vd":"${Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64url")}"`;
  }
  return typeof value === "object" ? `"vlo":"${formatObjectLinkText(value)}"` : `"v":${numberText(path, value)}`;
}

function recordText({ bn, n, t, value }: OutgoingRecord): string {
  const fields = [
    bn === undefined ? [] : [`"bn":${JSON.stringify(bn)}`],
    n === undefined ? [] : [`"n":${JSON.stringify(n)}`],
    t === undefined ? [] : [`"t":${t}`],
    value === undefined ? [] : [valueField(value)],
  ];
  return `{${fields.flat().join(",")}}`;
}

export const writeJsonRecords = (records: readonly OutgoingRecord[]): Uint8Array =>
  encodeUtf8(`[${records.map(recordText).join(",")}]`);

export const senmlJsonCodec: Codec = {
  contentFormat: CONTENT_FORMAT.SENML_JSON,
  decode: (payload: Uint8Array, context: CodecContext) => valuesOfRecords(readJsonRecords(payload), context),
  encode: (values, context) => writeJsonRecords(recordsOfValues(values, context)),
};
