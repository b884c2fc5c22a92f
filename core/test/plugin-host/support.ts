/** A plugin host of parts that do nothing by themselves, and plugins that are values: a test gives those that it looks at. */
import { createManualClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { CONTRACT_VERSION, type Plugin } from "../../src/contract/plugin.ts";
import { PLUGIN_PERMISSIONS, type PluginManifest } from "../../src/contract/plugin-manifest.ts";
import { createActionRegistry } from "../../src/mapping/action-registry.ts";
import { createPublishers } from "../../src/mapping/publishers.ts";
import type { FoundPlugin } from "../../src/plugin-host/discover.ts";
import { createFigures } from "../../src/plugin-host/figures.ts";
import { createPluginHost, type PluginHostParts, type Plugins, type PluginView } from "../../src/plugin-host/host.ts";
import { createPages } from "../../src/plugin-host/pages.ts";
import type { PluginState } from "../../src/plugin-host/plugin-machine.ts";
import { createRoutes } from "../../src/plugin-host/routes.ts";

/** Members of the manifest that are absent have what suits every plugin. */
export interface TestPlugin extends Partial<PluginManifest> {
  readonly activate: Plugin["activate"];
  /** These two of its discovery. */
  readonly fault?: string;
  readonly location?: string;
}

export function manifestOf(over: Partial<PluginManifest> = {}): PluginManifest {
  return {
    name: "one",
    version: "1.0.0",
    contract: `^${CONTRACT_VERSION}`,
    main: "index.js",
    permissions: PLUGIN_PERMISSIONS,
    ...over,
  };
}

function foundOf({ activate: _activate, fault, location, ...over }: TestPlugin): FoundPlugin {
  const manifest = manifestOf(over);
  const { name } = manifest;
  const place = { name, origin: "folder", location: location ?? `/plugins/${name}` } as const;
  return fault === undefined ? { ...place, manifest } : { ...place, fault };
}

export interface TestPlugins {
  readonly plugins: Plugins;
  /** Lies there from now on, in place of one of that name. */
  put(...plugins: readonly TestPlugin[]): void;
  remove(name: string): void;
  /** Puts it there and enables it. */
  activate(plugin: TestPlugin): Promise<PluginView>;
  /** What is stored of plugins that are not to be active. */
  readonly stored: Map<string, PluginState>;
  /** Open alarms. */
  readonly alarms: Map<string, string>;
}

export function openTestPlugins(over: Partial<PluginHostParts> = {}): TestPlugins {
  const { log = silentLog } = over;
  const there = new Map<string, TestPlugin>();
  const stored = new Map<string, PluginState>();
  const alarms = new Map<string, string>();
  const plugins = createPluginHost({
    registry: createActionRegistry(),
    publishers: createPublishers(log),
    figures: createFigures(),
    routes: createRoutes(),
    pages: createPages(),
    clock: createManualClock(),
    log,
    optionsOf: () => undefined,
    discover: async () => [...there.values()].map(foundOf),
    load: async ({ name }) => ({
      default: { activate: there.get(name)!.activate },
      resolving: { [Symbol.dispose]: () => {} },
    }),
    states: {
      load: async () => new Map(stored),
      async save(name, state) {
        if (state) stored.set(name, state);
        else stored.delete(name);
      },
    },
    alarms: {
      raise: async (name, text) => void alarms.set(name, text),
      clear: async name => void alarms.delete(name),
    },
    ...over,
  });
  const put = (...given: readonly TestPlugin[]): void => {
    for (const plugin of given) there.set(plugin.name ?? "one", plugin);
  };
  return {
    plugins,
    put,
    remove: name => void there.delete(name),
    activate(plugin) {
      put(plugin);
      return plugins.enable(plugin.name ?? "one");
    },
    stored,
    alarms,
  };
}
