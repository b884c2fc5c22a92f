/** Rules of single values that all codecs share: what fits which data type (LwM2M Core 1.1.1 appendix C). */
import { MooringError } from "../../base/errors.ts";
import { formatPath, isBelow, type Lwm2mPath, UNNUMBERED_INSTANCE } from "../path.ts";
import {
  isObjectLink,
  type ObjectLinkValue,
  type ResourceType,
  type ResourceValue,
  type ScalarValue,
} from "../resource-value.ts";

/** A point in time that the format itself marks as one (CBOR tags 0 and 1); seconds since 1970, fraction allowed. */
export interface EpochTime {
  readonly epochSeconds: number;
}

/** What self-describing formats (CBOR, SenML) hold before the declared type is looked at. */
export type NaturalValue = string | number | bigint | boolean | Uint8Array | ObjectLinkValue | EpochTime;

const RANGES = {
  INTEGER: [-(2n ** 63n), 2n ** 63n - 1n],
  TIME: [-(2n ** 63n), 2n ** 63n - 1n],
  UNSIGNED_INTEGER: [0n, 2n ** 64n - 1n],
} as const;
type IntegerType = keyof typeof RANGES;

const WHOLE = /^[+-]?\d{1,20}$/;
const LARGEST_LINK_ID = 65535;

const isInteger = (type: ResourceType): type is IntegerType => type in RANGES;

/** A number while it is exact, else the bigint. */
export const exactInteger = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

/** @returns the integer where it is whole and within the 64 bits of its type */
export function fitInteger(value: number | bigint, type: IntegerType): number | bigint | undefined {
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    return type === "UNSIGNED_INTEGER" && value < 0 ? undefined : value || 0;
  }
  if (typeof value === "number" && !Number.isInteger(value)) return undefined;
  const exact = BigInt(value);
  const [smallest, largest] = RANGES[type];
  return exact >= smallest && exact <= largest ? exactInteger(exact) : undefined;
}

/** `123`, `-5`, also past 2^53; undefined for anything else. */
export const parseWhole = (text: string): bigint | undefined => (WHOLE.test(text) ? BigInt(text) : undefined);

/** `3:0`; ids 0..65535, as 65535:65535 is the null link (appendix C). */
export function parseObjectLinkText(text: string): ObjectLinkValue | undefined {
  const match = /^(\d{1,5}):(\d{1,5})$/.exec(text);
  const [objectId, instanceId] = [Number(match?.[1]), Number(match?.[2])];
  return objectId <= LARGEST_LINK_ID && instanceId <= LARGEST_LINK_ID ? { objectId, instanceId } : undefined;
}

export const formatObjectLinkText = ({ objectId, instanceId }: ObjectLinkValue): string => `${objectId}:${instanceId}`;

/** Base64 with the standard or the URL-safe alphabet, padded or not (RFC 4648); undefined for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/=*$/, "");
  if (!/^[A-Za-z0-9+/_-]*$/.test(digits) || digits.length % 4 === 1 || text.length - digits.length > 2)
    return undefined;
  return new Uint8Array(Buffer.from(digits, "base64"));
}

const isEpochTime = (value: NaturalValue): value is EpochTime => typeof value === "object" && "epochSeconds" in value;

/** The type a value has on its own, where no model declares one. */
export function naturalType(value: NaturalValue): ResourceType {
  if (typeof value === "string") return "STRING";
  if (typeof value === "boolean") return "BOOLEAN";
  if (value instanceof Uint8Array) return "OPAQUE";
  if (typeof value === "object") return isEpochTime(value) ? "TIME" : "OBJECTLINK";
  if (fitInteger(value, "INTEGER") !== undefined) return "INTEGER";
  return typeof value === "bigint" ? "UNSIGNED_INTEGER" : "FLOAT";
}

/** RFC 3339 with an upper-case T, as CBOR tag 0 has it. */
export function parseDateTime(text: string): EpochTime | undefined {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : { epochSeconds: ms / 1000 };
}

