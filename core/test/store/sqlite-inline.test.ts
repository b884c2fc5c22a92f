import { systemClock } from "../../src/base/clock.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { storeSuite } from "./conformance/conformance.ts";
import { KEYED, THINGS } from "./conformance/things.ts";

describe("store/sqlite, inline", () => {
  storeSuite({
    open: () => openSqlite({ directory: undefined, collections: [THINGS, KEYED], clock: systemClock, host: "inline" }),
    remove: async () => {},
  });
});
