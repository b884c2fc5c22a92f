/** Filters by example, order, paging, counting. */
import { assert } from "chai";
import { type Filter, pathOf, type Sort } from "../../../src/store/collection.ts";
import { keysetOf } from "../../../src/store/keyset.ts";
import { type Bench, codeOf, ids, type Thing } from "./things.ts";

const THINGS: readonly Thing[] = [
  { _id: "a", group: "g", name: "pump", size: 2, at: 10, tags: ["x", "y"], free: { lamp: { on: true, "no.1": 1 } } },
  { _id: "b", group: "g", name: "pump 2", size: 1, at: 20, on: true, free: { lamp: null, list: [1, { n: 1 }] } },
  { _id: "c", group: "g", name: "Pump", weight: 0.5, at: 20, tags: [] },
  { _id: "d", group: "h", size: 2, on: false, note: "2" },
  { _id: "e", group: "h", name: "\u{1f600}", note: 2 },
  { _id: "f", group: "h", name: "\uffff", note: true },
];

const FOUND: readonly (readonly [filter: Filter<Thing>, found: string])[] = [
  [{}, "abcdef"],
  [{ group: "g" }, "abc"],
  [{ name: { $prefix: "pump" } }, "ab"],
  [{ name: { $prefix: "" } }, "abcef"],
  [{ name: { $gt: "\uffff" } }, "e"],
  [{ name: null }, "d"],
  [{ size: { $in: [1, null] } }, "bcef"],
  [{ size: { $in: [] } }, ""],
  [{ size: { $nin: [2] } }, "bcef"],
  [{ size: { $not: { $gt: 1 } } }, "bcef"],
  [{ at: { $gte: 10, $lt: 20 } }, "a"],
  [{ on: { $ne: true } }, "acdef"],
  [{ tags: "x" }, "a"],
  [{ tags: { $ne: "x" } }, "bcdef"],
  [{ tags: { $exists: true } }, "ac"],
  [{ "free.lamp": { $exists: true } }, "ab"],
  [{ "free.lamp": null }, "bcdef"],
  [{ "free.lamp.on": true }, "a"],
  [{ [pathOf("free", "lamp", "no.1")]: 1 }, "a"],
  [{ "free.list": { $exists: true } }, "b"],
  [{ "free.list": 1 }, ""],
  [{ "free.list.n": 1 }, ""],
  [{ "free.list.1": { $exists: true } }, ""],
  [{ note: 2 }, "e"],
  [{ note: "2" }, "d"],
  [{ note: { $gte: 1 } }, "e"],
  [{ note: { $in: ["2", true, null] } }, "abcdf"],
  [{ $or: [{ _id: "a" }, { $and: [{ group: "h" }, { note: true }] }] }, "af"],
  [{ $nor: [{ group: "g" }, { _id: "f" }] }, "de"],
];

const UNSUPPORTED: readonly (readonly [name: string, filter: object])[] = [
  ["an unknown operator", { name: { $regex: "x" } }],
  ["an unknown combination", { $where: [] }],
  ["undefined", { name: undefined }],
  ["an empty $or", { $or: [] }],
  ["a condition without operator", { name: {} }],
  ["an object as value", { note: { $eq: {} } }],
  ["a number for a string field", { name: 1 }],
  ["a text for an int field", { size: { $gt: "1" } }],
  ["an order of booleans", { on: { $gt: false } }],
  ["an order on strings", { tags: { $prefix: "x" } }],
  ["a path below a declared field", { "name.x": 1 }],
  ["a path that begins with $", { "$x.y": 1 }],
  ["a wrong escape", { "free.a~2": 1 }],
  ["bytes", { bytes: "x" }],
  ["$in without an array", { size: { $in: 1 } }],
  ["an endless $not", { size: Array.from({ length: 40 }).reduce(inner => ({ $not: inner }), { $eq: 1 }) }],
];

const SORTS: readonly Sort<Thing>[] = [
  [],
  [["_id", -1]],
  [["size", 1]],
  [["size", -1]],
  [["on", 1]],
  [["on", -1]],
  [
    ["group", -1],
    ["name", 1],
  ],
  [
    ["at", 1],
    ["_id", -1],
  ],
];