function fitWhole(value: NaturalValue, type: IntegerType): number | bigint | undefined {
  if (typeof value === "number" || typeof value === "bigint") return fitInteger(value, type);
  if (typeof value === "string") {
    const whole = parseWhole(value);
    if (whole !== undefined) return fitInteger(whole, type);
    const time = type === "TIME" ? parseDateTime(value) : undefined;
    return time && Math.floor(time.epochSeconds);
  }
  if (typeof value === "object" && isEpochTime(value)) return fitInteger(Math.floor(value.epochSeconds), type);
  return undefined;
}

function fitFloat(value: NaturalValue): number | undefined {
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  return typeof value === "object" && isEpochTime(value) ? value.epochSeconds : undefined;
}

/**
 * @returns the value as its declared type has it (resource-value.ts), or undefined where it does not fit. Tolerated: whole
 * numbers for FLOAT, whole floats and decimal text for the integers (64 bits do not survive every JSON library), date
 * text for TIME, `a:b` text for OBJECTLINK.
 */
export function fitScalar(value: NaturalValue, type: ResourceType): ScalarValue | undefined {
  switch (type) {
    case "INTEGER":
    case "UNSIGNED_INTEGER":
    case "TIME":
      return fitWhole(value, type);
    case "FLOAT":
      return fitFloat(value);
    case "STRING":
    case "CORELINK":
      return typeof value === "string" ? value : undefined;
    case "BOOLEAN":
      return typeof value === "boolean" ? value : undefined;
    case "OPAQUE":
      return value instanceof Uint8Array ? value : undefined;
    case "OBJECTLINK":
      if (typeof value === "string") return parseObjectLinkText(value);
      return typeof value === "object" && "objectId" in value ? value : undefined;
  }
}

/** Short form of a value for an error: type and size, never a long content. */
export function describeValue(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === "string") return value.length > 40 ? `text of ${value.length} characters` : `"${value}"`;
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "a structure";
  return String(value);
}

function isOfType(value: ScalarValue, type: ResourceType): boolean {
  if (isInteger(type))
    return (typeof value === "number" || typeof value === "bigint") && fitInteger(value, type) !== undefined;
  if (type === "FLOAT") return typeof value === "number";
  if (type === "BOOLEAN") return typeof value === "boolean";
  if (type === "OPAQUE") return value instanceof Uint8Array;
  if (type !== "OBJECTLINK") return typeof value === "string";
  if (typeof value !== "object" || !isObjectLink(value)) return false;
  return [value.objectId, value.instanceId].every(id => Number.isInteger(id) && id >= 0 && id <= LARGEST_LINK_ID);
}

/** Guards encoding. @throws MooringError VALUE_TYPE where the value is not what its type says */
export function assertScalar(path: Lwm2mPath, type: ResourceType, value: ScalarValue): void {
  if (isOfType(value, type)) return;
  throw new MooringError("VALUE_TYPE", `${formatPath(path)}: ${describeValue(value)} is no value of type ${type}`, {
    path: formatPath(path),
    type,
  });
}

/** Guards one of the values of a payload for `asked`. @throws MooringError VALUE_TYPE */
export function assertEncodable({ path, type, value }: ResourceValue, asked: Lwm2mPath): void {
  assertScalar(path, type, value);
  if (path.length >= 3 && isBelow(path, asked)) return;
  throw new MooringError("VALUE_TYPE", `${formatPath(path)} is no resource below ${formatPath(asked)}`, {
    path: formatPath(path),
  });
}

/** For formats whose names are whole paths. @throws MooringError CONTENT_FORMAT_UNSUPPORTED */
export function assertNumbered(path: Lwm2mPath, format: string): void {
  if (path[1] !== UNNUMBERED_INSTANCE) return;
  throw new MooringError(
    "CONTENT_FORMAT_UNSUPPORTED",
    `${format} needs the number of the new instance of /${path[0]}`,
    {
      objectId: path[0],
    },
  );
}
