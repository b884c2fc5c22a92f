import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import type { DecoderManifest, DecoderResult } from "../../src/contract/decoder.ts";
import { createBacklog } from "../../src/decoding/backlog.ts";
import {
  createDecodeQueue,
  type DecodedDocuments,
  type DecodeQueue,
  type DecodeQueueLimits,
} from "../../src/decoding/decode-queue.ts";
import type { DecoderDirectory, InstalledDecoder } from "../../src/decoding/decoder-directory.ts";
import { keepOps, newRawPayload, type RawPayload, replayOps } from "../../src/decoding/raw-payload.ts";
import { parsePath } from "../../src/lwm2m/path.ts";
import { createEffectApplier } from "../../src/mapping/apply-effects.ts";
import { createSuperseder } from "../../src/mapping/superseder.ts";
import { createUplink, type Uplink } from "../../src/mapping/uplink.ts";
import type { Fragments } from "../../src/platform/platform.ts";
import type { DecodeOutcome, RuntimeInput } from "../../src/sandbox/decoder-runtime.ts";
import { RAW_PAYLOADS, type RawPayloadDocument } from "../../src/store/collections/decoding.ts";
import { parts as mappingParts } from "../mapping/support.ts";
import { createDevice, openPlatform, PAGE, type PlatformFixture, TENANT } from "../platform/fixture.ts";

const FAILURE_ALARM = "c8y_LWM2MDecoderFailure_acme";
const RETRY_MS = 60_000;
const manifest: DecoderManifest = {
  key: "acme",
  name: "ACME meter",
  version: "1.2.3",
  deviceFragments: ["c8y_IsDevice"],
};

const reading = (value: number): DecoderResult => ({
  success: true,
  measurements: [{ type: "acme", values: [{ seriesName: "U", unit: "V", value }] }],
});
const good = (result: DecoderResult): DecodeOutcome => ({ ok: true, result, version: "1.2.3", cpuMs: 0.1 });

/** Decoders whose decodes a test answers. */
function scriptedDirectory() {
  const installed = new Map([[manifest.key, manifest]]);
  const inputs: RuntimeInput[] = [];
  const script = {
    installed,
    inputs,
    kind: { kind: "sandbox" } as Pick<InstalledDecoder, "kind" | "parallel">,
    answer: (input: RuntimeInput, _key: string): DecodeOutcome | Promise<DecodeOutcome> =>
      good(reading(input.value[0]!)),
  };
  const directory: Pick<DecoderDirectory, "find" | "decode"> = {
    find(_, key) {
      const manifest = installed.get(key);
      return manifest && { id: `${key}@${manifest.version}`, manifest, ...script.kind };
    },
    async decode({ manifest: { key } }, input) {
      inputs.push(input);
      return script.answer(input, key);
    },
  };
  return { script, directory };
}

