import { assert } from "chai";
import { isFailure, type MooringError } from "../../src/base/errors.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import type { ResourceValue } from "../../src/lwm2m/resource-value.ts";
import type { Plan } from "../../src/remapping/remapping.ts";
import { VALUE_HISTORY } from "../../src/store/collections/values.ts";
import { value } from "../mapping/support.ts";
import { PAGE, TENANT } from "../platform/fixture.ts";
import { counts, decoded, type Mappings, OBJECT, openRemapping, pathOf, type RemappingFixture } from "./support.ts";

const measure = (type: string, series = "T") => ({ measurementCreation: { type, series } });
const OLD: Mappings = { 5700: measure("c8y_Temperature") };
const NEW: Mappings = {
  5700: { ...measure("c8y_RoomTemperature"), eventCreation: { type: "reading", text: "read" } },
  5701: { eventCreation: { type: "unit", text: "a unit" } },
};
const NOTHING = { measurements: "+0 ~0 -0 =0", events: "+0 ~0 -0 =0", alarms: "+0 ~0 -0 =0" };
const HOUR_MS = 3_600_000;

const failureOf = (work: Promise<unknown>): Promise<MooringError> =>
  work.then(
    () => assert.fail("was accepted"),
    (error: unknown) => (isFailure(error) ? error : assert.fail(String(error))),
  );

