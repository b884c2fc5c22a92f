/** Observations (RFC 7641), in lockstep. */
import { assert } from "chai";
import type { Notification, NotificationHandler, Observation } from "../../src/coap/endpoint.ts";
import { ACK, CON, type CoapMessage, NON } from "../../src/coap/message.ts";
import { isFresh } from "../../src/coap/observe.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import {
  block,
  createBarePeer,
  optionOf,
  pathOptions,
  pattern,
  peerOf,
  request,
  show,
  text,
  uint,
  uintOf,
  type WorldParts,
} from "./support/endpoints.ts";
import { createHostAndDevice, rejection } from "./support/host-and-device.ts";

const { OBSERVE, BLOCK2, ETAG } = OPTIONS;
const CONTENT = 69;
const GET = request("GET", "3303/0/5700");

/** A host that observes; `handle` may be changed while it does. */
const observing = async (first: number | undefined, parts: WorldParts = {}) => {
  const made = createHostAndDevice(parts);
  const heard: Notification[] = [];
  const control: { handle: NotificationHandler } = { handle: async () => {} };
  const promise = made.host.observe(made.deviceAt, GET, notification => {
    heard.push(notification);
    return control.handle(notification);
  });
  const registration = await made.asked();
  const options = first === undefined ? [] : [uint(OBSERVE, first)];
  await made.answer(registration, CONTENT, options, text("first"));
  const { response, observation } = await promise;
  let messageId = 5000;
  const { token } = registration;
  const notify = async (sequence: number | undefined, value: string, more: Partial<CoapMessage> = {}) => {
    const message: Partial<CoapMessage> = {
      type: CON,
      code: CONTENT,
      messageId: messageId++,
      token,
      options: sequence === undefined ? [] : [uint(OBSERVE, sequence)],
      payload: text(value),
      ...more,
    };
    await made.device.send(message);
    return message;
  };
  const values = (): string[] => heard.map(({ response: { payload } }) => Buffer.from(payload).toString());
  return {
    ...made,
    registration,
    response,
    observation: observation as Observation,
    heard,
    values,
    control,
    notify,
    token,
  };
};

/** A handler whose calls the test ends, in order. */
const stepwise = () => {
  const ends: { resolve(): void; reject(error: unknown): void }[] = [];
  const handle: NotificationHandler = () => new Promise<void>((resolve, reject) => void ends.push({ resolve, reject }));
  return { ends, handle };
};

