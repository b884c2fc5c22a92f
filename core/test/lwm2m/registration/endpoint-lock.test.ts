import { assert } from "chai";
import { createEndpointLock } from "../../../src/lwm2m/registration/endpoint-lock.ts";

describe("lwm2m/registration/endpoint-lock", () => {
  it("runs the tasks of one endpoint in order, also after a failure, and others beside them", async () => {
    const lock = createEndpointLock();
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = lock.run("a", async () => {
      await gate.promise;
      order.push("a1");
      throw new TypeError("a1");
    });
    const second = lock.run("a", async () => void order.push("a2"));
    await lock.run("b", async () => void order.push("b1"));
    assert.isTrue(lock.held("a"));
    gate.resolve();
    const outcome = await Promise.allSettled([first, second]);
    assert.deepEqual(order, ["b1", "a1", "a2"]);
    assert.deepEqual(
      outcome.map(({ status }) => status),
      ["rejected", "fulfilled"],
    );
    assert.isFalse(lock.held("a"));
    assert.isFalse(lock.held("b"));
  });
});
