/**
 * Documents: one interface, two engines (`sqlite/`, `mongodb/`), the same answers. The language is a small, named subset of
 * MongoDB's filters and updates. What is outside of it is refused by these types and, where types cannot see it, by
 * MooringError QUERY_UNSUPPORTED when the query is built, before any engine is asked.
 *
 * What a document is:
 * - a plain object with `_id: string` (1 to 1024 characters) whose member names are identifiers (users' names stand
 *   deeper) and whose values are {@link Json}; `undefined` members are left out;
 * - declared fields ({@link CollectionSpec.fields}) stand at the top level and are absent or of their type, never null;
 *   only they may hold bytes, only they are sorted by, and only they use an index;
 * - numbers are finite doubles and come back bit for bit, except that -0 comes back as 0; no bigint and no Date: a larger
 *   integer is kept as text, a time as milliseconds since the epoch in a `time` field;
 * - keys may hold any character but NUL, also `.` and `$`, and may be empty or digits ({@link pathOf}); `__proto__` is
 *   refused; texts hold no NUL and no lone surrogate; at most 64 levels deep and 4 MiB as JSON;
 * - a document that breaks one of these is refused with VALIDATION (`details {field, rule}`) or TOO_LARGE.
 */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** What a filter compares with. */
export type Scalar = string | number | boolean | null;

/** The least that a document has. */
export interface Document {
  readonly _id: string;
}

/**
 * Type of a declared field:
 * `string`; `int` whole number within 2^53; `double`; `bool`; `time` whole milliseconds since the epoch, within +-8.64e15
 * (MongoDB keeps a Date); `strings` array of texts, a filter on it asks for membership; `bytes` Uint8Array, returned but
 * neither filtered by (other than `$exists`) nor sorted by.
 */
export type FieldType = "string" | "int" | "double" | "bool" | "time" | "strings" | "bytes";

export interface IndexSpec {
  /** Declared fields other than `bytes`, or `_id`, in order. SQLite leaves a `strings` field out: there it is never an index. */
  readonly keys: readonly (readonly [field: string, direction: 1 | -1])[];
  /** Its keys are required. */
  readonly unique?: true;
}

export interface CollectionSpec<T extends Document = Document> {
  /** `[a-z][A-Za-z0-9]{0,39}` */
  readonly name: string;
  /** Names as {@link CollectionSpec.name}. */
  readonly fields: { readonly [K in Exclude<keyof T & string, "_id">]?: FieldType };
  /** Fields that every document has; keys of unique indexes are required without being named. Sorting by them pages fast. */
  readonly required?: readonly string[];
  /** Fields that came to the collection later: a document stored before gets this text and its `_id`, as unique indexes need it. */
  readonly filled?: Readonly<Record<string, string>>;
  /** Fields with few different values (a tenant, a status): between two indexes that fit, the one by other fields narrows more. */
  readonly coarse?: readonly string[];
  readonly indexes: readonly IndexSpec[];
  /** Rows lie in the order of `_id`, for what is read by ranges of it and never by a field; from the collection's first day on. SQLite only. */
  readonly clustered?: true;
  /** `full`: survives power loss once stored (fsync per group commit, w:majority). `normal`: survives `kill -9`. */
  readonly durability: "full" | "normal";
  /**
   * Says what has become of the other documents of a group (2: of those with 1 too): where an engine does not commit a group as a whole,
   * it is stored when they are, so that a group that is cut short is seen to be open. Absent: nothing.
   */
  readonly concludes?: 1 | 2;
  /** Carries `T`; never set. */
  readonly document?: T;
}

export interface Condition<S extends Scalar> {
  /** null: absent or null. */
  readonly $eq?: S | null;
  readonly $ne?: S | null;
  readonly $gt?: S & (number | string);
  readonly $gte?: S & (number | string);
  readonly $lt?: S & (number | string);
  readonly $lte?: S & (number | string);
  readonly $in?: readonly (S | null)[];
  readonly $nin?: readonly (S | null)[];
  readonly $exists?: boolean;
  /** Texts that begin so, code point by code point. */
  readonly $prefix?: S & string;
  readonly $not?: Condition<S>;
}

type ScalarOf<V> = V extends readonly string[]
  ? string
  : V extends Uint8Array
    ? never
    : V extends Scalar
      ? V
      : V extends object
        ? never
        : Scalar;

/** A path below the top level, segments joined by `.`; see {@link pathOf} for keys from outside. */
export type DottedPath = `${string}.${string}`;

/**
 * All members must hold. A comparison holds only between values of one kind (number, text, boolean); texts compare by code
 * point. On `strings` fields a comparison asks for membership. On paths that are not declared, arrays are opaque: what is an
 * array, or lies behind one, equals no scalar (it exists, when asked for itself).
 */
export type Filter<T extends Document = Document> = {
  readonly [K in keyof T & string]?:
    | ScalarOf<Exclude<T[K], undefined>>
    | null
    | Condition<ScalarOf<Exclude<T[K], undefined>>>;
} & { readonly [path: DottedPath]: Scalar | Condition<Scalar> } & {
  readonly $and?: readonly Filter<T>[];
  readonly $or?: readonly Filter<T>[];
  readonly $nor?: readonly Filter<T>[];
};

type NumberKeys<T> = { [K in keyof T]-?: Exclude<T[K], undefined> extends number ? K : never }[keyof T] & string;
type OrderedKeys<T> = { [K in keyof T]-?: Exclude<T[K], undefined> extends number | string ? K : never }[keyof T] &
  string;
type ArrayKeys<T> = { [K in keyof T]-?: Exclude<T[K], undefined> extends readonly unknown[] ? K : never }[keyof T] &
  string;

