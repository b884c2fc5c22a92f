/** Groups of writes, inserts that repeat, sequences, closing. */
import { assert } from "chai";
import { FIRST_NUMBER } from "../../../src/store/sequences.ts";
import { appendOp, deleteOp, insertOp, updateOp } from "../../../src/store/store.ts";
import { type Bench, codeOf, ids, KEYED, THINGS, type Thing } from "./things.ts";

export function writingSuite(bench: Bench): void {
  it("inserts many, reporting what was there, also within one call", async () => {
    await bench.things.insertOne({ _id: "b", group: "old" });
    const batch = ["a", "b", "c", "a"].map((_id): Thing => ({ _id, group: "new" }));
    assert.deepEqual(await bench.things.insertMany(batch), { inserted: 2, duplicates: [1, 3] });
    assert.deepEqual(await bench.things.insertMany(batch), { inserted: 0, duplicates: [0, 1, 2, 3] });
    assert.equal((await bench.things.findOne({ _id: "b" }))!.group, "old");
    assert.deepEqual(await bench.things.insertMany([]), { inserted: 0, duplicates: [] });
  });

  it("writes a group over several collections, in order, and reads it back at once", async () => {
    const results = await bench.store.write([
      insertOp(THINGS, { _id: "a", group: "g", size: 1 }),
      updateOp(THINGS, { _id: "a" }, { $inc: { size: 1 } }, { returning: "after" }),
      insertOp(KEYED, { _id: "1", key: "k", value: 1 }),
      insertOp(THINGS, { _id: "a", group: "other" }),
      insertOp(KEYED, { _id: "2", key: "k", value: 2 }),
      updateOp(KEYED, { key: "n" }, { $inc: { value: 1 }, $setOnInsert: { _id: "3" } }, { upsert: true }),
      updateOp(THINGS, { _id: "a" }, { $inc: { size: 1 } }),
      insertOp(THINGS, { _id: "b", group: "g" }),
      deleteOp(THINGS, { _id: "b" }),
      updateOp(THINGS, { _id: "none" }, { $inc: { size: 1 } }, { returning: "before" }),
      appendOp({ id: "77", tenant: "w", source: "w", type: "t", timeMs: 1, fragments: {} }),
    ]);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      [
        "inserted",
        "done",
        "inserted",
        "duplicate",
        "duplicate",
        "inserted",
        "done",
        "inserted",
        "done",
        "done",
        "inserted",
      ],
    );
    assert.deepEqual(results[1]!.document, { _id: "a", group: "g", size: 2 } as Thing);
    assert.isUndefined(results[9]!.document);
    assert.deepEqual(await bench.things.find({}, { limit: 9 }), [{ _id: "a", group: "g", size: 3 }]);
    assert.deepEqual(ids(await bench.keyed.find({}, { limit: 9 })), ["1", "3"]);
    assert.equal(await bench.store.series.deleteOne("w", "77"), true);
    assert.deepEqual(await bench.store.write([]), []);
  });

  it("stores nothing of a group that breaks a rule", async () => {
    const bad = insertOp(THINGS, { _id: "b", group: "g", size: 0.5 });
    assert.equal(
      await codeOf(() => bench.store.write([insertOp(THINGS, { _id: "a", group: "g" }), bad])),
      "VALIDATION",
    );
    assert.equal(await bench.things.count({}), 0);
  });

  it("does the rest of a group when one operation fails, and then says so", async () => {
    const group = bench.store.write([
      insertOp(THINGS, { _id: "a", group: "g", note: "text" }),
      updateOp(THINGS, { _id: "a" }, { $inc: { note: 1 } as never }),
      insertOp(THINGS, { _id: "b", group: "g" }),
    ]);
    assert.equal(await codeOf(() => group), "CONFLICT");
    assert.deepEqual(ids(await bench.things.find({}, { limit: 9 })), ["a", "b"]);
  });

  it("keeps the order of writes to one document that are not awaited", async () => {
    const writes = [bench.things.insertOne({ _id: "a", group: "g", size: 0 })];
    for (let i = 0; i < 50; i++) {
      writes.push(bench.things.updateOne({ _id: "a", size: i }, { $set: { size: i + 1 } }) as unknown as Promise<void>);
    }
    await Promise.all(writes);
    assert.equal((await bench.things.findOne({ _id: "a" }))!.size, 50);
  });

  it("gives each number of a sequence once, ascending, ten digits", async () => {
    const takers = Array.from({ length: 20 }, (_, i) => bench.store.nextIds("s", 1 + (i % 7)));
    const numbers = (await Promise.all(takers)).flat();
    assert.equal(new Set(numbers).size, numbers.length);
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
    );
    assert.equal(numbers[0], FIRST_NUMBER);
    assert.equal((await bench.store.nextIds("other", 1))[0], FIRST_NUMBER);
    const many = await bench.store.nextIds("s", 2500);
    assert.deepEqual([many.length, new Set([...many, ...numbers]).size], [2500, 2500 + numbers.length]);
    assert.equal(await codeOf(() => bench.store.nextIds("s", 0)), "VALIDATION");
  });

  it("is healthy", async () => {
    await bench.store.health();
    assert.deepEqual(bench.store.statistics(), { queuedWrites: 0, pendingReads: 0 });
  });
}