export function readingSuite(bench: Bench): void {
  const { insertMany } = { insertMany: () => bench.things.insertMany(THINGS) };
  beforeEach(insertMany);

  for (const [filter, found] of FOUND) {
    it(`${JSON.stringify(filter)} finds ${found || "nothing"}`, async () => {
      assert.equal(ids(await bench.things.find(filter, { limit: 100 })).join(""), found);
      assert.equal(await bench.things.count(filter), found.length);
      assert.equal((await bench.things.findOne(filter))?._id, found[0]);
    });
  }

  for (const [name, filter] of UNSUPPORTED) {
    it(`refuses ${name} with QUERY_UNSUPPORTED`, async () => {
      const given = filter as Filter<Thing>;
      assert.equal(await codeOf(() => bench.things.find(given, { limit: 1 })), "QUERY_UNSUPPORTED");
      assert.equal(await codeOf(() => bench.things.deleteMany(given)), "QUERY_UNSUPPORTED");
      assert.equal(await bench.things.count({}), THINGS.length);
    });
  }

  it("refuses values that no document can have with VALIDATION", async () => {
    for (const filter of [{ name: "\0" }, { note: Number.NaN }, { "free.a\0": 1 }, { at: 1e300 }]) {
      assert.equal(await codeOf(() => bench.things.findOne(filter)), "VALIDATION", JSON.stringify(filter));
    }
  });

  for (const sort of SORTS) {
    it(`orders by ${JSON.stringify(sort)} and pages by place and by number`, async () => {
      const whole = await bench.things.find({}, { sort, limit: 100 });
      const paged: Thing[] = [];
      for (let after: ReturnType<typeof keysetOf> | undefined; paged.length < THINGS.length; ) {
        const page: Thing[] = await bench.things.find({}, { sort, limit: 2, ...(after && { after }) });
        assert.isNotEmpty(page);
        paged.push(...page);
        after = keysetOf(sort, page.at(-1)!);
      }
      assert.deepEqual(ids(paged), ids(whole));
      assert.deepEqual(ids(await bench.things.find({}, { sort, limit: 3, skip: 2 })), ids(whole).slice(2, 5));
      const streamed: Thing[] = [];
      for await (const thing of bench.things.stream({}, { sort, pageSize: 1 })) streamed.push(thing);
      assert.deepEqual(ids(streamed), ids(whole));
    });
  }

  it("puts absent before any value, texts by code point, ties by _id", async () => {
    const bySize = await bench.things.find({}, { sort: [["size", 1]], limit: 10 });
    assert.equal(ids(bySize).join(""), "cefbad");
    const byName = await bench.things.find({}, { sort: [["name", -1]], limit: 10 });
    assert.equal(ids(byName).join(""), "efbacd");
  });

  it("counts up to a cap", async () => {
    assert.equal(await bench.things.count({}, 4), 4);
  });

  it("refuses limits, orders and places outside of the rules", async () => {
    const find = (options: object) => () => bench.things.find({}, { limit: 1, ...options } as never);
    for (const limit of [0, -1, 1.5, 5001, Number.NaN]) assert.equal(await codeOf(find({ limit })), "VALIDATION");
    assert.equal(await codeOf(find({ skip: -1 })), "VALIDATION");
    for (const sort of [
      [["tags", 1]],
      [["note", 1]],
      [["free.x", 1]],
      [["name", 2]],
      [
        ["name", 1],
        ["name", 1],
      ],
    ]) {
      assert.equal(await codeOf(find({ sort })), "QUERY_UNSUPPORTED", JSON.stringify(sort));
    }
    assert.equal(await codeOf(find({ after: ["a", "b"] })), "QUERY_UNSUPPORTED");
    assert.equal(await codeOf(find({ sort: [["size", 1]], after: ["x", "b"] })), "VALIDATION");
    assert.equal(await codeOf(find({ after: [null] })), "QUERY_UNSUPPORTED");
  });
}
