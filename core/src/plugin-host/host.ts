/** Runs plugins: each gets a host of its own with all that it may do, and takes everything with it when it goes. */
import type { Clock } from "../base/clock.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Plugin, PluginHost } from "../contract/plugin.ts";
import type { ActionRegistry } from "../mapping/action-registry.ts";
import type { Publishers } from "../mapping/publishers.ts";
import type { Figures } from "./figures.ts";
import { checkPlugin } from "./load.ts";
import { createScope, type Scope } from "./scope.ts";

export interface ActivePlugin {
  readonly name: string;
  readonly version: string;
}

export interface Plugins extends AsyncDisposable {
  /**
   * Resolves when the plugin is active. One that throws leaves nothing behind.
   * @throws MooringError PLUGIN_INVALID when it is no plugin for this host, its name is taken, or its `activate` failed
   */
  activate(plugin: unknown): Promise<void>;
  /** Undoes all that it added. @throws MooringError NOT_FOUND */
  deactivate(name: string): Promise<void>;
  /** In the order of activation. */
  list(): readonly ActivePlugin[];
}

export interface PluginHostParts {
  readonly registry: ActionRegistry;
  readonly publishers: Pick<Publishers, "add">;
  readonly figures: Pick<Figures, "add">;
  readonly clock: Clock;
  readonly log: Log;
  /** The host's options of a group; undefined where there is no such group. */
  optionsOf(group: string): PluginHost["options"] | undefined;
}

const NO_OPTIONS: PluginHost["options"] = Object.freeze({});

interface Entry {
  readonly plugin: Plugin;
  readonly scope: Scope;
  active: boolean;
}

function hostFor({ name }: Plugin, scope: Scope, parts: PluginHostParts): PluginHost {
  const { registry, publishers, figures, clock, log } = parts;
  return {
    log: log.with({ plugin: name }),
    clock,
    options: parts.optionsOf(name) ?? NO_OPTIONS,
    actions: { add: action => scope.lend(() => registry.addAction(action)) },
    handlers: { add: handler => scope.lend(() => registry.addHandler(handler)) },
    publishers: { add: publisher => scope.lend(() => publishers.add(publisher)) },
    figures: { add: figure => scope.lend(() => figures.add(name, figure)) },
    onClose: resource => void scope.own(() => resource),
  };
}

export function createPluginHost(parts: PluginHostParts): Plugins {
  const { log } = parts;
  const entries = new Map<string, Entry>();

  const end = async ({ plugin, scope }: Entry): Promise<void> => {
    for (const error of await scope.close()) {
      log.warn("plugin.closeFailed", { plugin: plugin.name, error: messageOf(error) });
    }
    entries.delete(plugin.name);
  };

  return {
    async activate(value) {
      const plugin = checkPlugin(value);
      const { name, version } = plugin;
      if (entries.has(name)) {
        throw new MooringError("PLUGIN_INVALID", `plugin ${name}: name is taken`, {
          plugin: name,
          field: "name",
          rule: "is taken",
        });
      }
      const entry: Entry = { plugin, scope: createScope(name), active: false };
      // The name is taken at once: two activations at the same time must not both go on.
      entries.set(name, entry);
      try {
        await plugin.activate(hostFor(plugin, entry.scope, parts));
      } catch (cause) {
        await end(entry);
        throw new MooringError(
          "PLUGIN_INVALID",
          `plugin ${name}: activate failed: ${messageOf(cause)}`,
          { plugin: name, field: "activate" },
          { cause },
        );
      }
      entry.active = true;
      log.info("plugin.activated", { plugin: name, version });
    },
    async deactivate(name) {
      const entry = entries.get(name);
      if (!entry?.active) throw new MooringError("NOT_FOUND", `no active plugin ${name}`, { plugin: name });
      entry.active = false;
      await end(entry);
      log.info("plugin.deactivated", { plugin: name });
    },
    list: () =>
      [...entries.values()].filter(({ active }) => active).map(({ plugin: { name, version } }) => ({ name, version })),
    async [Symbol.asyncDispose]() {
      for (const entry of [...entries.values()].reverse()) await end(entry);
    },
  };
}
