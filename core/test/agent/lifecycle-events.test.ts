import { assert } from "chai";
import { createLifecycleEvents } from "../../src/agent/lifecycle-events.ts";
import { createManualClock } from "../../src/base/clock.ts";
import { MooringError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Registration } from "../../src/lwm2m/registration/registration.ts";
import type { WriteOp } from "../../src/store/store.ts";

const registration = (deviceId = "7", logLevel?: "NONE"): Registration =>
  ({
    id: "abc",
    endpoint: "dev",
    tenant: "t1",
    deviceId,
    peer: { key: "udp:[2001:db8::1]:5000", address: "2001:db8::1", port: 5000 },
    settings: logLevel ? { logLevel } : {},
  }) as unknown as Registration;

function setUp() {
  const clock = createManualClock();
  const written: WriteOp[] = [];
  const state: { refuse: boolean; batches: number } = { refuse: false, batches: 0 };
  let next = 1;
  const events = createLifecycleEvents({
    store: { nextIds: async (_, count) => Array.from({ length: count }, () => next++) },
    platform: {
      async write(ops) {
        if (state.refuse) throw new MooringError("STORE_FULL", "too much waits");
        state.batches++;
        written.push(...ops);
        return [];
      },
    },
    clock,
    log: silentLog,
  });
  return { clock, written, state, events };
}

describe("agent/lifecycle-events", () => {
  it("a flood is written at a steady pace; Updates that find the queue full are dropped and counted", async () => {
    const { clock, written, events } = setUp();
    for (let i = 0; i < 15_000; i++) events.add("updated", registration());
    assert.equal(events.dropped, 5_000);
    events.add("registered", registration());
    assert.equal(events.dropped, 5_000, "room is left for events that come once");
    await clock.advance(1_000);
    assert.equal(written.length, 500);
    await clock.advance(30_000);
    assert.equal(written.length, 10_001);
    assert.equal(clock.pending, 0);
  });

  it("what the store refuses is written later, once", async () => {
    const { clock, written, state, events } = setUp();
    state.refuse = true;
    events.add("registered", registration());
    await clock.advance(5_000);
    assert.equal(events.waiting, 1);
    state.refuse = false;
    events.add("deregistered", registration());
    await clock.advance(5_000);
    assert.equal(written.length, 2);
    assert.equal(state.batches, 1);
  });

  it("nothing is written for log level NONE and for devices that are gone", async () => {
    const { clock, written, events } = setUp();
    events.add("registered", registration("7", "NONE"));
    events.add("registered", registration("8"));
    events.add("registered", registration("9"));
    events.forget("8");
    await clock.advance(1_000);
    assert.equal(written.length, 1);
  });

  it("an IPv6 address stands in brackets", async () => {
    const { clock, written, events } = setUp();
    events.add("registered", registration());
    await clock.advance(1_000);
    assert.include(JSON.stringify(written), '"address":"[2001:db8::1]:5000"');
  });

  it("closing writes what waits", async () => {
    const { clock, written, events } = setUp();
    for (let i = 0; i < 250; i++) events.add("updated", registration());
    await events[Symbol.asyncDispose]();
    assert.equal(written.length, 250);
    assert.equal(clock.pending, 0);
  });
});
