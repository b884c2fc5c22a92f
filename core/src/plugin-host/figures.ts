/** Figures that plugins show with the host's own. */
import { MooringError } from "../base/errors.ts";
import type { Figure } from "../contract/plugin.ts";

export interface PluginFigure {
  readonly plugin: string;
  readonly figure: Figure;
}

export interface Figures {
  /** @throws MooringError PLUGIN_INVALID when the name is malformed or taken within the plugin. Disposing removes it. */
  add(plugin: string, figure: Figure): Disposable;
  list(): readonly PluginFigure[];
}

const NAME = /^[a-z][a-z0-9_]{0,63}$/;

export function createFigures(): Figures {
  const entries = new Map<string, PluginFigure>();
  return {
    add(plugin, figure) {
      const key = `${plugin} ${figure.name}`;
      const rule = !NAME.test(figure.name) ? `must match ${NAME.source}` : entries.has(key) ? "is taken" : undefined;
      if (rule) {
        const message = `plugin ${plugin}: name of figure "${figure.name}" ${rule}`;
        throw new MooringError("PLUGIN_INVALID", message, { plugin, field: "name", rule });
      }
      entries.set(key, { plugin, figure });
      return { [Symbol.dispose]: () => void entries.delete(key) };
    },
    list: () => [...entries.values()],
  };
}
