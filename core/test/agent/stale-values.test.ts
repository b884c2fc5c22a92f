import { assert } from "chai";
import { isGone, isGoneComposite, missingFrom, retainsOldValues } from "../../src/agent/stale-values.ts";
import { code, formatCode } from "../../src/coap/codes.ts";
import { formatPath, parsePath } from "../../src/lwm2m/path.ts";

describe("agent/stale-values (agent specification 11.3)", () => {
  it("codes of an answer after which a value is gone", () => {
    const all = [2, 4, 5].flatMap(codeClass => Array.from({ length: 32 }, (_, detail) => code(codeClass, detail)));
    assert.deepEqual(all.filter(isGone).map(formatCode), ["4.01", "4.03", "4.04", "5.00", "5.01"]);
    assert.deepEqual(all.filter(isGoneComposite).map(formatCode), ["4.01", "4.03", "4.04", "5.00"]);
  });

  it("values stay unless the device says otherwise, under either name", () => {
    assert.isTrue(retainsOldValues({}));
    assert.isTrue(retainsOldValues({ c8y_GenericUI_retainOldValuesIfError: true }));
    assert.isTrue(retainsOldValues({ c8y_GenericUI_retainOldValuesIfError: "false" }), "no truth value");
    assert.isFalse(retainsOldValues({ c8y_GenericUI_retainOldValuesIfError: false }));
    assert.isFalse(retainsOldValues({ genericUIRetainOldValuesIfError: false }));
  });

  describe("what a Discover does not list", () => {
    const known = [
      { instance: 0, "5700": 1, "5701": "Cel", "6": { "0": 1, "2": 3 } },
      { instance: 7, "5700": 2 },
    ];
    const missing = (asked: string, ...links: readonly string[]): string[] =>
      missingFrom(
        parsePath(asked),
        links.map(path => ({ path: parsePath(path), attributes: {} })),
        known,
      ).map(formatPath);
    for (const [name, asked, links, gone] of [
      ["nothing is missing", "/9", ["/9", "/9/0/5700", "/9/0/5701", "/9/0/6", "/9/7/5700", "/9/7/1"], []],
      ["a resource", "/9/0", ["/9/0", "/9/0/5700", "/9/0/6"], ["/9/0/5701"]],
      ["the other instance was not asked for", "/9/7", ["/9/7", "/9/7/5700"], []],
      ["an object instance", "/9", ["/9", "/9/0/5700", "/9/0/5701", "/9/0/6"], ["/9/7"]],
      ["all object instances", "/9", ["/9"], ["/9/0", "/9/7"]],
      ["instances alone say nothing of their resources", "/9", ["/9", "/9/0", "/9/7"], []],
      ["all resources of an instance", "/9/7", ["/9/7"], ["/9/7/5700"]],
      ["a resource instance", "/9/0/6", ["/9/0/6", "/9/0/6/2"], ["/9/0/6/0"]],
      ["resource instances are not listed at all", "/9/0/6", ["/9/0/6"], []],
      ["the resource itself", "/9/0/6", [], ["/9/0/6"]],
      ["only that resource was asked for", "/9/0/5700", ["/9/0/5700"], []],
    ] as const) {
      it(name, () => assert.deepEqual(missing(asked, ...links), [...gone]));
    }
  });
});
