import { assert } from "chai";
import type { RawPayload } from "../../src/decoding/raw-payload.ts";
import type { DecodeOutcome } from "../../src/sandbox/decoder-runtime.ts";
import { createDevice, TENANT } from "../platform/fixture.ts";
import { FAILURE_ALARM, good, manifest, RETRY_MS, reading, withDecodeQueue } from "./support/decode-queue-suite.ts";

describe("decoding/decode-queue", () => {
  const { on, openQueue, kept, decoded, stored, decoderEvents, values, alarms } = withDecodeQueue();

  it("20-23: stores a device's payloads in order, however long each takes; devices do not wait for each other", async () => {
    const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
    const order: number[] = [];
    on.scripted.script.answer = async ({ value }) => {
      await gates[value[0]! - 1]?.promise;
      return good(reading(value[0]!));
    };
    on.failApply = ({ effects }) => {
      const [effect] = effects;
      if (effect?.kind === "measurement") order.push(effect.series["acme"]!["U"]!.value);
    };
    const other = await createDevice(on.fixture.platform, "meter 8");
    on.queue.enqueue([await kept(1), await kept(2), await kept(3), await kept(9, other)]);
    await on.fixture.clock.advance(0);
    assert.deepEqual(order, [9]);
    for (const at of [2, 1, 0]) {
      gates[at]!.resolve();
      await on.fixture.clock.advance(0);
    }
    await on.queue.idle();
    assert.deepEqual(order, [9, 1, 2, 3]);
  });

  it("9.2 item 4: more than the queue holds waits in the store, and is decoded all the same", async () => {
    await on.queue[Symbol.asyncDispose]();
    on.queue = openQueue({ maxQueued: 10, concurrency: 4 });
    for (let value = 0; value < 40; value++) on.queue.enqueue([await kept(value)]);
    assert.isAtMost(on.queue.stats().queued, 510);
    for (let turn = 0; turn < 100 && on.queue.stats().decoded < 40; turn++) await on.fixture.clock.advance(1);
    await on.queue.idle();
    assert.sameMembers(
      await values(),
      Array.from({ length: 40 }, (_, value) => value),
    );
    assert.deepEqual(on.queue.stats(), { queued: 0, behind: false, decoded: 40, failed: 0, retried: 0 });
  });

  it("closing finishes what is under way and leaves the rest to the next start", async () => {
    await on.queue[Symbol.asyncDispose]();
    on.queue = openQueue({ concurrency: 1 });
    const gate = Promise.withResolvers<void>();
    on.scripted.script.answer = async ({ value }) => {
      await gate.promise;
      return good(reading(value[0]!));
    };
    on.queue.enqueue([await kept(1), await kept(2)]);
    const closing = on.queue[Symbol.asyncDispose]();
    gate.resolve();
    await closing;
    on.queue.enqueue([await kept(3)]);
    assert.deepEqual(await values(), [1]);
    on.queue = openQueue();
    on.queue.start();
    await on.queue.idle();
    assert.sameMembers(await values(), [1, 2, 3]);
  });

  describe("a decoder that cannot run now", () => {
    const both = async (): Promise<void> => {
      on.queue.start();
      await on.queue.idle();
      on.scripted.script.installed.set("other", { ...manifest, key: "other" });
    };
    const unavailable = (retryAtMs: number): DecodeOutcome => ({
      ok: false,
      reason: "unavailable",
      message: "resting",
      retryAtMs,
    });

    it("is put off until then, and no other is", async () => {
      await both();
      const retryAtMs = on.fixture.clock.now() + 45_000;
      on.scripted.script.answer = ({ value }, key) =>
        key === "acme" ? unavailable(retryAtMs) : good({ ...reading(value[0]!) });
      await decoded(await kept(1), await kept(2, on.deviceId, "other"));
      assert.deepEqual(await values(), [2]);
      assert.deepEqual(on.queue.paused(TENANT, "acme"), { reason: "resting", untilMs: retryAtMs });
      assert.isUndefined(on.queue.paused(TENANT, "other"));
      await decoded(await kept(3), await kept(4, on.deviceId, "other"));
      assert.sameMembers(await values(), [2, 4]);
      await on.fixture.clock.advance(40_000);
      assert.lengthOf(on.scripted.script.inputs, 3);
      on.scripted.script.answer = ({ value }) => good(reading(value[0]!));
      await on.fixture.clock.advance(20_000);
      await on.queue.idle();
      assert.sameMembers(await values(), [1, 2, 3, 4]);
      assert.deepEqual(await alarms(), []);
      assert.deepEqual(on.pauses, ["acme: resting", "other works", "acme works"]);
    });

    it("is asked again at once when it is released", async () => {
      await both();
      on.scripted.script.answer = () => unavailable(on.fixture.clock.now() + 3_600_000);
      await decoded(await kept(1));
      on.scripted.script.answer = ({ value }) => good(reading(value[0]!));
      on.queue.resume("somebody else");
      await on.queue.idle();
      assert.deepEqual(await values(), []);
      on.queue.resume(`acme@${manifest.version}`);
      await on.queue.idle();
      assert.deepEqual(await values(), [1]);
      assert.isUndefined(on.queue.paused(TENANT, "acme"));
    });

    it("is asked again at once when another version is in force", async () => {
      await both();
      on.scripted.script.answer = () => unavailable(on.fixture.clock.now() + 3_600_000);
      await decoded(await kept(1));
      on.scripted.script.installed.set("acme", { ...manifest, version: "1.2.4" });
      on.scripted.script.answer = ({ value }) => good(reading(value[0]!));
      await on.queue.sweep();
      await on.queue.idle();
      assert.deepEqual(await values(), [1]);
    });

    it("keeps the order of each device: what was begun behind is decoded again after it", async () => {
      await both();
      const gate = Promise.withResolvers<void>();
      on.scripted.script.answer = async ({ value }) => {
        if (value[0] !== 1) return good(reading(value[0]!));
        await gate.promise;
        return unavailable(on.fixture.clock.now() + 5_000);
      };
      const order: number[] = [];
      on.failApply = ({ effects }) => {
        const [effect] = effects;
        if (effect?.kind === "measurement") order.push(effect.series["acme"]!["U"]!.value);
      };
      on.queue.enqueue([await kept(1), await kept(2), await kept(3)]);
      await on.fixture.clock.advance(0);
      gate.resolve();
      await on.queue.idle();
      assert.deepEqual(order, []);
      const { reason, untilMs } = on.queue.paused(TENANT, "acme")!;
      assert.deepEqual({ reason, untilMs }, { reason: "resting", untilMs: on.fixture.clock.now() + 5_000 });
      on.scripted.script.answer = ({ value }) => good(reading(value[0]!));
      await on.fixture.clock.advance(20_000);
      await on.queue.idle();
      assert.deepEqual(order, [1, 2, 3]);
    });
  });

  it("9.2 item 4: a full queue of one decoder leaves room for another's, and takes no more than it can hold", async () => {
    await on.queue[Symbol.asyncDispose]();
    on.queue = openQueue({ maxQueued: 10, concurrency: 4 });
    on.scripted.script.installed.set("other", { ...manifest, key: "other" });
    const gate = Promise.withResolvers<void>();
    on.scripted.script.answer = async ({ value }, key) => {
      if (key === "acme") await gate.promise;
      return good(reading(value[0]!));
    };
    for (let value = 0; value < 30; value++) on.queue.enqueue([await kept(value)]);
    assert.equal(on.queue.stats().queued, 10);
    on.queue.enqueue([await kept(100, on.deviceId, "other")]);
    while (on.queue.stats().decoded === 0) await on.fixture.clock.advance(1);
    assert.deepEqual(await values(), [100]);
    gate.resolve();
    while (on.queue.stats().behind) await on.fixture.clock.advance(1);
    await on.queue.idle();
    assert.lengthOf(await values(), 31);
    assert.lengthOf(on.scripted.script.inputs, 31);
  });

  it("decoders take turns: one with much to do does not keep the others waiting", async () => {
    await on.queue[Symbol.asyncDispose]();
    on.queue = openQueue({ concurrency: 2 });
    const keys = ["acme", "b", "c"];
    for (const key of keys) on.scripted.script.installed.set(key, { ...manifest, key });
    const order: string[] = [];
    on.scripted.script.answer = ({ value }, key) => {
      order.push(key);
      return good(reading(value[0]!));
    };
    const many: RawPayload[] = [];
    for (let value = 0; value < 20; value++) many.push(await kept(value, await createDevice(on.fixture.platform)));
    on.queue.enqueue([...many, await kept(30, on.deviceId, "b"), await kept(31, on.deviceId, "c")]);
    await on.queue.idle();
    assert.lengthOf(order, 22);
    assert.sameMembers(
      order.slice(0, 4).filter(key => key !== "acme"),
      ["b", "c"],
      order.join(" "),
    );
  });

  describe("a remote decoder", () => {
    const failed: DecodeOutcome = { ok: false, reason: "callFailed", message: "it answered 500" };
    beforeEach(() => {
      on.scripted.script.kind = { kind: "remote", parallel: 2 };
    });

    it("9.2 item 3: is called while its payload is shown IN_PROGRESS", async () => {
      let seen: unknown;
      const raw = await kept(7);
      on.scripted.script.answer = async () => {
        seen = [(await stored(raw))!.status, (await decoderEvents())[0]!["status"]];
        return good(reading(7));
      };
      await decoded(raw);
      assert.deepEqual(seen, ["IN_PROGRESS", "IN_PROGRESS"]);
      assert.deepEqual(await values(), [7]);
      assert.deepEqual(await decoderEvents(), []);
    });

    it("9.2 item 4: a failed call is made again after the delay, so many times; then the payload is given up", async () => {
      on.queue.start();
      await on.queue.idle();
      on.scripted.script.answer = () => failed;
      const raw = await kept(7);
      for (const calls of [1, 2]) {
        if (calls === 1) await decoded(raw);
        assert.lengthOf(on.scripted.script.inputs, calls);
        assert.deepInclude(await stored(raw), { status: "PENDING", attempts: calls });
        assert.deepInclude((await decoderEvents())[0], { status: "PENDING", message: "it answered 500" });
        assert.deepEqual(await alarms(), []);
        await on.fixture.clock.advance(RETRY_MS - 20_000);
        await on.queue.idle();
        assert.lengthOf(on.scripted.script.inputs, calls);
        await on.fixture.clock.advance(20_000);
        await on.queue.idle();
      }
      assert.lengthOf(on.scripted.script.inputs, 3);
      assert.deepInclude(await stored(raw), { status: "ERROR", attempts: 3 });
      assert.deepInclude((await decoderEvents())[0], { status: "ERROR", reason: "callFailed" });
      assert.deepEqual(await alarms(), [[FAILURE_ALARM, "ACTIVE", 1]]);
      assert.deepEqual(on.queue.stats(), { queued: 0, behind: false, decoded: 0, failed: 1, retried: 2 });
    });

    it("9.2 item 4: a payload that waits for its next call holds up none; a restart keeps its wait", async () => {
      on.scripted.script.answer = ({ value }) => (value[0] === 1 ? failed : good(reading(value[0]!)));
      await decoded(await kept(1), await kept(2));
      assert.deepEqual(await values(), [2]);
      await on.queue[Symbol.asyncDispose]();
      on.queue = openQueue();
      on.queue.start();
      on.scripted.script.answer = ({ value }) => good(reading(value[0]!));
      await on.fixture.clock.advance(RETRY_MS - 20_000);
      await on.queue.idle();
      assert.lengthOf(on.scripted.script.inputs, 2);
      await on.fixture.clock.advance(20_000);
      await on.queue.idle();
      assert.sameMembers(await values(), [1, 2]);
    });

    it("takes as many at a time as it says, and none of the room of others", async () => {
      await on.queue[Symbol.asyncDispose]();
      on.queue = openQueue({ concurrency: 1 });
      let most = 0;
      let now = 0;
      on.scripted.script.answer = async ({ value }) => {
        most = Math.max(most, ++now);
        await on.fixture.platform.inventory.findCached(TENANT, on.deviceId);
        now--;
        return good(reading(value[0]!));
      };
      await decoded(await kept(1), await kept(2), await kept(3), await kept(4));
      assert.lengthOf(await values(), 4);
      assert.equal(most, 2);
    });

    it("that is paused is shown PENDING while it waits", async () => {
      on.scripted.script.answer = () => ({ ok: false, reason: "unavailable", message: "nobody is there" });
      const raw = await kept(7);
      await decoded(raw);
      assert.deepInclude(await stored(raw), { status: "PENDING", attempts: 0 });
      assert.equal((await decoderEvents())[0]!["status"], "PENDING");
    });
  });
});
