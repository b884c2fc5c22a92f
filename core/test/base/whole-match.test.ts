import { assert } from "chai";
import { isPattern, isWholeMatch } from "../../src/base/whole-match.ts";
import { assertFails } from "../lwm2m/codecs/robust.ts";

describe("base/whole-match", () => {
  it("all of the text has to match, alternatives too", () => {
    assert.isTrue(isWholeMatch(".*dd", "add", 100));
    for (const [pattern, text] of [
      [".*dd", "add!"],
      ["a|b", "ab"],
      ["a$", "a\n"],
      ["", "x"],
    ] as const) {
      assert.isFalse(isWholeMatch(pattern, text, 100), pattern);
    }
  });
  it("what is no pattern is said, never thrown as the engine's own error", () => {
    assert.isFalse(isPattern("("));
    assert.isTrue(isPattern("x"));
    assertFails("VALIDATION", () => isWholeMatch("(", "x", 100), /^"\(" is no regular expression/);
  });
  it("a pattern cannot break out of its group", () => {
    assert.isFalse(isPattern("a)|(b"));
    assertFails("VALIDATION", () => isWholeMatch("a)|(?:b", "b", 100));
  });
  it("a pattern that backtracks without end is stopped", () => {
    assertFails("OVERLOADED", () => isWholeMatch("(a+)+b", "a".repeat(50), 20), "took more than 20 ms");
  });
});
