import { assert } from "chai";
import { createManualClock } from "../../../src/base/clock.ts";
import {
  createRepeatedRequests,
  MOVE_WINDOW_MS,
  REPEAT_WINDOW_MS,
} from "../../../src/lwm2m/bootstrap/repeated-requests.ts";

const IDLE = undefined;

describe("bootstrap/repeated-requests (field finding B6)", () => {
  it("the first request of an endpoint begins a session", () => {
    const repeats = createRepeatedRequests(createManualClock());
    assert.deepEqual(repeats.judge("dev", IDLE), { kind: "begin", repeated: false });
  });

  it("while a session runs the first repetition restarts it, further ones do not, until the window has passed", async () => {
    const clock = createManualClock();
    const repeats = createRepeatedRequests(clock);
    assert.equal(repeats.judge("dev", { moved: false, restartedAtMs: undefined }).kind, "restart");
    const restarted = { moved: false, restartedAtMs: clock.monotonic() };
    assert.equal(repeats.judge("dev", restarted).kind, "ignore");
    assert.equal(repeats.judge("dev", { ...restarted, moved: true }).kind, "ignore", "from elsewhere");
    await clock.advance(MOVE_WINDOW_MS);
    assert.equal(repeats.judge("dev", { ...restarted, moved: true }).kind, "restart", "from elsewhere, later");
    assert.equal(repeats.judge("dev", restarted).kind, "ignore");
    await clock.advance(REPEAT_WINDOW_MS);
    assert.equal(repeats.judge("dev", restarted).kind, "restart");
  });

  it("after an end the first repetition is served, the next is not; after the window all begins anew", async () => {
    const clock = createManualClock();
    const repeats = createRepeatedRequests(clock);
    repeats.ended("dev", { repeated: false, failed: false });
    assert.deepEqual(repeats.judge("dev", IDLE), { kind: "begin", repeated: true });
    repeats.ended("dev", { repeated: true, failed: false });
    assert.equal(repeats.judge("dev", IDLE).kind, "ignore");
    assert.equal(repeats.judge("other", IDLE).kind, "begin");
    await clock.advance(REPEAT_WINDOW_MS);
    assert.deepEqual(repeats.judge("dev", IDLE), { kind: "begin", repeated: false });
    assert.equal(repeats.size, 0);
  });

  it("sessions that take longer than the window do not loop either", async () => {
    const clock = createManualClock();
    const repeats = createRepeatedRequests(clock);
    let begun = 0;
    for (let i = 0; i < 5; i++) {
      const verdict = repeats.judge("dev", IDLE);
      if (verdict.kind !== "begin") break;
      begun++;
      await clock.advance(4 * REPEAT_WINDOW_MS);
      repeats.ended("dev", { repeated: verdict.repeated, failed: false });
    }
    assert.equal(begun, 2);
  });

  it("after two failures the device is told how long to stay away", async () => {
    const clock = createManualClock();
    const repeats = createRepeatedRequests(clock);
    repeats.ended("dev", { repeated: true, failed: true });
    await clock.advance(5_000);
    assert.deepEqual(repeats.judge("dev", IDLE), { kind: "wait", forMs: REPEAT_WINDOW_MS - 5_000 });
  });

  it("a device that is gone leaves nothing", () => {
    const repeats = createRepeatedRequests(createManualClock());
    repeats.ended("dev", { repeated: true, failed: false });
    repeats.forget("dev");
    assert.equal(repeats.size, 0);
    assert.deepEqual(repeats.judge("dev", IDLE), { kind: "begin", repeated: false });
  });
});
