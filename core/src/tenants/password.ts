/** Passwords are kept as scrypt hashes (RFC 7914), each with its own salt and parameters. */
import { scrypt, timingSafeEqual } from "node:crypto";
import type { Random } from "../base/random.ts";

export interface ScryptParameters {
  /** Power of 2; memory is 128 * N * r bytes. */
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** 16 MiB and some tens of milliseconds per check: the interactive setting of RFC 7914's authors. */
export const SCRYPT_PARAMETERS: ScryptParameters = { N: 16_384, r: 8, p: 1 };

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const FORM = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]+)$/;

const LARGEST_N = 2 ** 20;
const isUsable = ({ N, r, p }: ScryptParameters): boolean =>
  N > 1 && N <= LARGEST_N && Number.isInteger(Math.log2(N)) && r > 0 && p > 0 && r * p <= 1024;

function derive(password: string, salt: Uint8Array, { N, r, p }: ScryptParameters): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(
      password.normalize("NFC"),
      salt,
      HASH_BYTES,
      { N, r, p, maxmem: 128 * r * (N + p + 2) + 65_536 },
      (error, hash) => (error ? reject(error) : resolve(hash)),
    );
  });
}

/** `scrypt$<N>$<r>$<p>$<salt>$<hash>`, both in base64url. */
export async function hashPassword(
  password: string,
  random: Random,
  parameters: ScryptParameters = SCRYPT_PARAMETERS,
): Promise<string> {
  const salt = Buffer.from(random.bytes(SALT_BYTES));
  const hash = await derive(password, salt, parameters);
  const { N, r, p } = parameters;
  return ["scrypt", N, r, p, salt.toString("base64url"), hash.toString("base64url")].join("$");
}

/** Takes the same time for every wrong password. A hash that is none of ours matches nothing. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const match = FORM.exec(stored);
  if (!match) return false;
  const [, N, r, p, salt, hash] = match as unknown as [string, string, string, string, string, string];
  const parameters = { N: Number(N), r: Number(r), p: Number(p) };
  if (!isUsable(parameters)) return false;
  const expected = Buffer.from(hash, "base64url");
  const actual = await derive(password, Buffer.from(salt, "base64url"), parameters);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
