import { assert } from "chai";
import { differences } from "../../../src/decoding/redecode/differences.ts";

describe("decoding/redecode/differences", () => {
  for (const [what, before, after, expected] of [
    ["nothing where the order of members differs alone", { a: 1, b: 2 }, { b: 2, a: 1 }, []],
    ["a value", { a: { b: 1 } }, { a: { b: 2 } }, [{ member: "a.b", before: 1, after: 2 }]],
    ["a member that came", { a: {} }, { a: { b: 1 } }, [{ member: "a.b", after: 1 }]],
    ["a member that went", { a: { b: null } }, { a: {} }, [{ member: "a.b", before: null }]],
    [
      "an item of a list",
      { a: [1, 2] },
      { a: [1, 3, 4] },
      [
        { member: "a[1]", before: 2, after: 3 },
        { member: "a[2]", after: 4 },
      ],
    ],
    [
      "a list that became an object, whole",
      { a: [1] },
      { a: { b: 1 } },
      [{ member: "a", before: [1], after: { b: 1 } }],
    ],
    ["a document that was not there", undefined, { a: 1 }, [{ member: "", after: { a: 1 } }]],
  ] as const) {
    it(`tells ${what}`, () => assert.deepEqual(differences(before, after, 10), [...expected]));
  }

  it("tells no more than it was asked for", () => {
    assert.lengthOf(differences({ a: 1, b: 1, c: 1 }, { a: 2, b: 2, c: 2 }, 2), 2);
  });
});