describe("decoding/decode-queue", () => {
  let fixture: PlatformFixture;
  let scripted: ReturnType<typeof scriptedDirectory>;
  let uplink: Uplink;
  let queue: DecodeQueue;
  let deviceId: string;
  let failApply: ((documents: DecodedDocuments) => void) | undefined;
  let last = 0;
  let pauses: string[];

  const openQueue = (limits: Partial<DecodeQueueLimits> = {}): DecodeQueue => {
    const { platform, store, clock, log } = fixture;
    return createDecodeQueue({
      directory: scripted.directory,
      backlog: createBacklog(store.collection(RAW_PAYLOADS)),
      async apply(documents) {
        failApply?.(documents);
        return uplink.applyDecoded(documents);
      },
      write: ops => platform.write(ops),
      findDevice: (tenant, id) => platform.inventory.findCached(tenant, id),
      clock,
      log,
      limits,
      retries: { max: 2, delayMs: RETRY_MS },
      onPause: ({ decoder }, pause) => void pauses.push(pause ? `${decoder}: ${pause.reason}` : `${decoder} works`),
    });
  };

  beforeEach(async () => {
    fixture = await openPlatform();
    scripted = scriptedDirectory();
    failApply = undefined;
    pauses = [];
    const { platform, store, clock, log } = fixture;
    const decodes = { displayName: (_: string, key: string) => key, enqueue: () => {}, sweep: () => {} };
    const applier = createEffectApplier({ platform, nowMs: clock.now, decodes });
    const superseder = createSuperseder({ store, nowMs: clock.now });
    uplink = createUplink({ platform, store, log, mapping: mappingParts({}), applier, superseder });
    deviceId = await createDevice(platform);
    queue = openQueue();
  });
  afterEach(async () => {
    await queue[Symbol.asyncDispose]();
    await fixture[Symbol.asyncDispose]();
  });

  /** Stored as the applier of effects does it, not yet queued. */
  async function kept(first: number, device = deviceId, decoder = "acme"): Promise<RawPayload> {
    const value = { path: parsePath("/33456/0/123"), type: "OPAQUE", value: Uint8Array.of(first, 255) } as const;
    const receivedAtMs = fixture.clock.now() + last;
    const source = { tenant: TENANT, deviceId: device, endpoint: "urn:dev:7", receivedAtMs };
    const effect = { kind: "decode", decoder, value, atMs: receivedAtMs } as const;
    const raw = newRawPayload(source, effect, `1${String(++last).padStart(29, "0")}`);
    await fixture.platform.write(keepOps(raw, queue.displayName(TENANT, decoder), fixture.clock.now()));
    return raw;
  }
  async function decoded(...payloads: RawPayload[]): Promise<void> {
    queue.enqueue(payloads);
    await queue.idle();
  }
  const stored = (raw: RawPayload): Promise<RawPayloadDocument | undefined> =>
    fixture.store.collection(RAW_PAYLOADS).findOne({ _id: raw.id });
  const decoderEvents = async (): Promise<Fragments[]> =>
    (await fixture.platform.events.list(TENANT, { type: "c8y_decoder_event" }, PAGE)).items.map(
      ({ text, fragments }) => ({
        text,
        ...(fragments["decoderData"] as Fragments),
      }),
    );
  const values = async (source = deviceId): Promise<unknown[]> =>
    (await fixture.platform.measurements.list(TENANT, { sourceId: source }, PAGE)).items.map(
      ({ fragments }) => (fragments["acme"] as { U: { value: number } }).U.value,
    );
  const alarms = async (): Promise<[string, string, number][]> =>
    (await fixture.platform.alarms.list(TENANT, {}, PAGE)).items.map(({ type, status, count }) => [
      type,
      status,
      count,
    ]);

  it("9.2 item 2: a kept payload is shown as a PENDING event", async () => {
    const raw = await kept(7);
    assert.deepEqual(await decoderEvents(), [
      {
        text: "External decoder data received from device. Decoder: acme (ACME meter)",
        serviceKey: "acme",
        value: "07ff",
        args: { resourcePath: "/33456/0/123" },
        sourceDeviceId: deviceId,
        status: "PENDING",
      },
    ]);
    assert.deepInclude(await stored(raw), { status: "PENDING", attempts: 0, decoder: "acme", managedObject: deviceId });
  });

  it("9.2 item 5: on success the results are stored, the event goes, the payload stays", async () => {
    const raw = await kept(7);
    await decoded(raw);
    assert.deepEqual(await values(), [7]);
    assert.deepEqual(await decoderEvents(), []);
    assert.deepInclude(await stored(raw), { status: "DONE", decoderVersion: "1.2.3", attempts: 1 });
    assert.deepEqual(queue.stats(), { queued: 0, behind: false, decoded: 1, failed: 0, retried: 0 });
  });

  it("gives the decoder the bytes, where they came from and the fragments that its manifest names", async () => {
    const raw = await kept(7);
    await decoded(raw);
    assert.deepEqual(scripted.script.inputs, [
      {
        value: Uint8Array.of(7, 255),
        resourcePath: "/33456/0/123",
        resourceType: "OPAQUE",
        receivedAt: new Date(raw.atMs).toISOString(),
        sourceDeviceId: deviceId,
        device: { c8y_IsDevice: {} },
      },
    ]);
  });

  for (const reason of ["timeout", "memory", "threw", "invalidResult", "inputTooLarge", "hostDied"] as const) {
    it(`a payload on which the decoder fails (${reason}) stays with the reason, and an alarm tells`, async () => {
      scripted.script.answer = () => ({ ok: false, reason, message: "so it is", version: "1.2.3" });
      const raw = await kept(7);
      await decoded(raw);
      assert.deepEqual(await alarms(), [[FAILURE_ALARM, "ACTIVE", 1]]);
      const [event] = await decoderEvents();
      assert.deepInclude(event, { status: "ERROR", reason, message: "so it is", value: "07ff", serviceKey: "acme" });
      const document = await stored(raw);
      assert.deepInclude(document, { status: "ERROR", attempts: 1 });
      assert.deepInclude(document!.details, { reason, message: "so it is" });
      assert.equal(queue.stats().failed, 1);
    });
  }

  it("15.3: the next success clears the failure alarm", async () => {
    scripted.script.answer = () => ({ ok: false, reason: "threw", message: "no" });
    await decoded(await kept(1), await kept(2));
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "ACTIVE", 2]]);
    scripted.script.answer = () => good(reading(3));
    await decoded(await kept(3));
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "CLEARED", 2]]);
  });

  it("15.3: also when the alarm is from before a restart", async () => {
    scripted.script.answer = () => ({ ok: false, reason: "threw", message: "no" });
    await decoded(await kept(1));
    await queue[Symbol.asyncDispose]();
    queue = openQueue();
    scripted.script.answer = () => good(reading(2));
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
    scripted.script.answer = () => good(result);
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
    await fixture.clock.advance(60_000);
    await queue.idle();
    assert.lengthOf(scripted.script.inputs, 1);
  });

  it("9.3: alarmTypesToUpdate changes the device's open alarms of those types", async () => {
    for (const type of ["a", "b"]) {
      const body = { source: { id: deviceId }, type, text: type, severity: "MINOR", time: "2026-01-01T00:00:00Z" };
      await fixture.platform.alarms.create(TENANT, { ...body, status: "ACTIVE" });
    }
    scripted.script.answer = () =>
      good({ success: true, alarmTypesToUpdate: { ACKNOWLEDGED: ["a", "c"], CLEARED: ["b"] } });
    await decoded(await kept(1));
    assert.sameDeepMembers(await alarms(), [
      ["a", "ACKNOWLEDGED", 1],
      ["b", "CLEARED", 1],
    ]);
  });

  it("20-23: a message that is repeated after its payload was decoded changes nothing, and its event goes", async () => {
    const raw = await kept(7);
    await decoded(raw);
    scripted.script.answer = () => ({ ...good(reading(8)), version: "2.0.0" }) as DecodeOutcome;
    await fixture.platform.write(keepOps(raw, "ACME meter", fixture.clock.now()));
    await queue.sweep();
    await queue.idle();
    assert.lengthOf(scripted.script.inputs, 1);
    assert.deepEqual(await values(), [7]);
    assert.deepEqual(await decoderEvents(), []);
    assert.deepInclude(await stored(raw), { status: "DONE", decoderVersion: "1.2.3" });
  });

  it("20-23: a payload that was decoded before its status could be stored stores once", async () => {
    const raw = await kept(7);
    await decoded(raw);
    await decoded(raw);
    assert.lengthOf(scripted.script.inputs, 2);
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
      await fixture.platform.write(replayOps(raw, fixture.clock.now()));
      await queue.sweep();
      await queue.idle();
    };
    const eventTexts = async (): Promise<string[]> =>
      (await fixture.platform.events.list(TENANT, { type: "e" }, PAGE)).items.map(({ text }) => text);

    it("is decoded again, and what it makes takes the place of what it made", async () => {
      scripted.script.answer = () => good(refused);
      const raw = await kept(7);
      await decoded(raw);
      assert.sameMembers(await eventTexts(), ["odd", "very odd"]);
      scripted.script.answer = () => good(found);
      await putBack(raw);
      assert.deepEqual(await eventTexts(), ["fine"]);
      assert.deepEqual(await values(), [9]);
      assert.deepEqual(await alarms(), [["leak", "ACTIVE", 1]]);
      assert.deepEqual(await fixture.platform.inventory.lastValues(TENANT, deviceId, 9, 0), { instance: 0, 1: "old" });
      assert.deepEqual(await decoderEvents(), []);
      const document = await stored(raw);
      assert.deepInclude(document, { status: "DONE", attempts: 1 });
      assert.notProperty(document!.details, "again");
      assert.notProperty(document!.details, "reason");
    });

    it("says nothing of alarms and last values where a newer one has spoken since", async () => {
      scripted.script.answer = () => good(refused);
      const raw = await kept(7);
      await decoded(raw);
      scripted.script.answer = () => good({ ...reading(10), dataFragments: [{ key: "/9/0/1", value: "new" }] });
      await decoded(await kept(8));
      scripted.script.answer = () => good(found);
      await putBack(raw);
      assert.deepEqual(await values(), [9, 10]);
      assert.deepEqual(await alarms(), []);
      assert.deepEqual(await fixture.platform.inventory.lastValues(TENANT, deviceId, 9, 0), { instance: 0, 1: "new" });
    });

    it("or whose message the device repeats, with the same end", async () => {
      scripted.script.answer = () => good(refused);
      const raw = await kept(7);
      await decoded(raw);
      scripted.script.answer = () => good(found);
      await fixture.platform.write(keepOps(raw, "ACME meter", fixture.clock.now()));
      await queue.sweep();
      await queue.idle();
      assert.deepEqual(await eventTexts(), ["fine"]);
      assert.deepEqual(await values(), [9]);
    });

    it("keeps what its decoder said of it where the decoder now breaks", async () => {
      scripted.script.answer = () => good(refused);
      const raw = await kept(7);
      await decoded(raw);
      scripted.script.answer = () => ({ ok: false, reason: "threw", message: "no" });
      await putBack(raw);
      assert.sameMembers(await eventTexts(), ["odd", "very odd"]);
      assert.deepInclude((await stored(raw))!.details, { reason: "threw", message: "no" });
    });

    it("stays where it is when it is not ERROR any more", async () => {
      const raw = await kept(7);
      await decoded(raw);
      await putBack(raw);
      assert.lengthOf(scripted.script.inputs, 1);
      assert.equal((await stored(raw))!.status, "DONE");
    });
  });

  it("a crash leaves nothing behind: what is PENDING or IN_PROGRESS is taken up at the start, once", async () => {
    const raws = [await kept(1), await kept(2), await kept(3)];
    await fixture.store.collection(RAW_PAYLOADS).updateOne({ _id: raws[1]!.id }, { $set: { status: "IN_PROGRESS" } });
    queue.enqueue([raws[0]!]);
    queue.start();
    await queue.idle();
    assert.sameMembers(await values(), [1, 2, 3]);
    assert.lengthOf(scripted.script.inputs, 3);
    for (const raw of raws) assert.equal((await stored(raw))!.status, "DONE");
  });

  it("20-23: stores a device's payloads in order, however long each takes; devices do not wait for each other", async () => {
    const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
    const order: number[] = [];
    scripted.script.answer = async ({ value }) => {
      await gates[value[0]! - 1]?.promise;
      return good(reading(value[0]!));
    };
    failApply = ({ effects }) => {
      const [effect] = effects;
      if (effect?.kind === "measurement") order.push(effect.series["acme"]!["U"]!.value);
    };
    const other = await createDevice(fixture.platform, "meter 8");
    queue.enqueue([await kept(1), await kept(2), await kept(3), await kept(9, other)]);
    await fixture.clock.advance(0);
    assert.deepEqual(order, [9]);
    for (const at of [2, 1, 0]) {
      gates[at]!.resolve();
      await fixture.clock.advance(0);
    }
    await queue.idle();
    assert.deepEqual(order, [9, 1, 2, 3]);
  });

  it("9.2 item 4: more than the queue holds waits in the store, and is decoded all the same", async () => {
    await queue[Symbol.asyncDispose]();
    queue = openQueue({ maxQueued: 10, concurrency: 4 });
    for (let value = 0; value < 40; value++) queue.enqueue([await kept(value)]);
    assert.isAtMost(queue.stats().queued, 510);
    for (let turn = 0; turn < 100 && queue.stats().decoded < 40; turn++) await fixture.clock.advance(1);
    await queue.idle();
    assert.sameMembers(
      await values(),
      Array.from({ length: 40 }, (_, value) => value),
    );
    assert.deepEqual(queue.stats(), { queued: 0, behind: false, decoded: 40, failed: 0, retried: 0 });
  });

  it("a payload for a decoder that is not there waits for it, and an alarm says so once", async () => {
    scripted.script.installed.clear();
    const raws = [await kept(1), await kept(2)];
    await decoded(...raws);
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "ACTIVE", 1]]);
    assert.equal((await stored(raws[0]!))!.status, "PENDING");
    assert.lengthOf(await decoderEvents(), 2);
    scripted.script.installed.set("acme", manifest);
    await queue.sweep();
    await queue.idle();
    assert.sameMembers(await values(), [1, 2]);
    assert.deepEqual(await alarms(), [[FAILURE_ALARM, "CLEARED", 1]]);
  });

  it("a runtime that cannot work now costs a pause, not a payload", async () => {
    queue.start();
    await queue.idle();
    scripted.script.answer = () => ({ ok: false, reason: "unavailable", message: "no host starts" });
    const raw = await kept(7);
    await decoded(raw);
    assert.equal((await stored(raw))!.status, "PENDING");
    assert.deepEqual(await alarms(), []);
    assert.isTrue(queue.stats().behind);
    scripted.script.answer = () => good(reading(7));
    await fixture.clock.advance(10_000);
    await queue.idle();
    assert.deepEqual(await values(), [7]);
  });

  it("a store that refuses now is asked again by the sweep", async () => {
    queue.start();
    await queue.idle();
    let refusals = 2;
    failApply = () => {
      if (refusals-- > 0) throw new MooringError("STORE_FULL", "too many writes wait");
    };
    await decoded(await kept(1));
    await decoded(await kept(2));
    for (let turn = 0; turn < 5; turn++) {
      await fixture.clock.advance(10_000);
      await queue.idle();
    }
    assert.sameMembers(await values(), [1, 2]);
  });

  it("a result that breaks a rule of storing loses that part only, and the log says it", async () => {
    failApply = undefined;
    const result = reading(5);
    scripted.script.answer = () => good({ ...result, events: [{ type: "e", text: "" }] });
    const raw = await kept(5);
    await decoded(raw);
    assert.deepEqual(await values(), [5]);
    assert.equal((await stored(raw))!.status, "DONE");
    assert.isTrue(fixture.log.lines.some(({ event }) => event === "decoder.effectsLeftOut"));
  });

  it("a payload whose device is gone ends", async () => {
    const raw = await kept(1);
    failApply = () => {
      throw new MooringError("NOT_FOUND", "no such device");
    };
    await decoded(raw);
    const document = await stored(raw);
    assert.equal(document!.status, "ERROR");
    assert.deepInclude(document!.details, { reason: "refused", message: "the device is gone" });
  });

  it("closing finishes what is under way and leaves the rest to the next start", async () => {
    await queue[Symbol.asyncDispose]();
    queue = openQueue({ concurrency: 1 });
    const gate = Promise.withResolvers<void>();
    scripted.script.answer = async ({ value }) => {
      await gate.promise;
      return good(reading(value[0]!));
    };
    queue.enqueue([await kept(1), await kept(2)]);
    const closing = queue[Symbol.asyncDispose]();
    gate.resolve();
    await closing;
    queue.enqueue([await kept(3)]);
    assert.deepEqual(await values(), [1]);
    queue = openQueue();
    queue.start();
    await queue.idle();
    assert.sameMembers(await values(), [1, 2, 3]);
  });

  describe("a decoder that cannot run now", () => {
    const both = async (): Promise<void> => {
      queue.start();
      await queue.idle();
      scripted.script.installed.set("other", { ...manifest, key: "other" });
    };
    const unavailable = (retryAtMs: number): DecodeOutcome => ({
      ok: false,
      reason: "unavailable",
      message: "resting",
      retryAtMs,
    });

    it("is put off until then, and no other is", async () => {
      await both();
      const retryAtMs = fixture.clock.now() + 45_000;
      scripted.script.answer = ({ value }, key) =>
        key === "acme" ? unavailable(retryAtMs) : good({ ...reading(value[0]!) });
      await decoded(await kept(1), await kept(2, deviceId, "other"));
      assert.deepEqual(await values(), [2]);
      assert.deepEqual(queue.paused(TENANT, "acme"), { reason: "resting", untilMs: retryAtMs });
      assert.isUndefined(queue.paused(TENANT, "other"));
      await decoded(await kept(3), await kept(4, deviceId, "other"));
      assert.sameMembers(await values(), [2, 4]);
      await fixture.clock.advance(40_000);
      assert.lengthOf(scripted.script.inputs, 3);
      scripted.script.answer = ({ value }) => good(reading(value[0]!));
      await fixture.clock.advance(20_000);
      await queue.idle();
      assert.sameMembers(await values(), [1, 2, 3, 4]);
      assert.deepEqual(await alarms(), []);
      assert.deepEqual(pauses, ["acme: resting", "other works", "acme works"]);
    });

    it("is asked again at once when it is released", async () => {
      await both();
      scripted.script.answer = () => unavailable(fixture.clock.now() + 3_600_000);
      await decoded(await kept(1));
      scripted.script.answer = ({ value }) => good(reading(value[0]!));
      queue.resume("somebody else");
      await queue.idle();
      assert.deepEqual(await values(), []);
      queue.resume(`acme@${manifest.version}`);
      await queue.idle();
      assert.deepEqual(await values(), [1]);
      assert.isUndefined(queue.paused(TENANT, "acme"));
    });

    it("is asked again at once when another version is in force", async () => {
      await both();
      scripted.script.answer = () => unavailable(fixture.clock.now() + 3_600_000);
      await decoded(await kept(1));
      scripted.script.installed.set("acme", { ...manifest, version: "1.2.4" });
      scripted.script.answer = ({ value }) => good(reading(value[0]!));
      await queue.sweep();
      await queue.idle();
      assert.deepEqual(await values(), [1]);
    });

    it("keeps the order of each device: what was begun behind is decoded again after it", async () => {
      await both();
      const gate = Promise.withResolvers<void>();
      scripted.script.answer = async ({ value }) => {
        if (value[0] !== 1) return good(reading(value[0]!));
        await gate.promise;
        return unavailable(fixture.clock.now() + 5_000);
      };
      const order: number[] = [];
      failApply = ({ effects }) => {
        const [effect] = effects;
        if (effect?.kind === "measurement") order.push(effect.series["acme"]!["U"]!.value);
      };
      queue.enqueue([await kept(1), await kept(2), await kept(3)]);
      await fixture.clock.advance(0);
      gate.resolve();
      await queue.idle();
      assert.deepEqual(order, []);
      const { reason, untilMs } = queue.paused(TENANT, "acme")!;
      assert.deepEqual({ reason, untilMs }, { reason: "resting", untilMs: fixture.clock.now() + 5_000 });
      scripted.script.answer = ({ value }) => good(reading(value[0]!));
      await fixture.clock.advance(20_000);
      await queue.idle();
      assert.deepEqual(order, [1, 2, 3]);
    });
  });

  it("9.2 item 4: a full queue of one decoder leaves room for another's, and takes no more than it can hold", async () => {
    await queue[Symbol.asyncDispose]();
    queue = openQueue({ maxQueued: 10, concurrency: 4 });
    scripted.script.installed.set("other", { ...manifest, key: "other" });
    const gate = Promise.withResolvers<void>();
    scripted.script.answer = async ({ value }, key) => {
      if (key === "acme") await gate.promise;
      return good(reading(value[0]!));
    };
    for (let value = 0; value < 30; value++) queue.enqueue([await kept(value)]);
    assert.equal(queue.stats().queued, 10);
    queue.enqueue([await kept(100, deviceId, "other")]);
    while (queue.stats().decoded === 0) await fixture.clock.advance(1);
    assert.deepEqual(await values(), [100]);
    gate.resolve();
    while (queue.stats().behind) await fixture.clock.advance(1);
    await queue.idle();
    assert.lengthOf(await values(), 31);
    assert.lengthOf(scripted.script.inputs, 31);
  });

  it("decoders take turns: one with much to do does not keep the others waiting", async () => {
    await queue[Symbol.asyncDispose]();
    queue = openQueue({ concurrency: 2 });
    const keys = ["acme", "b", "c"];
    for (const key of keys) scripted.script.installed.set(key, { ...manifest, key });
    const order: string[] = [];
    scripted.script.answer = ({ value }, key) => {
      order.push(key);
      return good(reading(value[0]!));
    };
    const many: RawPayload[] = [];
    for (let value = 0; value < 20; value++) many.push(await kept(value, await createDevice(fixture.platform)));
    queue.enqueue([...many, await kept(30, deviceId, "b"), await kept(31, deviceId, "c")]);
    await queue.idle();
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
      scripted.script.kind = { kind: "remote", parallel: 2 };
    });

    it("9.2 item 3: is called while its payload is shown IN_PROGRESS", async () => {
      let seen: unknown;
      const raw = await kept(7);
      scripted.script.answer = async () => {
        seen = [(await stored(raw))!.status, (await decoderEvents())[0]!["status"]];
        return good(reading(7));
      };
      await decoded(raw);
      assert.deepEqual(seen, ["IN_PROGRESS", "IN_PROGRESS"]);
      assert.deepEqual(await values(), [7]);
      assert.deepEqual(await decoderEvents(), []);
    });

    it("9.2 item 4: a failed call is made again after the delay, so many times; then the payload is given up", async () => {
      queue.start();
      await queue.idle();
      scripted.script.answer = () => failed;
      const raw = await kept(7);
      for (const calls of [1, 2]) {
        if (calls === 1) await decoded(raw);
        assert.lengthOf(scripted.script.inputs, calls);
        assert.deepInclude(await stored(raw), { status: "PENDING", attempts: calls });
        assert.deepInclude((await decoderEvents())[0], { status: "PENDING", message: "it answered 500" });
        assert.deepEqual(await alarms(), []);
        await fixture.clock.advance(RETRY_MS - 20_000);
        await queue.idle();
        assert.lengthOf(scripted.script.inputs, calls);
        await fixture.clock.advance(20_000);
        await queue.idle();
      }
      assert.lengthOf(scripted.script.inputs, 3);
      assert.deepInclude(await stored(raw), { status: "ERROR", attempts: 3 });
      assert.deepInclude((await decoderEvents())[0], { status: "ERROR", reason: "callFailed" });
      assert.deepEqual(await alarms(), [[FAILURE_ALARM, "ACTIVE", 1]]);
      assert.deepEqual(queue.stats(), { queued: 0, behind: false, decoded: 0, failed: 1, retried: 2 });
    });

    it("9.2 item 4: a payload that waits for its next call holds up none; a restart keeps its wait", async () => {
      scripted.script.answer = ({ value }) => (value[0] === 1 ? failed : good(reading(value[0]!)));
      await decoded(await kept(1), await kept(2));
      assert.deepEqual(await values(), [2]);
      await queue[Symbol.asyncDispose]();
      queue = openQueue();
      queue.start();
      scripted.script.answer = ({ value }) => good(reading(value[0]!));
      await fixture.clock.advance(RETRY_MS - 20_000);
      await queue.idle();
      assert.lengthOf(scripted.script.inputs, 2);
      await fixture.clock.advance(20_000);
      await queue.idle();
      assert.sameMembers(await values(), [1, 2]);
    });

    it("takes as many at a time as it says, and none of the room of others", async () => {
      await queue[Symbol.asyncDispose]();
      queue = openQueue({ concurrency: 1 });
      let most = 0;
      let now = 0;
      scripted.script.answer = async ({ value }) => {
        most = Math.max(most, ++now);
        await fixture.platform.inventory.findCached(TENANT, deviceId);
        now--;
        return good(reading(value[0]!));
      };
      await decoded(await kept(1), await kept(2), await kept(3), await kept(4));
      assert.lengthOf(await values(), 4);
      assert.equal(most, 2);
    });

    it("that is paused is shown PENDING while it waits", async () => {
      scripted.script.answer = () => ({ ok: false, reason: "unavailable", message: "nobody is there" });
      const raw = await kept(7);
      await decoded(raw);
      assert.deepInclude(await stored(raw), { status: "PENDING", attempts: 0 });
      assert.equal((await decoderEvents())[0]!["status"], "PENDING");
    });
  });
});