describe("coap/observe", () => {
  describe("RFC 7641 3.1: registration", () => {
    it("a GET with Observe 0; the response with Observe is the first value", async () => {
      const { registration, response, observation } = await observing(1);
      assert.equal(show(registration), "CON 0.01");
      assert.equal(uintOf(registration, OBSERVE), 0);
      assert.deepEqual(response.payload, text("first"));
      assert.isTrue(observation.active);
      assert.deepEqual(observation.token, registration.token);
      assert.deepEqual(observation.request, GET);
    });

    it("real-devices D7: a response without Observe: the value is used, nothing is kept, notifications get Reset", async () => {
      const { host, response, observation, notify, device } = await observing(undefined);
      assert.deepEqual(response.payload, text("first"));
      assert.isUndefined(observation);
      assert.equal(host.counters["observations"], 0);
      await notify(2, "x");
      assert.equal(show(device.take()), "RST 0.00");
    });

    it("an error response establishes nothing, even with Observe", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const promise = host.observe(deviceAt, GET, async () => {});
      await answer(await asked(), 132, [uint(OBSERVE, 1)]);
      const { response, observation } = await promise;
      assert.equal(response.code, 132);
      assert.isUndefined(observation);
      assert.equal(host.counters["observations"], 0);
    });

    it("RFC 8132 2.4: a FETCH with Observe", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const promise = host.observe(
        deviceAt,
        request("FETCH", "", { payload: text("[]"), contentFormat: 110 }),
        async () => {},
      );
      const message = await asked();
      assert.equal(show(message), "CON 0.05");
      assert.equal(uintOf(message, OBSERVE), 0);
      await answer(message, CONTENT, [uint(OBSERVE, 1)]);
      assert.isTrue((await promise).observation?.active);
    });

    it("a notification that overtakes the response does not get lost", async () => {
      const { host, device, deviceAt, asked } = createHostAndDevice();
      const heard: unknown[] = [];
      const promise = host.observe(deviceAt, GET, async ({ response }) => void heard.push(response.payload));
      const { messageId, token } = await asked();
      await device.send({ type: ACK, code: 0, messageId });
      await device.send({
        type: CON,
        code: CONTENT,
        messageId: 1,
        token,
        options: [uint(OBSERVE, 1)],
        payload: text("1"),
      });
      await device.send({
        type: CON,
        code: CONTENT,
        messageId: 2,
        token,
        options: [uint(OBSERVE, 2)],
        payload: text("2"),
      });
      assert.deepEqual((await promise).response.payload, text("1"));
      assert.deepEqual(heard, [text("2")]);
      assert.deepEqual(device.inbox.map(show), ["ACK 0.00", "ACK 0.00"]);
    });
  });

  describe("RFC 7641 3.2, 3.5: notifications (real-devices D10)", () => {
    it("Confirmable ones are acknowledged, Non-confirmable ones are not", async () => {
      const { device, notify, heard } = await observing(1);
      await notify(2, "a");
      assert.deepInclude(device.take(), { type: ACK, code: 0, messageId: 5000 });
      await notify(3, "b", { type: NON });
      device.silent();
      await notify(4, "c");
      assert.deepInclude(device.take(), { type: ACK, code: 0, messageId: 5002 });
      assert.deepEqual(
        heard.map(({ sequence, messageId, confirmable }) => [sequence, messageId, confirmable]),
        [
          [2, 5000, true],
          [3, 5001, false],
          [4, 5002, true],
        ],
      );
    });

    it("an error is the last one", async () => {
      const { host, device, notify, heard, observation } = await observing(1);
      await notify(undefined, "gone", { code: 132 });
      assert.equal(show(device.take()), "ACK 0.00");
      assert.deepInclude(heard[0], { sequence: undefined });
      assert.isFalse(observation.active);
      assert.equal(host.counters["observations"], 0);
      await notify(3, "x");
      assert.equal(show(device.take()), "RST 0.00");
    });

    it("a response without Observe is the last one", async () => {
      const { notify, heard, observation } = await observing(1);
      await notify(undefined, "bye");
      assert.lengthOf(heard, 1);
      assert.isFalse(observation.active);
    });

    it("from another peer they get Reset, whatever token they carry", async () => {
      const { world, heard, token } = await observing(1);
      const stranger = createBarePeer(world, { address: "192.0.2.98", port: 5683 });
      await stranger.send({ type: CON, code: CONTENT, messageId: 1, token, options: [uint(OBSERVE, 9)] });
      assert.equal(show(stranger.take()), "RST 0.00");
      assert.lengthOf(heard, 0);
    });

    it("with an unknown critical option they are rejected", async () => {
      const { device, notify, heard } = await observing(1);
      await notify(2, "x", { options: [uint(OBSERVE, 2), { number: 9, value: new Uint8Array(0) }] });
      assert.equal(show(device.take()), "RST 0.00");
      assert.lengthOf(heard, 0);
    });
  });

  describe("RFC 7641 3.4: order", () => {
    const FRESH: readonly [before: number, now: number, laterMs: number, fresh: boolean][] = [
      [1, 2, 0, true],
      [1, 1, 0, false],
      [2, 1, 0, false],
      [1, 2 ** 23, 0, true],
      [1, 2 ** 23 + 1, 0, false],
      [2 ** 24 - 1, 0, 0, true],
      [2 ** 23 + 1, 0, 0, true],
      [2 ** 23, 0, 0, false],
      [100, 1, 128_000, false],
      [100, 1, 128_001, true],
      [1, 1, 128_001, true],
    ];
    for (const [before, now, laterMs, fresh] of FRESH) {
      it(`${now} ${laterMs} ms after ${before} is ${fresh ? "fresh" : "stale"}`, () =>
        assert.equal(isFresh({ sequence: before, atMs: 1000 }, now, 1000 + laterMs), fresh));
    }

    it("a stale notification is acknowledged and not offered", async () => {
      const { host, device, notify, values } = await observing(10);
      await notify(12, "new");
      await notify(11, "old");
      assert.deepEqual(device.inbox.map(show), ["ACK 0.00", "ACK 0.00"]);
      assert.deepEqual(values(), ["new"]);
      assert.equal(host.counters["notificationsStale"], 1);
    });

    it("the newest number with another payload is offered: the device does not count", async () => {
      const { host, notify, values } = await observing(10);
      for (const value of ["a", "b", "a"]) await notify(10, value);
      assert.deepEqual(values(), ["a", "b", "a"]);
      await notify(9, "old");
      assert.deepEqual(values(), ["a", "b", "a"]);
      assert.equal(host.counters["notificationsStale"], 1);
    });

    it("the newest number with its payload, in another message, is the same notification for 128 s", async () => {
      const { world, device, notify, values } = await observing(10);
      await notify(11, "a");
      await notify(11, "a");
      assert.deepEqual(device.inbox.map(show), ["ACK 0.00", "ACK 0.00"]);
      assert.deepEqual(values(), ["a"]);
      await world.clock.advance(128_100);
      await notify(11, "a");
      assert.deepEqual(values(), ["a", "a"]);
    });

    it("real-devices D8: first value 1, gaps, and a sequence that begins again after 128 s", async () => {
      const { world, notify, values } = await observing(1);
      await notify(2, "a");
      await notify(700, "b");
      await notify(1, "too early");
      await world.clock.advance(128_100);
      await notify(1, "c");
      await notify(2, "d");
      assert.deepEqual(values(), ["a", "b", "c", "d"]);
    });
  });

  describe("the acknowledgement waits for the handler", () => {
    it("duplicates meanwhile are silent, afterwards they are acknowledged; the handler runs once", async () => {
      const { device, notify, control, heard } = await observing(1);
      const { ends, handle } = stepwise();
      control.handle = handle;
      const message = await notify(2, "a");
      await device.send(message);
      device.silent();
      ends[0]!.resolve();
      await device.send(message);
      assert.deepEqual(device.inbox.map(show), ["ACK 0.00", "ACK 0.00"]);
      assert.lengthOf(heard, 1);
    });

    it("one at a time, in order", async () => {
      const { world, device, notify, control, values } = await observing(1);
      const { ends, handle } = stepwise();
      control.handle = handle;
      for (const value of ["a", "b", "c"]) await notify(value.charCodeAt(0), value);
      assert.deepEqual(values(), ["a"]);
      for (const expected of [
        ["a", "b"],
        ["a", "b", "c"],
        ["a", "b", "c"],
      ]) {
        ends.at(-1)!.resolve();
        await world.clock.advance(0);
        assert.deepEqual(values(), expected);
      }
      assert.deepEqual(
        device.inbox.map(({ messageId }) => messageId),
        [5000, 5001, 5002],
      );
    });

    it("one that lets the next begin: each is acknowledged when it is done, a refused one is offered again", async () => {
      const { world, device, notify, control, values } = await observing(1);
      const { ends, handle } = stepwise();
      control.handle = notification => {
        if (notification.sequence !== 3) notification.letNextBegin();
        return handle(notification);
      };
      await notify(2, "a");
      const refused = await notify(3, "b");
      await notify(4, "c");
      assert.deepEqual(values(), ["a", "b"]);
      ends[1]!.reject(new TypeError("disk full"));
      await world.clock.advance(0);
      assert.deepEqual(values(), ["a", "b", "c"]);
      device.silent();
      for (const at of [2, 0]) ends[at]!.resolve();
      await world.clock.advance(0);
      await device.send(refused);
      ends[3]!.resolve();
      await world.clock.advance(0);
      assert.deepEqual(values(), ["a", "b", "c", "b"]);
      assert.deepEqual(
        device.inbox.map(({ messageId }) => messageId),
        [5002, 5000, 5001],
      );
    });

    it("however many were refused, each is offered again when it is repeated after newer ones, once", async () => {
      const { world, notify, control, values, device } = await observing(1);
      control.handle = () => Promise.reject(new TypeError("disk full"));
      const sent: Partial<CoapMessage>[] = [];
      for (let i = 0; i < 100; i++) sent.push(await notify(2 + i, String(i)));
      await world.clock.advance(0);
      control.handle = async () => {};
      await notify(200, "newer");
      device.inbox.length = 0;
      for (const message of [...sent, ...sent]) await device.send(message);
      await world.clock.advance(0);
      assert.deepEqual(values().slice(101), values().slice(0, 100));
      assert.lengthOf(device.inbox, 200);
    });

    it("one that found no place to wait is offered when it is repeated, also after newer ones", async () => {
      const { world, notify, control, values, device } = await observing(1);
      const { ends, handle } = stepwise();
      control.handle = handle;
      for (let i = 0; i < 65; i++) await notify(2 + i, String(i));
      const noPlace = await notify(67, "no place");
      control.handle = async () => {};
      ends[0]!.resolve();
      await world.clock.advance(0);
      await notify(68, "newer");
      await device.send(noPlace);
      assert.deepEqual(values().slice(-2), ["newer", "no place"]);
      assert.equal(show(device.inbox.at(-1)!), "ACK 0.00");
    });

    it("no more than 16 at once, all of which may be refused and offered again", async () => {
      const { world, notify, control, values, device, heard } = await observing(1);
      const { ends, handle } = stepwise();
      control.handle = notification => {
        notification.letNextBegin();
        return handle(notification);
      };
      const sent: Partial<CoapMessage>[] = [];
      for (let i = 0; i < 17; i++) sent.push(await notify(2 + i, String(i)));
      assert.lengthOf(heard, 16);
      for (const { reject } of ends.splice(0)) reject(new TypeError("disk full"));
      await world.clock.advance(0);
      assert.equal(values().at(-1), "16");
      ends.splice(0)[0]!.resolve();
      for (const message of sent.slice(0, 16)) await device.send(message);
      assert.deepEqual(values().slice(17), values().slice(0, 16));
    });

    for (const how of ["rejects", "throws"] as const) {
      it(`when it ${how}, nothing is sent, and the repetition is offered again`, async () => {
        const { host, device, notify, control, values } = await observing(1);
        control.handle = () => {
          if (how === "rejects") return Promise.reject(new TypeError("disk full"));
          throw new TypeError("disk full");
        };
        const message = await notify(2, "a");
        device.silent();
        assert.equal(host.counters["notificationsRefused"], 1);
        control.handle = async () => {};
        await device.send(message);
        assert.equal(show(device.take()), "ACK 0.00");
        assert.deepEqual(values(), ["a", "a"]);
        await device.send(message);
        assert.equal(show(device.take()), "ACK 0.00");
        assert.lengthOf(values(), 2);
      });
    }

    it("a refused one is offered again even when newer ones came in between", async () => {
      const { device, notify, control, values } = await observing(1);
      control.handle = () => Promise.reject(new TypeError("disk full"));
      const message = await notify(2, "a");
      control.handle = async () => {};
      await notify(3, "b");
      await device.send(message);
      assert.deepEqual(values(), ["a", "b", "a"]);
      assert.lengthOf(device.inbox, 2);
    });

    it("the last one, when it is refused, is offered again too", async () => {
      const { world, host, device, notify, control, values } = await observing(1);
      control.handle = () => Promise.reject(new TypeError("disk full"));
      const message = await notify(undefined, "gone", { code: 132 });
      device.silent();
      control.handle = async () => {};
      await device.send(message);
      assert.equal(show(device.take()), "ACK 0.00");
      assert.deepEqual(values(), ["gone", "gone"]);
      await world.clock.advance(60_000);
      assert.equal(host.counters["observations"], 0);
    });

    it("real-devices D9: more than can wait: the oldest Non-confirmable ones give way, Confirmable ones are left to be repeated", async () => {
      const { world, host, device, notify, control, values } = await observing(1);
      const { ends, handle } = stepwise();
      control.handle = handle;
      for (let i = 0; i < 100; i++) await notify(2 + i, String(i), { type: NON });
      assert.equal(host.counters["notificationsRefused"], 35);
      const whileFull: Partial<CoapMessage>[] = [];
      for (let i = 0; i < 70; i++) whileFull.push(await notify(200 + i, `c${i}`));
      device.silent();
      control.handle = async () => {};
      ends[0]!.resolve();
      await world.clock.advance(0);
      assert.lengthOf(device.inbox, 64);
      assert.deepEqual(values().slice(-2), ["c62", "c63"]);
      device.inbox.length = 0;
      for (const message of whileFull.slice(64)) await device.send(message);
      assert.deepEqual(values().slice(-2), ["c68", "c69"]);
      assert.lengthOf(device.inbox, 6);
    });
  });

  describe("RFC 7641 3.6: cancellation", () => {
    it("forget: nothing is sent, the next notification gets Reset", async () => {
      const { host, device, notify, observation, heard } = await observing(1);
      observation.forget();
      device.silent();
      assert.isFalse(observation.active);
      assert.equal(host.counters["observations"], 0);
      await notify(2, "x");
      assert.equal(show(device.take()), "RST 0.00");
      await notify(3, "x", { type: NON });
      assert.equal(show(device.take()), "RST 0.00");
      assert.lengthOf(heard, 0);
      observation.forget();
    });

    it("forget while some wait: they get Reset and are not offered", async () => {
      const { world, device, notify, control, observation, values } = await observing(1);
      const { ends, handle } = stepwise();
      control.handle = handle;
      for (const value of ["a", "b"]) await notify(value.charCodeAt(0), value);
      observation.forget();
      await world.clock.advance(0);
      assert.equal(show(device.take()), "RST 0.00");
      ends[0]!.resolve();
      await world.clock.advance(0);
      assert.equal(show(device.take()), "ACK 0.00");
      assert.deepEqual(values(), ["a"]);
    });

    it("cancel: a GET with Observe 1, the same token and options, and its answer", async () => {
      const { device, asked, answer, observation, token, notify, heard } = await observing(1);
      const cancelled = observation.cancel();
      assert.isFalse(observation.active);
      const message = await asked();
      assert.equal(show(message), "CON 0.01");
      assert.equal(uintOf(message, OBSERVE), 1);
      assert.deepEqual(message.token, token);
      assert.deepEqual(
        message.options.filter(({ number }) => number !== OBSERVE),
        pathOptions("3303/0/5700"),
      );
      await notify(2, "under way");
      assert.equal(show(device.take()), "ACK 0.00");
      await answer(message, CONTENT, [], text("last"));
      assert.deepEqual((await cancelled).payload, text("last"));
      assert.lengthOf(heard, 0);
      await notify(3, "x");
      assert.equal(show(device.take()), "RST 0.00");
    });

    it("cancel at a device that is gone: rejects, and the observation is over all the same", async () => {
      const { world, host, observation } = await observing(1);
      const failed = rejection(observation.cancel());
      await world.clock.advance(100_000);
      assert.propertyVal(await failed, "code", "EXCHANGE_TIMEOUT");
      assert.equal(host.counters["observations"], 0);
    });

    it("when the rest of the first value cannot be fetched, the observation is over", async () => {
      const { host, device, deviceAt, asked, answer } = createHostAndDevice();
      const failed = rejection(host.observe(deviceAt, GET, async () => assert.fail("was offered")));
      const { token } = await asked().then(async first => {
        await answer(first, CONTENT, [uint(OBSERVE, 1), uint(BLOCK2, block(0, true, 0))], pattern(16));
        return first;
      });
      await answer(await asked(), CONTENT, [uint(BLOCK2, block(9, false, 0))], pattern(1));
      assert.propertyVal(await failed, "code", "TRANSFER_FAILED");
      assert.equal(host.counters["observations"], 0);
      await device.send({ type: NON, code: CONTENT, messageId: 1, token, options: [uint(OBSERVE, 2)] });
      assert.equal(show(device.take()), "RST 0.00");
    });

    it("when the first request fails, nothing is left", async () => {
      const { world, host, deviceAt } = createHostAndDevice();
      const failed = rejection(host.observe(deviceAt, GET, async () => {}));
      await world.clock.advance(100_000);
      assert.propertyVal(await failed, "code", "EXCHANGE_TIMEOUT");
      assert.equal(host.counters["observations"], 0);
    });
  });

  describe("RFC 7959 2.6, 3.4: large notifications", () => {
    const large = (options: CoapMessage["options"] = []) => ({
      options: [uint(OBSERVE, 2), uint(BLOCK2, block(0, true, 0)), ...options],
      payload: text("0123456789abcdef"),
    });

    it("the rest is fetched under another token, without Observe; the whole is offered, then acknowledged", async () => {
      const { device, asked, answer, notify, values, token } = await observing(1);
      const etag = { number: ETAG, value: text("e") };
      await notify(2, "", large([etag]));
      const fetch = await asked();
      assert.equal(show(fetch), "CON 0.01");
      assert.isUndefined(optionOf(fetch, OBSERVE));
      assert.equal(uintOf(fetch, BLOCK2), block(1, false, 0));
      assert.notDeepEqual(fetch.token, token);
      assert.deepEqual(
        fetch.options.filter(({ number }) => number === OPTIONS.URI_PATH),
        pathOptions("3303/0/5700"),
      );
      device.silent();
      await answer(fetch, CONTENT, [etag, uint(BLOCK2, block(1, false, 0))], text("gh"));
      assert.deepEqual(values(), ["0123456789abcdefgh"]);
      assert.deepInclude(device.take(), { type: ACK, code: 0, messageId: 5000 });
    });

    it("a device that repeats the notification meanwhile gets its acknowledgement at once", async () => {
      const { device, asked, answer, notify, values } = await observing(1);
      const message = await notify(2, "", large());
      const fetch = await asked();
      await device.send(message);
      assert.equal(show(device.take()), "ACK 0.00");
      await answer(fetch, CONTENT, [uint(BLOCK2, block(1, false, 0))], text("gh"));
      assert.deepEqual(values(), ["0123456789abcdefgh"]);
    });

    it("when the rest cannot be fetched, nothing is acknowledged and the repetition begins anew", async () => {
      const { device, asked, answer, notify, values } = await observing(1);
      const message = await notify(2, "", large());
      await answer(await asked(), CONTENT, [uint(BLOCK2, block(3, false, 0))], text("wrong"));
      device.silent();
      assert.deepEqual(values(), []);
      await device.send(message);
      await answer(await asked(), CONTENT, [uint(BLOCK2, block(1, false, 0))], text("gh"));
      assert.deepEqual(values(), ["0123456789abcdefgh"]);
    });

    it("the first value may be large: later notifications wait until it is whole", async () => {
      const { world, host, device, deviceAt, asked, answer } = createHostAndDevice();
      const heard: Uint8Array[] = [];
      const promise = host.observe(deviceAt, GET, async ({ response }) => void heard.push(response.payload));
      const first = await asked();
      await answer(first, CONTENT, [uint(OBSERVE, 1), uint(BLOCK2, block(0, true, 0))], pattern(16));
      const fetch = await asked();
      assert.isUndefined(optionOf(fetch, OBSERVE));
      assert.notDeepEqual(fetch.token, first.token);
      await device.send({
        type: CON,
        code: CONTENT,
        messageId: 1,
        token: first.token,
        options: [uint(OBSERVE, 2)],
        payload: text("2"),
      });
      assert.lengthOf(heard, 0);
      await answer(fetch, CONTENT, [uint(BLOCK2, block(1, false, 0))], pattern(1));
      const { response, observation } = await promise;
      assert.lengthOf(response.payload, 17);
      assert.isTrue(observation?.active);
      await world.clock.advance(100);
      assert.deepEqual(heard, [text("2")]);
      assert.equal(show(device.take()), "ACK 0.00");
    });
  });

  describe("across a restart and a new address", () => {
    it("resumeObservation: notifications are heard without a message to the device", async () => {
      const { host, device, deviceAt } = createHostAndDevice();
      const heard: unknown[] = [];
      const key = { peer: deviceAt, token: Uint8Array.of(1, 2, 3, 4), request: GET };
      const observation = host.resumeObservation(key, async ({ sequence }) => void heard.push(sequence));
      device.silent();
      assert.deepEqual(observation.token, key.token);
      await device.send({ type: CON, code: CONTENT, messageId: 1, token: key.token, options: [uint(OBSERVE, 900)] });
      await device.send({ type: CON, code: CONTENT, messageId: 2, token: key.token, options: [uint(OBSERVE, 899)] });
      assert.deepEqual(device.inbox.map(show), ["ACK 0.00", "ACK 0.00"]);
      assert.deepEqual(heard, [900]);
    });

    it("resumed twice: the newer one counts", async () => {
      const { host, device, deviceAt } = createHostAndDevice();
      const heard: string[] = [];
      const key = { peer: deviceAt, token: Uint8Array.of(1, 2, 3, 4), request: GET };
      const old = host.resumeObservation(key, async () => void heard.push("old"));
      host.resumeObservation(key, async () => void heard.push("new"));
      assert.isFalse(old.active);
      assert.equal(host.counters["observations"], 1);
      await device.send({ type: NON, code: CONTENT, messageId: 1, token: key.token, options: [uint(OBSERVE, 1)] });
      assert.deepEqual(heard, ["new"]);
    });

    it("movePeer: observations and message ids go on at the new address only, open exchanges end", async () => {
      const { world, host, device, deviceAt, observation, token, notify, values } = await observing(1);
      const moved = createBarePeer(world, { address: "192.0.2.99", port: 60_000 });
      const to = peerOf(host, moved.transport.local);
      const failed = rejection(host.request(deviceAt, request("GET", "a")));
      await world.clock.advance(0);
      const { messageId: lastId } = device.take();
      host.movePeer(deviceAt, to);
      assert.propertyVal(await failed, "code", "EXCHANGE_CANCELLED");
      assert.equal(observation.peer.port, 60_000);
      assert.isTrue(observation.active);
      await moved.send({
        type: CON,
        code: CONTENT,
        messageId: 1,
        token,
        options: [uint(OBSERVE, 2)],
        payload: text("b"),
      });
      assert.equal(show(moved.take()), "ACK 0.00");
      await notify(3, "old address");
      assert.equal(show(device.take()), "RST 0.00");
      assert.deepEqual(values(), ["b"]);
      const cancelled = observation.cancel();
      await world.clock.advance(0);
      const { messageId } = moved.take();
      assert.equal(messageId, (lastId + 1) & 0xffff, "it is the same device");
      await moved.send({ type: ACK, code: CONTENT, messageId, token });
      await cancelled;
    });

    it("movePeer of an unknown peer, or to itself, changes nothing", async () => {
      const { host, deviceAt, observation, notify, values } = await observing(1);
      host.movePeer({ ...deviceAt, key: "nobody" }, deviceAt);
      host.movePeer(deviceAt, { ...deviceAt });
      assert.isTrue(observation.active);
      host.movePeer(deviceAt, { ...deviceAt, port: 7 });
      assert.equal(observation.peer.port, 7, "the address under the same key");
      await notify(2, "a");
      assert.deepEqual(values(), ["a"]);
    });
  });

  it("an observation costs the host no timer", async () => {
    const { host } = await observing(1);
    assert.equal(host.counters["timers"], 1);
  });
});
