/** What a document is, and how it comes back: the rules at the head of collection.ts. */
import { assert } from "chai";
import type { Document, JsonObject } from "../../../src/store/collection.ts";
import { type Bench, codeOf, type Thing } from "./things.ts";

const roundTrip = async (bench: Bench, thing: Thing): Promise<Thing | undefined> => {
  await bench.things.insertOne(thing);
  return bench.things.findOne({ _id: thing._id });
};

const nested = (depth: number): JsonObject => (depth === 0 ? {} : { a: nested(depth - 1) });

const REFUSED: readonly (readonly [name: string, members: object, field: string])[] = [
  ["no number: NaN", { note: Number.NaN }, "note"],
  ["no number: Infinity", { free: { a: [Number.POSITIVE_INFINITY] } }, "free.a[0]"],
  ["a bigint", { note: 1n }, "note"],
  ["a Date", { note: new Date(0) }, "note"],
  ["bytes where none are declared", { note: new Uint8Array(1) }, "note"],
  ["a function", { free: { f: () => 0 } }, "free.f"],
  ["undefined in an array", { note: [undefined] }, "note[0]"],
  ["NUL in a text", { free: { a: "x\0" } }, "free.a"],
  ["NUL in a key", { free: { "a\0": 1 } }, "free.a\0"],
  ["a lone surrogate", { note: "\ud800" }, "note"],
  ["a key __proto__", { free: JSON.parse('{"__proto__": 1}') }, "free.__proto__"],
  ["a member that is no identifier", { "a.b": 1 }, "a.b"],
  ["too many levels", { free: nested(64) }, `free${".a".repeat(63)}`],
  ["a string field with a number", { name: 1 }, "name"],
  ["a declared field with null", { name: null }, "name"],
  ["an int field with a fraction", { size: 1.5 }, "size"],
  ["an int field beyond 2^53", { size: 2 ** 53 }, "size"],
  ["a double field with a text", { weight: "1" }, "weight"],
  ["a bool field with a number", { on: 1 }, "on"],
  ["a time field out of range", { at: 8.64e15 + 1 }, "at"],
  ["a strings field with a number", { tags: ["a", 1] }, "tags"],
  ["a strings field with a text", { tags: "a" }, "tags"],
  ["a bytes field with a text", { bytes: "00" }, "bytes"],
  ["a missing required field", { group: undefined }, "group"],
  ["an empty _id", { _id: "" }, "_id"],
  ["a number as _id", { _id: 1 }, "_id"],
  ["an _id of 1025 characters", { _id: "x".repeat(1025) }, "_id"],
];

export function documentSuite(bench: Bench): void {
  it("keeps every JSON value, deep and odd", async () => {
    const thing: Thing = {
      _id: "odd",
      group: "g",
      free: {
        "a.b": { $set: 1, "": { "": "" }, "~1": "~0", "~3": 1, "0": { "00": [] } },
        $where: [null, true, false, "", {}, [[1], [[]], { x: [{ y: [] }] }]],
        text: 'quotes "\\ tab\t newline\n \u0001\u0002 ä€😀 \u{10ffff}',
        constructor: { prototype: 1 },
        toString: "x",
        deep: nested(60),
      },
      note: [[{ "a.b": [[]] }]],
    };
    assert.deepEqual(await roundTrip(bench, thing), thing);
  });

  it("keeps ordinary numbers bit for bit", async () => {
    const numbers = [
      0.1,
      1 / 3,
      5e-324,
      1.7976931348623157e308,
      -2.2250738585072014e-308,
      2 ** 53,
      -(2 ** 63),
      1e21,
      123456789.123,
    ];
    for (const [i, weight] of numbers.entries()) {
      const thing: Thing = { _id: `n${i}`, group: "g", weight, note: [weight], free: { weight } };
      assert.deepEqual(await roundTrip(bench, thing), thing);
    }
  });

  it("gives -0 back as 0", async () => {
    const thing = await roundTrip(bench, { _id: "z", group: "g", weight: -0, size: -0, note: -0, free: { a: [-0] } });
    for (const value of [thing!.weight, thing!.size, thing!.note, (thing!.free!["a"] as number[])[0]]) {
      assert.isTrue(Object.is(value, 0));
    }
  });

  it("keeps bytes in the places declared for them", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const thing = await roundTrip(bench, { _id: "b", group: "g", bytes });
    assert.instanceOf(thing!.bytes, Uint8Array);
    assert.deepEqual([...thing!.bytes!], [...bytes]);
    const empty = await roundTrip(bench, { _id: "e", group: "g", bytes: new Uint8Array(0) });
    assert.equal(empty!.bytes!.length, 0);
  });

  it("keeps declared fields of every type, and leaves undefined members out", async () => {
    const thing: Thing = {
      _id: "all",
      group: "g",
      name: "\u0001",
      size: Number.MAX_SAFE_INTEGER,
      weight: 3,
      on: false,
      at: -1,
      tags: ["", "\u0001", "\u0002", "a,b"],
    };
    const given = { ...thing, note: undefined, free: { a: undefined } } as unknown as Thing;
    assert.deepEqual(await roundTrip(bench, given), { ...thing, free: {} });
    assert.deepEqual((await roundTrip(bench, { _id: "t", group: "g", tags: [] }))!.tags, []);
  });

  for (const [name, members, field] of REFUSED) {
    it(`refuses ${name}, naming the field, and stores nothing`, async () => {
      const bad = { _id: "bad", group: "g", ...members } as unknown as Thing;
      try {
        await bench.things.insertMany([{ _id: "good", group: "g" }, bad]);
        assert.fail("it was stored");
      } catch (error) {
        const { code, details } = error as { code: string; details: { field: string } };
        assert.deepEqual([code, details.field], ["VALIDATION", field]);
      }
      assert.equal(await bench.things.count({}), 0);
    });
  }

  it("refuses a document that is too large", async () => {
    const large: Thing = { _id: "l", group: "g", note: "x".repeat(4 * 1024 * 1024) };
    assert.equal(await codeOf(() => bench.things.insertOne(large)), "TOO_LARGE");
    const bytes: Thing = { _id: "l", group: "g", bytes: new Uint8Array(8 * 1024 * 1024 + 1) };
    assert.equal(await codeOf(() => bench.things.insertOne(bytes)), "TOO_LARGE");
    assert.equal(await bench.things.count({}), 0);
  });

  it("knows only the collections it was opened with", async () => {
    const other = { name: "other", fields: {}, indexes: [], durability: "full" } as const;
    assert.equal(await codeOf(() => bench.store.collection<Document>(other)), "QUERY_UNSUPPORTED");
  });
}
