/** Plain text (Content-Format 0): one resource or resource instance (LwM2M Core 1.1.1 section 7.4.1, table C.2-1). */
import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { MooringError } from "../../base/errors.ts";
import { formatPath } from "../path.ts";
import { isObjectLink, type ResourceType, type ResourceValue, type ScalarValue } from "../resource-value.ts";
import { CONTENT_FORMAT, type Codec, type CodecContext } from "./codec.ts";
import {
  assertScalar,
  decodeBase64,
  describeValue,
  fitInteger,
  formatObjectLinkText,
  parseObjectLinkText,
  parseWhole,
} from "./scalar.ts";
import { assertSingle, onlyValue } from "./single.ts";

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;
const BOOLEANS: Readonly<Record<string, boolean>> = { "0": false, "1": true, false: false, true: true };

/**
 * @returns the value that the text stands for, or undefined where it is none of that type. Blanks and a closing NUL round
 * numbers are tolerated, as are `true` and `false` for 1 and 0.
 */
function parseScalarText(text: string, type: ResourceType): ScalarValue | undefined {
  if (type === "STRING" || type === "CORELINK") return text;
  const trimmed = text.replace(/\0$/, "").trim();
  switch (type) {
    case "INTEGER":
    case "UNSIGNED_INTEGER":
    case "TIME": {
      const whole = parseWhole(trimmed);
      return whole === undefined ? undefined : fitInteger(whole, type);
    }
    case "FLOAT":
      return DECIMAL.test(trimmed) ? Number(trimmed) : undefined;
    case "BOOLEAN":
      return Object.hasOwn(BOOLEANS, trimmed) ? BOOLEANS[trimmed] : undefined;
    case "OPAQUE":
      return decodeBase64(trimmed);
    case "OBJECTLINK":
      return parseObjectLinkText(trimmed);
  }
}

/** Digits without an exponent, as small devices read them: `1e-7` becomes `0.0000001`. */
function decimalText(value: number): string {
  const [, sign, first, rest = "", exponent] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value)) ?? [];
  if (exponent === undefined) return String(value);
  const digits = `${first}${rest}`;
  const point = Number(exponent) + 1;
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, "0")}`;
}

/** @param value of that type (assertScalar in scalar.ts); a FLOAT must be finite */
export function formatScalarText(value: ScalarValue): string {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64");
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "object" && isObjectLink(value)) return formatObjectLinkText(value);
  return typeof value === "number" ? decimalText(value) : String(value);
}

function decode(payload: Uint8Array, context: CodecContext): ResourceValue[] {
  const { path, declared } = assertSingle(context, CONTENT_FORMAT.TEXT);
  const type = declared ?? "STRING";
  const text = decodeUtf8(payload);
  const value = text === undefined ? undefined : parseScalarText(text, type);
  if (value === undefined) {
    const shown = text === undefined ? "bytes that are not UTF-8" : describeValue(text);
    throw new MooringError("TEXT_INVALID", `${formatPath(path)}: ${shown} is no ${type}`, {
      path: formatPath(path),
      type,
    });
  }
  return [{ path, type, value }];
}

function encode(values: readonly ResourceValue[], context: CodecContext): Uint8Array {
  const { path, type, value } = onlyValue(values, context, CONTENT_FORMAT.TEXT);
  assertScalar(path, type, value);
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new MooringError("VALUE_TYPE", `${formatPath(path)}: text has no form for ${value}`, {
      path: formatPath(path),
    });
  }
  return encodeUtf8(formatScalarText(value));
}

export const textCodec: Codec = { contentFormat: CONTENT_FORMAT.TEXT, decode, encode };
