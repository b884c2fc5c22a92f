import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { systemClock } from "../../src/base/clock.ts";
import { isFailure } from "../../src/base/errors.ts";
import { REGISTRATIONS } from "../../src/store/collections/devices.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Store } from "../../src/store/store.ts";

const registration = (i: number) => ({
  _id: `e${i}`,
  tenant: "t1",
  managedObject: String(i),
  registrationId: `r${i}`,
  node: "n",
  registeredAt: i,
  updatedAt: i,
  expireAt: i,
  details: { i },
});

describe("store/sqlite/worker-host", () => {
  let directory: string;
  let store: Store;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "mooring-store-"));
    store = await openSqlite({ directory, collections: [REGISTRATIONS], clock: systemClock, host: "worker" });
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });

  it("reads that are asked for together go together, each has its own answer", async () => {
    const registrations = store.collection(REGISTRATIONS);
    await registrations.insertMany(Array.from({ length: 100 }, (_, i) => registration(i)));
    const found = await Promise.all(Array.from({ length: 200 }, (_, i) => registrations.findOne({ _id: `e${i}` })));
    assert.deepEqual(
      found.map(document => document?.registrationId),
      Array.from({ length: 200 }, (_, i) => (i < 100 ? `r${i}` : undefined)),
    );
  });

  it("a read that waits to be sent ends when the store is closed", async () => {
    const read = store.collection(REGISTRATIONS).findOne({ _id: "e1" });
    const closed = store.close();
    const outcome = await read.then(
      () => "answered",
      error => isFailure(error) && error.code,
    );
    assert.include(["answered", "STORE_FAILED", "CLOSED"], outcome);
    await closed;
  });

  it("upserts in either order: new, changed, and in the way of another's unique key", async () => {
    const registrations = store.collection(REGISTRATIONS);
    assert.isTrue(await registrations.replaceOne(registration(1), { upsert: true }));
    assert.isTrue(await registrations.replaceOne({ ...registration(1), details: { i: 7 } }, { upsert: true }));
    assert.deepEqual((await registrations.findOne({ _id: "e1" }))?.details, { i: 7 });
    for (const taken of [registration(2), registration(3)]) {
      const upserted = registrations.replaceOne({ ...taken, registrationId: "r1" }, { upsert: true });
      const code = await upserted.then(
        () => "stored",
        error => error.code,
      );
      assert.equal(code, "DUPLICATE_KEY");
      await registrations.insertOne(taken);
    }
    assert.equal(await registrations.count({}), 3);
  });
});
