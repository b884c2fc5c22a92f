/** Lockstep dialogs with the message layer through the endpoint (RFC 7252 section 4). */
import { assert } from "chai";
import { fromHex } from "../../src/base/bytes.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { ACK, CON, NON, RST } from "../../src/coap/message.ts";
import type { CoapResponse } from "../../src/coap/request.ts";
import {
  content,
  createBarePeer,
  DEVICE,
  HOST,
  pathOptions,
  peerOf,
  request,
  show,
  text,
  type WorldParts,
} from "./support/endpoints.ts";
import { openServing } from "./support/serving.ts";

const setUp = (parts: WorldParts = {}) => {
  const serving = openServing(content("ok"), parts);
  return { ...serving, deviceAt: peerOf(serving.host, DEVICE) };
};

/** A handler whose answers the test gives. */
const slowHandler = () => {
  const answers: ((response: CoapResponse) => void)[] = [];
  return {
    answers,
    onRequest: () => new Promise<CoapResponse>(resolve => void answers.push(resolve)),
  };
};

const GET = { type: CON, code: 1, messageId: 100, token: text("t"), options: pathOptions("a") } as const;

describe("coap/message-layer", () => {
  describe("RFC 7252 4.2: Confirmable messages", () => {
    it("the acknowledgement echoes the message id and carries the response", async () => {
      const { device } = setUp();
      await device.send(GET);
      const answer = device.take();
      assert.deepInclude(answer, { type: ACK, code: 69, messageId: 100, token: text("t"), payload: text("ok") });
      device.silent();
    });

    it("an empty Confirmable message (ping) gets Reset", async () => {
      const { device, host, calls } = setUp();
      await device.send({ type: CON, code: 0, messageId: 5 });
      assert.deepInclude(device.take(), { type: RST, code: 0, messageId: 5 });
      assert.lengthOf(calls, 0);
      assert.equal(host.counters["pings"], 1);
    });

    for (const [name, hex] of [
      ["with a message format error", "400100070f"],
      ["that is Empty with a token", "4100000701"],
      ["of reserved class 1", "40210007"],
      ["of reserved class 6", "40c10007"],
      ["of reserved class 7", "40e10007"],
    ] as const) {
      it(`a Confirmable message ${name} gets Reset`, async () => {
        const { device } = setUp();
        await device.sendBytes(fromHex(hex));
        assert.deepInclude(device.take(), { type: RST, code: 0, messageId: 7 });
      });
    }

    for (const [name, hex] of [
      ["an ACK with a format error", "600100070f"],
      ["a RST with a format error", "700100070f"],
      ["an ACK that nobody waits for", "60000007"],
      ["an ACK with a response that nobody waits for", "60450007"],
      ["a RST that nobody waits for", "70000007"],
      ["an ACK with a request code", "60010007"],
      ["a RST with a response code", "70450007"],
      ["an ACK of a reserved class", "60e10007"],
    ] as const) {
      it(`${name} is ignored: neither is ever answered`, async () => {
        const { device, calls } = setUp();
        await device.sendBytes(fromHex(hex));
        device.silent();
        assert.lengthOf(calls, 0);
      });
    }

    it("a request is repeated after 2, 4, 8 and 16 s, then given up 32 s later", async () => {
      const { world, device, host, deviceAt } = setUp();
      const failed = host.request(deviceAt, request("GET", "a")).catch((error: unknown) => error);
      await world.clock.advance(0);
      const first = device.take();
      for (const wait of [2000, 4000, 8000, 16_000]) {
        await world.clock.advance(wait - 1);
        device.silent();
        await world.clock.advance(1);
        assert.deepEqual(device.take(), first, "byte for byte the same");
      }
      await world.clock.advance(31_999);
      assert.equal(host.counters["gaveUp"], 0);
      await world.clock.advance(1);
      assert.propertyVal(await failed, "code", "EXCHANGE_TIMEOUT");
      device.silent();
      assert.equal(host.counters["gaveUp"], 1);
      assert.equal(host.counters["retransmissions"], 4);
    });

    it("an acknowledgement ends the retransmission; a late one changes nothing", async () => {
      const { world, device, host, deviceAt } = setUp();
      const answered = host.request(deviceAt, request("GET", "a"));
      await world.clock.advance(2000);
      const { messageId, token } = device.take();
      device.take();
      await device.send({ type: ACK, code: 69, messageId, token, payload: text("v") });
      assert.deepEqual((await answered).payload, text("v"));
      await device.send({ type: ACK, code: 69, messageId, token, payload: text("w") });
      await world.clock.advance(100_000);
      device.silent();
      assert.equal(host.counters["ignored"], 1);
    });

    it("Reset ends a request", async () => {
      const { world, device, host, deviceAt } = setUp();
      const failed = host.request(deviceAt, request("GET", "a")).catch((error: unknown) => error);
      await world.clock.advance(0);
      await device.send({ type: RST, code: 0, messageId: device.take().messageId });
      assert.propertyVal(await failed, "code", "EXCHANGE_RESET");
      await world.clock.advance(100_000);
      device.silent();
    });
  });

  describe("RFC 7252 4.3: Non-confirmable messages", () => {
    it("are never acknowledged: a request gets a Non-confirmable response under an id of its own", async () => {
      const { device } = setUp();
      await device.send({ ...GET, type: NON });
      const first = device.take();
      assert.deepInclude(first, { type: NON, code: 69, token: text("t") });
      await device.send({ ...GET, type: NON, messageId: 101 });
      assert.equal(device.take().messageId, (first.messageId + 1) & 0xffff);
    });

    for (const [name, hex] of [
      ["Empty", "50000007"],
      ["with a message format error", "500100070f"],
      ["of a reserved class", "50e10007"],
    ] as const) {
      it(`${name}: ignored`, async () => {
        const { device, calls } = setUp();
        await device.sendBytes(fromHex(hex));
        device.silent();
        assert.lengthOf(calls, 0);
      });
    }

    it("a Reset ends a Non-confirmable request", async () => {
      const { world, device, host, deviceAt } = setUp();
      const failed = host
        .request(deviceAt, request("GET", "a"), { confirmable: false })
        .catch((error: unknown) => error);
      await world.clock.advance(0);
      const asked = device.take();
      assert.equal(asked.type, NON);
      await device.send({ type: RST, code: 0, messageId: asked.messageId });
      assert.propertyVal(await failed, "code", "EXCHANGE_RESET");
    });

    it("a Non-confirmable request is not repeated and waits MAX_TRANSMIT_WAIT", async () => {
      const { world, device, host, deviceAt } = setUp();
      const failed = host
        .request(deviceAt, request("GET", "a"), { confirmable: false })
        .catch((error: unknown) => error);
      await world.clock.advance(61_000);
      device.take();
      device.silent();
      await world.clock.advance(2000);
      assert.propertyVal(await failed, "code", "EXCHANGE_TIMEOUT");
    });
  });

  describe("RFC 7252 4.4: message ids", () => {
    it("begin at random for each peer and count up", async () => {
      const { world, device, host, deviceAt } = setUp({ transmission: { nstart: 4 } });
      const other = createBarePeer(world, { address: "192.0.2.98", port: 5683 });
      const stop = new AbortController();
      const options = { signal: stop.signal };
      const ends: Promise<unknown>[] = [];
      for (let i = 0; i < 3; i++) ends.push(host.request(deviceAt, request("GET", "a"), options).catch(() => {}));
      ends.push(host.request(peerOf(host, other.transport.local), request("GET", "a"), options).catch(() => {}));
      await world.clock.advance(0);
      const [a, b, c] = [device.take().messageId, device.take().messageId, device.take().messageId];
      assert.deepEqual([b, c], [(a + 1) & 0xffff, (a + 2) & 0xffff]);
      assert.notEqual(other.take().messageId, a);
      stop.abort();
      await Promise.all(ends);
    });

    it("an acknowledgement from another source does not count", async () => {
      const { world, device, host, deviceAt } = setUp();
      const stranger = createBarePeer(world, { address: "192.0.2.98", port: 5683 });
      const answered = host.request(deviceAt, request("GET", "a"));
      await world.clock.advance(0);
      const { messageId, token } = device.take();
      await stranger.send({ type: ACK, code: 69, messageId, token, payload: text("forged") });
      await stranger.send({ type: RST, code: 0, messageId });
      await stranger.send({ type: CON, code: 69, messageId: 1, token, payload: text("forged") });
      assert.equal(show(stranger.take()), "RST 0.00");
      await device.send({ type: ACK, code: 69, messageId, token, payload: text("true") });
      assert.deepEqual((await answered).payload, text("true"));
    });
  });

  describe("RFC 7252 4.5: duplicates", () => {
    it("of an answered request get the same acknowledgement, the handler runs once", async () => {
      const { device, calls, host } = setUp({ onRequest: () => content("v", { maxAgeSeconds: 3 }) });
      await device.send(GET);
      const first = device.take();
      await device.send(GET);
      assert.deepEqual(device.take(), first);
      assert.lengthOf(calls, 1);
      assert.equal(host.counters["duplicates"], 1);
    });

    it("of a request that was answered with a bare code, too", async () => {
      const { device, calls } = setUp({ onRequest: () => ({ code: 68, payload: new Uint8Array(0) }) });
      await device.send(GET);
      const first = device.take();
      await device.send(GET);
      assert.deepEqual(device.take(), first);
      assert.deepInclude(first, { type: ACK, code: 68, token: text("t") });
      assert.lengthOf(calls, 1);
    });

    it("while the handler runs are met with silence, then with the empty acknowledgement, then with it again", async () => {
      const { answers, onRequest } = slowHandler();
      const { world, device, calls } = setUp({ onRequest });
      await device.send(GET);
      await device.send(GET);
      device.silent();
      await world.clock.advance(1000);
      assert.equal(show(device.take()), "ACK 0.00");
      await device.send(GET);
      assert.deepInclude(device.take(), { type: ACK, code: 0, messageId: 100 });
      answers[0]!(content("late"));
      await world.clock.advance(0);
      const separate = device.take();
      assert.equal(show(separate), "CON 2.05");
      await device.send({ type: ACK, code: 0, messageId: separate.messageId });
      await device.send(GET);
      assert.deepInclude(device.take(), { type: ACK, code: 0, messageId: 100 });
      device.silent();
      assert.lengthOf(calls, 1);
    });

    it("of a Non-confirmable request are ignored", async () => {
      const { device, calls } = setUp();
      await device.send({ ...GET, type: NON });
      device.take();
      await device.send({ ...GET, type: NON });
      device.silent();
      assert.lengthOf(calls, 1);
    });

    it("of a rejected message are rejected again", async () => {
      const { world, device, host } = setUp();
      await device.send(GET);
      device.take();
      await device.send({ type: CON, code: 69, messageId: 8, token: text("?") });
      await device.send({ type: CON, code: 69, messageId: 8, token: text("?") });
      assert.deepEqual([show(device.take()), show(device.take())], ["RST 0.00", "RST 0.00"]);
      assert.equal(host.counters["duplicates"], 1);
      await world.clock.advance(0);
    });

    it("are known for EXCHANGE_LIFETIME (247 s), after that the id is new", async () => {
      const { world, device, calls } = setUp({ transmission: { ackRandomFactor: 1.5 } });
      await device.send(GET);
      await world.clock.advance(246_999);
      await device.send(GET);
      assert.lengthOf(calls, 1);
      await world.clock.advance(1);
      await device.send(GET);
      assert.lengthOf(calls, 2);
    });

    it("of a Non-confirmable message are known for NON_LIFETIME (145 s)", async () => {
      const { world, device, calls } = setUp({ transmission: { ackRandomFactor: 1.5 } });
      await device.send({ ...GET, type: NON });
      await world.clock.advance(144_999);
      await device.send({ ...GET, type: NON });
      assert.lengthOf(calls, 1);
      await world.clock.advance(1);
      await device.send({ ...GET, type: NON });
      assert.lengthOf(calls, 2);
    });

    it("are told apart by peer: the same id and token from two peers are two requests", async () => {
      const { world, device, calls } = setUp();
      const other = createBarePeer(world, { address: "192.0.2.98", port: 5683 });
      await device.send(GET);
      await other.send(GET);
      assert.lengthOf(calls, 2);
      device.take();
      other.take();
    });

    it("message ids and tokens are not mixed up: id 1 with token 2345 is not id 123 with token 45", async () => {
      const { device, calls } = setUp();
      await device.send({ ...GET, messageId: 1, token: text("2345") });
      await device.send({ ...GET, messageId: 123, token: text("45") });
      assert.lengthOf(calls, 2);
      assert.deepEqual([device.take().token, device.take().token], [text("2345"), text("45")]);
    });
  });

  describe("RFC 7252 4.7: NSTART", () => {
    it("a second request to the same peer waits for the first, one to another peer does not", async () => {
      const { world, device, host, deviceAt } = setUp();
      const other = createBarePeer(world, { address: "192.0.2.98", port: 5683 });
      const first = host.request(deviceAt, request("GET", "a"));
      const second = host.request(deviceAt, request("GET", "b"));
      const third = host.request(peerOf(host, other.transport.local), request("GET", "c")).catch(() => {});
      await world.clock.advance(0);
      const asked = device.take();
      device.silent();
      other.take();
      await device.send({ type: ACK, code: 69, messageId: asked.messageId, token: asked.token });
      await first;
      await world.clock.advance(0);
      const next = device.take();
      assert.deepEqual(next.options, pathOptions("b"));
      await device.send({ type: ACK, code: 69, messageId: next.messageId, token: next.token });
      await second;
      host.forgetPeer(peerOf(host, other.transport.local));
      await third;
    });

    it("one leaves, one enters", async () => {
      const { world, device, host, deviceAt } = setUp();
      const ends = ["a", "b", "c"].map(path => host.request(deviceAt, request("GET", path)).catch(() => {}));
      await world.clock.advance(0);
      const { messageId, token } = device.take();
      await device.send({ type: ACK, code: 69, messageId, token });
      assert.lengthOf(device.inbox, 1);
      host.forgetPeer(deviceAt);
      await Promise.all(ends);
    });

    it("as many as configured are open at once", async () => {
      const { world, device, host, deviceAt } = setUp({ transmission: { nstart: 2 } });
      const ends = ["a", "b", "c"].map(path => host.request(deviceAt, request("GET", path)).catch(() => {}));
      await world.clock.advance(0);
      assert.lengthOf(device.inbox, 2);
      host.forgetPeer(deviceAt);
      await Promise.all(ends);
    });
  });

  describe("datagrams that could harm", () => {
    it("RFC 768: source port 0 is dropped before anything looks at it", async () => {
      const { world, host, calls } = setUp();
      const nobody = world.network.open("192.0.2.66", 0);
      for (const hex of ["40010001", "400100", "400100070f"]) nobody.send(fromHex(hex), peerOf(host, HOST));
      await world.clock.advance(0);
      assert.lengthOf(calls, 0);
      assert.equal(host.counters["datagramsSent"], 0);
      assert.equal(host.counters["ignored"], 3);
    });

    it("RFC 7252 3: another version is ignored", async () => {
      const { device } = setUp();
      await device.sendBytes(fromHex("80010007"));
      await device.sendBytes(fromHex("00"));
      await device.sendBytes(new Uint8Array(0));
      device.silent();
    });

    it("an exception of our own ends in the guard, is counted and logged, and the next datagram is served", async () => {
      const log = createRecordingLog();
      let broken = true;
      const seeded = createSeededRandom(1);
      const int = (limit: number): number => {
        if (broken) throw new TypeError("no randomness");
        return seeded.int(limit);
      };
      const { device, host } = setUp({ log, random: { ...seeded, int } });
      await device.send({ ...GET, type: NON });
      device.silent();
      assert.equal(host.counters["faults"], 1);
      assert.include(
        log.lines.map(line => line.event),
        "coap.fault",
      );
      broken = false;
      await device.send({ ...GET, type: NON, messageId: 101 });
      assert.equal(show(device.take()), "NON 2.05");
    });
  });
});
