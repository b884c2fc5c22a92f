import { assert } from "chai";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { MooringError } from "../../../src/base/errors.ts";
import { formatCode } from "../../../src/coap/codes.ts";
import { formatTarget, onePath } from "../../../src/lwm2m/observation/observation-target.ts";
import type { ObserveAnswer, ObserveOptions } from "../../../src/lwm2m/operations/requests.ts";
import { formatPath, parsePath } from "../../../src/lwm2m/path.ts";
import type { ValueBatch } from "../../../src/lwm2m/server/value-batch.ts";
import { OBSERVATIONS } from "../../../src/store/collections/devices.ts";
import type { Store } from "../../../src/store/store.ts";
import { completed, createLwm2mWorld, type Lwm2mWorld, type WorldOptions } from "../support/lwm2m-world.ts";
import { ACK, RST, type ScriptedDevice, settle } from "../support/scripted-device.ts";

const CONTENT = 69;

/** Observations are stored when `turn` has resolved. */
const savingAfter = (store: Store, turn: Promise<void>): Store => ({
  ...store,
  collection(spec) {
    const collection = store.collection(spec);
    const { replaceOne } = collection;
    if (spec.name !== OBSERVATIONS.name) return collection;
    return { ...collection, replaceOne: (...given) => turn.then(() => replaceOne(...given)) };
  },
});

