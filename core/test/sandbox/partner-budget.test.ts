import { assert } from "chai";
import { createManualClock } from "../../src/base/clock.ts";
import { createPartnerBudget } from "../../src/sandbox/partner-budget.ts";

describe("sandbox/partner-budget", () => {
  const limits = { partnerCpuPercent: 10, partnerBurstMs: 1000 };

  it("is spent after its burst, and has something again when its share has come in", async () => {
    const clock = createManualClock();
    const budget = createPartnerBudget(clock, limits);
    budget.charge(999);
    assert.isFalse(budget.isSpent);
    budget.charge(51);
    assert.isTrue(budget.isSpent);
    assert.equal(budget.refilledAtMs, clock.now() + 500);
    await clock.advance(499);
    assert.isTrue(budget.isSpent);
    await clock.advance(2);
    assert.isFalse(budget.isSpent);
  });

  it("owes no more than a bucket, and holds no more", async () => {
    const clock = createManualClock();
    const budget = createPartnerBudget(clock, limits);
    budget.charge(1_000_000);
    assert.equal(budget.refilledAtMs, clock.now() + 10_000);
    await clock.advance(3_600_000);
    budget.charge(1000);
    assert.isTrue(budget.isSpent);
  });
});
