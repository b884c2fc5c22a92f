/** One life of a plugin: from the import of its module to the end of all that it added. */
import { MooringError, messageOf } from "../base/errors.ts";
import { type Contributions, createContributions } from "./contributions.ts";
import type { FoundPlugin } from "./discover.ts";
import { type ExtendedParts, hostMembers } from "./host-members.ts";
import type { ImportedPlugin } from "./import-plugin.ts";
import { checkPlugin } from "./load.ts";
import { compileOptions } from "./options-schema.ts";
import type { PluginCalls } from "./plugin-calls.ts";
import { createScope } from "./scope.ts";
import { withinLimit } from "./time-limit.ts";
import { createTimers } from "./timers.ts";

/** With a manifest that has been checked. */
export type UsablePlugin = FoundPlugin & Required<Pick<FoundPlugin, "manifest">>;

export interface PluginInstance {
  readonly found: UsablePlugin;
  readonly calls: PluginCalls;
  readonly contributions: Contributions;
  /** All that it added is in force from here on, in exchange for what `former` added. @throws MooringError PLUGIN_INVALID; nothing has changed then */
  enforce(former?: PluginInstance): void;
  /** Nobody is led to it any more; what is under way may end; then all that it owns is closed. Never rejects. */
  close(): Promise<void>;
}

export interface InstanceParts extends ExtendedParts {
  /** Runs the plugin's module. */
  load(found: UsablePlugin): Promise<ImportedPlugin>;
  /** What the configuration has for a plugin, unchecked. */
  optionsOf(name: string): unknown;
}

const ACTIVATE_LIMIT_MS = 10_000;
/** What a plugin has under way when it goes, and then the end of each thing that it owns, have this long. */
const END_LIMIT_MS = 3000;

/**
 * @param former the life that this one is to follow: its names are free for it
 * @param rank   place among the plugins
 * @throws MooringError PLUGIN_INVALID; nothing is left behind
 */
export async function startInstance(
  parts: InstanceParts,
  found: UsablePlugin,
  {
    calls,
    former,
    rank,
  }: { readonly calls: PluginCalls; readonly former?: PluginInstance | undefined; readonly rank: number },
): Promise<PluginInstance> {
  const { clock, log } = parts;
  const { manifest } = found;
  const { name, version } = manifest;
  const scope = createScope(name, undoing => withinLimit(clock, END_LIMIT_MS, "a resource's end", undoing));
  const contributions = createContributions(name, former?.contributions);
  const ownTimers = createTimers({ plugin: name, clock, log, calls });

  const closeFailed = (error: unknown): void =>
    log.warn("plugin.closeFailed", { plugin: name, version, error: messageOf(error) });

  async function close(): Promise<void> {
    contributions.close();
    ownTimers[Symbol.dispose]();
    await withinLimit(clock, END_LIMIT_MS, "what it had under way", calls.whenIdle()).catch(closeFailed);
    for (const error of await calls.async("close", "close", scope.close)) {
      calls.failed("close", "close", error);
      closeFailed(error);
    }
  }

  /** What comes after the end is ended at once. */
  function own(resource: Disposable): void {
    try {
      scope.own(() => resource);
    } catch (error) {
      resource[Symbol.dispose]();
      throw error;
    }
  }

  async function activate(): Promise<void> {
    const options = compileOptions(manifest.configuration)(parts.optionsOf(name) ?? {});
    const { timers } = ownTimers;
    const side = { manifest, folder: found.location, options, timers, scope, contributions, calls, rank };
    const host = hostMembers(parts, side);
    // Its module and its function are one call: a plugin is activated once.
    await calls.async("activate", "activate", async () => {
      const module = await parts.load(found);
      own(module.resolving);
      await checkPlugin(module.default, manifest).activate(host);
    });
  }

  try {
    await withinLimit(clock, ACTIVATE_LIMIT_MS, "activate", activate());
  } catch (cause) {
    await close();
    const fault = `activate failed: ${messageOf(cause)}`;
    throw new MooringError("PLUGIN_INVALID", fault, { plugin: name, field: "activate" }, { cause });
  }
  return {
    found,
    calls,
    contributions,
    enforce(other) {
      contributions.enforce(other?.contributions);
      ownTimers.start();
    },
    close,
  };
}
