import { assert } from "chai";
import { isFailure } from "../../../src/base/errors.ts";
import { createDeviceQueues } from "../../../src/lwm2m/operations/device-queue.ts";
import type { Registration } from "../../../src/lwm2m/registration/registration.ts";

const REGISTRATION = { id: "r1", endpoint: "dev" } as Registration;

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

function setUp(maxJobs = 10) {
  const state = { reachable: true };
  const queues = createDeviceQueues({
    maxJobs,
    reachable: () => (state.reachable ? REGISTRATION : undefined),
    repeat: () => {},
  });
  return { state, queues };
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert(isFailure(error));
    return error.code;
  }
  return "none";
}

describe("lwm2m/operations/device-queue", () => {
  it("one job at a time, in order, also past a failed one", async () => {
    const { queues } = setUp();
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = queues.run("dev", async () => {
      order.push("1 begins");
      await gate.promise;
      order.push("1 ends");
      throw new TypeError("1");
    });
    const second = queues.run("dev", async registration => void order.push(`2 on ${registration.id}`));
    await turn();
    assert.deepEqual(order, ["1 begins"]);
    assert.equal(queues.length("dev"), 2);
    gate.resolve();
    await Promise.allSettled([first, second]);
    assert.deepEqual(order, ["1 begins", "1 ends", "2 on r1"]);
    await turn();
    assert.equal(queues.length("dev"), 0);
  });

  it("OMA 109: a job waits while the device sleeps and runs when it is heard again", async () => {
    const { state, queues } = setUp();
    state.reachable = false;
    let ran = false;
    const job = queues.run("dev", async () => void (ran = true));
    await turn();
    assert.isFalse(ran);
    queues.wake("dev");
    await turn();
    assert.isFalse(ran, "a wake of a device that is gone again starts nothing");
    state.reachable = true;
    queues.wake("dev");
    await job;
    assert.isTrue(ran);
  });

  it("devices do not wait for each other", async () => {
    const { queues } = setUp();
    const gate = Promise.withResolvers<void>();
    const slow = queues.run("slow", () => gate.promise);
    await queues.run("quick", async () => {});
    gate.resolve();
    await slow;
  });

  it("a full queue refuses, and says so", async () => {
    const { state, queues } = setUp(2);
    state.reachable = false;
    const waiting = [queues.run("dev", async () => 1), queues.run("dev", async () => 2)];
    assert.equal(await failureOf(queues.run("dev", async () => 3)), "OVERLOADED");
    state.reachable = true;
    queues.wake("dev");
    assert.deepEqual(await Promise.all(waiting), [1, 2]);
  });

  it("interrupt ends the running job with its reason, the next one goes on", async () => {
    const { queues } = setUp();
    let reason: unknown;
    const running = queues.run(
      "dev",
      (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject((reason = signal.reason)));
        }),
    );
    const next = queues.run("dev", async () => "next");
    await turn();
    queues.interrupt("dev", "replaced");
    assert.equal(await failureOf(running), "EXCHANGE_CANCELLED");
    assert(isFailure(reason));
    assert.deepEqual(reason.details, { ended: "replaced" });
    assert.equal(await next, "next");
  });

  it("clear and dispose end everything", async () => {
    const { state, queues } = setUp();
    state.reachable = false;
    const cleared = queues.run("dev", async () => {});
    queues.clear("dev", "expired");
    assert.equal(await failureOf(cleared), "EXCHANGE_CANCELLED");
    const disposed = queues.run("dev", async () => {});
    queues[Symbol.dispose]();
    assert.equal(await failureOf(disposed), "CLOSED");
    assert.equal(await failureOf(queues.run("dev", async () => {})), "CLOSED");
  });

  it("a job that throws before it awaits harms nothing", async () => {
    const { queues } = setUp();
    const bad = queues.run("dev", () => {
      throw new TypeError("at once");
    });
    const good = queues.run("dev", async () => "good");
    assert.equal((await Promise.allSettled([bad]))[0]?.status, "rejected");
    assert.equal(await good, "good");
  });
});
