import { assert } from "chai";
import { isFromHost, splitGuestOutput } from "../../src/sandbox/protocol.ts";

describe("sandbox/protocol", () => {
  it("splits the guest's output by its signed lengths", () => {
    assert.deepEqual(splitGuestOutput('2,-5,3\n{}"bad"{ }', 3), [
      { ok: true, text: "{}" },
      { ok: false, text: '"bad"' },
      { ok: true, text: "{ }" },
    ]);
  });

  for (const output of ["", "2", "2\n", "2\n{}x", "x\n{}", "2,2\n{}", "1.5\n{}", "1e9\n{}"]) {
    it(`refuses ${JSON.stringify(output)} as the output for one item`, () => {
      assert.isUndefined(splitGuestOutput(output, 1));
    });
  }

  it("knows the answers of a host", () => {
    assert.isTrue(isFromHost({ kind: "hello", ok: true, message: "v24" }));
    assert.isTrue(isFromHost({ kind: "done", call: 1, cpuMs: 0.5 }));
    assert.isTrue(isFromHost({ kind: "done", call: 1, cpuMs: 0, failure: { reason: "memory", message: "" } }));
  });

  const nonsense = [
    undefined,
    null,
    7,
    {},
    { kind: "hello" },
    { kind: "done", call: "1", cpuMs: 0 },
    { kind: "done", call: 1, cpuMs: 0, failure: { reason: "joke", message: "" } },
    { kind: "done", call: 1, cpuMs: 0, failure: null },
  ];
  for (const head of nonsense) {
    it(`takes ${JSON.stringify(head)} for no answer`, () => assert.isFalse(isFromHost(head)));
  }
});
