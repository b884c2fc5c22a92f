/** Decoders from folders: `manifest.json` beside `src/decoder.ts` or `src/decoder.js`. */
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DecoderManifest } from "../contract/decoder.ts";
import { checkDecoderManifest } from "../contract/manifest.ts";
import type { DecoderRuntime, DecoderSource } from "../sandbox/decoder-runtime.ts";
import { type DecoderDirectory, type InstalledDecoder, installedDecoder, SHIPPED } from "./decoder-directory.ts";

const SOURCES = [
  { file: join("src", "decoder.ts"), language: "typescript" },
  { file: join("src", "decoder.js"), language: "javascript" },
] as const;

const invalid = (folder: string, why: string, cause?: unknown): MooringError =>
  new MooringError("DECODER_INVALID", `decoder folder ${basename(folder)}: ${why}`, { folder, why }, { cause });

/** @throws MooringError DECODER_INVALID naming the folder and, where it has one, the field */
export async function readManifestFile(folder: string): Promise<DecoderManifest> {
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

/** Whether there is something that a bundler must take in; imports of types alone leave nothing behind. */
const importsSomething = (source: string): boolean =>
  /(?:^|[;}])\s*(?:import\b(?!\s+type\b)|export\b[^;{]*(?:\{[^}]*\}\s*)?\bfrom\b)/m.test(source);

/**
 * Makes one module without imports of a source file and what it imports. Core has no bundler: it is given one.
 * @throws MooringError DECODER_INVALID naming file and rule
 */
export type Bundle = (file: string) => Promise<string>;

/**
 * @param bundle for a source that imports something; without it such a source is left for the runtime to refuse
 * @throws MooringError DECODER_INVALID naming the folder, the file and, in a manifest, the field
 */
export async function loadDecoderFolder(folder: string, bundle?: Bundle): Promise<DecoderSource> {
  const manifest = await readManifestFile(folder);
  const isModule = (manifest.format ?? "mooring") === "mooring";
  for (const { file, language } of SOURCES) {
    const path = join(folder, file);
    try {
      const source = await readFile(path, "utf8");
      if (!bundle || !isModule || !importsSomething(source)) return { manifest, source, language };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
      throw invalid(folder, `${file} cannot be read`, error);
    }
    return { manifest, source: await bundle(path), language: "javascript" };
  }
  throw invalid(folder, "has neither src/decoder.ts nor src/decoder.js");
}

export interface DecoderRegistryParts {
  readonly runtime: Pick<DecoderRuntime, "load" | "decode">;
  readonly log: Log;
  readonly bundle?: Bundle;
}

export interface DecoderRegistry extends Pick<DecoderDirectory, "find" | "list" | "keys" | "decode"> {
  /**
   * Loads the decoder in each folder, for all tenants; one that is broken is left out, said in the log, and harms no other.
   * @returns the failures
   */
  loadFolders(folders: readonly string[]): Promise<readonly MooringError[]>;
  /** @param tenants that may use it; absent: all. @throws MooringError DECODER_INVALID, DECODER_UNAVAILABLE */
  add(decoder: DecoderSource, tenants?: readonly string[]): Promise<void>;
  /** What was loaded under a key. */
  source(key: string): DecoderSource | undefined;
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

export function createDecoderRegistry({ runtime, log, bundle }: DecoderRegistryParts): DecoderRegistry {
  const shipped = new Map<string, InstalledDecoder>();
  const sources = new Map<string, DecoderSource>();
  const tenantsOf = new Map<string, readonly string[]>();
  const add = async (source: DecoderSource, tenants?: readonly string[]): Promise<void> => {
    const { manifest, language } = source;
    const decoder = installedDecoder(SHIPPED, manifest, language);
    await runtime.load(decoder.id, source);
    shipped.set(manifest.key, decoder);
    sources.set(manifest.key, source);
    if (tenants) tenantsOf.set(manifest.key, tenants);
    else tenantsOf.delete(manifest.key);
  };
  const find = (tenant: string, key: string): InstalledDecoder | undefined =>
    (tenantsOf.get(key)?.includes(tenant) ?? true) ? shipped.get(key) : undefined;
  const load = async (folder: string): Promise<MooringError | undefined> => {
    try {
      const source = await loadDecoderFolder(folder, bundle);
      await add(source);
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
    source: key => sources.get(key),
    add,
    find,
    list: tenant => [...shipped.keys()].flatMap(key => find(tenant, key) ?? []),
    keys: () => [...shipped.keys()],
    decode: ({ id }, input, options) => runtime.decode(id, input, options),
  };
}
