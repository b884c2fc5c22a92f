/** What goes to a MongoDB server, without one: documents, filters, updates, failures. */
import { assert } from "chai";
import { Binary, Long } from "mongodb";
import type { Filter, Update } from "../../src/store/collection.ts";
import { parseFilter, parseSort } from "../../src/store/condition.ts";
import {
  decodeDocument,
  decodeValue,
  encodeDocument,
  encodeValue,
  escapeKey,
  unescapeKey,
} from "../../src/store/mongodb/bson.ts";
import { isDuplicate, toFailure } from "../../src/store/mongodb/failure.ts";
import { renderFilter, renderSeeds, renderSort, renderUpdate } from "../../src/store/mongodb/render.ts";
import { shapeOf } from "../../src/store/shape.ts";
import { parseUpdate } from "../../src/store/update-plan.ts";
import { THINGS, type Thing } from "./conformance/things.ts";

const shape = shapeOf(THINGS);
const filter = (given: Filter<Thing>) => parseFilter(shape, given as Filter);
const update = (given: Update<Thing>) => renderUpdate(parseUpdate(shape, given as Update, true));
const NO_ARRAY = { $not: { $type: "array" } };

describe("store/mongodb/bson", () => {
  it("escapes keys that a server would refuse or take for something else, and back", () => {
    const escaped: Record<string, string> = {
      a: "a",
      "": "~3",
      "0": "~30",
      "12": "~312",
      "1a": "1a",
      "a.b": "a~1b",
      $set: "~2set",
      a$: "a$",
      "~3": "~03",
      "~": "~0",
      "$.~": "~2~1~0",
    };
    for (const [key, wanted] of Object.entries(escaped)) {
      assert.equal(escapeKey(key), wanted, key);
      assert.equal(unescapeKey(wanted), key, wanted);
    }
    assert.equal(new Set(Object.values(escaped)).size, Object.keys(escaped).length);
  });

  it("keeps arrays within arrays in an object, and back", () => {
    const value = [1, [2, [3]], { a: [[]] }];
    const encoded = [1, { "~4": [2, { "~4": [3] }] }, { a: [{ "~4": [] }] }];
    assert.deepEqual(encodeValue(value), encoded);
    assert.deepEqual(decodeValue(encoded), value);
    assert.deepEqual(encodeValue({ "~4": [1] }), { "~04": [1] });
  });

  it("keeps times as dates and bytes as binary, and gives 64-bit integers back as numbers", () => {
    const thing: Thing = { _id: "1", group: "g", at: 5, bytes: Uint8Array.of(1), tags: ["0"], note: { "0": -0 } };
    const encoded = encodeDocument(shape, thing);
    assert.deepEqual(encoded["at"], new Date(5));
    assert.instanceOf(encoded["bytes"], Binary);
    assert.deepEqual(encoded["note"], { "~30": 0 });
    assert.deepEqual(decodeDocument(shape, encoded), { ...thing, note: { "0": 0 } } as never);
    assert.deepEqual(decodeDocument(shape, { _id: "1", size: Long.fromNumber(2 ** 40) }), {
      _id: "1",
      size: 2 ** 40,
    } as never);
  });
});

describe("store/mongodb/render", () => {
  it("asks for an _id outside of $and, so that every server takes its index", () => {
    assert.deepEqual(renderFilter(filter({ _id: "a" })), { _id: "a" });
    assert.deepEqual(renderFilter(filter({ _id: "a", group: "g" })), {
      _id: "a",
      $and: [{ group: { $eq: "g" } }],
    } as never);
    assert.deepEqual(renderFilter(filter({ _id: "a", $and: [{ _id: "b" }] })), {
      _id: "a",
      $and: [{ _id: { $eq: "b" } }],
    });
    assert.deepEqual(renderFilter(filter({})), {});
  });

  it("asks for declared fields plainly, times as dates", () => {
    const at = { $gte: 5, $lt: 9 };
    const wanted = { $and: [{ at: { $gte: new Date(5) } }, { at: { $lt: new Date(9) } }] };
    assert.deepEqual(renderFilter(filter({ at })), wanted as never);
    assert.deepEqual(renderFilter(filter({ name: null })), { $nor: [{ name: { $exists: true } }] } as never);
  });

  it("lets nothing on the way of other paths be an array", () => {
    assert.deepEqual(renderFilter(filter({ "free.0": 1 })), {
      $and: [{ free: NO_ARRAY }, { "free.~30": NO_ARRAY }, { "free.~30": { $eq: 1 } }],
    } as never);
    assert.deepEqual(renderFilter(filter({ "free.a": { $exists: true } })), {
      $and: [{ free: NO_ARRAY }, { "free.a": { $exists: true } }],
    } as never);
  });

  it("gives an upsert flat seeds, and an order its keys", () => {
    assert.deepEqual(renderSeeds(filter({ _id: "a", at: 1 })), { _id: "a", at: new Date(1) } as never);
    assert.deepEqual(Object.entries(renderSort(parseSort(shape, [["size", -1]] as never))), [
      ["size", -1],
      ["_id", -1],
    ]);
  });

  it("writes updates with escaped paths and values", () => {
    assert.deepEqual(
      update({
        $set: { at: 1, "free.$a": { "b.c": [[1]] } },
        $unset: { name: true },
        $inc: { "free.3": 1 },
        $push: { "free.l": [1] },
        $addToSet: { tags: "0" },
        $setOnInsert: { _id: "x" },
      }) as object,
      {
        $set: { at: new Date(1), "free.~2a": { "b~1c": [{ "~4": [1] }] } },
        $unset: { name: "" },
        $inc: { "free.~33": 1 },
        $push: { "free.l": { "~4": [1] } },
        $addToSet: { tags: "0" },
        $setOnInsert: { _id: "x" },
      },
    );
  });
});

describe("store/mongodb/failure", () => {
  it("knows a taken key by its code, or by FerretDB's words", () => {
    assert.isTrue(isDuplicate({ code: 11000, message: "" }));
    assert.isTrue(isDuplicate({ code: 1, message: "constraint failed: UNIQUE constraint failed: t._ferretdb_sjson" }));
    assert.isFalse(isDuplicate({ code: 1, message: "disk I/O error" }));
    assert.isFalse(isDuplicate({ code: 28, message: "Cannot create field 'UNIQUE constraint' in element" }));
  });

  it("has a code of ours for each", () => {
    const code = (failure: { code?: number }) => toFailure(shape, { message: "x", ...failure }).code;
    assert.deepEqual([{ code: 11000 }, { code: 28 }, { code: 14 }, { code: 2 }, { code: 91 }, {}].map(code), [
      ...["DUPLICATE_KEY", "CONFLICT", "CONFLICT", "CONFLICT", "STORE_FAILED", "STORE_FAILED"],
    ]);
  });
});
