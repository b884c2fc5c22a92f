/** The store as everything above sees it. Opened by `open-store.ts`. */
import type { CollectionSpec, Document, DocumentCollection, Filter, Update } from "./collection.ts";
import type { Measurement, SeriesStore } from "./series.ts";

/** One write of a group; built by {@link insertOp}, {@link updateOp}, {@link deleteOp}, {@link appendOp}, {@link removeOp}. */
export type WriteOp =
  | { readonly op: "insert"; readonly into: CollectionSpec; readonly document: Document }
  | {
      readonly op: "update";
      readonly in: CollectionSpec;
      readonly filter: Filter;
      readonly update: Update;
      readonly upsert: boolean;
      readonly returning: "before" | "after" | "nothing";
    }
  | { readonly op: "delete"; readonly from: CollectionSpec; readonly filter: Filter }
  | { readonly op: "append"; readonly measurement: Measurement }
  | { readonly op: "remove"; readonly tenant: string; readonly ids: readonly string[] };

/** `inserted` also for an upsert that inserted; `duplicate`: an insert that found its `_id` or unique key taken. */
export interface WriteResult {
  readonly outcome: "inserted" | "duplicate" | "done";
  /** Of an update with `returning`; undefined when there is none. */
  readonly document?: Document;
}

/** Inserts if absent. */
export const insertOp = <T extends Document>(into: CollectionSpec<T>, document: T): WriteOp => ({
  op: "insert",
  into,
  document,
});

/** Updates one document. */
export const updateOp = <T extends Document>(
  collection: CollectionSpec<T>,
  filter: Filter<T>,
  update: Update<T>,
  options: { readonly upsert?: boolean; readonly returning?: "before" | "after" } = {},
): WriteOp => ({
  op: "update",
  in: collection,
  filter: filter as Filter,
  update: update as Update,
  upsert: options.upsert ?? false,
  returning: options.returning ?? "nothing",
});

/** Deletes all that match: meant for few. */
export const deleteOp = <T extends Document>(from: CollectionSpec<T>, filter: Filter<T>): WriteOp => ({
  op: "delete",
  from,
  filter: filter as Filter,
});

/** Inserts a measurement if absent. */
export const appendOp = (measurement: Measurement): WriteOp => ({ op: "append", measurement });

/** Deletes measurements, where they are there. Followed by {@link appendOp} of the same id, it replaces one. @param ids 1 to 10 000 */
export const removeOp = (tenant: string, ids: readonly string[]): WriteOp => ({ op: "remove", tenant, ids });

export interface StoreStatistics {
  /** Operations waiting to be stored. */
  readonly queuedWrites: number;
  readonly pendingReads: number;
}

export interface Store extends AsyncDisposable {
  readonly engine: "sqlite" | "mongodb";
  /** A collection that the store was opened with. @throws MooringError QUERY_UNSUPPORTED for another */
  collection<T extends Document>(spec: CollectionSpec<T>): DocumentCollection<T>;
  readonly series: SeriesStore;
  /**
   * Submits all operations together, in one hop to the writer, and resolves when all are stored. Operations on one collection
   * take effect in the given order; on MongoDB those on collections that conclude (`CollectionSpec.concludes`) follow when the others
   * are stored, and not where one of these fails. Not a transaction: when one fails, the others are done all the same and the promise
   * rejects with the first failure; a replay is harmless where inserts carry their own `_id`.
   * @returns one result per operation, in order
   * @throws  MooringError STORE_FULL when too much waits (nothing of this group is stored), STORE_FAILED, CONFLICT, DUPLICATE_KEY
   */
  write(ops: readonly WriteOp[]): Promise<readonly WriteResult[]>;
  /**
   * Fresh numbers of a sequence, ascending. Each is given once, also across nodes and after `kill -9`; there are gaps. They begin
   * at 1 000 000 001, ten digits, so that their texts sort by age.
   * @param count 1 to 10 000
   */
  nextIds(sequence: string, count: number): Promise<number[]>;
  /** Resolves when the store answers. @throws MooringError STORE_FAILED */
  health(): Promise<void>;
  statistics(): StoreStatistics;
  /** Stores what waits, then closes; further calls reject with CLOSED. Calling again is harmless. */
  close(): Promise<void>;
}
