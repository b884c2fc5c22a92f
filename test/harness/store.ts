/**
 * The store of a host under test: the embedded one in its data directory, or, where MOORING_STORE names a server that speaks MongoDB's
 * protocol, a database of that server for each data directory.
 */
import { createHash } from "node:crypto";
import { cp } from "node:fs/promises";
import { type Clock, systemClock } from "@mooring/core/internal/base/clock.ts";
import { COLLECTIONS } from "@mooring/core/internal/store/collections/collections.ts";
import { openMongodb } from "@mooring/core/internal/store/mongodb/open-mongodb.ts";
import { openSqlite } from "@mooring/core/internal/store/sqlite/open-sqlite.ts";
import type { Store } from "@mooring/core/internal/store/store.ts";
import { type Db, MongoClient } from "mongodb";

const server = process.env["MOORING_STORE"];
const COPIED_AT_A_TIME = 100;

const isOnServer = server?.startsWith("mongodb") ?? false;

/** Value of MOORING_STORE for the host of that directory; undefined: its default. */
export function storeOf(dataDir: string): string | undefined {
  if (!isOnServer) return server;
  const url = new URL(server!);
  url.pathname = `/mooring_${createHash("sha256").update(dataDir).digest("hex").slice(0, 12)}`;
  return url.href;
}

async function withDatabase(dataDir: string, use: (database: Db, client: MongoClient) => Promise<void>): Promise<void> {
  const url = storeOf(dataDir)!;
  const client = new MongoClient(url);
  try {
    await use(client.db(), client);
  } finally {
    await client.close();
  }
}

/** Of a directory that no host works in any more; what is in the directory itself stays. */
export async function dropStore(dataDir: string): Promise<void> {
  if (isOnServer) await withDatabase(dataDir, async database => void (await database.dropDatabase()));
}

/** All that a host keeps, which is not running, for another one. */
export async function copyData(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
  if (!isOnServer) return;
  const name = new URL(storeOf(to)!).pathname.slice(1);
  await withDatabase(from, async (database, client) => {
    for (const collection of await database.collections()) {
      const documents = await collection.find().toArray();
      const target = client.db(name).collection(collection.collectionName);
      for (let at = 0; at < documents.length; at += COPIED_AT_A_TIME)
        await target.insertMany(documents.slice(at, at + COPIED_AT_A_TIME));
    }
  });
}

/** With all collections of the host, empty; `remove` closes it and leaves nothing. */
export async function openTestStore(clock: Clock): Promise<{ readonly store: Store; remove(): Promise<void> }> {
  if (!isOnServer) {
    const store = await openSqlite({ directory: undefined, collections: COLLECTIONS, clock, host: "inline" });
    return { store, remove: () => store.close() };
  }
  const place = crypto.randomUUID();
  const store = await openMongodb({ url: storeOf(place)!, collections: COLLECTIONS, clock: systemClock });
  const remove = async (): Promise<void> => {
    await store.close();
    await dropStore(place);
  };
  return { store, remove };
}
