import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { createTokenBuckets } from "../../src/base/token-bucket.ts";

describe("base/token-bucket", () => {
  it("gives a burst, then what comes back, and says how long the wait is", async () => {
    const clock = createManualClock();
    const buckets = createTokenBuckets(clock, { perSecond: 10, burst: 3 });
    assert.deepEqual(
      [1, 2, 3].map(() => buckets.take("")),
      [0, 0, 0],
    );
    assert.equal(buckets.take(""), 100);
    await clock.advance(99);
    assert.equal(buckets.take(""), 1);
    await clock.advance(1);
    assert.equal(buckets.take(""), 0);
    assert.equal(buckets.take(""), 100);
  });

  it("is never fuller than its burst", async () => {
    const clock = createManualClock();
    const buckets = createTokenBuckets(clock, { perSecond: 1000, burst: 2 });
    buckets.take("");
    await clock.advance(3_600_000);
    buckets.giveBack("");
    assert.deepEqual(
      [1, 2, 3].map(() => buckets.take("") === 0),
      [true, true, false],
    );
  });

  it("keeps keys apart, and forgets the longest unused above its limit", () => {
    const buckets = createTokenBuckets(createManualClock(), { perSecond: 1, burst: 1 }, 2);
    assert.equal(buckets.take("a"), 0);
    assert.equal(buckets.take("b"), 0);
    assert.isAbove(buckets.take("a"), 0);
    assert.equal(buckets.take("c"), 0, "in the place of b");
    assert.equal(buckets.size, 2);
    assert.isAbove(buckets.take("a"), 0);
    assert.equal(buckets.take("b"), 0);
  });

  it("gives back", () => {
    const buckets = createTokenBuckets(createManualClock(), { perSecond: 1, burst: 1 });
    buckets.take("");
    buckets.giveBack("");
    assert.equal(buckets.take(""), 0);
  });
});