/** No two members may name the same path, or a path and one below it. `_id` never changes. */
export interface Update<T extends Document = Document> {
  /** Missing parents become objects; a parent of another kind is a CONFLICT. */
  readonly $set?: { readonly [K in Exclude<keyof T & string, "_id">]?: T[K] } & { readonly [path: DottedPath]: Json };
  readonly $unset?: { readonly [K in Exclude<keyof T & string, "_id">]?: true } & { readonly [path: DottedPath]: true };
  /**
   * By at most 2^53. Absent counts as 0; another kind than a number is a CONFLICT. Not for `time`. That an `int` field stays within
   * 2^53 is the caller's to see to: only SQLite refuses it.
   */
  readonly $inc?: { readonly [K in NumberKeys<T>]?: number } & { readonly [path: DottedPath]: number };
  /** Declared `string`, `int`, `double` and `time` fields. */
  readonly $max?: { readonly [K in OrderedKeys<T>]?: number | string };
  readonly $min?: { readonly [K in OrderedKeys<T>]?: number | string };
  /** Appends one value; absent counts as []. */
  readonly $push?: { readonly [K in ArrayKeys<T>]?: Json } & { readonly [path: DottedPath]: Json };
  /** Appends a scalar that is not there yet. */
  readonly $addToSet?: { readonly [K in ArrayKeys<T>]?: Scalar } & { readonly [path: DottedPath]: Scalar };
  /** Removes each of the scalars wherever it stands; absent stays absent, another kind than an array is a CONFLICT. */
  readonly $pullAll?: { readonly [K in ArrayKeys<T>]?: readonly Scalar[] } & {
    readonly [path: DottedPath]: readonly Scalar[];
  };
  /** With `upsert` only; may hold `_id`. */
  readonly $setOnInsert?: { readonly [K in keyof T & string]?: T[K] } & { readonly [path: DottedPath]: Json };
}

/** Absent comes before any value (ascending). `_id` follows as the last key, in the last key's direction, when not named. */
export type Sort<T extends Document = Document> = readonly (readonly [field: keyof T & string, direction: 1 | -1])[];

/** Most documents that one `find` gives; `stream` gives any number. */
export const MAX_FIND_LIMIT = 5000;

export interface FindOptions<T extends Document = Document> {
  /** Default: `_id` ascending. */
  readonly sort?: Sort<T>;
  /** 1 to {@link MAX_FIND_LIMIT}. */
  readonly limit: number;
  /** For numbered pages; costs time in proportion. */
  readonly skip?: number;
  /** Only what stands after this place: `keysetOf(sort, lastDocument)`, see `keyset.ts`. */
  readonly after?: readonly Scalar[];
}

export interface UpsertOptions {
  /**
   * Inserts when nothing matches. The filter then holds only equalities of declared fields or `_id` (they seed the new
   * document), and `_id` comes from the filter or from `$setOnInsert`.
   */
  readonly upsert?: boolean;
}

/**
 * A promise resolves when the data is stored to the collection's durability. It rejects with STORE_FAILED when the engine failed, and
 * then the data may be stored or not; after any other rejection it is not.
 */
export interface DocumentCollection<T extends Document> {
  readonly spec: CollectionSpec<T>;
  /** @throws MooringError DUPLICATE_KEY when the `_id` or a unique key is taken */
  insertOne(document: T): Promise<void>;
  /** Inserts what is not there; `duplicates` are the positions that were. A replay stores nothing twice. */
  insertMany(documents: readonly T[]): Promise<{ readonly inserted: number; readonly duplicates: readonly number[] }>;
  findOne(filter: Filter<T>, options?: { readonly sort?: Sort<T> }): Promise<T | undefined>;
  find(filter: Filter<T>, options: FindOptions<T>): Promise<T[]>;
  /** Everything that matches, in pages of `pageSize` (default 500) by keyset; no snapshot: writes in between may show. */
  stream(filter: Filter<T>, options?: { readonly sort?: Sort<T>; readonly pageSize?: number }): AsyncIterable<T>;
  /** Counts up to `cap` (default 1 000 000). */
  count(filter: Filter<T>, cap?: number): Promise<number>;
  /** Updates one of the matching. @throws DUPLICATE_KEY, CONFLICT */
  updateOne(
    filter: Filter<T>,
    update: Update<T>,
    options?: UpsertOptions,
  ): Promise<{ readonly matched: boolean; readonly inserted: boolean }>;
  /** Updates all that match, in slices: not atomic as a whole. @returns how many matched */
  updateMany(filter: Filter<T>, update: Update<T>): Promise<number>;
  /** Updates the first in `sort` order. @returns the document after (default) or before; undefined: none (there was none) */
  findOneAndUpdate(
    filter: Filter<T>,
    update: Update<T>,
    options?: UpsertOptions & { readonly sort?: Sort<T>; readonly returning?: "before" | "after" },
  ): Promise<T | undefined>;
  /**
   * Replaces the document of the same `_id` where `filter` also holds (a version, a status).
   * @returns whether one was replaced, or inserted with `upsert`, which allows no `filter`
   */
  replaceOne(document: T, options?: { readonly filter?: Filter<T>; readonly upsert?: boolean }): Promise<boolean>;
  /** @param options `limit`: at most so many, in no given order. @returns how many were deleted */
  deleteMany(filter: Filter<T>, options?: { readonly limit?: number }): Promise<number>;
}

/**
 * A path from keys as they are: in each, `~` becomes `~0` and `.` becomes `~1`.
 * `pathOf("custom", "a.b")` is `custom.a~1b`, the member `a.b` of `custom`. Digits name a member, never a place in an array.
 */
export function pathOf(first: string, second: string, ...more: readonly string[]): DottedPath {
  return [first, second, ...more].map(key => key.replaceAll("~", "~0").replaceAll(".", "~1")).join(".") as DottedPath;
}
