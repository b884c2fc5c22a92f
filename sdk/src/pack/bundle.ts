/** Makes one ES module without imports of a decoder's source and all that it imports, as the sandbox takes it. */
import { readFile } from "node:fs/promises";
import { builtinModules, type SourceMapPayload, stripTypeScriptTypes } from "node:module";
import { dirname, isAbsolute, join, relative } from "node:path";
import { MooringError, messageOf } from "@mooring/core";
import type { InputPluginOption, Plugin, RollupError, RollupLog } from "@rollup/wasm-node";

const SDK = join(import.meta.dirname, "..");
/** What a decoder may have of the SDK, wherever its folder lies; types come from all of it, but leave nothing behind. */
const OWN_MODULES: ReadonlyMap<string, string> = new Map([
  ["@mooring/sdk", join(SDK, "define-decoder.ts")],
  ["@mooring/sdk/bytes", join(SDK, "bytes", "index.ts")],
]);
const OWN_RULE = "of the SDK a decoder can have defineDecoder, and all of @mooring/sdk/bytes";
const NOT_THERE = "the sandbox has ECMAScript alone: no Node, no files, no network";

const BUILTIN = new Set(builtinModules);

const invalid = (why: string, cause?: unknown): MooringError =>
  new MooringError("DECODER_INVALID", why, { why }, { cause });

/** Of a module's id, without the marks of the bundler's own plugins. */
const pathOf = (id: string): string => id.replace(/^\0/, "").replace(/\?.*$/, "");

/** Files by their name in the decoder's folder. */
const shown = (folder: string, id: string): string => (id === "" ? "" : relative(folder, pathOf(id)));

/** Refuses what would leave an import in the bundle, while it is known who asks for it. */
const ownModules = (folder: string): Plugin => ({
  name: "own-modules",
  async resolveId(specifier, importer) {
    const id = OWN_MODULES.get(specifier);
    if (id !== undefined) return { id, moduleSideEffects: false };
    const refuse = (why: string) => this.error(`${shown(folder, importer ?? "")} imports "${specifier}": ${why}`);
    if (specifier.startsWith("@mooring/")) return refuse(OWN_RULE);
    if (specifier.startsWith("node:")) return refuse(NOT_THERE);
    if (!BUILTIN.has(specifier)) return null;
    // A package may have the name of a module of Node, such as `buffer`.
    return (await this.resolve(specifier, importer, { skipSelf: true })) ?? refuse(NOT_THERE);
  },
});

/** Node says the line of what it cannot read at the head of the stack, and nowhere else. */
const lineOf = (error: unknown): number => Number(/^:(\d+)\n/.exec((error as Error).stack ?? "")?.[1] ?? 1);

const withoutTypes: Plugin = {
  name: "without-types",
  transform(code, id) {
    if (!/\.[cm]?ts$/.test(id)) return null;
    try {
      return { code: stripTypeScriptTypes(code), map: null };
    } catch (error) {
      return this.error({ message: messageOf(error), id, loc: { file: id, line: lineOf(error), column: 0 } });
    }
  },
};

const json: Plugin = {
  name: "json",
  transform: (code, id) => (id.endsWith(".json") ? { code: `export default ${code.trim()};`, map: null } : null),
};

/** Its types say CommonJS, it is none. */
interface CommonJs {
  default(options: { readonly extensions: readonly string[] }): Plugin;
}

/** Loaded when something is bundled: a host without such decoders does without it. */
async function plugins(folder: string): Promise<InputPluginOption> {
  const { nodeResolve } = await import("@rollup/plugin-node-resolve");
  const { default: commonjs } = (await import("@rollup/plugin-commonjs")) as unknown as CommonJs;
  const resolve = nodeResolve({
    extensions: [".ts", ".mjs", ".js", ".json"],
    exportConditions: ["import", "module", "default"],
    preferBuiltins: false,
  });
  return [ownModules(folder), resolve, withoutTypes, json, commonjs({ extensions: [".js", ".cjs"] })];
}

function refuseLog(folder: string, { code, id = "", exporter = "" }: RollupLog): void {
  if (code !== "UNRESOLVED_IMPORT") return;
  const where = exporter.startsWith(".") ? "which is not there" : "which is no package in its node_modules";
  throw invalid(`${shown(folder, id)} imports "${exporter}", ${where}`);
}

/** What the bundler says, without its own names and whole paths. */
function failureOf(folder: string, error: unknown): MooringError {
  if (error instanceof MooringError) return error;
  const { message, code, id = "", loc, exporter, binding } = error as RollupError;
  const file = shown(folder, loc?.file ?? id);
  if (code === "MISSING_EXPORT" && exporter !== undefined) {
    const isOwn = [...OWN_MODULES.values()].includes(exporter);
    const why = isOwn ? OWN_RULE : `${shown(folder, exporter)} does not export it`;
    return invalid(`${file}:${loc?.line} imports ${binding}: ${why}`, error);
  }
  const place = file === "" ? "" : `${file}${loc ? `:${loc.line}` : ""}: `;
  const what = message
    .replace(/^(?:\[plugin [\w-]+\] )?(?:.* \(\d+:\d+\): )?/, "")
    .replace(/ (?:from|in) "?[^ "]+"?$/, "");
  return invalid(`${place}${what}`, error);
}

export interface DecoderBundle {
  readonly code: string;
  /** From lines of `code` to the files of the folder. */
  readonly map: SourceMapPayload;
  /** All that it was made of. */
  readonly files: readonly string[];
}

/** As {@link bundleDecoder}, for those who show where something was thrown. */
export async function bundleWithMap(file: string): Promise<DecoderBundle> {
  const folder = dirname(dirname(file));
  const { rollup } = await import("@rollup/wasm-node");
  try {
    await readFile(file);
    await using bundle = await rollup({
      input: file,
      plugins: await plugins(folder),
      onLog: (_, log) => refuseLog(folder, log),
    });
    const { output } = await bundle.generate({ format: "es", inlineDynamicImports: true, sourcemap: true, file });
    const [{ code, map, moduleIds }] = output;
    const files = new Set(moduleIds.map(pathOf).filter(isAbsolute));
    return {
      files: [...files],
      code: code.replace(/\n\/\/# sourceMappingURL=.*\n?$/, "\n"),
      map: map as unknown as SourceMapPayload,
    };
  } catch (error) {
    throw failureOf(folder, error);
  }
}

/**
 * TypeScript loses its types, as when Node runs it; relative imports, JSON, `@mooring/sdk`, `@mooring/sdk/bytes` and npm packages,
 * also such of CommonJS, are taken in as far as they are used.
 * @param file `<folder>/src/decoder.ts` or `.js`
 * @returns    JavaScript; the same for the same files
 * @throws     MooringError DECODER_INVALID naming file, line and rule
 */
export const bundleDecoder = async (file: string): Promise<string> => (await bundleWithMap(file)).code;
