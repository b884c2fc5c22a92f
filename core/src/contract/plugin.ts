/** A plugin is a value with a name and `activate(host)`: all it can do is on `host`, all it adds is undone when its scope closes. */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { DefaultHandler, MappingAction } from "./action.ts";
import type { Publisher } from "./publisher.ts";

/** The plugin contract's version; a plugin names the range it was written for. */
export const CONTRACT_VERSION = "1.1.0";

/** One number of a plugin, read when somebody looks at `/metrics`. */
export interface Figure {
  /** `[a-z][a-z0-9_]{0,63}`, unique within the plugin: shown as `mooring_plugin_<plugin>_<name>`, a counter with `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  value(): number;
}

export interface PluginHost {
  /** Log lines carry the plugin's name. */
  readonly log: Log;
  readonly clock: Clock;
  /** The host's options of the group that has the plugin's name, checked; empty where there is none. */
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
  /** Disposed, last added first, when the plugin goes. */
  onClose(resource: Disposable | AsyncDisposable): void;
}

export interface Plugin {
  /** `[a-z0-9-]{1,64}`, unique within a host. */
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  /** Range of contract versions, caret form: `^1.0.0`. */
  readonly contract: string;
  activate(host: PluginHost): void | Promise<void>;
}
