/** The writes of one device message, as one group, with what the inventory asks for on top. */
import { isFailure } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { MANAGED_OBJECTS } from "../store/collections/platform.ts";
import type { Store, WriteOp, WriteResult } from "../store/store.ts";
import { replaceBlockedParents } from "./managed-object.ts";
import type { ObjectCache } from "./object-cache.ts";
import type { Platform } from "./platform.ts";

export interface WriteParts {
  readonly store: Store;
  readonly cache: ObjectCache;
  readonly log: Log;
}

/** The managed object that a write changes, if it is one. */
function changedObject(op: WriteOp): string | undefined {
  if (op.op !== "update" && op.op !== "delete") return undefined;
  const collection = op.op === "update" ? op.in : op.from;
  const { _id } = op.filter as { readonly _id?: unknown };
  return collection.name === MANAGED_OBJECTS.name && typeof _id === "string" ? _id : undefined;
}

type UpdateOp = WriteOp & { op: "update" };

const isInventorySet = (op: WriteOp): op is UpdateOp => op.op === "update" && changedObject(op) !== undefined;

/** Waits for all, then throws what failed first. */
async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  const failed = results.find(result => result.status === "rejected");
  if (failed) throw failed.reason;
  return results.map(result => (result as PromiseFulfilledResult<T>).value);
}

export function createWrite({ store, cache, log }: WriteParts): Platform["write"] {
  const objects = store.collection(MANAGED_OBJECTS);

  /**
   * A device's value goes below a fragment that somebody made a text or a list: the fragment gives way, else every further
   * message of that device would fail.
   */
  const writeSet = async (op: UpdateOp): Promise<WriteResult> => {
    try {
      return (await store.write([op]))[0]!;
    } catch (error) {
      if (!isFailure(error, "CONFLICT")) throw error;
      const id = changedObject(op)!;
      const document = await objects.findOne({ _id: id });
      if (!document) return { outcome: "done" };
      log.warn("inventory.fragmentReplaced", { managedObjectId: id, path: String(error.details["path"] ?? "") });
      return (await store.write([replaceBlockedParents(op, document)]))[0]!;
    }
  };

  return async ops => {
    // Nearly every message: nothing of the inventory is in it.
    if (ops.every(op => changedObject(op) === undefined)) return store.write(ops);
    const others = ops.filter(op => !isInventorySet(op));
    const sets = ops.filter(isInventorySet);
    try {
      // Handed over in one turn, so that the store still commits them together.
      const [written, ...set] = await settled<readonly WriteResult[]>([
        others.length > 0 ? store.write(others) : Promise.resolve([]),
        ...sets.map(async op => [await writeSet(op)]),
      ]);
      let [atOther, atSet] = [0, 0];
      return ops.map(op => (isInventorySet(op) ? set[atSet++]![0]! : written![atOther++]!));
    } finally {
      // Also after a failure: the rest of the group is stored all the same.
      for (const op of ops) {
        const id = changedObject(op);
        if (id !== undefined) cache.forget(id);
      }
    }
  };
}
