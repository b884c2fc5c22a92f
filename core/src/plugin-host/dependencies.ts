/** Which plugin must be active before which: pure. */
import type { PluginManifest } from "../contract/plugin-manifest.ts";
import { satisfiesCaret } from "./load.ts";

export type Needs = Pick<PluginManifest, "name" | "version" | "dependencies">;

export interface ActivationPlan {
  /** All names, each after those that it needs; else in the order given. */
  readonly order: readonly string[];
  /** Why a plugin cannot be: what it needs is missing, too old or new, or needs it in turn. */
  readonly faults: ReadonlyMap<string, string>;
}

function faultOf({ dependencies = {} }: Needs, byName: ReadonlyMap<string, Needs>): string | undefined {
  for (const [name, range] of Object.entries(dependencies)) {
    const found = byName.get(name);
    if (!found) return `needs plugin ${name} ${range}, which is not there`;
    if (!satisfiesCaret(found.version, range))
      return `needs plugin ${name} ${range}, which is there as ${found.version}`;
  }
  return undefined;
}

/** @param plugins each name once */
export function planActivation(plugins: readonly Needs[]): ActivationPlan {
  const byName = new Map(plugins.map(plugin => [plugin.name, plugin]));
  const order: string[] = [];
  const faults = new Map<string, string>();
  const done = new Set<string>();
  const path: string[] = [];

  function visit(plugin: Needs): void {
    const { name } = plugin;
    const at = path.indexOf(name);
    if (at >= 0) {
      const cycle = path.slice(at);
      for (const member of cycle) {
        const from = cycle.indexOf(member);
        const round = [...cycle.slice(from), ...cycle.slice(0, from), member];
        faults.set(member, `needs itself: ${round.join(" -> ")}`);
      }
      return;
    }
    if (done.has(name)) return;
    path.push(name);
    for (const needed of Object.keys(plugin.dependencies ?? {})) {
      const found = byName.get(needed);
      if (found) visit(found);
    }
    path.pop();
    done.add(name);
    order.push(name);
  }

  for (const plugin of plugins) {
    const fault = faultOf(plugin, byName);
    if (fault !== undefined) faults.set(plugin.name, fault);
  }
  for (const plugin of plugins) visit(plugin);
  return { order, faults };
}

/** Names of all that need a plugin, directly or through others, in the order given. */
export function dependentsOf(name: string, plugins: readonly Needs[]): readonly string[] {
  const found = new Set([name]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const plugin of plugins) {
      if (Object.keys(plugin.dependencies ?? {}).some(needed => found.has(needed))) found.add(plugin.name);
    }
  }
  found.delete(name);
  return plugins.map(plugin => plugin.name).filter(each => found.has(each));
}

/** Names of all that a plugin needs, directly or through others, in the order given. */
export function neededBy(name: string, plugins: readonly Needs[]): readonly string[] {
  const found = new Set([name]);
  // A set is walked to its end, also where it grows meanwhile.
  for (const each of found) {
    const { dependencies = {} } = plugins.find(plugin => plugin.name === each) ?? {};
    for (const needed of Object.keys(dependencies)) found.add(needed);
  }
  return plugins.map(plugin => plugin.name).filter(each => each !== name && found.has(each));
}
