/**
 * The engine for several nodes: a MongoDB server (4.4 or newer), or one that speaks its protocol. Nothing here needs transactions,
 * change streams, partial or TTL indexes.
 */
import { MongoClient, type MongoClientOptions } from "mongodb";
import type { Clock } from "../../base/clock.ts";
import { MooringError } from "../../base/errors.ts";
import type { CollectionSpec, Document } from "../collection.ts";
import { createStore, shapesOf } from "../create-store.ts";
import type { Command, Engine, Find } from "../engine.ts";
import type { Shape } from "../shape.ts";
import type { Store } from "../store.ts";
import { createWriteQueue } from "../write-queue.ts";
import { checkSize, decodeDocument } from "./bson.ts";
import { probe } from "./capabilities.ts";
import { execute, type Server, writeConcernOf } from "./execute.ts";
import { storeFailed } from "./failure.ts";
import { applyIndexes } from "./indexes.ts";
import { renderFilter, renderSort, type Stored } from "./render.ts";

export interface MongodbParts {
  /** `mongodb://` or `mongodb+srv://`; the path names the database, default `mooring`. */
  readonly url: string;
  readonly collections: readonly CollectionSpec[];
  readonly clock: Clock;
  /** Time that a batch of writes waits for company under load, ms; default 5. */
  readonly groupCommitMs?: number;
  /** Most operations waiting to be stored; default 50 000. */
  readonly maxQueuedWrites?: number;
  /** Most reads waiting; default 2000. */
  readonly maxPendingReads?: number;
}

const MAX_BATCH = 1000;
const DEFAULT_DATABASE = "mooring";
/** Unless the URL says otherwise. */
const CLIENT_OPTIONS: Readonly<Record<string, string | number>> = {
  appName: "mooring",
  serverSelectionTimeoutMS: 5000,
  connectTimeoutMS: 5000,
  socketTimeoutMS: 30_000,
  maxPoolSize: 32,
};

/** What the URL does not set itself; the driver would let these win over it. */
function clientOptions(url: string): MongoClientOptions {
  const given = new Set([...new URLSearchParams(url.split("?")[1] ?? "").keys()].map(key => key.toLowerCase()));
  return Object.fromEntries(Object.entries(CLIENT_OPTIONS).filter(([key]) => !given.has(key.toLowerCase())));
}

async function connect(url: string): Promise<MongoClient> {
  let client: MongoClient;
  try {
    client = new MongoClient(url, clientOptions(url));
  } catch (error) {
    throw new MooringError("CONFIG_INVALID", "store is no usable mongodb:// URL", { field: "store" }, { cause: error });
  }
  try {
    return await client.connect();
  } catch (error) {
    await client.close();
    throw storeFailed(error);
  }
}

/** The name in the URL's path; the driver would fall back to `test`. */
function databaseName(url: string): string {
  const path = /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]*)/.exec(url)?.[1];
  return path ? decodeURIComponent(path) : DEFAULT_DATABASE;
}

function createEngine(client: MongoClient, server: Server, parts: MongodbParts): Engine {
  const { clock, groupCommitMs = 5, maxQueuedWrites: maxQueued = 50_000, maxPendingReads = 2000 } = parts;
  const flush = (commands: readonly Command[]) => execute(server, commands);
  const queue = createWriteQueue({ flush, clock, groupCommitMs, maxBatch: MAX_BATCH, maxQueued });
  const { collectionOf } = server;
  let pending = 0;
  let isClosed = false;

  const read = async <R>(ask: () => Promise<R>): Promise<R> => {
    if (isClosed) throw new MooringError("CLOSED", "the store is closed");
    if (pending >= maxPendingReads) throw new MooringError("STORE_FULL", "too many reads are waiting", { pending });
    pending++;
    try {
      return await ask();
    } catch (error) {
      throw storeFailed(error);
    } finally {
      pending--;
    }
  };

  return {
    name: "mongodb",
    async run(commands) {
      for (const command of commands) if ("document" in command) checkSize(command.document);
      return queue.push(commands);
    },
    async find({ shape, where, sort, limit, skip }: Find): Promise<Document[]> {
      const options = { sort: renderSort(sort), limit, skip };
      const found = await read(() => collectionOf(shape).find(renderFilter(where), options).toArray());
      return found.map(each => decodeDocument(shape, each));
    },
    count: (shape, where, cap) => read(() => collectionOf(shape).countDocuments(renderFilter(where), { limit: cap })),
    health: () => read(async () => void (await client.db().admin().ping())),
    queuedWrites: () => queue.size,
    pendingReads: () => pending,
    async close() {
      isClosed = true;
      await queue.close();
      await client.close();
    },
  };
}

/** @throws MooringError CONFIG_INVALID for a URL that is none, STORE_FAILED when the server does not answer or refuses an index */
export async function openMongodb(parts: MongodbParts): Promise<Store> {
  const shapes = shapesOf(parts.collections);
  const client = await connect(parts.url);
  const database = client.db(databaseName(parts.url));
  const collectionOf = (shape: Shape) =>
    database.collection<Stored>(shape.name, { writeConcern: writeConcernOf(shape), ignoreUndefined: true });
  try {
    for (const shape of shapes.values()) await applyIndexes(collectionOf(shape), shape);
    const capabilities = await probe(database);
    return createStore(createEngine(client, { collectionOf, capabilities }, parts), shapes);
  } catch (error) {
    await client.close();
    throw storeFailed(error);
  }
}
