/** The conformance suite against the server that MONGODB_URL names. Run by `run.ts`. */
import { randomUUID } from "node:crypto";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { openMongodb } from "@mooring/core/internal/store/mongodb/open-mongodb.ts";
import { MongoClient } from "mongodb";
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
});
