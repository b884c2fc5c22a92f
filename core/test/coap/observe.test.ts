/** Observations (RFC 7641), in lockstep. */
import { assert } from "chai";
import { ACK, CON, NON } from "../../src/coap/message.ts";
import { isFresh } from "../../src/coap/observe.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import {
  block,
  createBarePeer,
  pathOptions,
  pattern,
  peerOf,
  request,
  show,
  text,
  uint,
  uintOf,
} from "./support/endpoints.ts";
import { createHostAndDevice, rejection } from "./support/host-and-device.ts";
import { CONTENT, GET, observing, stepwise } from "./support/observing.ts";

const { OBSERVE, BLOCK2 } = OPTIONS;

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
