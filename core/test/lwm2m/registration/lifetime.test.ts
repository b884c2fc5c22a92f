import { assert } from "chai";
import { createManualClock } from "../../../src/base/clock.ts";
import { createExpirySweep, deadlineOf, type Expiring } from "../../../src/lwm2m/registration/lifetime.ts";

interface Item extends Expiring {
  name: string;
  untilMs: number;
}
const item = (name: string, untilMs: number): Item => ({ name, untilMs, bucket: -1 });

function setUp() {
  const clock = createManualClock(0);
  const expired: [string, number][] = [];
  const sweep = createExpirySweep<Item>({
    clock,
    deadlineMs: ({ untilMs }) => untilMs,
    onExpired: ({ name }) => expired.push([name, clock.monotonic()]),
  });
  return { clock, expired, sweep };
}

describe("lwm2m/registration/lifetime", () => {
  it("agent specification 6.3: deadline is lifetime and grace after the last sign, none for lifetime 0", () => {
    assert.equal(deadlineOf(60, 500, 1000), 61_500);
    assert.equal(deadlineOf(0, 500, 1000), Number.POSITIVE_INFINITY);
  });

  it("R12: ends what is due within a second of it, whatever the lifetime", async () => {
    const { clock, expired, sweep } = setUp();
    for (const seconds of [86_400, 12, 30]) sweep.add(item(`${seconds}`, seconds * 1000 + 1));
    assert.equal(clock.pending, 1);
    await clock.advance(86_402_000);
    assert.deepEqual(expired, [
      ["12", 13_000],
      ["30", 31_000],
      ["86400", 86_401_000],
    ]);
    assert.equal(clock.pending, 0);
  });

  it("a renewed item lives on without having been touched", async () => {
    const { clock, expired, sweep } = setUp();
    const renewed = item("a", 1000);
    sweep.add(renewed);
    renewed.untilMs = 5000;
    await clock.advance(4000);
    assert.isEmpty(expired);
    await clock.advance(1000);
    assert.deepEqual(expired, [["a", 5000]]);
  });

  it("a shortened lifetime counts when the item is added again", async () => {
    const { clock, expired, sweep } = setUp();
    const shortened = item("a", 90_000);
    sweep.add(shortened);
    shortened.untilMs = 2000;
    sweep.add(shortened);
    await clock.advance(3000);
    assert.deepEqual(expired, [["a", 2000]]);
  });

  it("what was removed does not expire, what never ends holds no timer", async () => {
    const { clock, expired, sweep } = setUp();
    const removed = item("a", 1000);
    sweep.add(removed);
    sweep.remove(removed);
    sweep.add(item("b", Number.POSITIVE_INFINITY));
    await clock.advance(10_000);
    assert.isEmpty(expired);
    assert.equal(clock.pending, 0);
  });

  it("dispose: nothing expires any more", async () => {
    const { clock, expired, sweep } = setUp();
    sweep.add(item("a", 1000));
    sweep[Symbol.dispose]();
    await clock.advance(10_000);
    assert.isEmpty(expired);
  });
});
