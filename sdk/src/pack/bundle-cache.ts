/**
 * Bundles kept on disk: while no file of a decoder has changed, a start needs no bundler. What is kept holds the digests of all
 * files that it was made of, this folder's among them.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

interface Kept {
  /** SHA-256 by path. */
  readonly files: Readonly<Record<string, string>>;
  readonly code: string;
}

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");
const BUNDLER_FILES = ["bundle.ts", "bundle-cache.ts"].map(name => join(import.meta.dirname, name));

async function digests(files: readonly string[]): Promise<Record<string, string>> {
  const entries = files.map(async file => [file, sha256(await readFile(file))] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** @returns undefined where nothing is kept, it cannot be read, or a file is not the one that it was made of */
async function readKept(path: string): Promise<string | undefined> {
  try {
    const { files, code } = JSON.parse(await readFile(path, "utf8")) as Kept;
    const now = await digests(Object.keys(files));
    return Object.entries(files).every(([file, digest]) => now[file] === digest) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** Whole or not at all, since other hosts may start at the same time; where nothing can be written, nothing is kept. */
async function keep(folder: string, path: string, kept: Kept): Promise<void> {
  const written = `${path}.${process.pid}`;
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(written, JSON.stringify(kept));
    await rename(written, path);
  } catch {}
}

/**
 * As `bundleDecoder`, but for what is kept.
 * @param folder for what is kept; made where it is not there
 * @throws MooringError as `bundleDecoder`
 */
export async function cachedBundle(file: string, folder: string): Promise<string> {
  const path = join(folder, `${sha256(file)}.json`);
  const found = await readKept(path);
  if (found !== undefined) return found;
  const { bundleWithMap } = await import("./bundle.ts");
  const { code, files } = await bundleWithMap(file);
  await keep(folder, path, { files: await digests([...files, ...BUNDLER_FILES]), code });
  return code;
}
