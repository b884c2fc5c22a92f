import { assert } from "chai";
import { DEFAULT_SANDBOX_LIMITS, sandboxLimits } from "../../src/sandbox/limits.ts";

describe("sandbox/limits", () => {
  it("are the defaults where nothing is set", () => assert.deepEqual(sandboxLimits(), DEFAULT_SANDBOX_LIMITS));

  it("give the watch more time than the longest call may take", () => {
    const { hostWallMs, trialWallMs } = sandboxLimits({ decodeMs: 2000 });
    assert.equal(hostWallMs, 3 * (2000 + 63));
    assert.equal(trialWallMs, 6000);
  });
});
