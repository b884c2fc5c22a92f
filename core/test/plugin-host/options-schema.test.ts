import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import { compileOptions } from "../../src/plugin-host/options-schema.ts";

function ruleOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.instanceOf(error, MooringError);
    assert.equal((error as MooringError).code, "VALIDATION");
    return (error as MooringError).message;
  }
  return assert.fail("was accepted");
}
const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });
const nested = (depth: number): object =>
  depth === 0 ? { type: "string" } : { type: "array", items: nested(depth - 1) };

describe("plugin-host/options-schema", () => {
  it("without a schema there are no options", () => {
    assert.deepEqual(compileOptions()({}), {});
    assert.equal(
      ruleOf(() => compileOptions()({ a: 1 })),
      "a is not known here",
    );
    assert.equal(
      ruleOf(() => compileOptions()([])),
      "options must be an object",
    );
  });

  it("gives defaults, deep and frozen", () => {
    const read = compileOptions(
      object({
        scale: { type: "number", default: 2, description: "Factor" },
        target: object({ url: { type: "string" }, retries: { type: "integer", default: 3 } }),
        tags: { type: "array", items: { type: "string" } },
      }),
    );
    const options = read({ target: { url: "x" }, tags: ["a"] });
    assert.deepEqual(options, { scale: 2, target: { url: "x", retries: 3 }, tags: ["a"] });
    assert.isFrozen(options);
    assert.isFrozen(options["target"]);
    assert.isFrozen(options["tags"]);
    assert.deepEqual(read({ scale: undefined }), { scale: 2 });
  });

  for (const [what, schema, given, rule] of [
    ["a member that is missing", object({ a: { type: "string" } }, { required: ["a"] }), {}, "a is missing"],
    ["a member that nobody knows", object({}), { b: 1 }, "b is not known here"],
    ["__proto__", object({}), JSON.parse('{"__proto__": 1}'), "__proto__ is not known here"],
    ["a number for a text", object({ a: { type: "string" } }), { a: 1 }, "a must be text"],
    ["a long text", object({ a: { type: "string", maxLength: 2 } }), { a: "abc" }, "a must have 0 to 2 characters"],
    ["half a number", object({ a: { type: "integer" } }), { a: 1.5 }, "a must be a whole number"],
    ["a small number", object({ a: { type: "number", minimum: 1 } }), { a: 0 }, "a must be a number, at least 1"],
    ["no number", object({ a: { type: "number" } }), { a: Number.NaN }, "a must be a number"],
    ["a text for a Boolean", object({ a: { type: "boolean" } }), { a: "true" }, "a must be true or false"],
    ["none of a few", object({ a: { type: "string", enum: ["x", "y"] } }), { a: "z" }, "a must be one of x, y"],
    ["a deep one", object({ a: object({ b: { type: "integer" } }) }), { a: { b: "1" } }, "a.b must be a whole number"],
    ["no list", object({ a: nested(1) }), { a: "x" }, "a must be a list"],
    ["a wrong item", object({ a: nested(1) }), { a: ["x", 1] }, "a[1] must be text"],
    [
      "too many items",
      object({ a: { type: "array", items: { type: "string" }, maxItems: 1 } }),
      { a: ["x", "y"] },
      "a must have 0 to 1 items",
    ],
  ] as readonly [string, object, unknown, string][]) {
    it(`options: refuses ${what}`, () =>
      assert.equal(
        ruleOf(() => compileOptions(schema)(given)),
        rule,
      ));
  }

  for (const [what, schema, rule] of [
    ["no object", [], "configuration must be an object"],
    ["another root", { type: "string" }, "configuration.type must be object"],
    ["a pattern", object({ a: { type: "string", pattern: "^(a+)+$" } }), "a.pattern is not known here for string"],
    ["patternProperties", { type: "object", patternProperties: {} }, "patternProperties is not known here for object"],
    ["a format", object({ a: { type: "string", format: "regex" } }), "a.format is not known here for string"],
    ["a reference", object({ a: { $ref: "#" } }), "a.type must be one of"],
    ["no type", object({ a: {} }), "a.type must be one of"],
    ["several types", object({ a: { type: ["string", "null"] } }), "a.type must be one of"],
    ["an open object", { type: "object", additionalProperties: true }, "additionalProperties must be false"],
    ["a name with a dot", object({ "a.b": { type: "string" } }), "has a member whose name does not match"],
    ["__proto__", { type: "object", properties: JSON.parse('{"__proto__": {"type": "string"}}') }, "does not match"],
    ["required without property", object({}, { required: ["a"] }), 'required names "a", which is none of'],
    ["a list of anything", object({ a: { type: "array" } }), "a.items is missing"],
    ["a default that breaks it", object({ a: { type: "integer", default: "1" } }), "a.default must be a whole number"],
    ["half a length", object({ a: { type: "string", maxLength: 0.5 } }), "a.maxLength must be a whole number of 0"],
    ["an endless minimum", object({ a: { type: "number", minimum: Infinity } }), "a.minimum must be a number"],
    ["an enum of objects", object({ a: { type: "string", enum: [{}] } }), "a.enum must be a list of scalars"],
    ["nine levels", object({ a: nested(8) }), "is nested deeper than 8 levels"],
    ["70,000 characters", object({ a: { type: "string", title: "x".repeat(70_000) } }), "at most 65536 characters"],
  ] as readonly [string, unknown, string][]) {
    it(`schema: refuses ${what}`, () =>
      assert.include(
        ruleOf(() => compileOptions(schema)),
        rule,
      ));
  }
});
