import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import type { DecoderResult } from "../../src/contract/decoder.ts";
import { RAW_PAYLOADS } from "../../src/store/collections/decoding.ts";
import { TENANT } from "../platform/fixture.ts";
import { FAILURE_ALARM, good, manifest, reading, withDecodeQueue } from "./support/decode-queue-suite.ts";

describe("decoding/decode-queue", () => {
  const { on, openQueue, kept, decoded, stored, decoderEvents, values, alarms } = withDecodeQueue();

  it("9.2 item 2: a kept payload is shown as a PENDING event", async () => {
    const raw = await kept(7);
    assert.deepEqual(await decoderEvents(), [
      {
        text: "External decoder data received from device. Decoder: acme (ACME meter)",
        serviceKey: "acme",
        value: "07ff",
        args: { resourcePath: "/33456/0/123" },
        sourceDeviceId: on.deviceId,
        status: "PENDING",
      },
    ]);
    assert.deepInclude(await stored(raw), {
      status: "PENDING",
      attempts: 0,
      decoder: "acme",
      managedObject: on.deviceId,
    });
  });

  it("9.2 item 5: on success the results are stored, the event goes, the payload stays", async () => {
    const raw = await kept(7);
    await decoded(raw);
    assert.deepEqual(await values(), [7]);
    assert.deepEqual(await decoderEvents(), []);
    assert.deepInclude(await stored(raw), { status: "DONE", decoderVersion: "1.2.3", attempts: 1 });
    assert.deepEqual(on.queue.stats(), { queued: 0, behind: false, decoded: 1, failed: 0, retried: 0 });
  });

  it("gives the decoder the bytes, where they came from and the fragments that its manifest names", async () => {
    const raw = await kept(7);
    await decoded(raw);
    assert.deepEqual(on.scripted.script.inputs, [
      {
        value: Uint8Array.of(7, 255),
        resourcePath: "/33456/0/123",
        resourceType: "OPAQUE",
        receivedAt: new Date(raw.atMs).toISOString(),
        sourceDeviceId: on.deviceId,
        device: { c8y_IsDevice: {} },
      },
    ]);
  });

  for (const reason of ["timeout", "memory", "threw", "invalidResult", "inputTooLarge", "hostDied"] as const) {
    it(`a payload on which the decoder fails (${reason}) stays with the reason, and an alarm tells`, async () => {
      on.scripted.script.answer = () => ({ ok: false, reason, message: "so it is", version: "1.2.3" });
      const raw = await kept(7);
      await decoded(raw);
      assert.deepEqual(await alarms(), [[FAILURE_ALARM, "ACTIVE", 1]]);
      const [event] = await decoderEvents();
      assert.deepInclude(event, { status: "ERROR", reason, message: "so it is", value: "07ff", serviceKey: "acme" });
      const document = await stored(raw);
      assert.deepInclude(document, { status: "ERROR", attempts: 1 });
      assert.deepInclude(document!.details, { reason, message: "so it is" });
      assert.equal(on.queue.stats().failed, 1);
    });
  }

  it("15.3: the next success clears the failure alarm", async () => {
    on.scripted.script.answer = () => ({ ok: false, reason: "threw", message: "no" });
    await decoded(await kept(1), await kept(2));
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "ACTIVE", 2]]);
    on.scripted.script.answer = () => good(reading(3));
    await decoded(await kept(3));
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "CLEARED", 2]]);
  });

  it("15.3: also when the alarm is from before a restart", async () => {
    on.scripted.script.answer = () => ({ ok: false, reason: "threw", message: "no" });
    await decoded(await kept(1));
    await on.queue[Symbol.asyncDispose]();
    on.queue = openQueue();
    on.scripted.script.answer = () => good(reading(2));
    await decoded(await kept(2));
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "CLEARED", 1]]);
  });

  it("9.3: success=false is no failure to repeat: alarms and events are stored, the message is kept", async () => {
    const result: DecoderResult = {
      ...reading(1),
      success: false,
      message: "wrong checksum",
      alarms: [{ type: "acme_BadFrame", text: "bad frame", severity: "MINOR" }],
    };
    on.scripted.script.answer = () => good(result);
    const raw = await kept(7);
    await decoded(raw);
    assert.deepEqual(await values(), []);
    assert.deepEqual(await alarms(), [["acme_BadFrame", "ACTIVE", 1]]);
    assert.deepInclude((await decoderEvents())[0], {
      status: "ERROR",
      reason: "undecodable",
      message: "wrong checksum",
    });
    assert.deepInclude((await stored(raw))!, { status: "ERROR", decoderVersion: "1.2.3" });
    await on.fixture.clock.advance(60_000);
    await on.queue.idle();
    assert.lengthOf(on.scripted.script.inputs, 1);
  });

  it("9.3: alarmTypesToUpdate changes the device's open alarms of those types", async () => {
    for (const type of ["a", "b"]) {
      const body = { source: { id: on.deviceId }, type, text: type, severity: "MINOR", time: "2026-01-01T00:00:00Z" };
      await on.fixture.platform.alarms.create(TENANT, { ...body, status: "ACTIVE" });
    }
    on.scripted.script.answer = () =>
      good({ success: true, alarmTypesToUpdate: { ACKNOWLEDGED: ["a", "c"], CLEARED: ["b"] } });
    await decoded(await kept(1));
    assert.sameDeepMembers(await alarms(), [
      ["a", "ACKNOWLEDGED", 1],
      ["b", "CLEARED", 1],
    ]);
  });

  it("a crash leaves nothing behind: what is PENDING or IN_PROGRESS is taken up at the start, once", async () => {
    const raws = [await kept(1), await kept(2), await kept(3)];
    await on.fixture.store
      .collection(RAW_PAYLOADS)
      .updateOne({ _id: raws[1]!.id }, { $set: { status: "IN_PROGRESS" } });
    on.queue.enqueue([raws[0]!]);
    on.queue.start();
    await on.queue.idle();
    assert.sameMembers(await values(), [1, 2, 3]);
    assert.lengthOf(on.scripted.script.inputs, 3);
    for (const raw of raws) assert.equal((await stored(raw))!.status, "DONE");
  });

  it("a payload for a decoder that is not there waits for it, and an alarm says so once", async () => {
    on.scripted.script.installed.clear();
    const raws = [await kept(1), await kept(2)];
    await decoded(...raws);
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "ACTIVE", 1]]);
    assert.equal((await stored(raws[0]!))!.status, "PENDING");
    assert.lengthOf(await decoderEvents(), 2);
    on.scripted.script.installed.set("acme", manifest);
    await on.queue.sweep();
    await on.queue.idle();
    assert.sameMembers(await values(), [1, 2]);
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "CLEARED", 1]]);
  });

  it("a runtime that cannot work now costs a pause, not a payload", async () => {
    on.queue.start();
    await on.queue.idle();
    on.scripted.script.answer = () => ({ ok: false, reason: "unavailable", message: "no host starts" });
    const raw = await kept(7);
    await decoded(raw);
    assert.equal((await stored(raw))!.status, "PENDING");
    assert.deepEqual(await alarms(), []);
    assert.isTrue(on.queue.stats().behind);
    on.scripted.script.answer = () => good(reading(7));
    await on.fixture.clock.advance(10_000);
    await on.queue.idle();
    assert.deepEqual(await values(), [7]);
  });

  it("a store that refuses now is asked again by the sweep", async () => {
    on.queue.start();
    await on.queue.idle();
    let refusals = 2;
    on.failApply = () => {
      if (refusals-- > 0) throw new MooringError("STORE_FULL", "too many writes wait");
    };
    await decoded(await kept(1));
    await decoded(await kept(2));
    for (let turn = 0; turn < 5; turn++) {
      await on.fixture.clock.advance(10_000);
      await on.queue.idle();
    }
    assert.sameMembers(await values(), [1, 2]);
  });

  it("a result that breaks a rule of storing loses that part only, and the log says it", async () => {
    on.failApply = undefined;
    const result = reading(5);
    on.scripted.script.answer = () => good({ ...result, events: [{ type: "e", text: "" }] });
    const raw = await kept(5);
    await decoded(raw);
    assert.deepEqual(await values(), [5]);
    assert.equal((await stored(raw))!.status, "DONE");
    assert.isTrue(on.fixture.log.lines.some(({ event }) => event === "decoder.effectsLeftOut"));
  });

  it("a payload whose device is gone ends", async () => {
    const raw = await kept(1);
    on.failApply = () => {
      throw new MooringError("NOT_FOUND", "no such device");
    };
    await decoded(raw);
    const document = await stored(raw);
    assert.equal(document!.status, "ERROR");
    assert.deepInclude(document!.details, { reason: "refused", message: "the device is gone" });
  });
});
