/** What the host itself keeps, whoever its tenants are. */
import type { CollectionSpec, Document } from "../collection.ts";

export interface CounterDocument extends Document {
  /** First number of the sequence that is not reserved. `_id`: its name. */
  readonly next: number;
}
export const COUNTERS: CollectionSpec<CounterDocument> = {
  name: "counters",
  fields: { next: "int" },
  required: ["next"],
  indexes: [],
  durability: "full",
};

/** A plugin that is not to be active, of the whole host. `_id`: its name. */
export interface PluginStateDocument extends Document {
  readonly at: "DISABLED" | "STOPPED";
  readonly fault?: string;
  readonly changeTime: number;
}
export const PLUGIN_STATES: CollectionSpec<PluginStateDocument> = {
  name: "pluginStates",
  fields: { changeTime: "time" },
  indexes: [],
  durability: "full",
};
