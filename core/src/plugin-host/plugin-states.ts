/** Which plugins are not to be active, in the store: a plugin without a document there is to be. */
import type { Clock } from "../base/clock.ts";
import { PLUGIN_STATES } from "../store/collections/host.ts";
import type { Store } from "../store/store.ts";
import type { PluginState } from "./plugin-machine.ts";

export interface PluginStates {
  load(): Promise<ReadonlyMap<string, PluginState>>;
  /** @param state DISABLED or STOPPED; undefined: it is to be active */
  save(name: string, state: PluginState | undefined): Promise<void>;
}

export function createPluginStates(store: Pick<Store, "collection">, clock: Clock): PluginStates {
  const documents = store.collection(PLUGIN_STATES);
  return {
    async load() {
      const states = new Map<string, PluginState>();
      for await (const { _id, at, fault } of documents.stream({})) {
        states.set(_id, fault === undefined ? { at } : { at, fault });
      }
      return states;
    },
    async save(name, state) {
      if (state?.at !== "DISABLED" && state?.at !== "STOPPED") {
        await documents.deleteMany({ _id: name });
        return;
      }
      const { at, fault } = state;
      const document = { _id: name, at, changeTime: clock.now(), ...(fault !== undefined && { fault }) };
      await documents.replaceOne(document, { upsert: true });
    },
  };
}
