import { assert } from "chai";
import { type ConEvent, type ConState, startCon, stepCon } from "../../src/coap/con-machine.ts";

const waiting = (retransmits: number, timeoutMs: number): ConState => ({ at: "waiting", retransmits, timeoutMs });

const TABLE: readonly [ConState, ConEvent, ConState][] = [
  [waiting(0, 2000), "timer", waiting(1, 4000)],
  [waiting(1, 4000), "timer", waiting(2, 8000)],
  [waiting(3, 16_000), "timer", waiting(4, 32_000)],
  [waiting(4, 32_000), "timer", { at: "gaveUp" }],
  [waiting(0, 2000), "ack", { at: "acknowledged" }],
  [waiting(4, 32_000), "ack", { at: "acknowledged" }],
  [waiting(0, 2000), "rst", { at: "reset" }],
  [{ at: "acknowledged" }, "timer", { at: "acknowledged" }],
  [{ at: "acknowledged" }, "rst", { at: "acknowledged" }],
  [{ at: "gaveUp" }, "ack", { at: "gaveUp" }],
  [{ at: "reset" }, "ack", { at: "reset" }],
];

describe("coap/con-machine", () => {
  for (const [state, event, expected] of TABLE) {
    it(`RFC 7252 4.2: ${JSON.stringify(state)} on ${event}`, () =>
      assert.deepEqual(stepCon(state, event, 4), expected));
  }

  it("RFC 7252 4.2: four retransmissions, each after twice the time", () => {
    let state = startCon(2000);
    const waits: number[] = [];
    while (state.at === "waiting") {
      waits.push(state.timeoutMs);
      state = stepCon(state, "timer", 4);
    }
    assert.deepEqual(waits, [2000, 4000, 8000, 16_000, 32_000]);
    assert.equal(state.at, "gaveUp");
  });
});
