/** Finds plugins without running any of their code; one that is broken is found with its fault and harms no other. */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { messageOf } from "../base/errors.ts";
import { checkPluginManifest, PLUGIN_NAME, type PluginManifest } from "../contract/plugin-manifest.ts";
import { contractFault } from "./load.ts";
import { compileOptions } from "./options-schema.ts";

/** `shipped`: this distribution brings it; `path` and `package`: the configuration names it; `folder`: it lies in `plugins.dir`. */
export type PluginOrigin = "shipped" | "path" | "package" | "folder";

export interface FoundPlugin {
  /** Of its manifest; of its folder or package where that cannot be read. */
  readonly name: string;
  readonly origin: PluginOrigin;
  /** Its folder; of a package that is not there its name. */
  readonly location: string;
  /** Absent: `fault` says why. */
  readonly manifest?: PluginManifest;
  readonly fault?: string;
}

export interface PluginPlaces {
  /** Names of packages that this distribution brings. */
  readonly shipped: readonly string[];
  /** Names of packages. */
  readonly packages: readonly string[];
  /** Folders of one plugin each. */
  readonly paths: readonly string[];
  /** Each folder below it that has a manifest is a plugin; need not be there. */
  readonly folder: string;
  /** Packages are looked for in `node_modules` of these folders and of those above. */
  readonly packageBases: readonly string[];
}

const MANIFEST = "mooring-plugin.json";
const PACKAGE = "package.json";
const LARGEST_BYTES = 262_144;
const NAME = new RegExp(PLUGIN_NAME);

/** @returns undefined where there is no such file */
async function readJson(folder: string, file: string): Promise<unknown> {
  const path = join(folder, file);
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > LARGEST_BYTES) throw new RangeError(`is larger than ${LARGEST_BYTES} bytes`);
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${file}: ${messageOf(error)}`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is no JSON: ${messageOf(error)}`, { cause: error });
  }
}

type Json = Readonly<Record<string, unknown>>;
const asObject = (value: unknown): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

/** What the folder says of itself, unchecked, and where. */
async function readManifest(folder: string): Promise<{ readonly file: string; readonly value: unknown } | undefined> {
  const own = await readJson(folder, MANIFEST);
  if (own !== undefined) return { file: MANIFEST, value: own };
  const pack = asObject(await readJson(folder, PACKAGE));
  if (pack?.["mooring"] === undefined) return undefined;
  const member = asObject(pack["mooring"]);
  return { file: PACKAGE, value: member ? { version: pack["version"], ...member } : pack["mooring"] };
}

async function checkManifest(folder: string, value: unknown): Promise<PluginManifest> {
  const manifest = checkPluginManifest(value);
  compileOptions(manifest.configuration);
  const fault = contractFault(manifest.contract);
  if (fault !== undefined) throw new Error(fault);
  await stat(join(folder, manifest.main)).catch(() => {
    throw new Error(`main ${manifest.main} is not there`);
  });
  return manifest;
}

/**
 * One plugin by its folder. Never rejects.
 * @param called what it is called where its manifest has no name
 */
async function findPlugin(origin: PluginOrigin, location: string, called = basename(location)): Promise<FoundPlugin> {
  let name = called;
  try {
    const found = await readManifest(location);
    if (!found) throw new Error(`has neither ${MANIFEST} nor a member mooring in ${PACKAGE}`);
    const named = asObject(found.value)?.["name"];
    if (typeof named === "string" && NAME.test(named)) name = named;
    try {
      const manifest = await checkManifest(location, found.value);
      return { name, origin, location, manifest };
    } catch (error) {
      throw new Error(`${found.file}: ${messageOf(error)}`, { cause: error });
    }
  } catch (error) {
    return { name, origin, location, fault: messageOf(error) };
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The folder of a package, as Node would find it. */
async function packageFolder(name: string, bases: readonly string[]): Promise<string | undefined> {
  for (const base of bases) {
    for (let at = resolve(base); ; at = dirname(at)) {
      const folder = join(at, "node_modules", name);
      if (await isThere(join(folder, PACKAGE))) return folder;
      if (at === dirname(at)) break;
    }
  }
  return undefined;
}

async function findPackage(origin: PluginOrigin, name: string, bases: readonly string[]): Promise<FoundPlugin> {
  const folder = await packageFolder(name, bases);
  if (folder !== undefined) return findPlugin(origin, folder, name);
  return { name, origin, location: name, fault: `no package ${name} is installed for ${bases.join(" or ")}` };
}

async function findBelow(folder: string): Promise<FoundPlugin[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    return [
      { name: basename(folder), origin: "folder", location: folder, fault: `cannot be read: ${messageOf(error)}` },
    ];
  }
  const folders = names.sort().map(name => join(folder, name));
  const withManifest = await Promise.all(folders.map(each => isThere(join(each, MANIFEST))));
  return Promise.all(folders.filter((_, at) => withManifest[at]).map(each => findPlugin("folder", each)));
}

/** The first of a name has it: what is shipped, then what the configuration names, then what lies in the folder. */
function withoutTwins(found: readonly FoundPlugin[]): FoundPlugin[] {
  const holders = new Map<string, FoundPlugin>();
  return found.map(plugin => {
    const { manifest, ...rest } = plugin;
    const holder = manifest && holders.get(plugin.name);
    if (holder) return { ...rest, fault: `its name is taken by the plugin in ${holder.location}` };
    if (manifest) holders.set(plugin.name, plugin);
    return plugin;
  });
}

export async function discoverPlugins(places: PluginPlaces): Promise<readonly FoundPlugin[]> {
  const { shipped, paths, packages, folder, packageBases } = places;
  const groups = await Promise.all([
    Promise.all(shipped.map(name => findPackage("shipped", name, packageBases))),
    Promise.all(paths.map(path => findPlugin("path", resolve(path)))),
    Promise.all(packages.map(name => findPackage("package", name, packageBases))),
    findBelow(resolve(folder)),
  ]);
  return withoutTwins(groups.flat());
}
