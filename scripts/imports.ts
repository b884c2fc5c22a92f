/**
 * The import rule of ARCHITECTURE.md as a check. Between packages: plugins and decoders -> sdk -> core. Inside core a file
 * imports only from its own folder, from folders above it in `layers.json`, and each library has one home. `server.ts` and
 * the other files at the top of core see everything. Time and randomness come from `base/` alone.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

export interface Layers {
  readonly core: readonly string[];
  readonly top: readonly string[];
  readonly homes: Readonly<Record<string, readonly string[]>>;
}

const SPECIFIER =
  /(?:^|[\s;}])(?:import|export)\s*(?:[\w*{}\s,$]*?\sfrom\s*)?["']([^"']+)["']|\bimport\s*\(\s*["']([^"']+)["']/g;
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  core: [],
  sdk: ["@mooring/core"],
  plugins: ["@mooring/sdk"],
  decoders: ["@mooring/sdk"],
};
const TAKEN_TIME = /\b(?:Date\.now|Math\.random|setTimeout|setInterval)\b/;

const withoutComments = (source: string): string =>
  source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");

/** Specifiers that a source text imports, types included. */
export function importsOf(source: string): string[] {
  return [...withoutComments(source).matchAll(SPECIFIER)].map(match => (match[1] ?? match[2])!);
}

const inFolder = (file: string, folder: string): boolean => file === folder || file.startsWith(`${folder}/`);

/** The deepest layer that holds a path below core/src, or undefined for a file at the top. */
function layerOf(path: string, layers: readonly string[]): string | undefined {
  return layers.filter(layer => inFolder(path, layer)).sort((a, b) => b.length - a.length)[0];
}

/** @param file path from the root, with forward slashes */
export function violationsIn(file: string, source: string, layers: Layers): string[] {
  const found: string[] = [];
  const [area, ...rest] = file.split("/") as [string, ...string[]];
  const isSource = rest.includes("src");
  const inCore = area === "core" && rest[0] === "src";
  const corePath = inCore ? rest.slice(1).join("/") : "";
  const own = inCore ? layerOf(corePath, layers.core) : undefined;
  if (inCore && !own && !layers.top.includes(corePath)) found.push(`${file}: stands in no folder of layers.json`);
  for (const specifier of importsOf(source)) {
    if (
      specifier.startsWith("@mooring/") &&
      isSource &&
      !(MAY_USE[area] ?? []).some(name => specifier.startsWith(name))
    ) {
      found.push(`${file}: ${area} must not import ${specifier}`);
    }
    if (!inCore || !own) continue;
    const homes = layers.homes[specifier];
    if (homes && !homes.some(home => inFolder(corePath, home))) {
      found.push(`${file}: ${specifier} is used in ${homes.join(", ")} only`);
    }
    if (!specifier.startsWith(".")) continue;
    const target = relative("/core/src", resolve("/core/src", dirname(corePath), specifier))
      .split(sep)
      .join("/");
    const other = layerOf(target, layers.core);
    if (!other || layers.core.indexOf(other) > layers.core.indexOf(own)) {
      found.push(`${file}: ${own} must not import ${specifier} (${other ?? "the top"} stands below it)`);
    }
  }
  if (inCore && own !== "base" && TAKEN_TIME.test(withoutComments(source))) {
    found.push(`${file}: time and randomness come from base/clock.ts and base/random.ts`);
  }
  return found;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..");
  const layers = JSON.parse(readFileSync(join(root, "scripts/layers.json"), "utf8")) as Layers;
  const files = globSync(["core/src/**/*.ts", "sdk/src/**/*.ts", "plugins/*/src/**/*.ts", "decoders/*/src/**/*.ts"], {
    cwd: root,
  });
  const found = files
    .map(file => file.split(sep).join("/"))
    .filter(file => !file.includes("/node_modules/"))
    .flatMap(file => violationsIn(file, readFileSync(join(root, file), "utf8"), layers));
  for (const line of found) console.error(line);
  console.log(`${files.length} files, ${found.length} imports against the rule`);
  process.exitCode = found.length > 0 ? 1 : 0;
}
