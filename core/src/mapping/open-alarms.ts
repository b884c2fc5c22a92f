/** Which failure alarms of a device are open, so that a good value clears them and others cost nothing. */
import type { Effect } from "../contract/action.ts";
import { ALARMS, type AlarmDocument } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";
import { FAILURE_ALARM_PREFIXES, isFailureAlarm } from "./failure-alarms.ts";

export interface OpenAlarms {
  /** From memory; undefined for a device that was not asked for lately. */
  atHand(deviceId: string): ReadonlySet<string> | undefined;
  /** From memory, else from the store. */
  of(tenant: string, deviceId: string): ReadonlySet<string> | Promise<ReadonlySet<string>>;
  /** To be called when the effects of a message are stored. */
  stored(deviceId: string, effects: readonly Effect[]): void;
  forget(deviceId: string): void;
}

const NONE: ReadonlySet<string> = new Set();
const MOST_TYPES = 1000;

/** @param capacity devices that are remembered; the longest known goes first */
export function createOpenAlarms(store: Pick<Store, "collection">, capacity: number): OpenAlarms {
  const alarms = store.collection<AlarmDocument>(ALARMS);
  const known = new Map<string, ReadonlySet<string>>();

  const remember = (deviceId: string, types: ReadonlySet<string>): ReadonlySet<string> => {
    known.set(deviceId, types.size > 0 ? types : NONE);
    if (known.size > capacity) known.delete(known.keys().next().value!);
    return types;
  };

  const load = async (tenant: string, deviceId: string): Promise<ReadonlySet<string>> => {
    const open = await alarms.find(
      {
        tenant,
        source: deviceId,
        status: { $in: ["ACTIVE", "ACKNOWLEDGED"] },
        $or: FAILURE_ALARM_PREFIXES.map(prefix => ({ type: { $prefix: prefix } })),
      },
      { limit: MOST_TYPES },
    );
    // What was stored while this was read is newer than the answer.
    return known.get(deviceId) ?? remember(deviceId, new Set(open.map(({ type }) => type)));
  };

  return {
    atHand: deviceId => known.get(deviceId),
    of: (tenant, deviceId) => known.get(deviceId) ?? load(tenant, deviceId),
    stored(deviceId, effects) {
      // A device that is not known yet is read from the store when it is asked for.
      if (!known.has(deviceId)) return;
      let types: Set<string> | undefined;
      for (const effect of effects) {
        if (effect.kind !== "alarm" || !isFailureAlarm(effect.type)) continue;
        types ??= new Set(known.get(deviceId));
        if (effect.status === "CLEARED") types.delete(effect.type);
        else types.add(effect.type);
      }
      if (types) remember(deviceId, types);
    },
    forget: deviceId => void known.delete(deviceId),
  };
}
