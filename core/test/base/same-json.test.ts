import { assert } from "chai";
import { sameJson } from "../../src/base/same-json.ts";

describe("base/same-json", () => {
  for (const [what, a, b] of [
    ["members in another order", { a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 }],
    ["0 and -0, which no store keeps apart", 0, -0],
    ["nothing and nothing", undefined, undefined],
  ] as const) {
    it(`the same: ${what}`, () => assert.isTrue(sameJson(a, b)));
  }
  for (const [what, a, b] of [
    ["a list in another order", [1, 2], [2, 1]],
    ["a list and an object", [1], { 0: 1 }],
    ["null and nothing", { a: null }, {}],
    ["a number and its text", 1, "1"],
    ["a member that only prototypes have", {}, { constructor: 1 }],
    ["one member more", { a: 1 }, { a: 1, b: 1 }],
  ] as const) {
    it(`not the same: ${what}`, () => {
      assert.isFalse(sameJson(a, b));
      assert.isFalse(sameJson(b, a));
    });
  }
});
