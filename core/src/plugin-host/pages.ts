/** Console pages of plugins, and the files that they are of. Nothing outside of a page's folder is read, whatever is asked for. */
import { readFile, realpath, stat } from "node:fs/promises";
import { extname, join, resolve, sep } from "node:path";
import { MooringError } from "../base/errors.ts";
import { PLUGIN_NAME } from "../contract/plugin-manifest.ts";
import type { PluginPage } from "../contract/plugin-web.ts";

export interface OwnedPage {
  readonly plugin: string;
  readonly page: PluginPage;
  /** Absolute. */
  readonly folder: string;
}

export interface PageFile {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export interface Pages {
  /**
   * @param home the plugin's own folder
   * @throws MooringError PLUGIN_INVALID for a page that cannot be, or whose name is taken within the plugin. Disposing removes it.
   */
  add(plugin: string, home: string, page: PluginPage): Disposable;
  /** By plugin and name. */
  list(): readonly OwnedPage[];
  /**
   * @param path below the page's own, percent-encoded, without the first slash; empty: its index
   * @throws MooringError NOT_FOUND
   */
  file(plugin: string, name: string, path: string): Promise<PageFile>;
}

const NAME = new RegExp(PLUGIN_NAME);
/** Below the plugin's folder, never that itself: its code is not to be served. */
const FOLDER = /^(?!.*(?:^|\/)\.)[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/;
const FILE = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;
const LARGEST_BYTES = 16 * 2 ** 20;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html;charset=UTF-8",
  ".js": "text/javascript;charset=UTF-8",
  ".mjs": "text/javascript;charset=UTF-8",
  ".css": "text/css;charset=UTF-8",
  ".json": "application/json;charset=UTF-8",
  ".txt": "text/plain;charset=UTF-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};

function checkPage(plugin: string, { name, title, folder, index = "index.html" }: PluginPage): void {
  const refuse = (field: string, rule: string): never => {
    const message = `plugin ${plugin}: ${field} of page ${name} ${rule}`;
    throw new MooringError("PLUGIN_INVALID", message, { plugin, field, rule });
  };
  const isText = (value: unknown, form: RegExp): boolean => typeof value === "string" && form.test(value);
  if (!isText(name, NAME)) refuse("name", `must match ${PLUGIN_NAME}`);
  if (!isText(title, /^[^\p{C}]{1,100}$/u)) refuse("title", "must be 1 to 100 characters");
  if (!isText(folder, FOLDER)) refuse("folder", "must be a path below the plugin's folder");
  if (!isText(index, FILE)) refuse("index", "must be the name of a file");
}

const notFound = (): MooringError => new MooringError("NOT_FOUND", "there is no such file");

/** Names of files and folders, or nothing where one of them may lead elsewhere. */
function segmentsOf(path: string): readonly string[] | undefined {
  try {
    const segments = path.split("/").map(decodeURIComponent);
    return segments.every(segment => FILE.test(segment)) ? segments : undefined;
  } catch {
    return undefined;
  }
}

/** @throws MooringError NOT_FOUND, also for what lies outside of `folder` by a symbolic link */
async function readBelow(folder: string, segments: readonly string[]): Promise<Uint8Array> {
  try {
    const [root, file] = await Promise.all([realpath(folder), realpath(join(folder, ...segments))]);
    if (file.startsWith(`${root}${sep}`)) {
      const { size } = await stat(file);
      if (size <= LARGEST_BYTES) return await readFile(file);
    }
  } catch {
    // As any that is not there.
  }
  throw notFound();
}

export function createPages(): Pages {
  const pages = new Map<string, OwnedPage>();
  const keyOf = (plugin: string, name: string): string => `${plugin}/${name}`;
  return {
    add(plugin, home, page) {
      checkPage(plugin, page);
      const { name, title, folder, index } = page;
      const key = keyOf(plugin, name);
      if (pages.has(key)) {
        const rule = "is taken";
        throw new MooringError("PLUGIN_INVALID", `plugin ${plugin}: page ${name} ${rule}`, {
          plugin,
          field: "name",
          rule,
        });
      }
      const kept = { name, title, folder, ...(index !== undefined && { index }) };
      pages.set(key, { plugin, page: kept, folder: resolve(home, folder) });
      return { [Symbol.dispose]: () => void pages.delete(key) };
    },
    list: () => [...pages].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, page]) => page),
    async file(plugin, name, path) {
      const owned = pages.get(keyOf(plugin, name));
      const segments = owned && segmentsOf(path === "" ? (owned.page.index ?? "index.html") : path);
      if (!owned || !segments) throw notFound();
      const bytes = await readBelow(owned.folder, segments);
      return { contentType: TYPES[extname(segments.at(-1)!).toLowerCase()] ?? "application/octet-stream", bytes };
    },
  };
}
