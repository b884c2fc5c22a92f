import { availableParallelism } from "node:os";
import { assert } from "chai";
import { DEFAULT_SANDBOX_LIMITS, sandboxLimits } from "../../src/sandbox/limits.ts";

describe("sandbox/limits", () => {
  it("are the defaults where nothing is set", () =>
    assert.deepEqual(sandboxLimits({ hosts: 3 }), { ...DEFAULT_SANDBOX_LIMITS, hosts: 3 }));

  it("have a host for each core but one, at least one and at most 4", () => {
    assert.include([1, 2, 3, 4], sandboxLimits().hosts);
    assert.isAtMost(sandboxLimits().hosts, Math.max(1, availableParallelism() - 1));
  });
  it("give the watch more time than the longest call may take", () => {
    const { hostWallMs, trialWallMs } = sandboxLimits({ decodeMs: 2000 });
    assert.equal(hostWallMs, 3 * (2000 + 63));
    assert.equal(trialWallMs, 6000);
  });
});
