/** Updates by form: that they end as parsed ones do, and which are one statement in SQLite. */
import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import type { MooringError } from "../../src/base/errors.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import type { DocumentCollection, Filter, Update } from "../../src/store/collection.ts";
import { updateCommand } from "../../src/store/create-collection.ts";
import { shapeOf } from "../../src/store/shape.ts";
import { compileUpdate } from "../../src/store/sqlite/compile-update.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { decodeRow, encodeRow, type Row, selectList } from "../../src/store/sqlite/rows.ts";
import { applySchema } from "../../src/store/sqlite/schema.ts";
import { createFormNumbers, toWireCommand, type WireCommand } from "../../src/store/sqlite/wire.ts";
import { createWriter } from "../../src/store/sqlite/writer.ts";
import type { Store } from "../../src/store/store.ts";
import { applyUpdate, parseUpdate } from "../../src/store/update-plan.ts";
import { randomThing, randomUpdate } from "./conformance/random-things.ts";
import { codeOf, KEYED, THINGS, type Thing } from "./conformance/things.ts";

const CASES = 400;

/** The document after the update, and the code that it failed with. */
function expected(before: Thing, update: Update<Thing>): readonly [after: Thing, code: string] {
  const after = structuredClone(before);
  try {
    applyUpdate(after, parseUpdate(shapeOf(THINGS), update as Update, false), false);
    return [JSON.parse(JSON.stringify(after)), "none"];
  } catch (error) {
    return [before, (error as MooringError).code];
  }
}

describe("store/update-form", () => {
  let store: Store;
  let things: DocumentCollection<Thing>;
  beforeEach(async () => {
    const clock = createManualClock();
    store = await openSqlite({ directory: undefined, collections: [THINGS, KEYED], clock, host: "inline" });
    things = store.collection(THINGS);
  });
  afterEach(() => store.close());

  /** Makes the form of an update known. */
  const teach = (update: Update<Thing>, options: { readonly upsert?: boolean } = {}): Promise<string> =>
    codeOf(() => things.updateOne({ _id: "pupil" }, update, options));

  it("the second update of a form ends as the rules say, at random", async () => {
    const random = createSeededRandom(11);
    const seen = new Set<string>();
    for (let i = 0; i < CASES; i++) {
      const document = randomThing(random, "a");
      const update = randomUpdate(random);
      if ((await teach(update)) !== "none") continue;
      const [after, code] = expected(document, update);
      await things.replaceOne(document, { upsert: true });
      const text = `${JSON.stringify(update)} of ${JSON.stringify(document)}`;
      assert.equal(await codeOf(() => things.updateOne({ _id: "a" }, update)), code, text);
      assert.deepEqual(await things.findOne({ _id: "a" }), after, text);
      seen.add(code);
    }
    assert.deepEqual([...seen].sort(), ["CONFLICT", "none"], "both happen");
  });

  it("inserts what an upsert does not find, and updates what it finds", async () => {
    const upsert = (_id: string, size: number) =>
      things.updateOne({ _id }, { $set: { size }, $max: { at: size }, $setOnInsert: { group: "g" } }, { upsert: true });
    for (const _id of ["a", "b"]) {
      assert.deepEqual(await upsert(_id, 1), { matched: false, inserted: true });
      assert.deepEqual(await upsert(_id, 2), { matched: true, inserted: false });
      assert.deepEqual(await things.findOne({ _id }), { _id, group: "g", size: 2, at: 2 });
    }
  });

  it("says how many matched, and keeps to every condition", async () => {
    await things.insertMany([
      { _id: "a", group: "g" },
      { _id: "b", group: "h" },
    ]);
    const update = async (_id: string) => (await things.updateOne({ _id, group: "g" }, { $set: { size: 1 } })).matched;
    assert.deepEqual(
      [await update("a"), await update("a"), await update("b"), await update("c")],
      [true, true, false, false],
    );
  });

  it("refuses the values that the first one would have been refused for", async () => {
    const text = { $set: { name: "n", "free.x": 1 }, $unset: { size: true as const }, $max: { at: 1 } };
    assert.equal(await teach(text), "none");
    const refused: readonly [Update<Thing>, string][] = [
      [{ ...text, $set: { name: "\0", "free.x": 1 } }, "VALIDATION"],
      [{ ...text, $set: { name: "n", "free.x": Number.NaN } }, "VALIDATION"],
      [{ ...text, $set: { name: 5 as unknown as string, "free.x": 1 } }, "VALIDATION"],
      [{ ...text, $set: { name: "n", "free.x": undefined as unknown as null } }, "QUERY_UNSUPPORTED"],
      [{ ...text, $unset: { size: false as unknown as true } }, "QUERY_UNSUPPORTED"],
      [{ ...text, $max: { at: 0.5 } }, "VALIDATION"],
    ];
    for (const [update, code] of refused) assert.equal(await teach(update), code, JSON.stringify(update));
    const update = { $set: { size: 1 } };
    const byId = (_id: unknown) => codeOf(() => things.updateOne({ _id } as Filter<Thing>, update));
    assert.equal(await byId("a"), "none");
    assert.equal(await byId(1), "QUERY_UNSUPPORTED");
    assert.equal(await byId(true), "QUERY_UNSUPPORTED");
    assert.equal(await byId("x\0"), "VALIDATION");
  });

  it("names that hold what stands between names in the key of a form are still told apart", async () => {
    const set = { $set: { "free.a": 1, "free.b": 2 } };
    assert.equal(await teach(set), "none");
    assert.equal(await teach({ $set: { "free.a\0free.b": 1 } }), "VALIDATION");
    assert.equal(await teach({ $set: { "free.a\0free.b": 1, "free.c": 2 } }), "VALIDATION");
  });

  it("forms without number are parsed each time", async () => {
    await things.insertOne({ _id: "a", group: "g" });
    for (let i = 0; i < 1000; i++) await teach({ $set: { [`free.k${i}`]: i } });
    for (const value of ["first", "last"]) await things.updateOne({ _id: "a" }, { $set: { "free.late": value } });
    assert.deepEqual((await things.findOne({ _id: "a" }))?.free, { late: "last" });
  });
});

