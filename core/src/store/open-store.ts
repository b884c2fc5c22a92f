/** Opens the engine that the configuration names. */
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";
import type { CollectionSpec } from "./collection.ts";
import { COLLECTIONS } from "./collections/collections.ts";
import { openSqlite } from "./sqlite/open-sqlite.ts";
import type { Store } from "./store.ts";

export interface StoreParts {
  /** `sqlite`, or a `mongodb://` or `mongodb+srv://` URL with the database's name as its path. */
  readonly store: string;
  /** Where `sqlite` keeps its files, below `store/`. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** Default: {@link COLLECTIONS}. */
  readonly collections?: readonly CollectionSpec[];
}

/** @throws MooringError CONFIG_INVALID for another `store`, STORE_FAILED when it cannot be opened */
export async function openStore({
  store,
  dataDirectory,
  clock,
  collections = COLLECTIONS,
}: StoreParts): Promise<Store> {
  if (store === "sqlite") {
    return openSqlite({ directory: join(dataDirectory, "store"), collections, clock, host: "worker" });
  }
  if (/^mongodb(\+srv)?:\/\//.test(store)) {
    // Most hosts do without the driver.
    const { openMongodb } = await import("./mongodb/open-mongodb.ts");
    return openMongodb({ url: store, collections, clock });
  }
  throw new MooringError("CONFIG_INVALID", "store must be sqlite or a mongodb:// URL", { field: "store" });
}
