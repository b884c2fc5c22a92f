/** Identifiers are strings of decimal digits everywhere (platform API 2.2). */
import { hash } from "node:crypto";

const ID_HEX_DIGITS = 20;
const HIGHEST_BIT = 1n << BigInt(4 * ID_HEX_DIGITS - 1);

/**
 * The same parts give the same id, so that a retransmission, a retry or a replay finds what it stored before. 79 bits of
 * SHA-256 under a set highest bit: 24 or 25 digits, far above any id from a sequence.
 * @param parts in order; joined with their lengths, so that ["a", "bc"] and ["ab", "c"] differ
 */
export function deterministicId(parts: readonly string[]): string {
  let text = "";
  for (const part of parts) text += `${part.length}:${part}`;
  const digest = hash("sha256", text, "hex").slice(0, ID_HEX_DIGITS);
  return (BigInt(`0x${digest}`) | HIGHEST_BIT).toString();
}

const DIGITS = /^\d{1,30}$/;

/** An id as a request holds it: digits as a string or, leniently, as a number (platform API 2.2). */
export function asId(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return String(value);
  return typeof value === "string" && DIGITS.test(value) ? value : undefined;
}