describe("remapping/remapping", () => {
  let fixture: RemappingFixture;
  const open = async (...given: Parameters<typeof openRemapping>): Promise<RemappingFixture> =>
    (fixture = await openRemapping(...given));
  afterEach(() => fixture?.[Symbol.asyncDispose]());

  const temperatureNow = (number: number) => [value(pathOf(5700), number)];
  async function sendDays(): Promise<void> {
    for (let hour = 0; hour < 60; hour++) {
      await fixture.send([value(pathOf(5700), hour / 2), value(pathOf(5701), "Cel")]);
      await fixture.clock.advance(HOUR_MS);
    }
  }

  describe("a plan", () => {
    it("of what is in force changes nothing", async () => {
      await open(OLD);
      await sendDays();
      const plan = await fixture.plan(OLD);
      assert.deepEqual(counts(plan), { ...NOTHING, measurements: "+0 ~0 -0 =60" });
      assert.deepInclude(plan, { messages: 60, inForce: true, more: false, objectIds: [OBJECT] });
    });

    it("says what would be made, what would be other and what would go, with the first of each", async () => {
      await open({ ...OLD, 5701: measure("never") });
      await sendDays();
      await fixture.send([value("/3303/1/5700", 7)]);
      const plan = await fixture.plan(NEW);
      assert.deepEqual(counts(plan), { ...NOTHING, measurements: "+0 ~61 -0 =0", events: "+121 ~0 -0 =0" });
      assert.equal(plan.alarms.leftOpen, 1, "no number to measure");
      const [first] = plan.measurements.samples;
      const T = { T: { value: 0, unit: "Cel" } };
      assert.deepInclude(first!.before, { type: "c8y_Temperature", c8y_Temperature: T });
      assert.deepInclude(first!.after, { type: "c8y_RoomTemperature", c8y_RoomTemperature: T });
      assert.lengthOf(plan.events.samples, 5);
    });

    it("writes nothing", async () => {
      await open(OLD);
      await sendDays();
      const before = await fixture.content();
      await fixture.plan(NEW);
      assert.deepEqual(await fixture.content(), before);
      assert.isUndefined(fixture.protocols.find(TENANT, OBJECT)!.resourceMappings[5701]);
    });

    it("covers the times that are asked for, both inclusive", async () => {
      await open(OLD);
      const startMs = fixture.clock.now();
      await sendDays();
      const over = { fromMs: startMs + 2 * HOUR_MS, toMs: startMs + 30 * HOUR_MS };
      assert.deepInclude(await fixture.plan(OLD, over), { messages: 29, ...over });
    });

    it("that is too long ends early, and the next goes on there", async () => {
      await open(OLD, { maxMessages: 25 });
      await sendDays();
      const first = await fixture.plan(NEW);
      assert.deepInclude(first, { messages: 25, more: true });
      const second = await fixture.plan(NEW, { fromMs: first.toMs + 1 });
      const third = await fixture.plan(NEW, { fromMs: second.toMs + 1 });
      assert.deepEqual([second.messages, second.more, third.messages, third.more], [25, true, 10, false]);
      await fixture.apply(first, NEW);
      assert.equal(counts(await fixture.plan(NEW, { toMs: first.toMs })).measurements, "+0 ~0 -0 =25");
    });

    it("tells what actions would fail at", async () => {
      await open(OLD);
      await sendDays();
      const { failures } = await fixture.plan({ 5700: { customAction: { actionName: "no:such" } } });
      assert.deepEqual(failures, [{ path: pathOf(5700), action: "no:such", reason: "no such action", count: 60 }]);
    });

    it("of a message that came again after a restart counts it once", async () => {
      await open(OLD);
      await fixture.send(temperatureNow(1), { messageKey: "same" });
      await fixture.clock.advance(90_000);
      await fixture.send(temperatureNow(1), { messageKey: "same" });
      const plan = await fixture.plan(OLD);
      assert.deepEqual([plan.messages, counts(plan).measurements], [1, "+0 ~0 -0 =1"]);
    });

    it("keeps its hands off messages whose values were too long", async () => {
      await open({ ...OLD, 5701: { eventCreation: { type: "text", text: "x" } } });
      await fixture.send([value(pathOf(5701), "x".repeat(300_000)), value(pathOf(5700), 1)]);
      const plan = await fixture.plan(NEW);
      assert.deepEqual(counts(plan), NOTHING);
      assert.equal(plan.withoutValues, 1);
      const before = await fixture.content();
      await fixture.apply(plan, NEW);
      assert.deepEqual(await fixture.content(), before);
    });
  });

  describe("applied", () => {
    it("makes what the plan says, and its protocol is in force", async () => {
      await open(OLD);
      await sendDays();
      const plan = await fixture.plan(NEW);
      const done = await fixture.apply(plan, NEW);
      assert.deepEqual(counts(done), counts(plan));
      const after = await fixture.plan(NEW);
      assert.deepEqual(counts(after), { ...NOTHING, measurements: "+0 ~0 -0 =60", events: "+0 ~0 -0 =120" });
      assert.isTrue(after.inForce);
      await fixture.send(temperatureNow(3));
      const { items } = await fixture.platform.measurements.list(TENANT, { type: "c8y_RoomTemperature" }, PAGE);
      assert.lengthOf(items, 61);
    });

    it("and back again gives what there was", async () => {
      await open({ ...OLD, 5601: { customAction: { actionName: "test:twice" } } });
      await fixture.send([value(pathOf(5601), 5)]);
      await sendDays();
      const back: Mappings = { ...OLD, 5601: { customAction: { actionName: "test:twice" } } };
      const before = await fixture.content();
      await fixture.apply(await fixture.plan(NEW), NEW);
      assert.notDeepEqual(await fixture.content(), before);
      await fixture.apply(await fixture.plan(back), back);
      assert.deepEqual(await fixture.content(), before);
    });

    it("twice gives the same, and so does a plan that was interrupted at any write and repeated", async () => {
      await open(OLD);
      for (let at = 0; at < 220; at++) {
        await fixture.send([value(pathOf(5700), (at * 7) % 100), value(pathOf(5701), "Cel")]);
        await fixture.clock.advance(60_000);
      }
      const before = await fixture.content();
      const plan = await fixture.plan(NEW);
      await fixture.apply(plan, NEW);
      const wanted = await fixture.content();
      await fixture.apply(plan, NEW);
      assert.deepEqual(await fixture.content(), wanted);
      for (const failAfter of [0, 1, 2, 3]) {
        const back = await fixture.plan(OLD);
        await fixture.apply(back, OLD);
        assert.deepEqual(await fixture.content(), before);
        fixture.failAfter = failAfter;
        await fixture.apply(plan, NEW).then(
          () => assert.fail("was not interrupted"),
          (error: Error) => assert.equal(error.message, "killed"),
        );
        fixture.failAfter = undefined;
        await fixture.apply(plan, NEW);
        assert.deepEqual(await fixture.content(), wanted);
      }
    }).timeout(60_000);

    it("documents that somebody changed or deleted become those of the plan", async () => {
      await open(OLD);
      await sendDays();
      const { items } = await fixture.platform.measurements.list(TENANT, {}, PAGE);
      await fixture.platform.measurements.delete(TENANT, items[3]!.id);
      const plan = await fixture.plan(OLD);
      assert.equal(counts(plan).measurements, "+1 ~0 -0 =59");
      await fixture.apply(plan, OLD);
      assert.deepEqual((await fixture.platform.measurements.list(TENANT, {}, PAGE)).items, items);
    });

    it("leaves the inventory and last values alone", async () => {
      await open(OLD);
      await fixture.send(temperatureNow(1));
      await fixture.clock.advance(1000);
      await fixture.send(temperatureNow(2));
      const before = await fixture.platform.inventory.get(TENANT, fixture.deviceId);
      const plan = await fixture.plan(NEW);
      await fixture.apply(plan, NEW);
      assert.deepEqual(await fixture.platform.inventory.get(TENANT, fixture.deviceId), before);
    });

    const changes: readonly (readonly [what: string, said: string, change: (plan: Plan) => Promise<unknown>])[] = [
      ["the history has grown", "history", plan => fixture.send(temperatureNow(9), { receivedAtMs: plan.toMs })],
      ["some of it is gone", "history", () => fixture.store.collection(VALUE_HISTORY).deleteMany({}, { limit: 1 })],
      [
        "another protocol came into force",
        "protocol",
        () => fixture.protocols.addResourceMapping(TENANT, String(OBJECT), { 5602: measure("other") }),
      ],
    ];
    for (const [what, said, change] of changes) {
      it(`is refused, and nothing done, when ${what}`, async () => {
        await open(OLD);
        await sendDays();
        const plan = await fixture.plan(NEW);
        await change(plan);
        const before = await fixture.content();
        const failure = await failureOf(fixture.apply(plan, NEW));
        assert.equal(failure.code, "CONFLICT");
        assert.include(failure.message, said);
        assert.deepEqual(await fixture.content(), before);
      });
    }

    it("another protocol, time or device than the plan's is refused", async () => {
      await open(OLD);
      await sendDays();
      const plan = await fixture.plan(NEW);
      const refused = async (over: Partial<typeof plan>, mappings = NEW) =>
        (await failureOf(fixture.apply({ ...plan, ...over }, mappings))).code;
      assert.equal(await refused({}, { 5700: measure("other") }), "CONFLICT");
      assert.equal(await refused({ fromMs: plan.fromMs + 1 }), "CONFLICT");
      assert.equal(await refused({ toMs: plan.toMs - 1 }), "CONFLICT");
      assert.equal(await refused({ id: "nonsense" }), "VALIDATION");
    });
  });

  describe("alarms", () => {
    const alarm = (type: string, status: "ACTIVE" | "CLEARED" = "ACTIVE", text = "hot") => ({
      alarmCreation: { severity: "MAJOR", type, status, text } as const,
    });
    /** Raised by one resource, cleared by the other. */
    const hot = (text = "hot"): Mappings => ({ 5601: alarm("hot", "ACTIVE", text), 5602: alarm("hot", "CLEARED") });
    const send = async (...resources: number[]): Promise<void> => {
      for (const resource of resources) {
        await fixture.send([value(pathOf(resource), 1)]);
        await fixture.clock.advance(1000);
      }
    };
    const stored = async () =>
      (await fixture.platform.alarms.list(TENANT, {}, PAGE)).items
        .toSorted((a, b) => a.firstOccurrenceTimeMs - b.firstOccurrenceTimeMs)
        .map(({ type, status, count, text }) => `${type} ${status} ${count} ${text}`);

    it("that are over are made, once, with their count", async () => {
      await open({});
      await send(5601, 5601, 5602, 5602, 5601, 5602, 5601);
      const plan = await fixture.plan(hot());
      assert.deepEqual([counts(plan).alarms, plan.alarms.leftOpen], ["+2 ~0 -0 =0", 1]);
      await fixture.apply(plan, hot());
      await fixture.apply(plan, hot());
      assert.deepEqual(await stored(), ["hot CLEARED 2 hot", "hot CLEARED 1 hot"]);
      assert.equal(counts(await fixture.plan(hot())).alarms, "+0 ~0 -0 =2");
    });

    it("that are over go where they would not have been raised; open ones stay", async () => {
      await open(hot());
      await send(5601, 5602, 5601);
      const plan = await fixture.plan({});
      assert.deepEqual([counts(plan).alarms, plan.alarms.leftOpen], ["+0 ~0 -1 =0", 1]);
      await fixture.apply(plan, {});
      assert.deepEqual(await stored(), ["hot ACTIVE 1 hot"]);
    });

    it("made of history go with the mapping that made them", async () => {
      await open({});
      await send(5601, 5602);
      await fixture.apply(await fixture.plan(hot()), hot());
      await fixture.apply(await fixture.plan({}), {});
      assert.deepEqual(await stored(), []);
    });

    it("say what the new mapping says", async () => {
      await open(hot());
      await send(5601, 5602);
      const plan = await fixture.plan(hot("too hot"));
      assert.equal(counts(plan).alarms, "+0 ~1 -0 =0");
      await fixture.apply(plan, hot("too hot"));
      assert.deepEqual(await stored(), ["hot CLEARED 1 too hot"]);
    });

    it("that people cleared, that began before, and of a device in maintenance are no difference", async () => {
      await open(hot());
      await send(5601);
      const fromMs = fixture.clock.now();
      await send(5601, 5602, 5601);
      await fixture.platform.alarms.updateMatching(TENANT, { resolved: false }, { status: "CLEARED" });
      await send(5601, 5602);
      await fixture.platform.inventory.update(TENANT, fixture.deviceId, {
        c8y_RequiredAvailability: { responseInterval: -1 },
      });
      await send(5601, 5602);
      assert.equal(counts(await fixture.plan(hot(), { fromMs })).alarms, "+0 ~0 -0 =2");
    });

    it("of the mapping itself go where it would not have failed", async () => {
      await open({ 5701: measure("text") });
      await fixture.send([value(pathOf(5701), "Cel")]);
      await fixture.clock.advance(1000);
      await fixture.send([value(pathOf(5701), "7")]);
      assert.deepEqual((await stored()).length, 1);
      await fixture.apply(await fixture.plan(OLD), OLD);
      assert.deepEqual(await stored(), []);
    });
  });

  describe("decoders", () => {
    const to = (decoder: string): Mappings => ({ 5605: { customAction: { actionName: `decoder:${decoder}` } } });
    const bytes = (...given: number[]): ResourceValue => value(pathOf(5605), Uint8Array.from(given));
    const measurements = async () =>
      (await fixture.platform.measurements.list(TENANT, {}, PAGE)).items.map(({ type }) => type);

    it("would be given payloads; some are tried where it is installed", async () => {
      await open({});
      for (let at = 0; at < 30; at++) {
        await fixture.send([bytes(at, 1)]);
        await fixture.clock.advance(1000);
      }
      assert.deepEqual((await fixture.plan(to("acme"))).decoders, [{ decoder: "acme", given: 30, taken: 0 }]);
      const values = [{ seriesName: "s", value: 1, unit: "V" }];
      fixture.decode = raw =>
        raw.bytes[0] === 3
          ? { ok: false, reason: "threw", message: "odd" }
          : ({ ok: true, version: "1", result: { success: true, measurements: [{ type: "m", values }] } } as never);
      const plan = await fixture.plan(to("acme"));
      const tried = { payloads: 20, failed: 1, measurements: 19, events: 0, alarms: 0, reason: "odd" };
      assert.deepEqual(plan.decoders, [{ decoder: "acme", given: 30, taken: 0, tried }]);
      assert.isEmpty(fixture.enqueued);
      await fixture.apply(plan, to("acme"));
      assert.lengthOf(fixture.enqueued, 30);
      assert.deepEqual((await fixture.plan(to("acme"))).decoders, []);
    });

    it("are taken payloads from, with what they made of them", async () => {
      await open(to("acme"));
      await fixture.send([bytes(1)]);
      const made = Array.from({ length: 250 }, (_, at) => ({
        ...({ kind: "measurement", type: "decoded", atMs: at, series: { f: { s: { value: at } } } } as const),
      }));
      const event = { kind: "event", type: "decoded", text: "x", atMs: 1 } as const;
      await fixture.uplink.applyDecoded(decoded(fixture.enqueued[0]!, [...made, event]));
      const other = await fixture.plan(to("other"));
      assert.deepEqual(other.decoders, [
        { decoder: "other", given: 1, taken: 0 },
        { decoder: "acme", given: 0, taken: 1 },
      ]);
      await fixture.apply(other, to("other"));
      assert.deepEqual(await measurements(), []);
      assert.deepEqual([fixture.enqueued.length, fixture.enqueued[1]!.decoder], [2, "other"]);
      await fixture.apply(await fixture.plan({}), {});
      assert.deepInclude((await fixture.content()) as object, { events: [], payloads: [], measurements: [] });
    });
  });

  it("a history of any kind becomes what the engine would have made of it", async () => {
    const random = createSeededRandom(20_261_130);
    const pick = <T>(of: readonly T[]): T => of[random.int(of.length)]!;
    const mapping = (): Mappings[number] => ({
      ...(random.int(2) ? measure(pick(["a", "b"]), pick(["T", "x.y"])) : {}),
      ...(random.int(3) ? {} : { eventCreation: { type: pick(["e", "f"]), text: "t" } }),
      ...(random.int(3)
        ? {}
        : { customAction: { actionName: pick(["test:twice", "decoder:acme", "decoder:b", "no:such"]) } }),
      skipIfEmpty: random.int(2) === 0,
    });
    const mappings = (): Mappings =>
      Object.fromEntries([5700, 5701, 5601, 5602, 5605].filter(() => random.int(4)).map(id => [id, mapping()]));
    const message = (): ResourceValue[] =>
      Array.from({ length: 1 + random.int(4) }, () => {
        const path = pick([pathOf(5700), pathOf(5701), "/3303/1/5700", pathOf(5602), pathOf(5605), "/6/0/0", "/6/0/1"]);
        const scalar = pick([1, -0, 2.5, "", "7", "no number", true, Uint8Array.of(1, 2), 2n ** 60n]);
        const own = random.int(3) ? {} : { atMs: 1_600_000_000_000 + random.int(1000) };
        return value(path, scalar, own);
      });
    for (let round = 0; round < 6; round++) {
      const [before, after] = [mappings(), mappings()];
      const messages = Array.from({ length: 25 }, message);
      const told = async (given: Mappings): Promise<RemappingFixture> => {
        const opened = await openRemapping(given);
        for (const values of messages) {
          await opened.send(values);
          await opened.clock.advance(HOUR_MS);
        }
        return opened;
      };
      await using wanted = await told(after);
      await using remapped = await told(before);
      assert.deepEqual(
        Object.values(counts(await remapped.plan(before))).map(text => text.replace(/=.*/, "")),
        ["+0 ~0 -0 ", "+0 ~0 -0 ", "+0 ~0 -0 "],
      );
      const plan = await remapped.plan(after);
      await remapped.apply(plan, after);
      type Content = { measurements: unknown; events: { type: string }[]; payloads: unknown };
      const documents = async (of: RemappingFixture) => {
        const { measurements, events, payloads } = (await of.content()) as Content;
        // The event that shows a waiting payload names the moment when it was kept.
        return { measurements, events: events.filter(({ type }) => type !== "c8y_decoder_event"), payloads };
      };
      assert.deepEqual(await documents(remapped), await documents(wanted), `round ${round}`);
      assert.deepEqual(
        Object.values(counts(await remapped.plan(after))).map(text => text.replace(/=.*/, "")),
        ["+0 ~0 -0 ", "+0 ~0 -0 ", "+0 ~0 -0 "],
      );
    }
    await open({});
  }).timeout(60_000);

  it("bad input is refused with field and rule", async () => {
    await open(OLD);
    const refused = async (over: object) => {
      const { code, details } = await failureOf(fixture.plan(NEW, over));
      return `${code} ${details["field"]} ${details["rule"]}`;
    };
    assert.include(await refused({ protocol: 7 }), "VALIDATION protocol must be an object");
    assert.include(await refused({ protocol: {} }), "VALIDATION protocol.objectId");
    assert.include(await refused({ protocol: { objectId: 9999 } }), "VALIDATION protocol.objectModel is missing");
    assert.include(await refused({ protocol: { objectId: 3 } }), "VALIDATION protocol.objectId must be 3303");
    const mapped = (mapping: object) => ({ protocol: { objectId: OBJECT, resourceMappings: { 5700: mapping } } });
    assert.include(
      await refused(mapped({ measurementCreation: { type: "a b", series: "T" } })),
      "VALIDATION protocol.resourceMappings[5700].measurementCreation.type must not contain white space",
    );
    assert.include(
      await refused(mapped({ nonsense: 1 })),
      "protocol.resourceMappings[5700].nonsense is not known here",
    );
    assert.include(
      await refused({ protocol: { objectId: OBJECT, resourceMappings: { 1: {} } } }),
      "VALIDATION protocol.resourceMappings[1] is no resource",
    );
    const one = { objectId: OBJECT, resourceMappings: {} };
    assert.include(await refused({ protocol: [one, one] }), "VALIDATION protocol must hold each object once");
    assert.include(await refused({ protocol: [] }), "VALIDATION protocol.objectId must be 3303");
    assert.include(await refused({ fromMs: 5, toMs: 4 }), "VALIDATION dateFrom must be before dateTo");
    assert.include(await refused({ deviceId: "1" }), "NOT_FOUND");
  });

  it("without a history there is no plan", async () => {
    await open(OLD, { retentionDays: 0 });
    assert.include((await failureOf(fixture.plan(NEW))).message, "history.retentionDays is 0");
  });

  it("of a device that is not marked there is none, until it is marked", async () => {
    await open(OLD, { isMarked: false });
    await fixture.send(temperatureNow(1));
    const { code, message } = await failureOf(fixture.plan(NEW));
    assert.equal(code, "CONFLICT");
    assert.include(message, "has no keepValueHistory: true");
    await fixture.platform.inventory.update(TENANT, fixture.deviceId, { keepValueHistory: true });
    await fixture.send(temperatureNow(2));
    assert.equal((await fixture.plan(NEW)).messages, 1);
  });
});
