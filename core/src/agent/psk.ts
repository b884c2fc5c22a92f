/** Pre-shared keys as people give them (agent specification 2, 3.3; RFC 4279 section 5.3). */
import { encodeUtf8, fromHex } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";

export const MAX_PSK_IDENTITY_BYTES = 128;
export const MAX_PSK_KEY_BYTES = 64;
/** Of a key that the host makes up. */
export const GENERATED_KEY_BYTES = 32;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** Rule that an identity breaks, or undefined. */
function brokenRule(identity: string): string | undefined {
  const { length } = encodeUtf8(identity);
  if (length < 1 || length > MAX_PSK_IDENTITY_BYTES) return `must have 1 to ${MAX_PSK_IDENTITY_BYTES} bytes in UTF-8`;
  return CONTROL.test(identity) || !identity.isWellFormed() ? "must have no control characters" : undefined;
}

/** Whether a device may have it at all. */
export const isPskIdentity = (identity: string): boolean => brokenRule(identity) === undefined;

/**
 * @param field name of the field for the error
 * @returns the identity as it is
 * @throws  MooringError VALIDATION: empty, longer than 128 bytes in UTF-8, or no text
 */
export function readPskIdentity(field: string, identity: string): string {
  const rule = brokenRule(identity);
  if (rule) throw refuse(field, rule);
  return identity;
}

/** @throws MooringError VALIDATION: not 1..64 bytes; the key itself is not told */
export function checkPskKey(field: string, key: Uint8Array): void {
  if (key.length < 1 || key.length > MAX_PSK_KEY_BYTES) {
    throw refuse(field, `must have 1 to ${MAX_PSK_KEY_BYTES} bytes, two hexadecimal digits each`);
  }
}

/**
 * @param hex two hexadecimal digits a byte, 1..64 bytes
 * @throws MooringError VALIDATION; the text itself is not told
 */
export function readPskKey(field: string, hex: string): Uint8Array {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) {
    throw refuse(field, "must be hexadecimal digits, two for each byte");
  }
  const key = fromHex(hex);
  checkPskKey(field, key);
  return key;
}