describe("lwm2m/server: observation", () => {
  let world: Lwm2mWorld;
  let device: ScriptedDevice;
  afterEach(() => world[Symbol.asyncDispose]());

  async function open(options: WorldOptions = {}, query = "ep=dev&lwm2m=1.1", links = '</>;ct="11542 0",</3303/0>') {
    world = await createLwm2mWorld(options);
    device = world.device(5000);
    device.script = ({ observe }) => ({
      code: CONTENT,
      contentFormat: 0,
      payload: "21.5",
      ...(observe === 0 && { observe: 7 }),
    });
    return device.register(query, links);
  }
  const observe = (path = "/3303/0/5700", options: ObserveOptions = {}): Promise<ObserveAnswer> =>
    completed(
      world.clock,
      world.server.queues.run("dev", registration =>
        world.server.requests.observe(registration, parsePath(path), options),
      ),
    );
  const live = () => world.server.registrations.byEndpoint("dev")!;
  const observed = (): string[] => world.server.requests.observed(live()).map(({ target }) => formatTarget(target));
  const stored = async (): Promise<string[]> =>
    (await world.store.collection(OBSERVATIONS).find({ endpoint: "dev" }, { limit: 100 })).map(({ path }) => path);
  const token = (): Uint8Array => device.asked.findLast(asked => asked.observe === 0)!.token;
  const shown = (batch: ValueBatch | undefined) => batch?.values.map(({ path, value }) => [formatPath(path), value]);
  const count = (message: { type: number } | undefined): number | undefined => message?.type;

  it("OMA 301: Write-Attributes, Observe, notifications are shown", async () => {
    const id = await open();
    const answer = await observe("/3303/0/5700", { attributes: { pmin: 10, pmax: 60 } });
    assert.isTrue(answer.kept);
    assert.deepEqual(
      device.asked.map(({ method, path, query, observe: value }) => [method, path, query, value]),
      [
        ["PUT", "/3303/0/5700", "pmin=10&pmax=60", undefined],
        ["GET", "/3303/0/5700", "", 0],
      ],
    );
    assert.equal(world.batches[0]?.source, "OBSERVATION_RESPONSE");
    const reply = await device.notify({ token: token(), sequence: 8, payload: "22.25", messageId: 77 });
    assert.equal(count(reply), ACK);
    const batch = world.batches[1];
    assert.equal(batch?.source, "NOTIFICATION");
    assert.deepEqual(shown(batch), [["/3303/0/5700", 22.25]]);
    const day = Math.floor(world.clock.now() / 86_400_000);
    assert.equal(batch?.messageKey, `${id}/${toHex(token())}/8/77/${day}`);
    assert.strictEqual(batch?.registration, live());
    assert.equal(batch?.receivedAtMs, world.clock.now());
  });

  it("what is notified before the first values are up goes up after them", async () => {
    await open();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.slowValues = promise;
    const observing = observe();
    await settle(world.clock);
    const early = await device.notify({ token: token(), sequence: 8, payload: "22.25", messageId: 77 });
    assert.isUndefined(early, "not acknowledged yet");
    assert.lengthOf(world.batches, 0);
    resolve();
    await observing;
    await settle(world.clock);
    assert.deepEqual(
      world.batches.map(({ source, values }) => [source, values[0]?.value]),
      [
        ["OBSERVATION_RESPONSE", 21.5],
        ["NOTIFICATION", 22.25],
      ],
    );
  });

  it("first values go up before the observation is stored, so that nothing else of the device goes up before them", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await open({ wrapStore: store => savingAfter(store, promise) });
    let isKept = false;
    const observing = observe().then(() => (isKept = true));
    await settle(world.clock);
    assert.deepEqual(
      world.batches.map(({ source, values }) => [source, values[0]?.value]),
      [["OBSERVATION_RESPONSE", 21.5]],
    );
    assert.isFalse(isKept);
    resolve();
    await observing;
    assert.deepEqual(await stored(), ["/3303/0/5700"]);
  });

  it("first values that nobody takes do not hold up what is notified", async () => {
    await open();
    world.refuseValues = new MooringError("STORE_FULL", "too much waits");
    const code = await observe().then(
      () => "none",
      error => (error as MooringError).code,
    );
    assert.equal(code, "STORE_FULL");
    assert.equal(count(await device.notify({ token: token(), sequence: 8, payload: "22.25", messageId: 77 })), ACK);
    assert.deepEqual(
      world.batches.map(({ values }) => values[0]?.value),
      [22.25],
    );
  });

  it("refused attributes do not keep from observing", async () => {
    await open();
    const script = device.script;
    device.script = asked => (asked.method === "PUT" ? { code: 128 } : script(asked));
    assert.isTrue((await observe("/3303/0/5700", { attributes: { pmin: 10 } })).kept);
  });

  it("RFC 7641 §4.5: the acknowledgement waits for the values, and a refused notification is offered again", async () => {
    await open();
    await observe();
    world.refuseValues = new MooringError("STORE_FULL", "too much waits");
    const first = await device.notify({ token: token(), sequence: 8, payload: "22", messageId: 50 });
    assert.isUndefined(first, "no acknowledgement: the device repeats");
    const second = await device.notify({ token: token(), sequence: 8, payload: "22", messageId: 50 });
    assert.equal(count(second), ACK);
    assert.deepEqual(shown(world.batches.at(-1)), [["/3303/0/5700", 22]]);
    assert.equal(world.batches.length, 2);
  });

  it("a repeated notification is handed up once", async () => {
    await open();
    await observe();
    await device.notify({ token: token(), sequence: 8, payload: "22", messageId: 50 });
    const again = await device.notify({ token: token(), sequence: 8, payload: "22", messageId: 50 });
    assert.equal(count(again), ACK);
    assert.equal(world.batches.length, 2);
  });

  it("D7: answered without the Observe option: the value is used, nothing is kept", async () => {
    await open();
    device.script = () => ({ code: CONTENT, contentFormat: 0, payload: "21.5" });
    const answer = await observe();
    assert.isTrue(answer.ok);
    assert.isFalse(answer.kept);
    assert.deepEqual(shown(world.batches[0]), [["/3303/0/5700", 21.5]]);
    assert.deepEqual(observed(), []);
    assert.deepEqual(await stored(), []);
  });

  it("agent specification 7.5: 4.04 to Observe is an answer, nothing is kept", async () => {
    await open();
    device.script = () => ({ code: 132 });
    const answer = await observe();
    assert.equal(formatCode(answer.code), "4.04");
    assert.isFalse(answer.kept);
    assert.isEmpty(world.batches);
  });

  it("D8: first sequence 1, gaps and a restart of the sequence after 128 s", async () => {
    await open();
    await observe();
    const script: readonly [sequence: number, value: string, waitMs: number][] = [
      [8, "1", 0],
      [20, "2", 0],
      [10, "stale", 0],
      [1, "3", 129_000],
    ];
    for (const [sequence, payload, waitMs] of script) {
      await world.clock.advance(waitMs);
      await device.notify({ token: token(), sequence, payload, confirmable: false });
    }
    assert.deepEqual(
      world.batches.slice(1).map(batch => shown(batch)?.[0]?.[1]),
      [1, 2, 3],
    );
  });

  it("D9: a notification every 50 ms does not starve another device, and the rate is known", async () => {
    await open();
    await observe();
    const other = world.device(5001);
    const id = await other.register("ep=other");
    for (let i = 0; i < 300; i++) {
      await device.notify({ token: token(), sequence: 10 + i, payload: String(i), confirmable: false });
      await world.clock.advance(50);
      if (i % 100 === 50) assert.equal(formatCode((await other.send("POST", `/rd/${id}`)).code), "2.04");
    }
    assert.equal(world.batches.length, 301);
    assert.isAtLeast(world.server.observations.notificationsPerMinute(live().id), 250);
  });

  it("D10: confirmable, non-confirmable and mixed", async () => {
    await open();
    await observe();
    const replies = [];
    for (const [i, confirmable] of [true, false, true, false].entries()) {
      replies.push(count(await device.notify({ token: token(), sequence: 10 + i, payload: `${i}`, confirmable })));
    }
    assert.deepEqual(replies, [ACK, undefined, ACK, undefined]);
    assert.equal(world.batches.length, 5);
  });

  it("D4: a notification is decoded by the Content-Format that came", async () => {
    await open();
    await observe();
    const float = fromHex("e4164441ac0000");
    await device.notify({ token: token(), sequence: 10, payload: float, contentFormat: 11542 });
    assert.deepEqual(shown(world.batches.at(-1)), [["/3303/0/5700", 21.5]]);
  });

  it("an undecodable notification is acknowledged and counted, and the next one is served", async () => {
    await open();
    await observe();
    const reply = await device.notify({ token: token(), sequence: 9, payload: fromHex("ffff"), contentFormat: 11542 });
    assert.equal(count(reply), ACK);
    assert.equal(world.server.counters.undecodable, 1);
    await device.notify({ token: token(), sequence: 10, payload: "5" });
    assert.equal(world.batches.length, 2);
  });

  it("OMA 302: a dropped observation: the next notification is answered with Reset", async () => {
    await open();
    await observe();
    assert.isTrue((await world.server.requests.cancelObservation(live(), [3303, 0, 5700], "reset"))?.ok);
    const reply = await device.notify({ token: token(), sequence: 9, payload: "1" });
    assert.equal(count(reply), RST);
    assert.deepEqual(observed(), []);
    assert.deepEqual(await stored(), []);
    assert.isUndefined(await world.server.requests.cancelObservation(live(), [3303, 0, 5700], "reset"));
  });

  it("OMA 303: cancel by Observe 1 with the same token", async () => {
    await open();
    await observe();
    const first = token();
    const cancelled = world.server.requests.cancelObservation(live(), [3303, 0, 5700], "request");
    assert.isTrue((await completed(world.clock, cancelled))?.ok);
    const last = device.asked.at(-1)!;
    assert.equal(last.observe, 1);
    assert.deepEqual(last.token, first);
    assert.deepEqual(observed(), []);
  });

  it("one observation per path: observing again cancels the earlier one", async () => {
    await open();
    await observe();
    await observe();
    assert.deepEqual(
      device.asked.map(asked => asked.observe),
      [0, 1, 0],
    );
    assert.deepEqual(observed(), ["/3303/0/5700"]);
    assert.deepEqual(await stored(), ["/3303/0/5700"]);
  });

  it("a notification with an error code ends the observation", async () => {
    await open();
    await observe();
    const script = device.script;
    device.script = () => undefined;
    // A notification that ends an observation has an error code and no Observe option (RFC 7641 section 4.2).
    const reply = await device.notify({ token: token(), sequence: 0, payload: "", contentFormat: 0, code: 132 });
    device.script = script;
    assert.equal(count(reply), ACK);
    assert.deepEqual(observed(), []);
    assert.deepEqual(await stored(), []);
  });

  it("LwM2M Core 1.1.1 §6.2.3: De-register drops the observations", async () => {
    const id = await open();
    await observe();
    await device.send("DELETE", `/rd/${id}`);
    await settle(world.clock);
    assert.deepEqual(await stored(), []);
    assert.equal(world.server.observations.size, 0);
    assert.equal(count(await device.notify({ token: token(), sequence: 9, payload: "1" })), RST);
    assert.equal(world.batches.length, 1);
  });

  it("R10: a new Register drops the observations of the old one", async () => {
    await open();
    await observe();
    const old = token();
    device.moveTo(5001);
    await device.register("ep=dev");
    await settle(world.clock);
    assert.equal(world.server.observations.size, 0);
    assert.deepEqual(await stored(), []);
    assert.equal(count(await device.notify({ token: old, sequence: 9, payload: "1" })), RST);
    await observe();
    assert.deepEqual(await stored(), ["/3303/0/5700"]);
  });

  it("observations go on at a new port after an Update from there", async () => {
    const id = await open();
    await observe();
    device.moveTo(5001);
    await device.send("POST", `/rd/${id}`);
    assert.equal(count(await device.notify({ token: token(), sequence: 9, payload: "1" })), ACK);
    assert.equal(world.batches.length, 2);
  });

  it("a restart takes observations up without a message to the device", async () => {
    await open();
    await observe("/3303/0/5700", { attributes: { pmin: 5 } });
    await observe("/3303/0/5601");
    const before = device.asked.length;
    const [first, second] = device.asked.filter(asked => asked.observe === 0).map(asked => asked.token);
    await world.restart();
    await world.clock.advance(5000);
    assert.equal(device.asked.length, before);
    assert.deepEqual(observed(), ["/3303/0/5601", "/3303/0/5700"]);
    assert.deepEqual(world.server.observations.find(live().id, onePath([3303, 0, 5700]))?.attributes, { pmin: 5 });
    assert.equal(count(await device.notify({ token: first!, sequence: 9, payload: "30", messageId: 5 })), ACK);
    assert.equal(count(await device.notify({ token: second!, sequence: 9, payload: "31", messageId: 6 })), ACK);
    assert.deepEqual(world.batches.slice(2).flatMap(shown), [
      ["/3303/0/5700", 30],
      ["/3303/0/5601", 31],
    ]);
  });

  it("a notification repeated to the next life of the host has the same key", async () => {
    await open();
    await observe();
    await device.notify({ token: token(), sequence: 9, payload: "30", messageId: 99 });
    await world.restart();
    await device.notify({ token: token(), sequence: 9, payload: "30", messageId: 99 });
    const [, first, second] = world.batches;
    assert.isDefined(second);
    assert.equal(first?.messageKey, second?.messageKey);
  });

  it("observations of a registration that ended while nobody looked are cleared at the start", async () => {
    await open();
    await observe();
    await world.store.collection(OBSERVATIONS).updateOne({ endpoint: "dev" }, { $set: { registrationId: "other" } });
    await world.restart();
    await settle(world.clock);
    assert.deepEqual(await stored(), []);
    assert.equal(world.server.observations.size, 0);
  });

  it("markSetUp outlives a restart; new links, a new lifetime and a new Register take it back", async () => {
    const id = await open();
    const { registrations } = world.server;
    assert.isFalse(registrations.isSetUp(id));
    registrations.markSetUp(id);
    await world.restart();
    assert.isTrue(world.server.registrations.isSetUp(id));
    await device.send("POST", `/rd/${id}`, { query: ["b=UQ"] });
    assert.isTrue(world.server.registrations.isSetUp(id));
    await device.send("POST", `/rd/${id}`, { query: ["lt=77"] });
    assert.isFalse(world.server.registrations.isSetUp(id));
    world.server.registrations.markSetUp(id);
    await device.send("POST", `/rd/${id}`, { payload: "</3/0>", contentFormat: 40 });
    assert.isFalse(world.server.registrations.isSetUp(id));
  });

  describe("Send", () => {
    const history = [
      { bn: "/3303/0/", bt: 1_767_225_600, n: "5700", v: 20.5 },
      { n: "5700", t: 60, v: 21 },
      { n: "5601", v: 18 },
    ];
    const sendHistory = (messageId?: number) =>
      device.send("POST", "/dp", {
        payload: JSON.stringify(history),
        contentFormat: 110,
        ...(messageId !== undefined && { messageId }),
      });

    it("20-10, OMA 306: a Send of the registered peer is answered 2.04 when its values are stored", async () => {
      const id = await open();
      assert.equal(formatCode((await sendHistory(7)).code), "2.04");
      const [batch] = world.batches;
      assert.equal(batch?.source, "SEND");
      assert.strictEqual(batch?.registration, live());
      assert.isTrue(batch?.messageKey.startsWith(`${id}/dp/7/`));
    });

    it("D11: several times of one resource come up each with its own time", async () => {
      await open();
      await sendHistory();
      assert.deepEqual(
        world.batches[0]?.values.map(({ path, value, atMs }) => [formatPath(path), value, atMs]),
        [
          ["/3303/0/5700", 20.5, 1_767_225_600_000],
          ["/3303/0/5700", 21, 1_767_225_660_000],
          ["/3303/0/5601", 18, 1_767_225_600_000],
        ],
      );
    });

    it("a Send repeated to the next life of the host has the same key, a new one with the same payload another", async () => {
      await open();
      await sendHistory(7);
      await world.restart();
      await sendHistory(7);
      await sendHistory(8);
      const [first, repeated, next] = world.batches.map(({ messageKey }) => messageKey);
      assert.equal(repeated, first);
      assert.notEqual(next, first);
    });

    it("values that cannot be stored now are answered 5.03", async () => {
      await open();
      world.refuseValues = new MooringError("STORE_FULL", "too much waits");
      assert.equal(formatCode((await sendHistory()).code), "5.03");
    });

    it("bad input: a malformed payload is answered 4.00, nothing goes up", async () => {
      await open();
      const answer = await device.send("POST", "/dp", { payload: "[{", contentFormat: 110 });
      assert.equal(formatCode(answer.code), "4.00");
      assert.isEmpty(world.batches);
    });

    it("OMA 306: without a registration of the peer 4.04", async () => {
      await open();
      const answer = await world.device(6000).send("POST", "/dp", { payload: "[]", contentFormat: 110 });
      assert.equal(formatCode(answer.code), "4.04");
    });

    it("a format that is not for values, or none, is answered 4.15", async () => {
      await open();
      const unknown = await device.send("POST", "/dp", { payload: "x", contentFormat: 50 });
      assert.equal(formatCode(unknown.code), "4.15");
      const none = await device.send("POST", "/dp", { payload: "x" });
      assert.equal(formatCode(none.code), "4.15");
      assert.isEmpty(world.batches);
    });
  });
});
