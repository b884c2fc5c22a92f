/** What is written in a decoder's manifest and what a decoder gives back, checked member by member. */
import { MooringError } from "../base/errors.ts";
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import { parsePath } from "../lwm2m/path.ts";
import { parseTime } from "../platform/time.ts";
import type { DataFragment, DecodedMeasurement, DecoderManifest, DecoderResult } from "./decoder.ts";

const KEY = "^[a-z0-9-]{1,64}$";
/** Semantic Versioning 2.0.0, item 2 and 9 to 10. */
export const VERSION = "^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$";
const text = (maxLength: number): JsonSchema => ({ type: "string", minLength: 1, maxLength });
/** Of a fragment or series: a key of stored documents, where any character but NUL may stand. */
const name = text(256);
const list = (items: JsonSchema, maxItems: number): JsonSchema => ({ type: "array", items, maxItems });
const STATUS: JsonSchema = { enum: ["ACTIVE", "ACKNOWLEDGED", "CLEARED"] };

const RESOURCE: JsonSchema = { type: "string", pattern: "^/\\d+/(\\d+|\\*)/\\d+(/(\\d+|\\*))?$" };
const F_PORT: JsonSchema = { type: "integer", minimum: 0, maximum: 255 };
const textByName = (maxLength: number): JsonSchema => ({
  type: "object",
  maxProperties: 256,
  additionalProperties: { type: "string", maxLength },
});

export const decoderManifestSchema: JsonSchema = {
  type: "object",
  required: ["key", "name", "version"],
  additionalProperties: false,
  properties: {
    key: { type: "string", pattern: KEY },
    name: text(200),
    version: { type: "string", pattern: VERSION, maxLength: 64 },
    publisher: text(200),
    deviceFragments: list(name, 32),
    resources: list(RESOURCE, 256),
    format: { enum: ["mooring", "chirpstack-v4", "ttn-v3"] },
    uplink: {
      type: "object",
      additionalProperties: false,
      properties: {
        fPort: F_PORT,
        fPorts: { type: "object", maxProperties: 256, propertyNames: RESOURCE, additionalProperties: F_PORT },
        variables: textByName(1024),
        measurementType: text(128),
        units: textByName(64),
      },
    },
  },
};

/** A result after `normalised`. At most 100 of each kind; all together 64 K characters, which the sandbox sees to. */
export const decoderResultSchema: JsonSchema = {
  type: "object",
  required: ["success"],
  properties: {
    success: { type: "boolean" },
    message: { type: "string" },
    measurements: list(
      {
        type: "object",
        required: ["type", "values"],
        properties: {
          type: name,
          series: name,
          time: text(64),
          values: list(
            {
              type: "object",
              required: ["seriesName", "value"],
              properties: { seriesName: name, unit: { type: "string", maxLength: 64 }, value: { type: "number" } },
            },
            1000,
          ),
          fragmentsToCopyFromSourceDevice: list(name, 100),
          deviceFragmentPrefix: { type: "string", maxLength: 256 },
          deviceNameFragment: name,
          includeDeviceName: { type: "boolean" },
          additionalProperties: { type: "object", additionalProperties: { type: "string" } },
        },
      },
      100,
    ),
    alarms: list(
      {
        type: "object",
        required: ["type", "text", "severity"],
        properties: {
          type: text(256),
          text: text(4096),
          severity: { enum: ["CRITICAL", "MAJOR", "MINOR", "WARNING"] },
          status: STATUS,
          time: text(64),
        },
      },
      100,
    ),
    alarmTypesToUpdate: { type: "object", propertyNames: STATUS, additionalProperties: list(text(256), 100) },
    events: list(
      {
        type: "object",
        required: ["type", "text"],
        properties: { type: text(256), text: text(4096), time: text(64) },
      },
      100,
    ),
    dataFragments: list(
      { type: "object", required: ["key"], properties: { key: text(64), value: { type: "string" } } },
      1000,
    ),
  },
};

/** @throws MooringError VALIDATION with `details {field, rule}` */
export const checkDecoderManifest: (value: unknown) => DecoderManifest =
  compileSchema<DecoderManifest>(decoderManifestSchema);

const checkShape = compileSchema<DecoderResult>(decoderResultSchema);

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const refuse = (field: string, rule: string): never => {
  throw new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });
};

const MAX_DEPTH = 16;

const SHORT = 64;
/** Texts that every store takes: no NUL, no half of a surrogate pair. */
const isStorable = (text: string): boolean => {
  // Nearly all are short and plain, and asking the engine twice costs more than looking at them.
  if (text.length > SHORT) return text.isWellFormed() && !text.includes("\0");
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0 || (unit >= 0xd800 && unit <= 0xdfff)) return text.isWellFormed() && !text.includes("\0");
  }
  return true;
};
const isKey = (text: string): boolean => text !== "__proto__" && isStorable(text);

