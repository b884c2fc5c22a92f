import { assert } from "chai";
import { type LinkedValues, linksOf, refusalOf } from "../../src/device-protocols/check-value.ts";
import type { ValidationRules } from "../../src/device-protocols/validation-rules.ts";
import { parsePath } from "../../src/lwm2m/path.ts";
import type { ResourceType, ScalarValue } from "../../src/lwm2m/resource-value.ts";
import type { Json } from "../../src/store/collection.ts";
import { assertFails } from "../lwm2m/codecs/robust.ts";

type Rule = ValidationRules["arg"][number]["arg"][number];
const rule = (type: Rule["type"], valueType: Rule["arg"]["valueType"], value: Rule["arg"]["value"]): Rule => ({
  type,
  arg: { valueType, value },
});
const any = (...groups: readonly (readonly Rule[])[]): ValidationRules => ({
  type: "or",
  arg: groups.map(arg => ({ type: "and", arg })),
});
const NOTHING_KNOWN: LinkedValues = () => [];

const refusal = (
  rules: ValidationRules,
  value: ScalarValue,
  type: ResourceType,
  linkedValues: LinkedValues = NOTHING_KNOWN,
) => refusalOf(rules, { path: parsePath("/3303/0/5601"), type, value }, { linkedValues, patternMs: () => 100 });

const allows = (...given: Parameters<typeof refusal>): boolean => refusal(...given) === undefined;

