import { assert } from "chai";
import { createSetUpTurns } from "../../src/agent/set-up-turns.ts";
import { createManualClock } from "../../src/base/clock.ts";

describe("agent/set-up-turns", () => {
  function open() {
    const clock = createManualClock();
    const state = { rush: false };
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const turns = createSetUpTurns({ clock, isRush: () => state.rush });
    const ask = (name: string, isFirst = true): Promise<string> =>
      turns.run(isFirst, () => {
        begun.push(name);
        return new Promise(resolve => ends.push(() => resolve(name)));
      });
    return { clock, state, begun, ends, ask };
  }

  it("runs 64 at once, 4 while others still register, and goes on when the rush is over", async () => {
    const { clock, state, begun, ends, ask } = open();
    state.rush = true;
    for (let i = 0; i < 100; i++) void ask(`d${i}`);
    assert.equal(begun.length, 4);
    ends.shift()!();
    await clock.advance(0);
    assert.equal(begun.length, 5);
    state.rush = false;
    await clock.advance(20);
    assert.equal(begun.length, 65, "one has ended");
  });

  it("a step that waits for its device keeps nobody", async () => {
    const { clock, begun, ask } = open();
    for (let i = 0; i < 100; i++) void ask(`d${i}`);
    assert.equal(begun.length, 64);
    await clock.advance(50);
    assert.equal(begun.length, 100);
  });

  it("a device that has begun goes before one that has not", async () => {
    const { clock, begun, ends, ask } = open();
    for (let i = 0; i < 64; i++) void ask(`d${i}`);
    void ask("new");
    void ask("begun", false);
    ends[0]!();
    await clock.advance(0);
    assert.equal(begun.at(-1), "begun");
  });

  it("gives back what a step gives, also its failure", async () => {
    const turns = createSetUpTurns({ clock: createManualClock(), isRush: () => false });
    assert.equal(await turns.run(true, async () => 7), 7);
    let reason: unknown;
    await turns.run(true, () => Promise.reject("no")).catch(error => (reason = error));
    assert.equal(reason, "no");
  });
});
