/** A plugin is a value with a name and `activate(host)`: all it can do is on `host`, all it adds is undone when its scope closes. */
import type { Log } from "../base/log.ts";
import type { DefaultHandler, MappingAction } from "./action.ts";

/** The plugin contract's version; a plugin names the range it was written for. */
export const CONTRACT_VERSION = "1.0.0";

export interface PluginHost {
  /** Log lines carry the plugin's name. */
  readonly log: Log;
  readonly actions: {
    /** @throws MooringError PLUGIN_INVALID when the name is malformed or taken. Disposing removes it. */
    add(action: MappingAction): Disposable;
  };
  readonly handlers: {
    add(handler: DefaultHandler): Disposable;
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
