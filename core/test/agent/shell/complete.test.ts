import { assert } from "chai";
import { complete } from "../../../src/agent/shell/complete.ts";
import { COMMANDS } from "../../../src/agent/shell/grammar.ts";

/** /3/0 with two resources, /3303 with two instances of one, /16/0/0 with two resource instances. */
const TREE: Readonly<Record<string, readonly number[]>> = {
  "": [3, 16, 3303],
  "/3": [0],
  "/3/0": [0, 1],
  "/16": [0],
  "/16/0": [0],
  "/16/0/0": [0, 7],
  "/3303": [0, 12],
  "/3303/0": [5700],
  "/3303/12": [5700],
};
const children = (path: readonly number[]) => TREE[path.map(id => `/${id}`).join("")] ?? [];

describe("agent/shell/complete", () => {
  const cases: readonly [line: string, candidates: readonly string[], word?: string][] = [
    ["re", ["read "], "re"],
    ["RE", ["read "], "RE"],
    ["can", ["cancelobservation ", "cancelobserve ", "cancelCompositeObserve "], "can"],
    ["xyz", []],
    ["read ", ["/3/", "/16/", "/3303/"], ""],
    ["read /3", ["/3/", "/3303/"], "/3"],
    ["read 33", ["/3303/"], "33"],
    ["read /3303/", ["/3303/0/", "/3303/12/"]],
    ["read /3/0/", ["/3/0/0", "/3/0/1"]],
    ["read /16/0/0/", ["/16/0/0/0", "/16/0/0/7"]],
    ["discover /16/0/", ["/16/0/0"]],
    ["create /", ["/3", "/16", "/3303"]],
    ["create /3/", []],
    ["read /3/0 ", []],
    ["read /x/", []],
    ["cread /3/0/0 /3303/1", ["/3303/12/"]],
    ["cread /3/0/0 ", ["/3/", "/16/", "/3303/"]],
    ["cwrite /3/0/0 a /33", ["/3303/"]],
    ["write /3/0/0 x", []],
    ["serialization s", ["SENML_JSON", "SENML_CBOR"], "s"],
    ["help cr", ["cread", "create"], "cr"],
    ["coap ", []],
    ["nothing /3", []],
  ];
  for (const [line, candidates, word] of cases) {
    it(`${JSON.stringify(line)}: ${candidates.join(" ") || "nothing"}`, () => {
      const found = complete(line, children);
      assert.deepEqual(found.candidates, candidates);
      if (word !== undefined) assert.equal(found.word, word);
      assert.isTrue(line.endsWith(found.word));
    });
  }

  it("without a device nothing but words is completed", () => {
    assert.deepEqual(complete("read /", () => []).candidates, []);
    assert.lengthOf(complete("", () => []).candidates, COMMANDS.size);
  });
});
