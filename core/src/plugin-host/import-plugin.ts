/**
 * Runs the module of a plugin. ES modules stay for as long as the process does, so whoever is to have changed code imports it under
 * another address: a query, which the modules that it imports from its own folder by relative paths get, too. Packages that it
 * imports by name, and CommonJS modules, stay what they were.
 */
import { realpath } from "node:fs/promises";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { toHex } from "../base/bytes.ts";
import type { Random } from "../base/random.ts";
import type { PluginManifest } from "../contract/plugin-manifest.ts";

export interface ImportedPlugin {
  readonly default: unknown;
  /** Imports that the plugin makes later are resolved as they are now until this is disposed. */
  readonly resolving: Disposable;
}

/** What every plugin may import, wherever it lies. */
const SDK = /^@mooring\/sdk(?:\/|$)/;

/**
 * @param fresh text that no earlier import of this folder had; undefined: as Node has it already
 * @throws whatever the module throws, or Node where it cannot be read
 */
export async function importPlugin(
  folder: string,
  { main }: Pick<PluginManifest, "main">,
  fresh?: string,
): Promise<ImportedPlugin> {
  const query = fresh === undefined ? "" : `?fresh=${fresh}`;
  // Modules are known by where they really lie; a package may be a link.
  const home = await realpath(folder);
  const root = `${pathToFileURL(home).href}/`;
  const isOwn = (parent: string | undefined): boolean =>
    parent?.startsWith(root) === true && (query === "" ? !parent.includes("?") : parent.endsWith(query));
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (!isOwn(context.parentURL)) return next(specifier, context);
      if (SDK.test(specifier)) return next(specifier, { ...context, parentURL: import.meta.url });
      const found = next(specifier, context);
      const isBelow = /^\.{1,2}\//.test(specifier) && found.url.startsWith(root);
      return isBelow ? { ...found, url: `${found.url}${query}` } : found;
    },
  });
  const resolving = { [Symbol.dispose]: () => hooks.deregister() };
  try {
    const module = (await import(`${pathToFileURL(join(home, main)).href}${query}`)) as {
      readonly default?: unknown;
    };
    return { default: module.default, resolving };
  } catch (error) {
    resolving[Symbol.dispose]();
    throw error;
  }
}

/** Imports of one host: the second of a folder, and each after it, is fresh. */
export function createImporter(random: Random) {
  const before = new Set<string>();
  return ({ location, manifest }: { readonly location: string; readonly manifest: PluginManifest }) => {
    const fresh = before.has(location) ? toHex(random.bytes(8)) : undefined;
    before.add(location);
    return importPlugin(location, manifest, fresh);
  };
}
