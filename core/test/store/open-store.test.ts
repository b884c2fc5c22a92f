import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { systemClock } from "../../src/base/clock.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { ALARMS } from "../../src/store/collections/platform.ts";
import { openStore } from "../../src/store/open-store.ts";
import { codeOf } from "./conformance/things.ts";

/** A port of the loopback interface on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise(resolve => server.close(resolve));
  return port;
}

describe("store/open-store", () => {
  let dataDirectory: string;
  const open = (store: string) => openStore({ store, dataDirectory, clock: systemClock });
  beforeEach(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), "mooring-open-"));
  });
  afterEach(() => rm(dataDirectory, { recursive: true, force: true }));

  it("opens sqlite with every collection of the host, below the data directory", async () => {
    await using store = await open("sqlite");
    assert.equal(store.engine, "sqlite");
    for (const spec of COLLECTIONS) assert.equal(await store.collection(spec).count({}), 0, spec.name);
    assert.isUndefined(await store.collection(ALARMS).findOne({ activeKey: "x" }));
  });

  for (const bad of ["", "postgres://x", "mongodb://", "mongodb://h:port/x"]) {
    it(`CONFIG_INVALID for the store "${bad}"`, async () => {
      assert.equal(await codeOf(() => open(bad)), "CONFIG_INVALID");
    });
  }

  it("STORE_FAILED when the MongoDB server does not answer; options in the URL count", async () => {
    const url = `mongodb://127.0.0.1:${await closedPort()}/x?serverSelectionTimeoutMS=100`;
    assert.equal(await codeOf(() => open(url)), "STORE_FAILED");
  });
});
