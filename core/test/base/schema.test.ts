import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import { compileSchema } from "../../src/base/schema.ts";

const check = compileSchema<{ name: string; list?: { n: number }[] }>({
  type: "object",
  required: ["name"],
  additionalProperties: false,
  properties: {
    name: { type: "string", minLength: 1 },
    mode: { enum: ["A", "B", "", null] },
    count: { type: ["integer", "null"] },
    path: { type: "string", pattern: "^/", patternRule: "must begin with a slash" },
    list: { type: "array", items: { type: "object", properties: { n: { type: "integer" } } } },
  },
});

describe("base/schema", () => {
  const cases: [what: string, value: unknown, field: string, rule: RegExp][] = [
    ["a missing field", {}, "name", /is missing/],
    ["an unknown field", { name: "a", x: 1 }, "x", /not known/],
    ["a nested field", { name: "a", list: [{ n: 1 }, { n: "2" }] }, "list[1].n", /integer/],
    ["an enumeration with its values", { name: "a", mode: "C" }, "mode", /^must be one of A, B$/],
    ["a type, without the ways to say nothing", { name: "a", count: "1" }, "count", /^must be integer$/],
    ["a pattern by what it asks for", { name: "a", path: "x" }, "path", /^must begin with a slash$/],
    ["the body itself", 7, "body", /object/],
  ];
  for (const [what, value, field, rule] of cases) {
    it(`names ${what} and the rule`, () => {
      try {
        check(value);
      } catch (error) {
        assert.instanceOf(error, MooringError);
        assert.equal(error.code, "VALIDATION");
        assert.equal(error.details.field, field);
        assert.match(String(error.details.rule), rule);
        return;
      }
      assert.fail("accepted");
    });
  }
  it("gives the value back", () => assert.deepEqual(check({ name: "a" }), { name: "a" }));
});
