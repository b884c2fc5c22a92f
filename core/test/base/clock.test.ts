import { assert } from "chai";
import { createManualClock, createTurnTime, every, systemClock } from "../../src/base/clock.ts";

describe("base/clock", () => {
  it("runs timers in order of time, also those armed on the way", async () => {
    const clock = createManualClock(0);
    const ran: [string, number][] = [];
    clock.after(20, () => ran.push(["b", clock.now()]));
    clock.after(10, () => {
      ran.push(["a", clock.now()]);
      clock.after(5, () => ran.push(["c", clock.now()]));
    });
    clock.after(15, () => ran.push(["never", 0]))[Symbol.dispose]();
    await clock.advance(30);
    assert.deepEqual(ran, [
      ["a", 10],
      ["c", 15],
      ["b", 20],
    ]);
    assert.equal(clock.pending, 0);
    assert.equal(clock.now(), 30);
  });

  it("every: goes on after a rejection and stops when disposed", async () => {
    const clock = createManualClock();
    let runs = 0;
    const errors: unknown[] = [];
    const timer = every(
      clock,
      10,
      async () => {
        if (++runs === 1) throw new TypeError("first");
      },
      error => errors.push(error),
    );
    await clock.advance(35);
    assert.equal(runs, 3);
    assert.equal(errors.length, 1);
    timer[Symbol.dispose]();
    await clock.advance(100);
    assert.equal(runs, 3);
    assert.equal(clock.pending, 0);
  });

  it("systemClock: runs and cancels", async () => {
    await new Promise<void>(resolve => {
      const hold = setTimeout(() => {}, 1000);
      systemClock.after(5, () => assert.fail("was cancelled"))[Symbol.dispose]();
      systemClock.after(20, () => {
        clearTimeout(hold);
        resolve();
      });
    });
  });

  it("the time of a turn is read once in it, and anew in the next", async () => {
    let reads = 0;
    const turnMs = createTurnTime({ monotonic: () => ++reads });
    assert.deepEqual([turnMs(), turnMs()], [1, 1]);
    await new Promise<void>(resolve => setImmediate(resolve));
    assert.deepEqual([turnMs(), turnMs()], [2, 2]);
  });
});
