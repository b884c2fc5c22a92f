/** What a resource value is as the number of a measurement (agent specification 8.1), and as JSON (16.1). */
import { toHex } from "../base/bytes.ts";
import { isObjectLink, type ResourceType, type ScalarValue } from "../lwm2m/resource-value.ts";

export interface ConversionOptions {
  /** Reads a leading-zero integer that holds an 8 or 9 (`-029`) as decimal instead of refusing it (agent specification 21). */
  readonly lenientOctal?: boolean;
}

const HEXADECIMAL = /^[+-]?0[xX][0-9A-Fa-f]+$/;
const OCTAL = /^[+-]?0[0-7]+$/;
const LEADING_ZERO_INTEGER = /^[+-]?0\d+$/;
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;
const SCIENTIFIC = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))[eE][+-]?\d+$/;

/** A sign before 0x or 0o is none that JavaScript's `Number` knows, so it is put on afterwards. */
function signed(text: string, prefixLength: number, radix: "0x" | "0o"): number {
  const sign = text.startsWith("-") ? -1 : 1;
  const digitsAt = (text.startsWith("-") || text.startsWith("+") ? 1 : 0) + prefixLength;
  return sign * Number(radix + text.slice(digitsAt));
}

function numberOfText(raw: string, options: ConversionOptions): number | undefined {
  const text = raw.trim();
  if (HEXADECIMAL.test(text)) return signed(text, 2, "0x");
  if (OCTAL.test(text)) return signed(text, 1, "0o");
  if (LEADING_ZERO_INTEGER.test(text)) return options.lenientOctal ? Number(text) : undefined;
  if (DECIMAL.test(text)) return Number(text);
  const mantissa = SCIENTIFIC.exec(text)?.[1];
  return mantissa !== undefined && !LEADING_ZERO_INTEGER.test(mantissa) ? Number(text) : undefined;
}

function numberOf(value: ScalarValue, type: ResourceType, options: ConversionOptions): number | undefined {
  switch (typeof value) {
    case "number":
      return type === "TIME" ? Math.trunc(value) : value;
    case "boolean":
      return value ? 1 : 0;
    case "bigint":
      return Number(value);
    case "string":
      return type === "STRING" ? numberOfText(value, options) : undefined;
    default:
      return undefined;
  }
}

/**
 * @returns the number, true 1 and false 0, a time in seconds, 64-bit integers with their sign and magnitude (nearest double);
 *          undefined for opaque values, links, other texts, NaN and infinities: nothing that a measurement may hold
 */
export function toMeasurementNumber(
  value: ScalarValue,
  type: ResourceType,
  options: ConversionOptions = {},
): number | undefined {
  const number = numberOf(value, type, options);
  // Adding 0 turns -0 into 0, which not every store keeps apart.
  return number !== undefined && Number.isFinite(number) ? number + 0 : undefined;
}

/** 64-bit integers outside the safe range are decimal text, opaque bytes lower-case hexadecimal, object links `3:0`. */
export function toJsonValue(value: ScalarValue): string | number | boolean | null {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (isObjectLink(value)) return `${value.objectId}:${value.instanceId}`;
  // JSON has neither NaN nor infinities.
  return typeof value === "number" && !Number.isFinite(value) ? null : value;
}

/** What `skipIfEmpty` calls empty: text or bytes of length 0 (agent specification 7.3). */
export const isEmptyValue = (value: ScalarValue): boolean =>
  (typeof value === "string" || value instanceof Uint8Array) && value.length === 0;
