/** Filters as SQL: what the text says, that it never holds a value, and that indexes are used. */
import { assert } from "chai";
import type { Filter, Sort } from "../../src/store/collection.ts";
import { COLLECTIONS } from "../../src/store/collections/collections.ts";
import { RAW_PAYLOADS } from "../../src/store/collections/decoding.ts";
import { ALARMS, EVENTS, MANAGED_OBJECTS, OPERATIONS } from "../../src/store/collections/platform.ts";
import { parseFilter, parseSort } from "../../src/store/condition.ts";
import { afterNode } from "../../src/store/keyset.ts";
import { MEASUREMENTS, SERIES_NAMES } from "../../src/store/series-documents.ts";
import { shapeOf } from "../../src/store/shape.ts";
import { compileNode, compileSelect } from "../../src/store/sqlite/compile.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { applySchema } from "../../src/store/sqlite/schema.ts";
import { THINGS, type Thing } from "./conformance/things.ts";

const things = shapeOf(THINGS);
const compiled = (filter: Filter<Thing>) => compileNode(parseFilter(things, filter as Filter));

const CASES: readonly (readonly [filter: Filter<Thing>, text: string, values: readonly unknown[]])[] = [
  [{}, "1", []],
  [{ _id: "x" }, "_id = ?", ["x"]],
  [{ size: { $gte: 1, $lt: 5 } }, "(int_size >= ? AND int_size < ?)", [1, 5]],
  [{ on: true }, "bool_on = ?", [1]],
  [{ name: null }, "(string_name IS NOT NULL) IS NOT TRUE", []],
  [{ name: { $ne: "a" } }, "(string_name = ?) IS NOT TRUE", ["a"]],
  [{ tags: "a" }, "instr(strings_tags, ?) > 0", ["\u0001a\u0001"]],
  [{ name: { $prefix: "a" } }, "(string_name >= ? AND string_name < ?)", ["a", "b"]],
  [{ size: { $in: [1, 2] } }, "int_size IN (SELECT value FROM json_each(?))", ["[1,2]"]],
  [{ $or: [{ group: "a" }, { on: false }] }, "(string_group = ? OR bool_on = ?)", ["a", 0]],
  [{ "free.a": true }, "json_type(rest, ?) = ?", ['$."free"."a"', "true"]],
  [
    { "free.a": { $gt: "x" } },
    "(json_type(rest, ?) = 'text' AND json_extract(rest, ?) > ?)",
    ['$."free"."a"', '$."free"."a"', "x"],
  ],
];

describe("store/sqlite/compile", () => {
  for (const [filter, text, values] of CASES) {
    it(JSON.stringify(filter), () => assert.deepEqual(compiled(filter), { text, values }));
  }

  it("puts no value and no user's key into the text", () => {
    const hostile = "'; DROP TABLE c_things; --";
    const filter = { name: hostile, note: hostile, [`free.${hostile}`]: { $in: [hostile] }, tags: hostile };
    assert.notInclude(compiled(filter as never).text, "DROP");
  });

  it("keeps an expression of 1000 conditions within SQLite's depth", () => {
    const database = openDatabase(":memory:", {
      readOnly: false,
      synchronous: "FULL",
      cacheMiB: 1,
      checkpointPages: 1000,
    });
    applySchema(database, [things]);
    const filter: Filter<Thing> = { $or: Array.from({ length: 990 }, (_, i) => ({ "free.a": i })) };
    const where = parseFilter(things, filter as Filter);
    assert.deepEqual(database.rows(compileSelect(things, { where, limit: 1 })), []);
    database.close();
  });
});

const shapes = [...COLLECTIONS, MEASUREMENTS, SERIES_NAMES].map(shapeOf);

interface Question {
  readonly name: string;
  readonly filter: object;
  readonly sort?: readonly (readonly [string, 1 | -1])[];
  readonly after?: readonly (string | number)[];
  /** What the plan must use; `(` begins the columns that narrow the search. */
  readonly uses: string;
}

