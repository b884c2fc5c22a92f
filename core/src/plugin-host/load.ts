/** Whether the default export of a module is a plugin that this host can run, and the ranges of versions that say so. */
import { MooringError } from "../base/errors.ts";
import { CONTRACT_VERSION, type Plugin } from "../contract/plugin.ts";
import type { PluginManifest } from "../contract/plugin-manifest.ts";

const VERSION = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;

type Version = readonly [major: number, minor: number, patch: number];

function parseVersion(text: unknown): Version | undefined {
  const match = typeof text === "string" ? VERSION.exec(text) : null;
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

const isAtLeast = (version: Version, least: Version): boolean => {
  const at = version.findIndex((part, place) => part !== least[place]);
  return at < 0 || version[at]! > least[at]!;
};

/**
 * Caret range of semantic versioning: `^1.2.3` takes 1.2.3 up to below 2.0.0, `^0.2.3` up to below 0.3.0, `^0.0.3` itself.
 * @returns undefined when `range` is none
 */
export function satisfiesCaret(version: string, range: string): boolean | undefined {
  const have = parseVersion(version);
  const least = typeof range === "string" && range.startsWith("^") ? parseVersion(range.slice(1)) : undefined;
  if (!have || !least) return undefined;
  const first = least.findIndex(part => part > 0);
  const fixed = first < 0 ? least.length : first + 1;
  return isAtLeast(have, least) && least.slice(0, fixed).every((part, place) => part === have[place]);
}

/** Why a plugin that was written for this range of contract versions cannot run here. */
export const contractFault = (range: string, contractVersion: string = CONTRACT_VERSION): string | undefined =>
  satisfiesCaret(contractVersion, range)
    ? undefined
    : `contract ${range} does not take this host's contract version ${contractVersion}`;

function refuse(plugin: string, field: string, rule: string): never {
  throw new MooringError("PLUGIN_INVALID", `plugin ${plugin}: ${field} ${rule}`, { plugin, field, rule });
}

/**
 * @param value what a plugin's module exports as default; what it says of itself must be what the manifest says
 * @throws MooringError PLUGIN_INVALID naming field and rule
 */
export function checkPlugin(value: unknown, manifest: PluginManifest): Plugin {
  const { name } = manifest;
  if (typeof value !== "object" || value === null) return refuse(name, "default export", "must be an object");
  const plugin = value as { readonly [K in keyof Plugin]?: unknown };
  for (const field of ["name", "version", "contract"] as const) {
    const said = plugin[field];
    if (said !== undefined && said !== manifest[field])
      refuse(name, field, `is ${String(said).slice(0, 64)} in the module, ${manifest[field]} in the manifest`);
  }
  if (typeof plugin.activate !== "function") refuse(name, "activate", "must be a function");
  return value as Plugin;
}
