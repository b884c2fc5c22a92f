/** A plugin is a value with a name and `activate(host)`: all it can do is on `host`, all it adds is undone when its scope closes. */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { DefaultHandler, MappingAction } from "./action.ts";
import type { PluginPage, PluginRoute } from "./plugin-web.ts";
import type { Publisher } from "./publisher.ts";

/** The plugin contract's version; a plugin names the range it was written for. */
export const CONTRACT_VERSION = "1.2.0";

/** One number of a plugin, read when somebody looks at `/metrics`. */
export interface Figure {
  /** `[a-z][a-z0-9_]{0,63}`, unique within the plugin: shown as `mooring_plugin_<plugin>_<name>`, a counter with `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  value(): number;
}

/** Work that comes due by itself; it may take time. What it throws is logged, and a failure of the plugin. */
export interface PluginTimers {
  /** @param periodMs between two runs, from the end of one to the beginning of the next; 100 or more. Disposing ends it. */
  every(periodMs: number, run: () => void | Promise<void>): Disposable;
  /** Once. Disposing cancels. */
  after(delayMs: number, run: () => void | Promise<void>): Disposable;
}

/**
 * All that a plugin can do. Members that the manifest must ask for (`permissions`) throw PLUGIN_INVALID naming the permission where it does
 * not. What is added while `activate` runs is in force when it has ended, all at once; after the plugin's end nothing can be added.
 */
export interface PluginHost {
  /** Log lines carry the plugin's name. */
  readonly log: Log;
  readonly clock: Clock;
  /** What the configuration has for the plugin, checked by the schema of its manifest, with defaults; frozen. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly actions: {
    /** @throws MooringError PLUGIN_INVALID when the name is malformed or taken. Disposing removes it. */
    add(action: MappingAction): Disposable;
  };
  readonly handlers: {
    add(handler: DefaultHandler): Disposable;
  };
  readonly publishers: {
    add(publisher: Publisher): Disposable;
  };
  readonly figures: {
    /** @throws MooringError PLUGIN_INVALID when the name is malformed or taken. Disposing removes it. */
    add(figure: Figure): Disposable;
  };
  readonly routes: {
    /** @throws MooringError PLUGIN_INVALID when it cannot be, or its path is taken. Disposing removes it. */
    add(route: PluginRoute): Disposable;
  };
  readonly pages: {
    /** @throws MooringError PLUGIN_INVALID when it cannot be, or its name is taken. Disposing removes it. */
    add(page: PluginPage): Disposable;
  };
  /** Run from when `activate` has ended. */
  readonly timers: PluginTimers;
  /** Disposed, last added first, when the plugin goes. */
  onClose(resource: Disposable | AsyncDisposable): void;
}

/** Default export of a plugin's module. */
export interface Plugin {
  /** These three stand in the manifest (contract/plugin-manifest.ts); where the module says them too, they must agree. */
  readonly name?: string;
  readonly version?: string;
  readonly contract?: string;
  activate(host: PluginHost): void | Promise<void>;
}
