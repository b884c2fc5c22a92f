/** Secrets at rest: AES-256-GCM (NIST SP 800-38D) under one key of the host. */
import { createCipheriv, createDecipheriv, createSecretKey, scryptSync } from "node:crypto";
import { concatBytes, encodeUtf8 } from "./bytes.ts";
import { MooringError } from "./errors.ts";
import type { Random } from "./random.ts";

export interface SecretBox {
  /**
   * @param context where the secret stands, such as `devices/urn:a`: it opens nowhere else
   * @returns nonce, ciphertext and tag in base64
   */
  seal(secret: Uint8Array, context: string): string;
  /** @throws MooringError SECRET_UNREADABLE: another key, another context, or changed bytes */
  open(sealed: string, context: string): Uint8Array;
}

export const SECRET_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";
/** Fixed: the key must come out the same at every start, and one host has one phrase. */
const PHRASE_SALT = encodeUtf8("mooring secret key");

/** @param key 32 bytes */
export function createSecretBox(key: Uint8Array, random: Pick<Random, "bytes">): SecretBox {
  if (key.length !== SECRET_KEY_BYTES) {
    throw new MooringError("CONFIG_INVALID", `a secret key has ${SECRET_KEY_BYTES} bytes`, { length: key.length });
  }
  const secretKey = createSecretKey(key);
  return {
    seal(secret, context) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, secretKey, nonce).setAAD(encodeUtf8(context));
      const text = cipher.update(secret);
      cipher.final();
      return Buffer.from(concatBytes([nonce, text, cipher.getAuthTag()])).toString("base64");
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, "base64");
      try {
        const decipher = createDecipheriv(CIPHER, secretKey, bytes.subarray(0, NONCE_BYTES), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(encodeUtf8(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        decipher.final();
        return new Uint8Array(text);
      } catch (cause) {
        throw new MooringError(
          "SECRET_UNREADABLE",
          `the secret of ${context} cannot be opened with the secret key in use`,
          { context },
          { cause },
        );
      }
    },
  };
}

/**
 * @param text 64 hexadecimal digits or 32 bytes in base64 are the key itself; any other text is a phrase that the key is made from
 *             (scrypt, RFC 7914), which takes some 0.1 s
 */
export function secretKeyFrom(text: string): Uint8Array {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return new Uint8Array(Buffer.from(text, "hex"));
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return new Uint8Array(Buffer.from(text, "base64"));
  return new Uint8Array(scryptSync(text, PHRASE_SALT, SECRET_KEY_BYTES, { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 }));
}
