/** Collections for the suite, one with every kind of field. */
import type { CollectionSpec, Document, DocumentCollection, Json, JsonObject } from "../../../src/store/collection.ts";
import type { Store } from "../../../src/store/store.ts";

export interface Thing extends Document {
  readonly group: string;
  readonly name?: string;
  readonly size?: number;
  readonly weight?: number;
  readonly on?: boolean;
  readonly at?: number;
  readonly tags?: readonly string[];
  readonly bytes?: Uint8Array;
  readonly free?: JsonObject;
  readonly note?: Json;
}
export const THINGS: CollectionSpec<Thing> = {
  name: "things",
  fields: {
    group: "string",
    name: "string",
    size: "int",
    weight: "double",
    on: "bool",
    at: "time",
    tags: "strings",
    bytes: "bytes",
  },
  required: ["group"],
  indexes: [
    {
      keys: [
        ["group", 1],
        ["size", 1],
      ],
    },
    { keys: [["tags", 1]] },
    { keys: [["at", -1]] },
  ],
  durability: "full",
};

/** One document per key, on the other side of the durability line, and in the other layout. */
export interface Keyed extends Document {
  readonly key: string;
  readonly value: number;
}
export const KEYED: CollectionSpec<Keyed> = {
  name: "keyed",
  fields: { key: "string", value: "int" },
  indexes: [{ keys: [["key", 1]], unique: true }],
  clustered: true,
  durability: "normal",
};

/** Where the suite gets a store: empty at the first call, the same data at each further one. */
export interface StoreSource {
  /** Opened with THINGS and KEYED. The caller closes it. */
  open(): Promise<Store>;
  /** Removes the data, after everything is closed. */
  remove(): Promise<void>;
}

/** What a test of the suite is given; filled before each. */
export interface Bench {
  store: Store;
  things: DocumentCollection<Thing>;
  keyed: DocumentCollection<Keyed>;
}

export const ids = (documents: readonly Document[]): string[] => documents.map(({ _id }) => _id);

/** The code a call fails with, or `none`. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return "none";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
