/** The plugin host, and what plugins add to: actions, publishers, routes, pages. */
import { type Config, PLUGIN_GROUPS } from "./config/schema.ts";
import { type ActionRegistry, createActionRegistry } from "./mapping/action-registry.ts";
import { createPublishers, type Publishers } from "./mapping/publishers.ts";
import type { FoundPlugin } from "./plugin-host/discover.ts";
import { createFigures, type Figures } from "./plugin-host/figures.ts";
import { createPluginHost, type Plugins } from "./plugin-host/host.ts";
import { createImporter } from "./plugin-host/import-plugin.ts";
import { createPages } from "./plugin-host/pages.ts";
import { createPluginAlarms } from "./plugin-host/plugin-alarms.ts";
import { createPluginStates } from "./plugin-host/plugin-states.ts";
import { createRoutes } from "./plugin-host/routes.ts";
import type { PluginServices } from "./rest/plugins.ts";
import type { Base } from "./server-base.ts";
import { MANAGEMENT_TENANT } from "./tenants/tenants.ts";

export interface PluginSources {
  /** Finds what plugins there are, at the start and again when somebody asks. */
  findPlugins(): Promise<readonly FoundPlugin[]>;
  /** Told of the plugin host before any plugin's code runs. */
  onPlugins?(plugins: Plugins): void;
}

export interface Extensions {
  readonly actions: ActionRegistry;
  readonly publishers: Publishers;
  readonly figures: Figures;
  readonly plugins: Plugins;
  readonly pluginServices: PluginServices;
}

/** A group of the plugin's own name, where there is one, and above it what stands below `plugins.options`; unchecked. */
function pluginOptions(config: Config, plugin: string): unknown {
  const group = PLUGIN_GROUPS.find(name => name === plugin);
  const { options } = config.plugins;
  const own = Object.hasOwn(options, plugin) ? options[plugin] : undefined;
  if (!group) return own;
  return own === undefined || typeof own === "object" ? { ...config[group], ...own } : own;
}

/** Plugins that are not disabled are active when it resolves. @param decoderKeys those that a tenant has */
export async function openPlugins(
  { config, clock, random, log, store, platform, connectors: alarmSource }: Base,
  { findPlugins, onPlugins }: PluginSources,
  decoderKeys: (tenant: string) => readonly string[],
  opened: AsyncDisposableStack,
): Promise<Extensions> {
  const actions = createActionRegistry(decoderKeys);
  const publishers = createPublishers(log);
  const figures = createFigures();
  const [routes, pages] = [createRoutes(), createPages()];
  const plugins = opened.use(
    createPluginHost({
      registry: actions,
      publishers,
      figures,
      routes,
      pages,
      clock,
      log,
      discover: findPlugins,
      load: createImporter(random),
      states: createPluginStates(store, clock),
      alarms: createPluginAlarms({ alarms: platform.alarms, clock, log, tenant: config.tenant.id, alarmSource }),
      optionsOf: plugin => pluginOptions(config, plugin),
    }),
  );
  onPlugins?.(plugins);
  await plugins.start();
  const known = new Set(plugins.list().map(({ name }) => name));
  const unused = Object.keys(config.plugins.options).filter(name => !known.has(name));
  for (const plugin of unused) log.warn("plugin.optionsUnused", { plugin, reason: "there is no such plugin" });
  const operators: readonly string[] = [config.tenant.id, MANAGEMENT_TENANT];
  const isOperator = (tenant: string): boolean => operators.includes(tenant);
  return { actions, publishers, figures, plugins, pluginServices: { plugins, routes, pages, isOperator } };
}
