import { assert } from "chai";
import { createTenantLocks } from "../../src/agent/tenant-locks.ts";
import { createManualClock } from "../../src/base/clock.ts";
import { isFailure } from "../../src/base/errors.ts";

describe("agent/tenant-locks", () => {
  function open() {
    const clock = createManualClock();
    const locks = createTenantLocks(clock, 1000);
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const ask = (tenant: string, name: string): Promise<void> =>
      locks.run(tenant, () => {
        begun.push(name);
        return new Promise(resolve => ends.set(name, resolve));
      });
    return { clock, begun, ask, end: (name: string): void => ends.get(name)!() };
  }

  it("one after the other in a tenant, side by side in different ones", async () => {
    const { clock, begun, ask, end } = open();
    for (const name of ["a1", "a2", "a3"]) void ask("a", name);
    void ask("b", "b1");
    await clock.advance(0);
    assert.deepEqual(begun, ["a1", "b1"]);
    end("a1");
    await clock.advance(0);
    end("a2");
    await clock.advance(0);
    assert.deepEqual(begun, ["a1", "b1", "a2", "a3"]);
  });

  it("what waits too long is given up; what comes later still waits for the one that runs", async () => {
    const { clock, begun, ask, end } = open();
    void ask("a", "a1");
    const failure = ask("a", "a2").catch(error => error);
    await clock.advance(1000);
    assert.isTrue(isFailure(await failure, "TOO_MANY_REQUESTS"));
    void ask("a", "a3");
    await clock.advance(0);
    assert.deepEqual(begun, ["a1"]);
    end("a1");
    await clock.advance(0);
    assert.deepEqual(begun, ["a1", "a3"]);
  });

  it("a task that fails lets the next one run", async () => {
    const clock = createManualClock();
    const locks = createTenantLocks(clock, 1000);
    const [first, second] = await Promise.allSettled([
      locks.run("a", () => Promise.reject("no")),
      locks.run("a", async () => "yes"),
    ]);
    assert.deepInclude(first, { reason: "no" });
    assert.deepInclude(second, { value: "yes" });
  });
});
