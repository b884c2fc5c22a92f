/** Whether a value is a plugin that this host can run. */
import { MooringError } from "../base/errors.ts";
import { CONTRACT_VERSION, type Plugin } from "../contract/plugin.ts";

const NAME = /^[a-z0-9-]{1,64}$/;
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

function refuse(plugin: string, field: string, rule: string): never {
  throw new MooringError("PLUGIN_INVALID", `plugin ${plugin}: ${field} ${rule}`, { plugin, field, rule });
}

/**
 * @param value what a plugin's module exports as default
 * @throws MooringError PLUGIN_INVALID naming field and rule
 */
export function checkPlugin(value: unknown, contractVersion: string = CONTRACT_VERSION): Plugin {
  if (typeof value !== "object" || value === null)
    return refuse("?", "value", "must be an object with name and activate");
  const { name, version, contract, activate } = value as { readonly [K in keyof Plugin]?: unknown };
  if (typeof name !== "string" || !NAME.test(name))
    return refuse(String(name).slice(0, 64), "name", `must match ${NAME.source}`);
  if (!parseVersion(version)) refuse(name, "version", "must be a semantic version, as 1.0.0");
  const satisfied = satisfiesCaret(contractVersion, contract as string);
  if (satisfied === undefined) refuse(name, "contract", "must be a caret range, as ^1.0.0");
  if (!satisfied) refuse(name, "contract", `${contract} does not take this host's contract version ${contractVersion}`);
  if (typeof activate !== "function") refuse(name, "activate", "must be a function");
  return value as Plugin;
}
