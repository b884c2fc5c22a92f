import { assert } from "chai";
import type { DecoderResult } from "../../src/contract/decoder.ts";
import { keepOps, type RawPayload, replayOps } from "../../src/decoding/raw-payload.ts";
import type { DecodeOutcome } from "../../src/sandbox/decoder-runtime.ts";
import { PAGE, TENANT } from "../platform/fixture.ts";
import { good, reading, withDecodeQueue } from "./support/decode-queue-suite.ts";

describe("decoding/decode-queue", () => {
  const { on, kept, decoded, stored, decoderEvents, values, alarms } = withDecodeQueue();

  it("20-23: a message that is repeated after its payload was decoded changes nothing, and its event goes", async () => {
    const raw = await kept(7);
    await decoded(raw);
    on.scripted.script.answer = () => ({ ...good(reading(8)), version: "2.0.0" }) as DecodeOutcome;
    await on.fixture.platform.write(keepOps(raw, "ACME meter", on.fixture.clock.now()));
    await on.queue.sweep();
    await on.queue.idle();
    assert.lengthOf(on.scripted.script.inputs, 1);
    assert.deepEqual(await values(), [7]);
    assert.deepEqual(await decoderEvents(), []);
    assert.deepInclude(await stored(raw), { status: "DONE", decoderVersion: "1.2.3" });
  });

  it("20-23: a payload that was decoded before its status could be stored stores once", async () => {
    const raw = await kept(7);
    await decoded(raw);
    await decoded(raw);
    assert.lengthOf(on.scripted.script.inputs, 2);
    assert.deepEqual(await values(), [7]);
  });

  describe("a payload that is put back by hand", () => {
    const refused: DecoderResult = {
      success: false,
      events: [
        { type: "e", text: "odd" },
        { type: "e", text: "very odd" },
      ],
    };
    const found: DecoderResult = {
      ...reading(9),
      events: [{ type: "e", text: "fine" }],
      alarms: [{ type: "leak", text: "wet", severity: "MAJOR" }],
      dataFragments: [{ key: "/9/0/1", value: "old" }],
    };
    const putBack = async (raw: RawPayload): Promise<void> => {
      await on.fixture.platform.write(replayOps(raw, on.fixture.clock.now()));
      await on.queue.sweep();
      await on.queue.idle();
    };
    const eventTexts = async (): Promise<string[]> =>
      (await on.fixture.platform.events.list(TENANT, { type: "e" }, PAGE)).items.map(({ text }) => text);

    it("is decoded again, and what it makes takes the place of what it made", async () => {
      on.scripted.script.answer = () => good(refused);
      const raw = await kept(7);
      await decoded(raw);
      assert.sameMembers(await eventTexts(), ["odd", "very odd"]);
      on.scripted.script.answer = () => good(found);
      await putBack(raw);
      assert.deepEqual(await eventTexts(), ["fine"]);
      assert.deepEqual(await values(), [9]);
      assert.deepEqual(await alarms(), [["leak", "ACTIVE", 1]]);
      assert.deepEqual(await on.fixture.platform.inventory.lastValues(TENANT, on.deviceId, 9, 0), {
        instance: 0,
        1: "old",
      });
      assert.deepEqual(await decoderEvents(), []);
      const document = await stored(raw);
      assert.deepInclude(document, { status: "DONE", attempts: 1 });
      assert.notProperty(document!.details, "again");
      assert.notProperty(document!.details, "reason");
    });

    it("says nothing of alarms and last values where a newer one has spoken since", async () => {
      on.scripted.script.answer = () => good(refused);
      const raw = await kept(7);
      await decoded(raw);
      on.scripted.script.answer = () => good({ ...reading(10), dataFragments: [{ key: "/9/0/1", value: "new" }] });
      await decoded(await kept(8));
      on.scripted.script.answer = () => good(found);
      await putBack(raw);
      assert.deepEqual(await values(), [9, 10]);
      assert.deepEqual(await alarms(), []);
      assert.deepEqual(await on.fixture.platform.inventory.lastValues(TENANT, on.deviceId, 9, 0), {
        instance: 0,
        1: "new",
      });
    });

    it("or whose message the device repeats, with the same end", async () => {
      on.scripted.script.answer = () => good(refused);
      const raw = await kept(7);
      await decoded(raw);
      on.scripted.script.answer = () => good(found);
      await on.fixture.platform.write(keepOps(raw, "ACME meter", on.fixture.clock.now()));
      await on.queue.sweep();
      await on.queue.idle();
      assert.deepEqual(await eventTexts(), ["fine"]);
      assert.deepEqual(await values(), [9]);
    });

    it("keeps what its decoder said of it where the decoder now breaks", async () => {
      on.scripted.script.answer = () => good(refused);
      const raw = await kept(7);
      await decoded(raw);
      on.scripted.script.answer = () => ({ ok: false, reason: "threw", message: "no" });
      await putBack(raw);
      assert.sameMembers(await eventTexts(), ["odd", "very odd"]);
      assert.deepInclude((await stored(raw))!.details, { reason: "threw", message: "no" });
    });

    it("stays where it is when it is not ERROR any more", async () => {
      const raw = await kept(7);
      await decoded(raw);
      await putBack(raw);
      assert.lengthOf(on.scripted.script.inputs, 1);
      assert.equal((await stored(raw))!.status, "DONE");
    });
  });
});
