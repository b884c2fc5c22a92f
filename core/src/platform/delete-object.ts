/** Deleting a managed object with all that belongs to it, in slices (platform API 5.2). */
import { RAW_PAYLOADS } from "../store/collections/decoding.ts";
import {
  ALARMS,
  CHILD_REFERENCES,
  EVENTS,
  EXTERNAL_IDS,
  MANAGED_OBJECTS,
  OPERATIONS,
} from "../store/collections/platform.ts";
import { historyDayOf, historyPrefix, LAST_VALUES, VALUE_HISTORY } from "../store/collections/values.ts";
import { deleteOp, type Store } from "../store/store.ts";
import { deleteBinariesOf } from "./binaries.ts";
import type { BinaryChunks } from "./binary-chunks.ts";
import { inSlices, SLICE } from "./in-slices.ts";
import type { ObjectCache } from "./object-cache.ts";
import type { ManagedObject } from "./platform.ts";

export interface DeleteParts {
  readonly store: Store;
  readonly chunks: BinaryChunks;
  readonly cache: ObjectCache;
  /** Waits until nothing of the object arrives any more. */
  beforeDelete(tenant: string, object: ManagedObject): Promise<void>;
  /** Everything is gone. */
  afterDelete(tenant: string, object: ManagedObject): Promise<void>;
}

/** Day by day, as it lies. */
async function deleteHistory(store: Store, id: string): Promise<void> {
  const history = store.collection(VALUE_HISTORY);
  for (let day = ""; ; ) {
    const [first] = await history.find({ _id: { $gt: day === "" ? day : `${day}~` } }, { limit: 1 });
    if (!first) return;
    day = historyDayOf(first._id);
    await inSlices(() => history.deleteMany({ _id: { $prefix: historyPrefix(day, id) } }, { limit: SLICE }));
  }
}

async function deleteBelongings({ store, chunks }: DeleteParts, tenant: string, id: string): Promise<void> {
  const limit = { limit: SLICE };
  await inSlices(() => store.series.delete({ tenant, source: id }, SLICE));
  await store.series.forget(tenant, id);
  await inSlices(() => store.collection(EVENTS).deleteMany({ source: id }, limit));
  await inSlices(() => store.collection(ALARMS).deleteMany({ source: id }, limit));
  await inSlices(() => store.collection(OPERATIONS).deleteMany({ deviceId: id }, limit));
  await inSlices(() => store.collection(RAW_PAYLOADS).deleteMany({ managedObject: id }, limit));
  await deleteHistory(store, id);
  await inSlices(() => store.collection(LAST_VALUES).deleteMany({ managedObject: id }, limit));
  await deleteBinariesOf(store, chunks, id);
  await inSlices(() => store.collection(CHILD_REFERENCES).deleteMany({ parent: id }, limit));
  await inSlices(() => store.collection(CHILD_REFERENCES).deleteMany({ child: id }, limit));
}

/**
 * The object goes after what belongs to it, so that a delete cut short (a killed process) can be repeated; its external ids
 * go with it, for nobody would find them afterwards; those bound at that moment go after it, which is what binding relies on;
 * and what else arrived in between goes in a second round.
 */
export function createDeleteObject(parts: DeleteParts) {
  const { store, cache, beforeDelete, afterDelete } = parts;
  return async (tenant: string, object: ManagedObject): Promise<void> => {
    await beforeDelete(tenant, object);
    await deleteBelongings(parts, tenant, object.id);
    await store.write([
      deleteOp(MANAGED_OBJECTS, { _id: object.id, tenant }),
      deleteOp(EXTERNAL_IDS, { managedObject: object.id }),
    ]);
    cache.forget(object.id);
    await inSlices(() => store.collection(EXTERNAL_IDS).deleteMany({ managedObject: object.id }, { limit: SLICE }));
    await deleteBelongings(parts, tenant, object.id);
    await afterDelete(tenant, object);
  };
}
