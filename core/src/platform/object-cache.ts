/** Managed objects at hand for the hot path: the longest unused one goes first. */
import type { ManagedObject } from "./platform.ts";

interface Entry {
  readonly tenant: string;
  readonly object: ManagedObject;
}

export interface ObjectCache {
  /** From memory alone. */
  atHand(tenant: string, id: string): ManagedObject | undefined;
  /** From memory, else by `load`; what a write overtakes is given back but not kept. */
  get(tenant: string, id: string, load: () => Promise<ManagedObject | undefined>): Promise<ManagedObject | undefined>;
  /** To be called when a write to the object has been stored. */
  forget(id: string): void;
}

/** @param capacity objects kept, 1 or more */
export function createObjectCache(capacity: number): ObjectCache {
  const entries = new Map<string, Entry>();
  const loading = new Map<string, { current: boolean }[]>();

  const keep = (id: string, entry: Entry): void => {
    entries.delete(id);
    entries.set(id, entry);
    if (entries.size > capacity) entries.delete(entries.keys().next().value!);
  };

  const loadFresh = async (
    tenant: string,
    id: string,
    load: () => Promise<ManagedObject | undefined>,
  ): Promise<ManagedObject | undefined> => {
    const mark = { current: true };
    const marks = loading.get(id) ?? [];
    loading.set(id, [...marks, mark]);
    try {
      const object = await load();
      if (object && mark.current) keep(id, { tenant, object });
      return object;
    } finally {
      const left = (loading.get(id) ?? []).filter(other => other !== mark);
      if (left.length === 0) loading.delete(id);
      else loading.set(id, left);
    }
  };

  const atHand = (tenant: string, id: string): ManagedObject | undefined => {
    const entry = entries.get(id);
    if (entry?.tenant !== tenant) return undefined;
    keep(id, entry);
    return entry.object;
  };

  return {
    atHand,
    get: async (tenant, id, load) => (entries.has(id) ? atHand(tenant, id) : await loadFresh(tenant, id, load)),
    forget(id) {
      entries.delete(id);
      for (const mark of loading.get(id) ?? []) mark.current = false;
    },
  };
}
