import { assert } from "chai";
import { compareVersions, isAtLeast, parseLwm2mVersion } from "../../src/lwm2m/version.ts";
import { assertFails } from "./codecs/robust.ts";

describe("lwm2m/version", () => {
  for (const [text, expected] of [
    [undefined, "1.0"],
    ["", "1.0"],
    ["1.0", "1.0"],
    ["1.0.0", "1.0"],
    ["1.1", "1.1"],
    ["1.1.1", "1.1"],
    ["1.2", "1.2"],
    ["1.9", "1.2"],
  ] as const) {
    it(`R1 lwm2m=${text ?? "(absent)"} is ${expected}`, () => assert.equal(parseLwm2mVersion(text), expected));
  }
  it("refuses another major version with 4.12 (Core 1.1.1 §6.2.1)", () =>
    assertFails("LWM2M_VERSION_UNSUPPORTED", () => parseLwm2mVersion("2.0"), "2.0"));
  for (const text of ["1", "one", "1.", "1.0.0.0", "-1.0"]) {
    it(`refuses "${text}"`, () => assertFails("QUERY_INVALID", () => parseLwm2mVersion(text)));
  }
  it("compares by numbers, not by text", () => {
    assert.isAbove(compareVersions("1.10", "1.9"), 0);
    assert.equal(compareVersions("1.0", "1.0.0"), 0);
    assert.isTrue(isAtLeast("1.2", "1.1"));
    assert.isFalse(isAtLeast("1.0", "1.1"));
  });
});