/** Whether there is nothing to remove or to refuse in `value`; as most results are, it is the quick way past `normalised`. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === "string") return isStorable(value);
  if (typeof value !== "object") return true;
  if (value === null || depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isPlain(item, depth + 1)) return false;
    return true;
  }
  for (const key in value) if (!isKey(key) || !isPlain((value as Json)[key], depth + 1)) return false;
  return true;
}

/** What a store or a later merge would stumble over, wherever it stands in a result. */
function checkJson(value: unknown, field: string, depth: number): void {
  if (typeof value === "string" && !isStorable(value)) refuse(field, "holds a NUL or half of a surrogate pair");
  if (typeof value !== "object" || value === null) return;
  if (depth > MAX_DEPTH) refuse(field, `is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkJson(item, `${field}[${index}]`, depth + 1);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    const inner = field === "" ? key : `${field}.${key}`;
    if (!isKey(key)) refuse(inner, "is no possible name");
    checkJson(item, inner, depth + 1);
  }
}

const withoutNulls = (value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null)) : value;

const each = (value: unknown, change: (item: unknown) => unknown): unknown =>
  Array.isArray(value) ? value.map(change) : value;

const measurementOf = (value: unknown): unknown => {
  const measurement = withoutNulls(value);
  if (!isObject(measurement) || measurement["values"] === undefined) return measurement;
  return { ...measurement, values: each(measurement["values"], withoutNulls) };
};

/** Both forms that are about: an array of `{key, value | valueAsObject}`, and a map by key (agent specification 9.3). */
function dataFragmentsOf(value: unknown): unknown {
  if (!isObject(value)) return each(value, withoutNulls);
  return Object.entries(value).map(
    ([key, item]): DataFragment => (typeof item === "string" ? { key, value: item } : { key, valueAsObject: item }),
  );
}

/** Nulls are omitted, both forms of `dataFragments` become one. */
function normalised(value: unknown): unknown {
  if (!isObject(value)) return value;
  const present = withoutNulls(value) as Json;
  const change = (key: string, to: (member: unknown) => unknown): Json =>
    key in present ? { [key]: to(present[key]) } : {};
  return {
    ...present,
    ...change("measurements", member => each(member, measurementOf)),
    ...change("alarms", member => each(member, withoutNulls)),
    ...change("alarmTypesToUpdate", withoutNulls),
    ...change("events", member => each(member, withoutNulls)),
    ...change("dataFragments", dataFragmentsOf),
  };
}

function checkTimes(items: readonly { readonly time?: string }[] | undefined, kind: string): void {
  items?.forEach(({ time }, index) => {
    if (time !== undefined && parseTime(time, `${kind}[${index}].time`) < 0) {
      refuse(`${kind}[${index}].time`, "lies before 1970");
    }
  });
}

/** Members of a stored measurement that no fragment may take the place of. */
const OWN_MEMBERS: ReadonlySet<string | undefined> = new Set(["id", "self", "type", "time", "source", "decodedBy"]);

function checkFragmentNames(measurement: DecodedMeasurement, index: number): void {
  const { type, series, deviceNameFragment, additionalProperties } = measurement;
  const reserved = (member: string): never => refuse(`measurements[${index}].${member}`, "is a reserved name");
  if (OWN_MEMBERS.has(series ?? type)) reserved(series === undefined ? "type" : "series");
  if (OWN_MEMBERS.has(deviceNameFragment ?? undefined)) reserved("deviceNameFragment");
  if (additionalProperties === undefined) return;
  for (const key of Object.keys(additionalProperties)) {
    if (OWN_MEMBERS.has(key)) reserved(`additionalProperties.${key}`);
  }
}

function isResourcePath(path: string): boolean {
  try {
    return parsePath(path).length >= 3;
  } catch {
    return false;
  }
}

function checkDataFragment({ key, value, valueAsObject }: DataFragment, field: string): void {
  if (value === undefined && valueAsObject === undefined) refuse(field, "must have a value or a valueAsObject");
  if (!isResourcePath(key)) refuse(`${field}.key`, "must be the path of a resource");
}

/**
 * Checks what a decoder returned, wherever it ran, and brings it into one form: nulls are gone, times parse, paths are
 * paths, everything can be stored. Members that the contract does not know are left for nobody to read.
 * @param value parsed JSON; not changed, parts of it are given back
 * @throws      MooringError VALIDATION with `details {field, rule}`
 */
export function checkDecoderResult(value: unknown): DecoderResult {
  const plain = isObject(value) && isPlain(value, 1) && !isObject(value["dataFragments"]);
  if (!plain) checkJson(value, "", 1);
  const result = checkShape(plain ? value : normalised(value));
  const { measurements, alarms, events, dataFragments } = result;
  checkTimes(measurements, "measurements");
  checkTimes(alarms, "alarms");
  checkTimes(events, "events");
  measurements?.forEach((measurement, index) => void checkFragmentNames(measurement, index));
  dataFragments?.forEach((fragment, index) => void checkDataFragment(fragment, `dataFragments[${index}]`));
  return result;
}
