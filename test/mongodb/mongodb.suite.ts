/** The conformance suite against the server that MONGODB_URL names. Run by `run.ts`. */
import { randomUUID } from "node:crypto";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import type { CollectionSpec } from "@mooring/core/internal/store/collection.ts";
import { COLLECTIONS } from "@mooring/core/internal/store/collections/collections.ts";
import { DEVICES } from "@mooring/core/internal/store/collections/devices.ts";
import { openMongodb } from "@mooring/core/internal/store/mongodb/open-mongodb.ts";
import { assert } from "chai";
import { MongoClient } from "mongodb";
import { recordSuite } from "../../core/test/agent/support/record-suite.ts";
import { redecodeSuite } from "../../core/test/decoding/redecode/redecode-suite.ts";
import { storeSuite } from "../../core/test/store/conformance/conformance.ts";
import { KEYED, THINGS } from "../../core/test/store/conformance/things.ts";

describe("store/mongodb", () => {
  const url = new URL(process.env["MONGODB_URL"]!);
  url.pathname = `/mooring_test_${randomUUID().slice(0, 8)}`;
  storeSuite({
    open: () => openMongodb({ url: url.href, collections: [THINGS, KEYED], clock: systemClock }),
    async remove() {
      const client = new MongoClient(url.href);
      await client.db().dropDatabase();
      await client.close();
    },
  });

  it("fills a field that came later, so that it can be unique", async () => {
    const before: CollectionSpec = { name: "filled", fields: {}, indexes: [], durability: "full" };
    const after: CollectionSpec = {
      ...before,
      fields: { key: "string" } as never,
      filled: { key: "none," },
      indexes: [{ keys: [["key", 1]], unique: true }],
    };
    const open = (spec: CollectionSpec) => openMongodb({ url: url.href, collections: [spec], clock: systemClock });
    {
      await using store = await open(before);
      await store.collection(before).insertMany([{ _id: "1" }, { _id: "2" }]);
    }
    await using store = await open(after);
    const found = await store.collection(after).find({}, { limit: 9 });
    assert.deepEqual(found, [
      { _id: "1", key: "none,1" },
      { _id: "2", key: "none,2" },
    ] as never);
  });

  describe("decoding again", () => {
    redecodeSuite(() => {
      const own = new URL(url);
      own.pathname += `_${randomUUID().slice(0, 8)}`;
      return openMongodb({ url: own.href, collections: COLLECTIONS, clock: systemClock });
    });
  });

  describe("records of devices", () => {
    recordSuite(() => openMongodb({ url: url.href, collections: [DEVICES], clock: systemClock }));
  });
});