describe("store/sqlite/compile-update", () => {
  const shape = shapeOf(THINGS);
  const isOneStatement = (update: Update<Thing>, filter: Filter<Thing> = { _id: "a" }, upsert = false): boolean => {
    const parse = () => updateCommand(shape, filter as Filter, update as Update, { upsert });
    parse();
    const { form, values } = parse();
    return form !== undefined && compileUpdate(form)?.bind(values!) !== undefined;
  };

  it("is used for what is frequent: a value beside its time, by the key of the document", () => {
    const update: Update<Thing> = { $set: { "free.v.5700": 21.5 }, $unset: { "free.i.5700": true }, $max: { at: 9 } };
    assert.isTrue(isOneStatement(update));
    assert.isTrue(isOneStatement(update, { _id: "a", group: "g" }));
    assert.isTrue(isOneStatement({ ...update, $setOnInsert: { group: "g" } }, { _id: "a" }, true));
  });

  it("is not used for what a statement cannot say", () => {
    assert.isFalse(isOneStatement({ $set: { on: true } }, { group: "g" }));
    assert.isFalse(isOneStatement({ $set: { on: true } }, { _id: "a", size: { $gt: 1 } }));
    assert.isFalse(isOneStatement({ $push: { "free.list": 1 } }));
    assert.isFalse(isOneStatement({ $inc: { "free.n": 1 } }));
    assert.isFalse(isOneStatement({ $set: { 'free.a"b': 1 } }), "keys that need an escape");
    assert.isFalse(isOneStatement({ $set: { "free.a": "x".repeat(70_000) } }), "large values");
    const keyed = { where: [], changes: [], upsert: false, shape: shapeOf(KEYED) };
    const path = { text: "key", segments: ["key"], type: "string" } as const;
    assert.isUndefined(compileUpdate({ ...keyed, changes: [{ operator: "$set", path }] }), "keys that are unique");
  });

  it("leaves a document alone that has grown large, and the writer refuses what outgrows the limit", () => {
    const database = openDatabase(":memory:", {
      readOnly: false,
      synchronous: "FULL",
      cacheMiB: 1,
      checkpointPages: 100,
    });
    applySchema(database, [shape]);
    const writer = createWriter([shape], () => database);
    const forms = createFormNumbers();
    const large: Thing = { _id: "a", group: "g", free: { x: "x".repeat(4 * 1024 * 1024 - 60_000) } };
    writer.execute([{ do: "insert", collection: shape.name, row: encodeRow(shape, large) }]);
    const set = (key: string): WireCommand => {
      const command = () =>
        updateCommand(shape, { _id: "a" }, { $set: { [`free.${key}`]: "y".repeat(50_000) } } as Update, {});
      command();
      return toWireCommand(command(), forms);
    };
    const [first, second] = writer.execute([set("k"), set("l")], forms.untold());
    assert.equal(first, "one");
    assert.nestedPropertyVal(second, "failure.code", "TOO_LARGE");
    const [row] = database.rows({ text: `SELECT ${selectList(shape)} FROM c_things`, values: [] });
    assert.hasAllKeys((decodeRow(shape, row as Row) as Thing).free, ["x", "k"]);
    database.close();
  });
});
