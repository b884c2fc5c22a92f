/** Joins the kinds of documents over one store. */
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Store } from "../store/store.ts";
import { createAlarms } from "./alarms.ts";
import { createBinaries } from "./binaries.ts";
import { createBinaryChunks } from "./binary-chunks.ts";
import { createChildren } from "./children.ts";
import { createDeleteObject } from "./delete-object.ts";
import { createEvents } from "./events.ts";
import { createIdentity } from "./identity.ts";
import { createInventory } from "./inventory.ts";
import { createListeners } from "./listeners.ts";
import { createMeasurements } from "./measurements.ts";
import { createObjectCache } from "./object-cache.ts";
import { createOperations } from "./operations.ts";
import type { ManagedObject, Platform } from "./platform.ts";
import { createWrite } from "./write.ts";

const CACHED_OBJECTS = 10_000;
const LARGEST_BINARY = 50 * 2 ** 20;

export interface PlatformParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Managed objects kept in memory; default 10 000. */
  readonly cachedObjects?: number;
  /** Largest binary in bytes; default 50 MiB. */
  readonly maxBinaryBytes?: number;
  /** Name of this node among those of the store; default `local`. */
  readonly node?: string;
}

export function createPlatform(parts: PlatformParts): Platform {
  const { store, clock, random, log } = parts;
  const cache = createObjectCache(parts.cachedObjects ?? CACHED_OBJECTS);
  const chunks = createBinaryChunks(store);
  const changed = createListeners<[tenant: string, object: ManagedObject]>();
  const deleting = createListeners<[tenant: string, object: ManagedObject]>();
  const deleted = createListeners<[tenant: string, object: ManagedObject]>();
  const inventory = createInventory({
    store,
    clock,
    cache,
    deleteObject: createDeleteObject({
      store,
      chunks,
      cache,
      beforeDelete: deleting.tellAndWait,
      afterDelete: deleted.tellAndWait,
    }),
    changed(tenant, object) {
      changed.tell(
        error => log.error("inventory.listenerFailed", { id: object.id, error: messageOf(error) }),
        tenant,
        object,
      );
    },
    onChanged: listener => changed.add(listener),
    onDeleted(listener, afterwards = async () => {}) {
      const entries = [deleting.add(listener), deleted.add(afterwards)];
      return {
        [Symbol.dispose]() {
          for (const entry of entries) entry[Symbol.dispose]();
        },
      };
    },
  });

  return {
    inventory,
    children: createChildren({ store, inventory }),
    identity: createIdentity({ store }),
    measurements: createMeasurements({ store, random, inventory }),
    alarms: createAlarms({ store, clock, inventory }),
    events: createEvents({ store, clock, inventory }),
    operations: createOperations({ store, clock, log, inventory }),
    binaries: createBinaries({
      store,
      chunks,
      inventory,
      maxBytes: parts.maxBinaryBytes ?? LARGEST_BINARY,
      node: parts.node ?? "local",
    }),
    write: createWrite({ store, cache, log }),
  };
}