describe("device-protocols/check-value (agent specification 12)", () => {
  describe("comparisons", () => {
    for (const [type, below, equal, above] of [
      ["gt", false, false, true],
      ["gte", false, true, true],
      ["lt", true, false, false],
      ["lte", true, true, false],
      ["eq", false, true, false],
      ["neq", true, false, true],
    ] as const) {
      it(type, () => {
        const whole = any([rule(type, "number", "10")]);
        assert.deepEqual(
          [9, 10, 11].map(value => allows(whole, value, "INTEGER")),
          [below, equal, above],
        );
        const fraction = any([rule(type, "number", "0.5")]);
        assert.deepEqual(
          [0.4, 0.5, 0.6].map(value => allows(fraction, value, "FLOAT")),
          [below, equal, above],
        );
        const date = any([rule(type, "date", "1736960596500")]);
        const seconds = [1_736_960_596, 1_736_960_597].map(value => allows(date, value, "TIME"));
        assert.deepEqual(seconds, [below, above], "a time is compared in milliseconds");
      });
    }
    it("integers of 64 bits are compared with all their digits", () => {
      const rules = any([rule("lt", "number", "9007199254740993")]);
      assert.isTrue(allows(rules, 9_007_199_254_740_992n, "INTEGER"));
      assert.isFalse(allows(rules, 9_007_199_254_740_993n, "UNSIGNED_INTEGER"));
    });
    it("NaN stands in no order", () => {
      for (const type of ["gt", "lte", "eq"] as const) {
        assert.isFalse(allows(any([rule(type, "number", "1")]), Number.NaN, "FLOAT"), type);
      }
    });
    it("texts, truth values and object links are equal or not", () => {
      assert.isFalse(allows(any([rule("neq", "string", "test")]), "test", "STRING"));
      assert.isTrue(allows(any([rule("neq", "string", "test")]), "Test", "STRING"));
      assert.isTrue(allows(any([rule("eq", "string", "true")]), true, "BOOLEAN"));
      assert.isFalse(allows(any([rule("eq", "string", false)]), true, "BOOLEAN"));
      assert.isTrue(allows(any([rule("eq", "string", "3:0")]), { objectId: 3, instanceId: 0 }, "OBJECTLINK"));
    });
    it("a pattern matches all of the text", () => {
      const rules = any([rule("eq", "regex", ".*dd")]);
      assert.deepEqual(
        ["add", "adds"].map(text => allows(rules, text, "STRING")),
        [true, false],
      );
      assert.isTrue(allows(any([rule("neq", "regex", ".*dd")]), "adds", "STRING"));
    });
  });

  it("one group that holds as a whole is enough", () => {
    const rules = any(
      [rule("gt", "number", 0), rule("lt", "number", 10)],
      [rule("gt", "number", 20), rule("neq", "number", 25)],
    );
    assert.deepEqual(
      [0, 5, 15, 21, 25].filter(value => allows(rules, value, "INTEGER")),
      [5, 21],
    );
  });

  describe("links to other resources", () => {
    const rules = any([rule("gt", "objectLink", "/3/*/9")]);
    const knows =
      (...values: readonly Json[]): LinkedValues =>
      () =>
        values;
    it("compare with the last known value, any of them where the link names several", () => {
      assert.isTrue(allows(rules, 5, "INTEGER", knows(7, 4)));
      assert.isFalse(allows(rules, 5, "INTEGER", knows(7)));
      assert.isTrue(allows(any([rule("lt", "objectLink", "/3/0/13")]), 100, "TIME", knows(101)));
      assert.isFalse(allows(rules, 5, "INTEGER", knows("9007199254740993")), "integers of 64 bits are kept as text");
    });
    it("what is not known makes the rule false, also when it says not equal", () => {
      assert.isFalse(allows(rules, 5, "INTEGER"));
      assert.isFalse(allows(any([rule("neq", "objectLink", "/3/0/15")]), "x", "STRING"));
      assert.isFalse(allows(rules, 5, "INTEGER", knows(null, "warm")));
    });
    it("are named, so that they can be looked up", () =>
      assert.deepEqual(linksOf(any([rule("eq", "number", 1)], [rule("gt", "objectLink", "/3/*/9")])), [
        { objectId: 3, instanceId: undefined, resourceId: 9, resourceInstanceId: undefined },
      ]));
  });

  describe("a refusal says which value broke which rule", () => {
    const said = (rules: ValidationRules, value: ScalarValue, type: ResourceType, linked?: LinkedValues): string =>
      refusal(rules, value, type, linked)!.replace("/3303/0/5601: ", "");
    it("the rules that were broken, by group", () => {
      const rules = any(
        [rule("gt", "number", 0), rule("lt", "number", 10)],
        [rule("gte", "number", "20"), rule("neq", "number", 12)],
      );
      assert.equal(
        refusal(rules, 12, "INTEGER"),
        "/3303/0/5601: 12 is refused by the validation rules: it must be lower than 10, or be at least 20 and not equal 12",
      );
    });
    it("patterns, texts, dates and links", () => {
      const it = "is refused by the validation rules: it must";
      assert.equal(said(any([rule("eq", "regex", ".*dd")]), "x", "STRING"), `"x" ${it} match ".*dd"`);
      assert.equal(said(any([rule("neq", "string", "x")]), "x", "STRING"), `"x" ${it} not equal "x"`);
      assert.equal(
        said(any([rule("gt", "date", "86400000")]), 1, "TIME"),
        `1 ${it} be greater than 1970-01-02T00:00:00.000Z`,
      );
      const link = any([rule("eq", "objectLink", "/3/0/15")]);
      assert.equal(
        said(link, "CET", "STRING", () => ["UTC"]),
        `"CET" ${it} equal /3/0/15, which is "UTC" now`,
      );
      assert.equal(said(link, "CET", "STRING"), `"CET" ${it} equal /3/0/15, which is not known`);
    });
    it("long texts are cut", () =>
      assert.isBelow(said(any([rule("eq", "string", "y")]), "x".repeat(9999), "STRING").length, 250));
  });

  it("patterns share the time that is left", () => {
    let left = 30;
    const rules = any([rule("eq", "regex", "(a+)+b")]);
    const path = parsePath("/3303/0/5601");
    const parts = { linkedValues: NOTHING_KNOWN, patternMs: () => left };
    const check = () => refusalOf(rules, { path, type: "STRING", value: "a".repeat(50) }, parts);
    assertFails("OVERLOADED", check, "took more than 30 ms");
    left = -5;
    assertFails("OVERLOADED", check, "took more than 1 ms");
  });
});
