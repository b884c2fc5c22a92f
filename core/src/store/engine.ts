/**
 * What an engine does. Everything here is checked already: an engine never meets a filter, an update or a document that the
 * rules refuse, so it holds no rules of its own.
 */
import type { MooringError } from "../base/errors.ts";
import type { Document } from "./collection.ts";
import type { Node, SortKeys } from "./condition.ts";
import type { Path } from "./path.ts";
import type { SeriesBucket } from "./series.ts";
import type { Shape } from "./shape.ts";
import type { FormValues, UpdateForm } from "./update-form.ts";
import type { UpdatePlan } from "./update-plan.ts";

/** Changes the first of the matching in `sort` order, or any; inserts `insert` when none matches. */
export interface UpdateCommand {
  readonly do: "update";
  readonly shape: Shape;
  readonly where: Node;
  readonly plan: UpdatePlan;
  readonly sort?: SortKeys;
  readonly insert?: Document | undefined;
  readonly returning: "before" | "after" | "nothing";
  /** Nobody asks whether this one matched, so that many may go in one call; `count` may then stand with a neighbour. */
  readonly isUncounted?: boolean;
  /** Says the same as `where`, `plan` and `insert`, where the update is of a known form. */
  readonly form?: UpdateForm;
  readonly values?: FormValues;
}

export type Command =
  /** Inserts unless `_id` or a unique key is taken. */
  | { readonly do: "insert"; readonly shape: Shape; readonly document: Document }
  | UpdateCommand
  /** Replaces the document of the same `_id` where it also matches; `upsert`: or inserts it. */
  | {
      readonly do: "replace";
      readonly shape: Shape;
      readonly where: Node;
      readonly document: Document;
      readonly upsert: boolean;
    }
  /** Deletes at most `limit` of the matching. */
  | { readonly do: "delete"; readonly shape: Shape; readonly where: Node; readonly limit: number };

export interface CommandResult {
  readonly outcome: "inserted" | "duplicate" | "done";
  /** Documents matched (update, replace) or deleted; 0 for what was inserted. */
  readonly count: number;
  readonly document?: Document;
}

export interface Find {
  readonly shape: Shape;
  readonly where: Node;
  readonly sort: SortKeys;
  readonly limit: number;
  readonly skip: number;
}

/** Moments of numbers found at `paths`, in buckets of the `time` field. */
export interface Aggregate {
  readonly shape: Shape;
  readonly where: Node;
  readonly time: string;
  readonly paths: readonly Path[];
  readonly bucketMs: number;
  readonly originMs: number;
  readonly direction: 1 | -1;
  readonly limit: number;
}

export interface Engine {
  readonly name: "sqlite" | "mongodb";
  /**
   * Resolves when all commands are stored or have failed, each on its own; commands on one collection keep their order.
   * @returns a result or a failure (CONFLICT, DUPLICATE_KEY, TOO_LARGE, STORE_FAILED) per command
   * @throws  MooringError STORE_FULL, CLOSED: nothing was taken
   */
  run(commands: readonly Command[]): Promise<readonly (CommandResult | MooringError)[]>;
  find(find: Find): Promise<Document[]>;
  count(shape: Shape, where: Node, cap: number): Promise<number>;
  /** Absent where the server cannot: then the documents are folded here. */
  aggregate?(aggregate: Aggregate): Promise<SeriesBucket[]>;
  health(): Promise<void>;
  queuedWrites(): number;
  pendingReads(): number;
  close(): Promise<void>;
}
