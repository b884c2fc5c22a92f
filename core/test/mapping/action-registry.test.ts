import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import type { DefaultHandler, MappingAction } from "../../src/contract/action.ts";
import { createActionRegistry } from "../../src/mapping/action-registry.ts";

const action = (name: string, over: Partial<MappingAction> = {}): MappingAction => ({ name, run: () => [], ...over });
const handler = (over: Partial<DefaultHandler> = {}): DefaultHandler => ({
  objectId: 3,
  resources: [0],
  run: () => [],
  ...over,
});

function refused(run: () => void): void {
  assert.throws(run, MooringError);
  try {
    run();
  } catch (error) {
    assert.equal((error as MooringError).code, "PLUGIN_INVALID");
  }
}

describe("mapping/action-registry", () => {
  it("7.2: lists names split at the first colon, decoders as decoder:<key>, aliases not at all", () => {
    const registry = createActionRegistry(() => ["zeta", "acme-meter"]);
    for (const name of ["device:updateSerialNumber", "connectivity:updateRssi", "device:a:b", "plain"])
      registry.addAction(action(name));
    registry.addAction(action("connectivity:updateSmnc", { aliases: ["connectiviy:updateSmnc"] }));
    assert.deepEqual(registry.list("t1"), [
      { name: "connectivity", args: ["updateRssi", "updateSmnc"] },
      { name: "device", args: ["a:b", "updateSerialNumber"] },
      { name: "plain", args: [] },
      { name: "decoder", args: ["acme-meter", "zeta"] },
    ]);
  });

  it("a bare name stays beside its group", () => {
    const registry = createActionRegistry();
    for (const name of ["x", "x:y"]) registry.addAction(action(name));
    assert.deepEqual(registry.list("t1"), [
      { name: "x", args: [] },
      { name: "x", args: ["y"] },
    ]);
  });

  it("21: an alias finds its action", () => {
    const registry = createActionRegistry();
    const added = action("connectivity:updateSmnc", { aliases: ["connectiviy:updateSmnc"] });
    registry.addAction(added);
    assert.strictEqual(registry.action("connectiviy:updateSmnc"), added);
    assert.isUndefined(registry.action("constructor"));
  });

  it("disposing removes an action with its aliases, once", () => {
    const registry = createActionRegistry();
    const first = registry.addAction(action("a:b", { aliases: ["a:c"] }));
    first[Symbol.dispose]();
    const second = action("a:b");
    registry.addAction(second);
    first[Symbol.dispose]();
    assert.strictEqual(registry.action("a:b"), second);
    assert.isUndefined(registry.action("a:c"));
  });

  for (const name of ["", "a:", ":b", "a b", "a:b c", "ä:b", `${"x".repeat(65)}`, "decoder", "decoder:x"]) {
    it(`refuses the action name "${name.slice(0, 12)}"`, () =>
      refused(() => createActionRegistry().addAction(action(name))));
  }

  it("refuses a name or alias that is taken, and keeps nothing of the refused one", () => {
    const registry = createActionRegistry();
    registry.addAction(action("a:b"));
    refused(() => registry.addAction(action("a:b")));
    refused(() => registry.addAction(action("c:d", { aliases: ["a:b"] })));
    assert.isUndefined(registry.action("c:d"));
    assert.deepEqual(registry.list("t1"), [{ name: "a", args: ["b"] }]);
  });

  it("refuses an action or handler without run, and a handler with bad ids", () => {
    const registry = createActionRegistry();
    refused(() => registry.addAction({ name: "a:b" } as unknown as MappingAction));
    refused(() => registry.addHandler({ objectId: 3, resources: [0] } as unknown as DefaultHandler));
    for (const over of [{ objectId: -1 }, { objectId: 65_535 }, { resources: [] }, { resources: [1.5] }]) {
      refused(() => registry.addHandler(handler(over)));
    }
  });

  it("handlers keep their order and go one by one", () => {
    const registry = createActionRegistry();
    const [one, two] = [handler(), handler()];
    const added = registry.addHandler(one);
    registry.addHandler(two);
    assert.deepEqual(registry.handlers(3), [one, two]);
    added[Symbol.dispose]();
    assert.deepEqual(registry.handlers(3), [two]);
    assert.deepEqual(registry.handlers(4), []);
  });

  it("knows the fragments that are wanted now", () => {
    const registry = createActionRegistry();
    const added = registry.addAction(action("a:b", { deviceFragments: ["z", "a"] }));
    registry.addHandler(handler({ deviceFragments: ["a", "m"] }));
    assert.deepEqual(registry.deviceFragments, ["a", "m", "z"]);
    added[Symbol.dispose]();
    assert.deepEqual(registry.deviceFragments, ["a", "m"]);
  });
});
