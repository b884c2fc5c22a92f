import { createManualClock } from "../../src/base/clock.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { recordSuite } from "./support/record-suite.ts";

describe("agent/device-records", () => {
  recordSuite(() =>
    openSqlite({ directory: undefined, collections: COLLECTIONS, clock: createManualClock(), host: "inline" }),
  );
});
