/** JSON text whose integers of 64 bits keep all their digits. */
import { decodeUtf8 } from "../../base/bytes.ts";
import { type FailureCode, MooringError } from "../../base/errors.ts";

/** Digits that a double may not hold exactly; more than 20 are beyond 64 bits and stay numbers. */
const LONG_NUMBER = /\d{16}/;
const LONG_INTEGER = /^-?\d{16,20}$/;

type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Integers past 2^53 as bigint, from their digits. */
const exact: Reviver = (_key, value, { source }) =>
  typeof value === "number" && source !== undefined && !Number.isSafeInteger(value) && LONG_INTEGER.test(source)
    ? BigInt(source)
    : value;

/** @throws MooringError `code` where the payload is no JSON text in UTF-8 */
export function parseExactJson(payload: Uint8Array, code: FailureCode): unknown {
  const text = decodeUtf8(payload);
  if (text === undefined) throw new MooringError(code, "the payload is not UTF-8 text", { length: payload.length });
  return parseExactJsonText(text, code);
}

/** @throws MooringError `code`, with the parser's own error as its cause */
export function parseExactJsonText(text: string, code: FailureCode): unknown {
  try {
    return LONG_NUMBER.test(text) ? JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]) : JSON.parse(text);
  } catch (cause) {
    throw new MooringError(code, "the payload is not JSON", { length: text.length }, { cause });
  }
}

/** @returns the number's JSON text, or undefined where JSON has none */
export const numberText = (value: number | bigint): string | undefined =>
  typeof value === "bigint" || Number.isFinite(value) ? String(value) : undefined;
