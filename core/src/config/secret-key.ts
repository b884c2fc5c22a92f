/** The key that secrets are stored under: from the options, from a file, or made at the first start. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { toHex } from "../base/bytes.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { SECRET_KEY_BYTES, secretKeyFrom } from "../base/secret-box.ts";
import type { Config } from "./schema.ts";

const FILE = "secret.key";
/** For its owner alone. */
const FILE_MODE = 0o600;
/** As the option's rule has it. */
const SHORTEST = 16;

const cannot = (file: string, what: string, cause: unknown): MooringError =>
  new MooringError(
    "CONFIG_INVALID",
    `the secret key file ${file} cannot be ${what}: ${messageOf(cause)}`,
    { file },
    { cause },
  );

const isMissing = (error: unknown): boolean => (error as { readonly code?: unknown }).code === "ENOENT";

function readKeyFile(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw cannot(file, "read", error);
  }
}

function makeKeyFile(file: string, random: Random): string {
  const text = toHex(random.bytes(SECRET_KEY_BYTES));
  try {
    mkdirSync(dirname(file), { recursive: true });
    // Never over one that another process made in between: what that one seals would be lost.
    writeFileSync(file, `${text}\n`, { mode: FILE_MODE, flag: "wx" });
  } catch (error) {
    throw cannot(file, "written", error);
  }
  return text;
}

/**
 * @returns 32 bytes
 * @throws  MooringError CONFIG_INVALID for a file that cannot be used, or one that was named and is not there
 */
export function loadSecretKey(
  { secrets, data }: Pick<Config, "secrets" | "data">,
  { random, log }: { readonly random: Random; readonly log: Log },
): Uint8Array {
  if (secrets.key !== undefined) return secretKeyFrom(secrets.key);
  const file = secrets.keyFile ?? join(data.dir, FILE);
  const text = readKeyFile(file);
  if (text !== undefined) {
    if (text.length >= SHORTEST) return secretKeyFrom(text);
    throw cannot(file, "used", `it must hold at least ${SHORTEST} characters`);
  }
  if (secrets.keyFile !== undefined) throw cannot(file, "read", "it does not exist");
  const made = makeKeyFile(file, random);
  const advice = "device keys are sealed with it: keep a copy apart from the data, or set MOORING_SECRET_KEY";
  log.warn("secrets.key-made", { file, advice });
  return secretKeyFrom(made);
}
