/** Updates, upserts, replacing, deleting. */
import { assert } from "chai";
import { type Filter, pathOf, type Update } from "../../../src/store/collection.ts";
import { type Bench, codeOf, ids, type Thing } from "./things.ts";

const BASE: Thing = {
  _id: "a",
  group: "g",
  size: 5,
  name: "n",
  tags: ["x"],
  free: { s: "text", n: { m: 1 }, l: [1, "a", 1] },
};

const CHANGES: readonly (readonly [
  name: string,
  update: Update<Thing>,
  after: { readonly [K in keyof Thing]?: Thing[K] | undefined },
])[] = [
  ["sets members", { $set: { size: 6, on: true, note: [1] } }, { size: 6, on: true, note: [1] }],
  [
    "sets below, making parents, digits too",
    { $set: { "free.n.k.0": "v", "free.3": { "a.b": [[-0]] } } },
    { free: { s: "text", n: { m: 1, k: { "0": "v" } }, l: [1, "a", 1], "3": { "a.b": [[0]] } } },
  ],
  [
    "sets a member whose name has a dot and a dollar",
    { $set: { [pathOf("free", "$a.b~c")]: 1 } },
    { free: { s: "text", n: { m: 1 }, l: [1, "a", 1], "$a.b~c": 1 } },
  ],
  ["sets in an absent container", { $set: { "note.x.y": 1 } }, { note: { x: { y: 1 } } }],
  [
    "removes",
    { $unset: { size: true, "free.n.m": true, "free.x.y": true } },
    { size: undefined, free: { s: "text", n: {}, l: [1, "a", 1] } },
  ],
  ["removes nothing below a text or an array", { $unset: { "free.s.t": true, "free.l.0": true } }, {}],
  [
    "counts",
    { $inc: { size: -2, "free.n.m": 0.5, "free.n.k": 3 } },
    { size: 3, free: { s: "text", n: { m: 1.5, k: 3 }, l: [1, "a", 1] } },
  ],
  ["raises and does not lower", { $max: { size: 9, name: "m", at: 4 } }, { size: 9, at: 4 }],
  ["lowers and does not raise", { $min: { size: 9, name: "m", at: 4 } }, { name: "m", at: 4 }],
  [
    "appends",
    { $push: { tags: "x", "free.l": { a: [] }, "free.p": 1 } },
    { tags: ["x", "x"], free: { s: "text", n: { m: 1 }, l: [1, "a", 1, { a: [] }], p: [1] } },
  ],
  [
    "appends an array as one element",
    { $push: { "free.l": [2, 3] } },
    { free: { s: "text", n: { m: 1 }, l: [1, "a", 1, [2, 3]] } },
  ],
  [
    "adds to a set",
    { $addToSet: { tags: "x", "free.l": "b" } },
    { free: { s: "text", n: { m: 1 }, l: [1, "a", 1, "b"] } },
  ],
  [
    "pulls all",
    { $pullAll: { tags: ["x", "z"], "free.l": [1], "free.q": [1] } },
    { tags: [], free: { s: "text", n: { m: 1 }, l: ["a"] } },
  ],
];

const CONFLICTS: readonly (readonly [name: string, update: Update<Thing>])[] = [
  ["sets below a text", { $set: { "free.s.x": 1 } }],
  ["sets below an array", { $set: { "free.l.x": 1 } }],
  ["sets in an array by digits", { $set: { "free.l.0": 1 } }],
  ["counts a text", { $inc: { "free.s": 1 } }],
  ["appends to a text", { $push: { "free.s": 1 } }],
  ["adds to a number", { $addToSet: { "free.n.m": 1 } }],
  ["pulls from a text", { $pullAll: { "free.s": [1] } }],
  ["pulls below a text", { $pullAll: { "free.s.x": [1] } }],
];

const UNSUPPORTED: readonly (readonly [name: string, update: object])[] = [
  ["nothing", {}],
  ["an unknown operator", { $rename: { a: "b" } }],
  ["_id", { $set: { _id: "x" } }],
  ["one path twice", { $set: { size: 1 }, $inc: { size: 1 } }],
  ["a path and one below it", { $set: { free: {}, "free.a": 1 } }],
  ["$setOnInsert without upsert", { $setOnInsert: { size: 1 } }],
  ["$inc of a time", { $inc: { at: 1 } }],
  ["$max of what has no type", { $max: { "free.n.m": 1 } }],
  ["$push to a text field", { $push: { name: "x" } }],
  ["$addToSet of an object", { $addToSet: { "free.l": {} } }],
  ["undefined", { $set: { name: undefined } }],
];

