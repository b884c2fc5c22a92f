import { assert } from "chai";
import { formatPath, isBelow, parsePath } from "../../src/lwm2m/path.ts";
import { assertFails } from "./codecs/robust.ts";

describe("lwm2m/path (Core 1.1.1 §7.2)", () => {
  for (const [text, path] of [
    ["/", []],
    ["", []],
    ["/3", [3]],
    ["3/0", [3, 0]],
    ["/3/0/9/", [3, 0, 9]],
    [" /5/0/8/65534 ", [5, 0, 8, 65534]],
  ] as const) {
    it(`reads "${text}"`, () => assert.deepEqual(parsePath(text), path));
  }
  for (const text of ["/3/0/9/1/2", "/65535", "/3//9", "//3", "/-1", "/3.1", "/a", "/3/0/9x", "/000003", "/3/00"]) {
    it(`refuses "${text}"`, () => assertFails("PATH_INVALID", () => parsePath(text)));
  }
  it("writes with a leading slash", () => {
    assert.equal(formatPath([]), "/");
    assert.equal(formatPath([3, 0, 9]), "/3/0/9");
  });
  it("knows what lies below", () => {
    assert.isTrue(isBelow([3, 0, 9], [3, 0]));
    assert.isTrue(isBelow([3, 0], [3, 0]));
    assert.isTrue(isBelow([3], []));
    assert.isFalse(isBelow([3], [3, 0]));
    assert.isFalse(isBelow([3, 1], [3, 0]));
  });
});
