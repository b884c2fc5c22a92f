/** Decoders from folders: `manifest.json` beside `src/decoder.ts` or `src/decoder.js`. */
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DecoderManifest } from "../contract/decoder.ts";
import { checkDecoderManifest } from "../contract/manifest.ts";
import type { DecoderRuntime, DecoderSource } from "../sandbox/decoder-runtime.ts";
import { type DecoderDirectory, decoderId, type InstalledDecoder, SHIPPED } from "./decoder-directory.ts";

const SOURCES = [
  { file: join("src", "decoder.ts"), language: "typescript" },
  { file: join("src", "decoder.js"), language: "javascript" },
] as const;

const invalid = (folder: string, why: string, cause?: unknown): MooringError =>
  new MooringError("DECODER_INVALID", `decoder folder ${basename(folder)}: ${why}`, { folder, why }, { cause });

async function readManifest(folder: string): Promise<DecoderManifest> {
  let text: string;
  try {
    text = await readFile(join(folder, "manifest.json"), "utf8");
  } catch (error) {
    throw invalid(folder, "manifest.json cannot be read", error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(folder, `manifest.json is no JSON: ${messageOf(error)}`, error);
  }
  try {
    return checkDecoderManifest(value);
  } catch (error) {
    throw invalid(folder, `manifest.json: ${messageOf(error)}`, error);
  }
}

/** @throws MooringError DECODER_INVALID naming the folder, the file and, in a manifest, the field */
export async function loadDecoderFolder(folder: string): Promise<DecoderSource> {
  const manifest = await readManifest(folder);
  for (const { file, language } of SOURCES) {
    try {
      return { manifest, source: await readFile(join(folder, file), "utf8"), language };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw invalid(folder, `${file} cannot be read`, error);
    }
  }
  throw invalid(folder, "has neither src/decoder.ts nor src/decoder.js");
}

export interface DecoderRegistryParts {
  readonly runtime: Pick<DecoderRuntime, "load" | "decode">;
  readonly log: Log;
}

export interface DecoderRegistry extends DecoderDirectory {
  /**
   * Loads the decoder in each folder, for all tenants; one that is broken is left out, said in the log, and harms no other.
   * @returns the failures
   */
  loadFolders(folders: readonly string[]): Promise<readonly MooringError[]>;
}

/** Folders below `parent` that have a manifest, sorted; none where there is no `parent`. */
export async function decoderFolders(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw invalid(parent, "cannot be listed", error);
  });
  const folders = entries.filter(entry => entry.isDirectory()).map(({ name }) => join(parent, name));
  const withManifest = await Promise.all(
    folders.map(async folder => ((await readdir(folder)).includes("manifest.json") ? [folder] : [])),
  );
  return withManifest.flat().sort();
}

export function createDecoderRegistry({ runtime, log }: DecoderRegistryParts): DecoderRegistry {
  const shipped = new Map<string, InstalledDecoder>();
  const load = async (folder: string): Promise<MooringError | undefined> => {
    try {
      const source = await loadDecoderFolder(folder);
      const decoder = { id: decoderId(SHIPPED, source.manifest), manifest: source.manifest };
      await runtime.load(decoder.id, source);
      shipped.set(source.manifest.key, decoder);
      return undefined;
    } catch (error) {
      const failure = isFailure(error) ? error : invalid(folder, messageOf(error), error);
      log.error("decoder.notLoaded", { folder, code: failure.code, reason: failure.message });
      return failure;
    }
  };
  return {
    async loadFolders(folders) {
      const failures = await Promise.all(folders.map(load));
      return failures.filter(failure => failure !== undefined);
    },
    find: (_, key) => shipped.get(key),
    list: () => [...shipped.values()],
    keys: () => [...shipped.keys()],
    decode: ({ id }, input, options) => runtime.decode(id, input, options),
  };
}
