import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { createTimerWheel } from "../../src/coap/timer-wheel.ts";

const createWheel = (slots?: number) => {
  const clock = createManualClock(0);
  const errors: unknown[] = [];
  const wheel = createTimerWheel({ clock, onError: error => errors.push(error), ...(slots ? { slots } : {}) });
  return { clock, wheel, errors };
};

describe("coap/timer-wheel", () => {
  it("never fires early and at most one tick late", async () => {
    const { clock, wheel } = createWheel();
    const fired: [number, number][] = [];
    for (const delay of [0, 1, 99, 100, 101, 250, 2000, 51_199, 51_200, 51_300, 247_000]) {
      wheel.after(delay, () => fired.push([delay, clock.monotonic()]));
    }
    await clock.advance(300_000);
    assert.lengthOf(fired, 11);
    for (const [delay, at] of fired) assert.isTrue(at >= delay && at <= delay + 100, `${delay} fired at ${at}`);
    assert.equal(wheel.size, 0);
    assert.equal(clock.pending, 0);
  });

  it("holds one timer of the clock however many wait", () => {
    const { clock, wheel } = createWheel();
    for (let i = 0; i < 1000; i++) wheel.after(1000 + i, () => {});
    assert.equal(wheel.size, 1000);
    assert.equal(clock.pending, 1);
  });

  it("an earlier timer goes before those that wait", async () => {
    const { clock, wheel } = createWheel();
    const fired: string[] = [];
    wheel.after(5000, () => fired.push("late"));
    wheel.after(200, () => fired.push("early"));
    await clock.advance(300);
    assert.deepEqual(fired, ["early"]);
    await clock.advance(5000);
    assert.deepEqual(fired, ["early", "late"]);
  });

  it("a cancelled timer does not run, also when cancelled twice or by another timer of the same tick", async () => {
    const { clock, wheel } = createWheel();
    const fired: string[] = [];
    const first = wheel.after(100, () => fired.push("first"));
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    assert.equal(wheel.size, 0);
    wheel.after(100, () => other[Symbol.dispose]());
    const other = wheel.after(100, () => fired.push("other"));
    await clock.advance(1000);
    assert.deepEqual(fired, []);
  });

  it("a timer that arms itself again runs at its times", async () => {
    const { clock, wheel } = createWheel(8);
    const at: number[] = [];
    const again = (): void => {
      at.push(clock.monotonic());
      if (at.length < 5) wheel.after(1000, again);
    };
    wheel.after(0, again);
    await clock.advance(10_000);
    assert.deepEqual(at, [100, 1100, 2100, 3100, 4100]);
  });

  it("catches up after the process stood still for longer than a turn", async () => {
    const clock = createManualClock(0);
    let stoodStillMs = 0;
    const late = { ...clock, monotonic: () => clock.monotonic() + stoodStillMs };
    const wheel = createTimerWheel({ clock: late, onError: assert.fail, slots: 4 });
    const fired: number[] = [];
    for (const delay of [100, 300, 700, 5000, 200_000]) wheel.after(delay, () => fired.push(delay));
    stoodStillMs = 100_000;
    await clock.advance(100);
    assert.sameMembers(fired, [100, 300, 700, 5000]);
    await clock.advance(100_000);
    assert.lengthOf(fired, 5);
  });

  it("what one timer throws does not stop the others", async () => {
    const { clock, wheel, errors } = createWheel();
    let ran = false;
    wheel.after(100, () => {
      throw new TypeError("broken");
    });
    wheel.after(100, () => {
      ran = true;
    });
    await clock.advance(200);
    assert.isTrue(ran);
    assert.lengthOf(errors, 1);
  });

  it("disposing cancels all", async () => {
    const { clock, wheel } = createWheel();
    wheel.after(100, () => assert.fail("ran"));
    wheel[Symbol.dispose]();
    assert.equal(wheel.size, 0);
    assert.equal(clock.pending, 0);
    await clock.advance(1000);
  });
});
