import { assert } from "chai";
import { asId, deterministicId } from "../../src/platform/ids.ts";

describe("platform/ids", () => {
  it("gives the same id for the same parts", () => {
    assert.equal(deterministicId(["t1", "4711", "/3303/0/5700"]), deterministicId(["t1", "4711", "/3303/0/5700"]));
  });

  it("keeps parts apart", () => {
    assert.notEqual(deterministicId(["a", "bc"]), deterministicId(["ab", "c"]));
    assert.notEqual(deterministicId(["a"]), deterministicId(["a", ""]));
  });

  it("is decimal digits, above every id of a sequence", () => {
    for (let i = 0; i < 200; i++) {
      const id = deterministicId([String(i)]);
      assert.match(id, /^\d{24,25}$/);
      assert.isTrue(BigInt(id) >= 2n ** 79n);
    }
  });

  it("platform API 2.2: an id may come as a number", () => {
    assert.equal(asId("251982"), "251982");
    assert.equal(asId(251982), "251982");
    for (const other of ["", "12a", -1, 1.5, 2 ** 60, null, {}, "1".repeat(31)]) assert.isUndefined(asId(other));
  });
});
