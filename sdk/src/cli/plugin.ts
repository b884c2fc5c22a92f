/** `mooring plugin`: what plugins the host has, and which of them are active. */
import type { Client } from "./client.ts";
import { type CliCall, type CliCommand, CliError, EXIT, type ExitCode } from "./command.ts";
import { table } from "./decoder/rest.ts";
import { say } from "./io.ts";

interface CallFigures {
  readonly calls: number;
  readonly failures: number;
  readonly seconds: number;
}

interface PluginReport {
  readonly name: string;
  readonly state: string;
  readonly fault?: string;
  readonly origin: string;
  readonly location: string;
  readonly version?: string;
  readonly description?: string;
  readonly contract?: string;
  readonly permissions?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly routes: readonly { readonly method: string; readonly path: string }[];
  readonly pages: readonly { readonly title: string; readonly url: string }[];
  readonly calls: Readonly<Record<string, CallFigures>>;
}
interface PluginList {
  readonly plugins: readonly PluginReport[];
}

const PATH = "/service/lwm2m-agent/plugins";
const pathOf = (name: string): string => `${PATH}/${encodeURIComponent(name)}`;

function rows({ plugins }: PluginList): string {
  const lines = plugins.map(({ name, version = "-", state, origin, fault, description = "" }) => [
    name,
    version,
    state,
    origin,
    fault ?? description,
  ]);
  return plugins.length === 0 ? "no plugin" : table([["NAME", "VERSION", "STATE", "FROM", "ABOUT"], ...lines]);
}

/** Over all its lives: figures outlive a reload. */
function callLines(calls: PluginReport["calls"]): string[] {
  const points = Object.entries(calls);
  if (points.length === 0) return [];
  const lines = points.map(([point, { calls: count, failures, seconds }]) => {
    return `    ${point}: ${count} ${count === 1 ? "call" : "calls"}, ${failures} failed, ${seconds} s`;
  });
  return ["  called since the host started:", ...lines];
}

function details(plugin: PluginReport): string {
  const {
    name,
    version = "?",
    state,
    fault,
    description,
    origin,
    location,
    contract,
    permissions,
    dependencies,
  } = plugin;
  const needs = Object.entries(dependencies ?? {}).map(([other, range]) => `${other} ${range}`);
  return [
    `${name} ${version}: ${state}`,
    ...(fault === undefined ? [] : [`  ${fault}`]),
    ...(description === undefined ? [] : [`  ${description}`]),
    `  ${origin}, ${location}`,
    ...(contract === undefined ? [] : [`  contract ${contract}, may use ${permissions?.join(", ") || "nothing"}`]),
    ...(needs.length === 0 ? [] : [`  needs ${needs.join(", ")}`]),
    ...plugin.routes.map(({ method, path }) => `  ${method.padEnd(6)} ${path}`),
    ...plugin.pages.map(({ title, url }) => `  page   ${url}  ${title}`),
    ...callLines(plugin.calls),
  ].join("\n");
}

type Action = (client: Client, name: string, call: CliCall) => Promise<PluginReport>;
const change =
  (action: string): Action =>
  (client, name, { flag }) =>
    client.put<PluginReport>(pathOf(name), { action, ...(flag("cascade") && { cascade: true }) });

/** Of one plugin. */
const ACTIONS: Readonly<Record<string, Action>> = {
  show: (client, name) => client.get<PluginReport>(pathOf(name)),
  enable: change("enable"),
  disable: change("disable"),
  reload: change("reload"),
};
/** Of all. */
const LISTS: Readonly<Record<string, (client: Client) => Promise<PluginList>>> = {
  list: client => client.get<PluginList>(PATH),
  discover: client => client.put<PluginList>(PATH, { action: "discover" }),
};
const ALL = [...Object.keys(LISTS), ...Object.keys(ACTIONS)];

const asText = (value: unknown, shown: string, { flag }: CliCall): string =>
  flag("json") ? JSON.stringify(value, undefined, 2) : shown;

export const pluginCommand: CliCommand = {
  name: "plugin",
  usage: "list|discover|show|enable|disable|reload [<plugin>]",
  summary: "Shows the plugins of the host, and which are active; enables, disables and reloads one",
  notes: [
    '"list" and "discover" are about all; "discover" looks for new ones first. The others need the name of a plugin. "reload" reads its manifest',
    "and code anew; while that fails, the one that is active stays. What is disabled stays so through restarts.",
    '"show" counts the calls into the plugin by what was called: "activate" is a start (its module and its activate), "close" an end, "stray" a',
    "failure outside of any call.",
  ],
  options: {
    cascade: { type: "boolean", summary: "Also disables those that need it, or enables those that it needs" },
    json: { type: "boolean", summary: "Shows all of it as JSON" },
  },
  arguments: [1, 2],

  async run(call): Promise<ExitCode> {
    const [action, name] = call.args as [string, string?];
    const { output } = call.io;
    if (!ALL.includes(action)) throw new CliError(EXIT.usage, `"${action}" is none of ${ALL.join(", ")}`);
    const list = LISTS[action];
    if (list) {
      if (name !== undefined) throw new CliError(EXIT.usage, `${action} is about all plugins, not about "${name}"`);
      const found = await list(await call.connect());
      say(output, asText(found, rows(found), call));
      return EXIT.ok;
    }
    if (name === undefined) throw new CliError(EXIT.usage, `${action} needs the name of a plugin`);
    const plugin = await ACTIONS[action]!(await call.connect(), name, call);
    say(output, asText(plugin, details(plugin), call));
    return EXIT.ok;
  },
};
