/** Observations (RFC 7641), in lockstep: when notifications are acknowledged, and large ones (RFC 7959). */
import { assert } from "chai";
import { ACK, CON, type CoapMessage, NON } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import { block, optionOf, pathOptions, pattern, show, text, uint, uintOf } from "./support/endpoints.ts";
import { createHostAndDevice } from "./support/host-and-device.ts";
import { CONTENT, GET, observing, stepwise } from "./support/observing.ts";

const { OBSERVE, BLOCK2, ETAG } = OPTIONS;

describe("coap/observe", () => {
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
});
