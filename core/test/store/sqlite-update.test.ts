/** Updates as one statement: which are, and that they end as the writer's own way does. */
import { assert } from "chai";
import type { Filter, Update } from "../../src/store/collection.ts";
import { type UpdateCommandOptions, updateCommand } from "../../src/store/create-collection.ts";
import type { Command } from "../../src/store/engine.ts";
import { shapeOf } from "../../src/store/shape.ts";
import { compileUpdate } from "../../src/store/sqlite/compile-update.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { decodeRow, encodeRow, type Row, selectList } from "../../src/store/sqlite/rows.ts";
import { applySchema } from "../../src/store/sqlite/schema.ts";
import { toWireCommand, type WireCommand } from "../../src/store/sqlite/wire.ts";
import { createWriter } from "../../src/store/sqlite/writer.ts";
import { KEYED, THINGS, type Thing } from "./conformance/things.ts";

const shape = shapeOf(THINGS);
type UpdateCommand = Command & { do: "update" };

const command = (
  update: Update<Thing>,
  options: UpdateCommandOptions = {},
  filter: Filter<Thing> = { _id: "a" },
): UpdateCommand => updateCommand(shape, filter as Filter, update as Update, options) as UpdateCommand;

/** Document `a` after the update, and the writer's result, by the statement or without it. */
function outcome(before: Thing, update: Update<Thing>, isDirect: boolean) {
  const database = openDatabase(":memory:", {
    readOnly: false,
    synchronous: "FULL",
    cacheMiB: 1,
    checkpointPages: 100,
  });
  try {
    applySchema(database, [shape]);
    const writer = createWriter([shape], () => database);
    const { direct, ...rest } = toWireCommand(command(update)) as WireCommand & { do: "update" };
    assert.isDefined(direct);
    const insert: WireCommand = { do: "insert", collection: shape.name, row: encodeRow(shape, before) };
    const [, result] = writer.execute([insert, isDirect ? { ...rest, direct: direct! } : rest]);
    const [row] = database.rows({ text: `SELECT ${selectList(shape)} FROM c_things`, values: [] });
    return { result, document: JSON.stringify(decodeRow(shape, row as Row)) };
  } finally {
    database.close();
  }
}

describe("store/sqlite/compile-update", () => {
  const before: Thing = { _id: "a", group: "g", at: 5, free: { x: { y: 1 }, list: [1], text: "t" } };
  const updates: Readonly<Record<string, Update<Thing>>> = {
    "sets a member and one that was not there": { $set: { "free.x.y": 2.5e300, "free.new.deep": null } },
    "removes a member, one below a text and one that is not there": {
      $unset: { "free.x": true, "free.text.y": true, "free.gone.too": true },
    },
    "takes the later time": { $max: { at: 6 } },
    "leaves the later time": { $max: { at: 4 } },
    "sets and removes fields": { $set: { tags: ["b", "c"], on: true }, $unset: { at: true } },
    "meets a text where an object should be": { $set: { "free.text.y": 1 } },
    "meets a list where an object should be": { $set: { "free.list.y": 1 } },
  };
  for (const [name, update] of Object.entries(updates)) {
    it(`${name}, as the writer does`, () => {
      const direct = outcome(before, update, true);
      assert.deepEqual(direct, outcome(before, update, false));
    });
  }

  it("is used for what is frequent: a value beside its time, by the key of the document", () => {
    const update: Update<Thing> = { $set: { "free.v.5700": 21.5 }, $unset: { "free.i.5700": true }, $max: { at: 9 } };
    assert.isDefined(compileUpdate(command(update)));
    assert.isDefined(compileUpdate(command({ ...update, $setOnInsert: { group: "g" } }, { upsert: true })));
    assert.isDefined(compileUpdate(command(update, {}, { _id: "a", group: "g" })));
  });

  it("is not used for what a statement cannot say", () => {
    assert.isUndefined(compileUpdate(command({ $set: { on: true } }, { returning: "after" })));
    assert.isUndefined(compileUpdate(command({ $set: { on: true } }, {}, { group: "g" })));
    assert.isUndefined(compileUpdate(command({ $push: { "free.list": 1 } })));
    assert.isUndefined(compileUpdate(command({ $inc: { "free.n": 1 } })));
    assert.isUndefined(compileUpdate(command({ $set: { 'free.a"b': 1 } })), "keys that need an escape");
    assert.isUndefined(compileUpdate(command({ $set: { "free.a": "x".repeat(70_000) } })), "large values");
    const keyed = updateCommand(shapeOf(KEYED), { _id: "a" }, { $set: { key: "k" } } as Update, {}) as UpdateCommand;
    assert.isUndefined(compileUpdate(keyed), "keys that are unique");
  });
});
