import { assert } from "chai";
import { isFailure } from "../../../src/base/errors.ts";
import type { DecoderResult } from "../../../src/contract/decoder.ts";
import type { DeadLetter } from "../../../src/decoding/redecode/dead-letters.ts";
import { PAGE, TENANT } from "../../platform/fixture.ts";
import { KEY, openRedecodeFixture, type RedecodeFixture } from "./fixture.ts";

const FAILURE_ALARM = `c8y_LWM2MDecoderFailure_${KEY}`;
const reading = (value: number): DecoderResult => ({
  success: true,
  measurements: [{ type: "acme", values: [{ seriesName: "U", value }] }],
});

describe("decoding/dead-letters", () => {
  let fixture: RedecodeFixture;
  beforeEach(async () => {
    fixture = await openRedecodeFixture();
    fixture.versions.set("1.0.0", ({ value: [byte = 0] }) =>
      byte < 3 ? { ok: false, reason: "threw", message: `bad byte ${byte}` } : { success: false, message: "odd" },
    );
    fixture.versions.set("2.0.0", ({ value: [byte = 0] }) => reading(byte));
    await fixture.receive([1, 2, 3]);
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  const letters = async (selection = {}): Promise<readonly DeadLetter[]> =>
    (await fixture.deadLetters.list(TENANT, KEY, selection, PAGE)).items;
  const values = async (): Promise<unknown[]> =>
    (await fixture.platform.platform.measurements.list(TENANT, {}, PAGE)).items.map(
      ({ fragments }) => (fragments["acme"] as { U: { value: number } }).U.value,
    );
  const alarms = async (): Promise<unknown> => (await fixture.content())["alarms"];
  const events = async (): Promise<unknown[]> =>
    (await fixture.platform.platform.events.list(TENANT, { type: "c8y_decoder_event" }, PAGE)).items.map(
      ({ fragments }) => (fragments["decoderData"] as { status: string }).status,
    );

  it("are listed newest first, with bytes, reason, attempts and version", async () => {
    const found = await letters();
    assert.deepEqual(
      found.map(({ bytes: [byte], reason, message, attempts, decoderVersion }) => [
        byte,
        reason,
        message,
        attempts,
        decoderVersion,
      ]),
      [
        [3, "undecodable", "odd", 1, "1.0.0"],
        [2, "threw", "bad byte 2", 1, undefined],
        [1, "threw", "bad byte 1", 1, undefined],
      ],
    );
    assert.lengthOf(await letters({ reason: "threw" }), 2);
    assert.lengthOf(await letters({ dateFrom: new Date(found[1]!.receivedAtMs).toISOString() }), 2);
    assert.lengthOf(await letters({ deviceId: "4711" }), 0);
    assert.lengthOf((await fixture.deadLetters.list("t2", KEY, {}, PAGE)).items, 0);
  });

  it("go back into the queue and are decoded by the version in force; the alarm ends, the events go", async () => {
    fixture.active = "2.0.0";
    assert.deepEqual(await fixture.deadLetters.replay(TENANT, KEY, {}, "admin"), { replayed: 3 });
    await fixture.queue.sweep();
    await fixture.queue.idle();
    assert.deepEqual(await values(), [1, 2, 3]);
    assert.deepEqual(await letters(), []);
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "CLEARED", 2]]);
    assert.deepEqual(await events(), []);
    assert.deepEqual(fixture.deadLetters.figures, { replayed: 3, dropped: 0 });
  });

  it("fail again where nothing has changed, with their reason", async () => {
    await fixture.deadLetters.replay(TENANT, KEY, { reason: "threw" }, "admin");
    await fixture.queue.sweep();
    await fixture.queue.idle();
    assert.lengthOf(await letters({ reason: "threw" }), 2);
    assert.deepEqual(await events(), ["ERROR", "ERROR", "ERROR"]);
  });

  it("only those that are named", async () => {
    fixture.active = "2.0.0";
    const [{ id }] = (await letters()) as [DeadLetter];
    assert.deepEqual(await fixture.deadLetters.replay(TENANT, KEY, { ids: [id] }, "admin"), { replayed: 1 });
    await fixture.queue.sweep();
    await fixture.queue.idle();
    assert.deepEqual(await values(), [3]);
    assert.lengthOf(await letters(), 2);
  });

  it("are decoded by a version that is named, as a job", async () => {
    const answer = await fixture.deadLetters.replay(TENANT, KEY, { version: "2.0.0", reason: "threw" }, "admin");
    assert.isTrue("job" in answer);
    const { progress, selection } = await fixture.ended("job" in answer ? answer.job.id : "");
    assert.deepInclude(progress.payloads, { read: 2, recovered: 2 });
    assert.deepEqual(selection.statuses, ["ERROR"]);
    assert.deepEqual(await values(), [1, 2]);
    assert.lengthOf(await letters(), 1);
  });

  it("are dropped by hand, with their event, and with the last of a device its alarm ends", async () => {
    assert.equal(await fixture.deadLetters.drop(TENANT, KEY, { reason: "threw" }), 2);
    assert.deepEqual(await events(), ["ERROR"]);
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "ACTIVE", 2]]);
    assert.equal(await fixture.deadLetters.drop(TENANT, KEY, { deviceId: fixture.device }), 1);
    assert.deepEqual(await letters(), []);
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "CLEARED", 2]]);
    assert.equal(fixture.deadLetters.figures.dropped, 3);
  });

  for (const [what, body] of [
    ["everything, by forgetting a filter", {}],
    ["an unknown filter", { device: "1" }],
    ["a version, which means nothing here", { version: "1.0.0", reason: "threw" }],
    ["ids that are no list", { ids: "1" }],
  ] as const) {
    it(`drops nothing for ${what}`, async () => {
      const failure = await fixture.deadLetters.drop(TENANT, KEY, body).catch((error: unknown) => error);
      assert.isTrue(isFailure(failure, "VALIDATION"));
      assert.lengthOf(await letters(), 3);
    });
  }
});
