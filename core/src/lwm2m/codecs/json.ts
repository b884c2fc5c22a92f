/**
 * The JSON of LwM2M 1.0 (Content-Format 11543, in old clients 1543; LwM2M TS 1.0.2 section 6.4.4): `{"bn":"/3/0/","e":[
 * {"n":"0","sv":"Mooring"},{"n":"9","v":100}]}`. Not SenML: other labels, one base for all entries, bytes as base64 text.
 */
import { encodeUtf8 } from "../../base/bytes.ts";
import { MooringError } from "../../base/errors.ts";
import { formatPath, isBelow, type Lwm2mPath, parsePathBelow } from "../path.ts";
import type { ResourceType, ResourceValue, ScalarValue } from "../resource-value.ts";
import { CONTENT_FORMAT, type Codec, type CodecContext } from "./codec.ts";
import { numberText, parseExactJson } from "./exact-json.ts";
import {
  assertEncodable,
  assertNumbered,
  decodeBase64,
  describeValue,
  fitScalar,
  formatObjectLinkText,
  type NaturalValue,
  naturalType,
  parseObjectLinkText,
} from "./scalar.ts";
import { formatScalarText } from "./text.ts";

type Fields = Readonly<Record<string, unknown>>;

const VALUE_LABELS = ["v", "bv", "sv", "ov"] as const;
const LATEST_MS = 8.64e15;

const invalid = (message: string, details: Record<string, unknown> = {}): MooringError =>
  new MooringError("JSON_INVALID", message, details);

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An own member of the type asked for; undefined where it is absent. */
function member<T>(fields: Fields, name: string, isOfType: (value: unknown) => value is T, at: string): T | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || isOfType(value)) return value;
  throw invalid(`${at}: ${name} cannot be ${describeValue(value)}`, { field: name });
}

const isText = (value: unknown): value is string => typeof value === "string";
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isNumber = (value: unknown): value is number | bigint => typeof value === "number" || typeof value === "bigint";

function valueIn(entry: Fields, at: string): NaturalValue {
  const [label, ...more] = VALUE_LABELS.filter(name => Object.hasOwn(entry, name));
  if (label === undefined || more.length > 0) throw invalid(`${at}: has not exactly one of v, bv, sv, ov`);
  if (label === "v") return member(entry, label, isNumber, at)!;
  if (label === "bv") return member(entry, label, isBoolean, at)!;
  const text = member(entry, label, isText, at)!;
  const link = label === "ov" ? parseObjectLinkText(text) : text;
  if (link === undefined) throw invalid(`${at}: ov ${describeValue(text)} is no object link`, { field: "ov" });
  return link;
}

/** Base name, else the request's path, with one slash before the entry's own name. A name with a slash in front is whole. */
function pathOf(base: string | undefined, name: string | undefined, context: CodecContext, at: string): Lwm2mPath {
  const { path: asked, rootPath } = context;
  const prefix = base ?? formatPath(asked);
  const whole = base === undefined && name?.startsWith("/") ? name : `${prefix}/${name ?? ""}`.replace(/\/{2,}/g, "/");
  let path: Lwm2mPath;
  try {
    path = parsePathBelow(whole, rootPath);
  } catch (cause) {
    throw new MooringError("JSON_INVALID", `${at}: its name is no path`, {}, { cause });
  }
  if (path.length < 3) throw invalid(`${at}: ${formatPath(path)} is no resource`, { path: formatPath(path) });
  if (isBelow(path, asked)) return path;
  throw invalid(`${at}: ${formatPath(path)} does not lie below ${formatPath(asked)}`, { path: formatPath(path) });
}

/** Entry times count from the base time; without one, from now. */
function timeOf(base: number | bigint | undefined, own: number | bigint | undefined, nowMs: number, at: string) {
  if (base === undefined && own === undefined) return {};
  const offsetMs = Number(own ?? 0) * 1000;
  const atMs = Math.round(base === undefined ? nowMs + offsetMs : Number(base) * 1000 + offsetMs);
  if (Math.abs(atMs) <= LATEST_MS) return { atMs };
  throw invalid(`${at}: the time lies outside what a date can say`);
}

const fit = (natural: NaturalValue, type: ResourceType): ScalarValue | undefined =>
  type === "OPAQUE" && typeof natural === "string" ? decodeBase64(natural) : fitScalar(natural, type);

function decode(payload: Uint8Array, context: CodecContext): ResourceValue[] {
  const pack = parseExactJson(payload, "JSON_INVALID");
  const entries = isFields(pack) && Object.hasOwn(pack, "e") ? pack["e"] : undefined;
  if (!isFields(pack) || !Array.isArray(entries)) throw invalid("the payload is no JSON object with a list e");
  const base = member(pack, "bn", isText, "the payload");
  const baseTime = member(pack, "bt", isNumber, "the payload");
  return entries.map((entry: unknown, index) => {
    const at = `entry ${index}`;
    if (!isFields(entry)) throw invalid(`${at}: is no object`);
    const path = pathOf(base, member(entry, "n", isText, at), context, at);
    const natural = valueIn(entry, at);
    const type = context.models.resource(path[0]!, path[2]!)?.dataType ?? naturalType(natural);
    const value = fit(natural, type);
    if (value === undefined) {
      throw invalid(`${at}: ${formatPath(path)}: ${describeValue(natural)} is no ${type}`, {
        path: formatPath(path),
        type,
      });
    }
    return { path, type, value, ...timeOf(baseTime, member(entry, "t", isNumber, at), context.nowMs, at) };
  });
}

function valueField({ path, value }: ResourceValue): string {
  if (typeof value === "boolean") return `"bv":${value}`;
  if (typeof value === "string") return `"sv":${JSON.stringify(value)}`;
  if (value instanceof Uint8Array) return `"sv":"${formatScalarText(value)}"`;
  if (typeof value === "object") return `"ov":"${formatObjectLinkText(value)}"`;
  const text = numberText(value);
  if (text !== undefined) return `"v":${text}`;
  throw new MooringError("VALUE_TYPE", `${formatPath(path)}: JSON has no form for ${value}`, {
    path: formatPath(path),
  });
}

function encode(values: readonly ResourceValue[], { path: asked }: CodecContext): Uint8Array {
  if (asked.length === 0) {
    throw new MooringError("CONTENT_FORMAT_UNSUPPORTED", "LwM2M 1.0 JSON cannot hold several objects", { path: "/" });
  }
  const base = asked.slice(0, 2);
  const entries = values.map(value => {
    assertEncodable(value, asked);
    assertNumbered(value.path, "LwM2M 1.0 JSON");
    return `{"n":"${value.path.slice(base.length).join("/")}",${valueField(value)}}`;
  });
  return encodeUtf8(`{"bn":"${formatPath(base)}/","e":[${entries.join(",")}]}`);
}

export const jsonCodec: Codec = { contentFormat: CONTENT_FORMAT.JSON, decode, encode };