const QUESTIONS: readonly (readonly [spec: { readonly name: string }, question: Question])[] = [
  [
    MEASUREMENTS,
    {
      name: "a source's time range",
      filter: { tenant: "t", source: "1", time: { $gte: 1, $lte: 2 } },
      sort: [["time", 1]],
      uses: "(string_source=? AND time_time>? AND time_time<?)",
    },
  ],
  [
    MEASUREMENTS,
    {
      name: "a source's newest",
      filter: { tenant: "t", source: "1" },
      sort: [["time", -1]],
      uses: "(string_source=?)",
    },
  ],
  [
    MEASUREMENTS,
    {
      name: "a tenant's range",
      filter: { tenant: "t", time: { $gte: 1 } },
      sort: [["time", 1]],
      uses: "(string_tenant=? AND time_time>?)",
    },
  ],
  [
    MEASUREMENTS,
    {
      name: "a later page, newest first",
      filter: { tenant: "t" },
      sort: [["time", -1]],
      after: [5, "x"],
      uses: "(string_tenant=? AND time_time<?)",
    },
  ],
  [
    MANAGED_OBJECTS,
    {
      name: "a tenant's objects by id",
      filter: { tenant: "t" },
      sort: [["_id", 1]],
      after: ["5"],
      uses: "(string_tenant=? AND _id>?)",
    },
  ],
  [ALARMS, { name: "an open alarm", filter: { activeKey: "A,1,x" }, uses: "(string_activeKey=?)" }],
  [
    EVENTS,
    {
      name: "a source's newest",
      filter: { tenant: "t", source: "1" },
      sort: [["time", -1]],
      uses: "(string_source=?)",
    },
  ],
  [
    OPERATIONS,
    {
      name: "what a device has to do",
      filter: { tenant: "t", deviceId: "1", status: "PENDING" },
      sort: [["_id", 1]],
      uses: "(string_deviceId=? AND string_status=?)",
    },
  ],
  [
    RAW_PAYLOADS,
    {
      name: "what is due of a tenant's decoder, a later page",
      filter: { status: "PENDING", tenant: "t", decoder: "d", notBefore: { $not: { $gt: 5 } } },
      sort: [["time", 1]],
      after: [5, "x"],
      uses: "(string_status=? AND string_tenant=? AND string_decoder=? AND time_time>?)",
    },
  ],
  [
    RAW_PAYLOADS,
    {
      name: "the tenant's next decoder that has something to do",
      filter: { status: "PENDING", tenant: "t", decoder: { $gt: "d" } },
      sort: [
        ["decoder", 1],
        ["time", 1],
      ],
      uses: "(string_status=? AND string_tenant=? AND string_decoder>?)",
    },
  ],
  [
    RAW_PAYLOADS,
    {
      name: "what is decoded and old",
      filter: { time: { $lt: 5 }, status: { $nin: ["PENDING", "IN_PROGRESS", "ERROR"] } },
      sort: [["time", 1]],
      uses: "(time_time<?)",
    },
  ],
];

describe("store/sqlite: indexes answer the common questions", () => {
  const database = openDatabase(":memory:", {
    readOnly: false,
    synchronous: "FULL",
    cacheMiB: 1,
    checkpointPages: 1000,
  });
  before(() => applySchema(database, shapes));
  after(() => database.close());

  for (const [{ name }, question] of QUESTIONS) {
    it(`${name}: ${question.name}`, () => {
      const shape = shapes.find(each => each.name === name)!;
      const sort = parseSort(shape, question.sort as Sort | undefined);
      const filter = parseFilter(shape, question.filter as Filter);
      const where = question.after
        ? { is: "all" as const, of: [filter, afterNode(shape, sort, question.after)] }
        : filter;
      const { text, values } = compileSelect(shape, { where, sort, limit: 10 });
      const plan = database.rows({ text: `EXPLAIN QUERY PLAN ${text}`, values }).map(row => String(row[3]));
      assert.include(plan[0], question.uses, plan.join("\n"));
      assert.notMatch(plan.join("\n"), /USE TEMP B-TREE FOR ORDER BY/);
    });
  }
});