const INVALID: readonly (readonly [name: string, update: object])[] = [
  ["a text in an int field", { $set: { size: "1" } }],
  ["a fraction for an int field", { $inc: { size: 0.5 } }],
  ["null in a declared field", { $set: { name: null } }],
  ["NaN", { $set: { "free.x": Number.NaN } }],
  ["a number among texts", { $push: { tags: 1 } }],
  ["removing what is required", { $unset: { group: true } }],
  ["what is too deep", { $set: { [pathOf("free", "a", ...Array.from({ length: 61 }, () => "a"))]: [[]] } }],
];

export function updatingSuite(bench: Bench): void {
  const stored = (): Promise<Thing | undefined> => bench.things.findOne({ _id: "a" });
  beforeEach(() => bench.things.insertOne(BASE));

  for (const [name, update, after] of CHANGES) {
    it(name, async () => {
      const wanted = JSON.parse(JSON.stringify({ ...BASE, ...after }));
      assert.deepEqual(await bench.things.findOneAndUpdate({ _id: "a" }, update), wanted);
      assert.deepEqual(await stored(), wanted);
    });
  }
  for (const [name, update] of CONFLICTS) {
    it(`CONFLICT when it ${name}; nothing changes`, async () => {
      assert.equal(await codeOf(() => bench.things.updateOne({ _id: "a" }, update)), "CONFLICT");
      assert.equal(await codeOf(() => bench.things.findOneAndUpdate({ _id: "a" }, update)), "CONFLICT");
      assert.deepEqual(await stored(), BASE);
    });
  }
  for (const [name, update] of UNSUPPORTED) {
    it(`QUERY_UNSUPPORTED for ${name}`, async () => {
      const given = update as Update<Thing>;
      assert.equal(await codeOf(() => bench.things.updateOne({ _id: "a" }, given)), "QUERY_UNSUPPORTED");
      assert.equal(await codeOf(() => bench.things.updateMany({}, given)), "QUERY_UNSUPPORTED");
      assert.deepEqual(await stored(), BASE);
    });
  }
  for (const [name, update] of INVALID) {
    it(`VALIDATION for ${name}`, async () => {
      assert.equal(await codeOf(() => bench.things.updateOne({ _id: "a" }, update as Update<Thing>)), "VALIDATION");
      assert.deepEqual(await stored(), BASE);
    });
  }

  it("keeps and replaces bytes", async () => {
    await bench.things.updateOne({ _id: "a" }, { $set: { bytes: Uint8Array.of(1, 2) } });
    await bench.things.updateOne({ _id: "a" }, { $inc: { size: 1 } });
    assert.deepEqual([...(await stored())!.bytes!], [1, 2]);
  });

  it("says whether one matched", async () => {
    assert.deepEqual(await bench.things.updateOne({ _id: "a" }, { $set: { size: 5 } }), {
      matched: true,
      inserted: false,
    });
    assert.deepEqual(await bench.things.updateOne({ _id: "b" }, { $set: { size: 5 } }), {
      matched: false,
      inserted: false,
    });
    assert.isUndefined(await bench.things.findOneAndUpdate({ _id: "b" }, { $set: { size: 5 } }));
  });

  it("takes the first in order, and returns it before or after", async () => {
    await bench.things.insertMany(["b", "c", "d"].map((_id, i): Thing => ({ _id, group: "q", size: 3 - i })));
    const options = { sort: [["size", 1]], returning: "before" } as const;
    const before = await bench.things.findOneAndUpdate({ group: "q" }, { $set: { group: "r" } }, options);
    assert.deepEqual(before, { _id: "d", group: "q", size: 1 });
    assert.deepEqual(ids(await bench.things.find({ group: "r" }, { limit: 9 })), ["d"]);
  });

  it("upserts: seeds from the filter, $setOnInsert once", async () => {
    const upsert = () =>
      bench.keyed.findOneAndUpdate({ key: "k" }, { $inc: { value: 1 }, $setOnInsert: { _id: "1" } }, { upsert: true });
    assert.deepEqual(await upsert(), { _id: "1", key: "k", value: 1 });
    assert.deepEqual(await upsert(), { _id: "1", key: "k", value: 2 });
    const first = { upsert: true, returning: "before" } as const;
    assert.isUndefined(await bench.keyed.findOneAndUpdate({ _id: "2", key: "l" }, { $set: { value: 0 } }, first));
    assert.deepEqual(await bench.keyed.findOne({ _id: "2" }), { _id: "2", key: "l", value: 0 });
    assert.deepEqual(await bench.keyed.updateOne({ _id: "3" }, { $set: { key: "m", value: 1 } }, { upsert: true }), {
      matched: false,
      inserted: true,
    });
    assert.deepEqual(await bench.keyed.updateOne({ _id: "3" }, { $set: { key: "n", value: 1 } }, { upsert: true }), {
      matched: true,
      inserted: false,
    });
  });

  it("one of many concurrent upserts inserts, the others update", async () => {
    const upsert = (i: number) =>
      bench.keyed.updateOne({ key: "c" }, { $inc: { value: 1 }, $setOnInsert: { _id: `c${i}` } }, { upsert: true });
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => upsert(i)));
    assert.equal(results.filter(({ inserted }) => inserted).length, 1);
    assert.equal((await bench.keyed.findOne({ key: "c" }))!.value, 20);
  });

  it("refuses upserts that do not say what to insert", async () => {
    const upsert = (filter: Filter<Thing>, update: Update<Thing>) => () =>
      bench.things.updateOne(filter, update, { upsert: true });
    assert.equal(await codeOf(upsert({ group: "z" }, { $set: { size: 1 } })), "QUERY_UNSUPPORTED");
    assert.equal(await codeOf(upsert({ _id: "z", size: { $gt: 1 } }, { $set: { group: "g" } })), "QUERY_UNSUPPORTED");
    assert.equal(await codeOf(upsert({ _id: "z", group: "g" }, { $set: { group: "h" } })), "QUERY_UNSUPPORTED");
    assert.equal(await codeOf(upsert({ _id: "z" }, { $set: { size: 1 } })), "VALIDATION");
  });

  it("DUPLICATE_KEY when an update, an upsert or a replacement takes another's unique key", async () => {
    await bench.keyed.insertMany([
      { _id: "1", key: "k", value: 1 },
      { _id: "2", key: "l", value: 1 },
    ]);
    const code = (call: () => Promise<unknown>) => codeOf(call);
    assert.equal(await code(() => bench.keyed.updateOne({ _id: "2" }, { $set: { key: "k" } })), "DUPLICATE_KEY");
    assert.equal(await code(() => bench.keyed.replaceOne({ _id: "2", key: "k", value: 1 })), "DUPLICATE_KEY");
    assert.equal(
      await code(() => bench.keyed.updateOne({ _id: "3" }, { $set: { key: "k", value: 1 } }, { upsert: true })),
      "DUPLICATE_KEY",
    );
    assert.equal(await code(() => bench.keyed.insertOne({ _id: "4", key: "k", value: 1 })), "DUPLICATE_KEY");
    assert.deepEqual(await bench.keyed.find({}, { limit: 9 }), [
      { _id: "1", key: "k", value: 1 },
      { _id: "2", key: "l", value: 1 },
    ]);
  });

  it("updates many, more than one slice", async () => {
    await bench.things.insertMany(
      Array.from({ length: 600 }, (_, i): Thing => ({ _id: `m${i}`, group: "m", size: i })),
    );
    assert.equal(await bench.things.updateMany({ group: "m", size: { $lt: 550 } }, { $set: { group: "n" } }), 550);
    assert.equal(await bench.things.count({ group: "n" }), 550);
    assert.equal(await bench.things.count({ group: "m" }), 50);
    assert.equal(await bench.things.deleteMany({ group: "n" }, { limit: 501 }), 501);
    assert.equal(await bench.things.deleteMany({ group: "n" }), 49);
  });

  it("replaces, only where the filter holds", async () => {
    const next: Thing = { _id: "a", group: "z", note: 1 };
    assert.isFalse(await bench.things.replaceOne(next, { filter: { size: 4 } }));
    assert.deepEqual(await stored(), BASE);
    assert.isTrue(await bench.things.replaceOne(next, { filter: { size: 5 } }));
    assert.deepEqual(await stored(), next);
    assert.isFalse(await bench.things.replaceOne({ _id: "q", group: "g" }));
    assert.isTrue(await bench.things.replaceOne({ _id: "q", group: "g" }, { upsert: true }));
    assert.equal(await bench.things.count({}), 2);
  });
}
