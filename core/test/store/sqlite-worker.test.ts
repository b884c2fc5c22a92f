import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { storeSuite } from "./conformance/conformance.ts";
import { KEYED, THINGS } from "./conformance/things.ts";

describe("store/sqlite, in threads", () => {
  let directory: string;
  storeSuite({
    async open() {
      directory = await mkdtemp(join(tmpdir(), "mooring-store-"));
      return openSqlite({ directory, collections: [THINGS, KEYED], clock: systemClock, host: "worker" });
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  });
});
