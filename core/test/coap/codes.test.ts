import { assert } from "chai";
import { isFailure } from "../../src/base/errors.ts";
import { CODES, code, formatCode, isSuccess, kindOfCode, METHODS, methodOf, parseCode } from "../../src/coap/codes.ts";

describe("coap/codes", () => {
  it("RFC 7252 12.1: a code is class * 32 + detail", () => {
    assert.equal(code(2, 5), 69);
    assert.equal(CODES.NOT_FOUND, 132);
    assert.equal(CODES.CONTINUE, 95);
    assert.equal(formatCode(132), "4.04");
    assert.equal(parseCode("4.04"), 132);
    assert.equal(parseCode("5.05"), CODES.PROXYING_NOT_SUPPORTED);
  });

  it("RFC 7252 12.1: every code has one form", () => {
    for (let each = 0; each < 256; each++) assert.equal(parseCode(formatCode(each)), each);
  });

  for (const text of ["", "4", "4.4", "8.00", "4.32", "4.040", "a.bc"]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseCode(text), /must look like 4\.04/));
  }

  it("the failure of a code names it", () => {
    try {
      parseCode("x");
      assert.fail("was taken");
    } catch (error) {
      assert.isTrue(isFailure(error, "MALFORMED"));
    }
  });

  it("RFC 7252 12.1.1, RFC 8132 6: methods", () => {
    assert.deepEqual(
      Object.entries(METHODS).map(([name, number]) => [name, formatCode(number)]),
      [
        ["GET", "0.01"],
        ["POST", "0.02"],
        ["PUT", "0.03"],
        ["DELETE", "0.04"],
        ["FETCH", "0.05"],
        ["PATCH", "0.06"],
        ["IPATCH", "0.07"],
      ],
    );
    for (const [name, number] of Object.entries(METHODS)) assert.equal(methodOf(number), name);
    assert.isUndefined(methodOf(8));
    assert.isUndefined(methodOf(69));
  });

  it("RFC 7252 4.2: classes 1, 6 and 7 are reserved", () => {
    const kinds = [0, 1, 31, 32, 64, 96, 128, 160, 192, 224].map(kindOfCode);
    assert.deepEqual(kinds, [
      "empty",
      "request",
      "request",
      "reserved",
      "response",
      "response",
      "response",
      "response",
      "reserved",
      "reserved",
    ]);
    assert.isTrue(isSuccess(CODES.CHANGED));
    assert.isFalse(isSuccess(CODES.BAD_REQUEST));
  });
});
