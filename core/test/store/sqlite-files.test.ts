/** The files: schema that grows, what is refused at opening, closing, reopening. */

import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { systemClock } from "../../src/base/clock.ts";
import type { CollectionSpec, Document, Json } from "../../src/store/collection.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { openSqlite, type SqliteParts } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { codeOf } from "./conformance/things.ts";

interface Item extends Document {
  readonly name?: string;
  readonly rank?: number | string;
  readonly tags?: readonly string[];
  readonly bytes?: Uint8Array;
  readonly more?: Json;
}
const itemSpec = (change: Partial<CollectionSpec<Item>>): CollectionSpec<Item> => ({
  name: "items",
  fields: { name: "string" },
  indexes: [{ keys: [["name", 1]] }],
  durability: "full",
  ...change,
});
const OLD = itemSpec({});

describe("store/sqlite: files", () => {
  let directory: string;
  const open = (spec: CollectionSpec<Item>, host: SqliteParts["host"] = "inline"): Promise<Store> =>
    openSqlite({ directory, collections: [spec], clock: systemClock, host });
  const fill = async (spec: CollectionSpec<Item>, items: readonly Item[]): Promise<void> => {
    await using store = await open(spec);
    await store.collection(spec).insertMany(items);
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "mooring-files-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("keeps everything over a reopening", async () => {
    const item: Item = { _id: "1", name: "n", more: { a: [1] } };
    await fill(OLD, [item]);
    await using store = await open(OLD);
    assert.deepEqual(await store.collection(OLD).findOne({ _id: "1" }), item);
  });

  it("gives a new field its column and fills it from what is stored", async () => {
    const items: Item[] = Array.from({ length: 1200 }, (_, i) => ({
      _id: `i${i}`,
      rank: i,
      tags: [`t${i % 2}`],
      more: i,
    }));
    await fill(OLD, [...items, { _id: "none" }]);
    const wider = itemSpec({
      fields: { name: "string", rank: "int", tags: "strings", bytes: "bytes" },
      indexes: [{ keys: [["rank", -1]] }],
    });
    await using store = await open(wider);
    const collection = store.collection(wider);
    assert.deepEqual(
      await collection.find({ rank: { $gte: 1198 } }, { sort: [["rank", 1]], limit: 9 }),
      items.slice(1198),
    );
    assert.equal(await collection.count({ tags: "t1" }), 600);
    assert.equal(await collection.count({ rank: null }), 1);
  });

  it("fills a field that came later, so that it can be unique", async () => {
    await fill(OLD, [
      { _id: "1", name: "n" },
      { _id: "2", more: 2 },
    ]);
    const filled = itemSpec({
      fields: { name: "string", key: "string" } as never,
      filled: { key: "none," },
      indexes: [{ keys: [["key", 1]], unique: true }],
    });
    const insert = (store: Store, item: Item & { readonly key: string }) => store.collection(filled).insertOne(item);
    {
      await using store = await open(filled);
      const [first, second] = await store.collection(filled).find({}, { limit: 9 });
      assert.deepEqual(first, { _id: "1", name: "n", key: "none,1" } as Item);
      assert.deepEqual(second, { _id: "2", more: 2, key: "none,2" } as Item);
      assert.equal(await codeOf(() => insert(store, { _id: "3", key: "none,2" })), "DUPLICATE_KEY");
      await insert(store, { _id: "3", key: "own" });
    }
    await using store = await open(filled);
    assert.deepEqual(await store.collection(filled).findOne({ _id: "3" }), { _id: "3", key: "own" } as Item);
  });

  it("moves a field that is no longer declared back into the document", async () => {
    await fill(OLD, [{ _id: "1", name: "n", more: 1 }]);
    const narrower = itemSpec({ fields: {}, indexes: [] });
    await using store = await open(narrower);
    assert.deepEqual(await store.collection(narrower).find({ name: "n" }, { limit: 9 }), [
      { _id: "1", name: "n", more: 1 },
    ]);
  });

  it("changes a field's type where all values fit, and refuses to open where one does not, changing nothing", async () => {
    const asText = itemSpec({ fields: { rank: "string" }, indexes: [{ keys: [["rank", 1]] }] });
    const asNumber = itemSpec({ fields: { rank: "int" }, indexes: [{ keys: [["rank", 1]] }] });
    await fill(OLD, [{ _id: "1", rank: 5 }]);
    await (await open(asNumber)).close();
    try {
      await open(asText);
      assert.fail("it was opened");
    } catch (error) {
      assert.equal((error as { code: string }).code, "VALIDATION");
      assert.match((error as Error).message, /items 1: rank/);
    }
    await using store = await open(asNumber);
    assert.deepEqual(await store.collection(asNumber).findOne({ rank: 5 }), { _id: "1", rank: 5 });
  });

  it("refuses two collections of one name and specs that break the rules", async () => {
    const other = itemSpec({});
    const twice = openSqlite({ directory, collections: [OLD, other], clock: systemClock, host: "inline" });
    assert.equal(await codeOf(() => twice), "QUERY_UNSUPPORTED");
    for (const change of [
      { name: "x y" },
      { fields: { "a.b": "string" } as never },
      { fields: { name: "text" } as never },
      { indexes: [{ keys: [["more", 1]] }] as never },
      { required: ["more"] },
      { filled: { more: "none," } },
    ]) {
      assert.equal(await codeOf(() => open(itemSpec(change))), "QUERY_UNSUPPORTED", JSON.stringify(change));
    }
  });

  for (const host of ["inline", "worker"] as const) {
    it(`refuses a file that is no database, ${host}`, async () => {
      await writeFile(join(directory, "core.db"), "x".repeat(8192));
      assert.equal(await codeOf(() => open(OLD, host)), "STORE_FAILED");
    });

    it(`refuses another program's database, ${host}`, async () => {
      const file = join(directory, "core.db");
      const other = openDatabase(file, { readOnly: false, synchronous: "FULL", cacheMiB: 1, checkpointPages: 1000 });
      other.exec("CREATE TABLE x (y); PRAGMA application_id = 1; PRAGMA wal_checkpoint(TRUNCATE)");
      other.close();
      assert.equal(await codeOf(() => open(OLD, host)), "STORE_FAILED");
    });

    it(`refuses a damaged file, ${host}`, async () => {
      await fill(
        OLD,
        Array.from({ length: 3000 }, (_, i) => ({ _id: `i${i}`, name: "n".repeat(50) })),
      );
      await truncate(join(directory, "core.db"), 20_480);
      assert.equal(await codeOf(() => open(OLD, host)), "STORE_FAILED");
    });

    it(`after closing every call is CLOSED, closing again is harmless, ${host}`, async () => {
      const store = await open(OLD, host);
      const items = store.collection(OLD);
      const last = items.insertOne({ _id: "last" });
      await Promise.all([store.close(), store.close(), last]);
      assert.equal(await codeOf(() => items.insertOne({ _id: "2" })), "CLOSED");
      assert.equal(await codeOf(() => items.find({}, { limit: 1 })), "CLOSED");
      assert.equal(await codeOf(() => store.health()), "CLOSED");
      await using again = await open(OLD, host);
      assert.equal(await again.collection(OLD).count({}), 1);
    });

    it(`says STORE_FULL when too much waits, and goes on, ${host}`, async () => {
      const parts = { directory, collections: [OLD], clock: systemClock, host, maxQueuedWrites: 10 };
      await using store = await openSqlite(parts);
      const items = store.collection(OLD);
      const first = Array.from({ length: 10 }, (_, i) => items.insertOne({ _id: `a${i}` }));
      assert.equal(await codeOf(() => items.insertOne({ _id: "b" })), "STORE_FULL");
      await Promise.all(first);
      await items.insertOne({ _id: "b" });
      assert.equal(await items.count({}), 11);
    });
  }

  it("needs a directory for threads", async () => {
    const parts = { directory: undefined, collections: [OLD], clock: systemClock, host: "worker" } as const;
    assert.equal(await codeOf(() => openSqlite(parts)), "CONFIG_INVALID");
  });
});
