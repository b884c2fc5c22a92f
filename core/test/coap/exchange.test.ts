/** Requests of ours (RFC 7252 section 5.2 and 5.3), in lockstep. */
import { assert } from "chai";
import { ACK, CON, NON } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import { content, pathOptions, request, show, text, uint, uintOf } from "./support/endpoints.ts";
import { createHostAndDevice, rejection } from "./support/host-and-device.ts";

const CONTENT = 69;

describe("coap/exchange", () => {
  it("sends what the request says", async () => {
    const { host, deviceAt, asked, answer } = createHostAndDevice();
    const answered = host.request(
      deviceAt,
      request("PUT", "3/0/15", { query: ["pmin=1"], contentFormat: 0, accept: 110, payload: text("UTC") }),
    );
    const message = await asked();
    assert.equal(show(message), "CON 0.03");
    assert.deepEqual(message.options.slice(0, 3), pathOptions("3/0/15"));
    assert.equal(uintOf(message, OPTIONS.CONTENT_FORMAT), 0);
    assert.equal(uintOf(message, OPTIONS.ACCEPT), 110);
    assert.deepEqual(message.payload, text("UTC"));
    await answer(message, 68);
    assert.deepEqual(await answered, { code: 68, payload: new Uint8Array(0) });
  });

  it("RFC 7252 5.3.1: tokens are random, 4 to 8 bytes, and never in use twice", async () => {
    const { host, world, device, deviceAt } = createHostAndDevice({ transmission: { nstart: 50 } });
    const ends = Array.from({ length: 50 }, () => rejection(host.request(deviceAt, request("GET", "a"))));
    await world.clock.advance(0);
    const tokens = device.inbox.map(message => Buffer.from(message.token).toString("hex"));
    assert.equal(new Set(tokens).size, 50);
    for (const token of tokens) assert.isTrue(token.length >= 8 && token.length <= 16);
    host.forgetPeer(deviceAt);
    await Promise.all(ends);
  });

  it("RFC 7252 5.2: an error code of the peer is a response", async () => {
    const { host, deviceAt, asked, answer } = createHostAndDevice();
    const answered = host.request(deviceAt, request("GET", "a"));
    await answer(await asked(), 132, [], text("no such thing"));
    assert.deepEqual(await answered, { code: 132, payload: text("no such thing") });
  });

  describe("RFC 7252 5.2.2: separate responses", () => {
    it("come after the empty acknowledgement and are acknowledged, duplicates too", async () => {
      const { world, host, device, deviceAt, asked } = createHostAndDevice();
      const answered = host.request(deviceAt, request("GET", "a"));
      const { messageId, token } = await asked();
      await device.send({ type: ACK, code: 0, messageId });
      await world.clock.advance(30_000);
      device.silent();
      const separate = { type: CON, code: CONTENT, messageId: 500, token, payload: text("late") } as const;
      await device.send(separate);
      assert.deepInclude(device.take(), { type: ACK, code: 0, messageId: 500 });
      assert.deepEqual(await answered, content("late"));
      await device.send(separate);
      assert.deepInclude(device.take(), { type: ACK, code: 0, messageId: 500 });
      device.silent();
    });

    it("may overtake the acknowledgement: the request is not repeated any more", async () => {
      const { world, host, device, deviceAt, asked } = createHostAndDevice();
      const answered = host.request(deviceAt, request("GET", "a"));
      const { messageId, token } = await asked();
      await device.send({ type: CON, code: CONTENT, messageId: 500, token, payload: text("v") });
      assert.equal(show(device.take()), "ACK 0.00");
      await answered;
      await device.send({ type: ACK, code: 0, messageId });
      await world.clock.advance(100_000);
      device.silent();
    });

    it("may be Non-confirmable", async () => {
      const { host, device, deviceAt, asked } = createHostAndDevice();
      const answered = host.request(deviceAt, request("GET", "a"));
      const { messageId, token } = await asked();
      await device.send({ type: ACK, code: 0, messageId });
      await device.send({ type: NON, code: CONTENT, messageId: 500, token, payload: text("v") });
      device.silent();
      assert.deepEqual(await answered, content("v"));
    });

    it("real-devices D1: an empty acknowledgement and then never a response: the exchange ends by its own limit, the line goes on", async () => {
      const { world, host, device, deviceAt, asked, answer } = createHostAndDevice();
      const failed = rejection(host.request(deviceAt, request("FETCH", "", { payload: text("x") })));
      const next = host.request(deviceAt, request("GET", "b"));
      const first = await asked();
      await device.send({ type: ACK, code: 0, messageId: first.messageId });
      await world.clock.advance(59_900);
      device.silent();
      await world.clock.advance(200);
      assert.propertyVal(await failed, "code", "EXCHANGE_TIMEOUT");
      await answer(await asked(), CONTENT, [], text("b"));
      assert.deepEqual(await next, content("b"));
      await device.send({ type: CON, code: CONTENT, messageId: 77, token: first.token });
      assert.equal(show(device.take()), "RST 0.00", "too late: nobody waits any more");
      assert.equal(host.counters["exchangeTimeouts"], 1);
    });
  });

  describe("RFC 7252 5.3.2: matching", () => {
    it("an acknowledgement with another token is not the response", async () => {
      const { world, host, device, deviceAt, asked } = createHostAndDevice();
      const answered = host.request(deviceAt, request("GET", "a"));
      const { messageId, token } = await asked();
      await device.send({ type: ACK, code: CONTENT, messageId, token: text("other"), payload: text("wrong") });
      await world.clock.advance(2000);
      assert.equal(device.take().messageId, messageId, "it is repeated");
      await device.send({ type: ACK, code: CONTENT, messageId, token, payload: text("right") });
      assert.deepEqual(await answered, content("right"));
    });

    it("a message with an unknown token is rejected", async () => {
      const { host, device, deviceAt, asked, answer } = createHostAndDevice();
      const answered = host.request(deviceAt, request("GET", "a"));
      const message = await asked();
      await device.send({ type: CON, code: CONTENT, messageId: 9, token: text("?") });
      assert.deepInclude(device.take(), { type: 3, messageId: 9 });
      await device.send({ type: NON, code: CONTENT, messageId: 10, token: text("?") });
      assert.deepInclude(device.take(), { type: 3, messageId: 10 });
      await answer(message, CONTENT);
      await answered;
    });
  });

  it("RFC 7252 5.4.1: a response with an unknown critical option is no response; a Confirmable one is rejected", async () => {
    const { host, device, deviceAt, asked, answer } = createHostAndDevice();
    const bad = [{ number: 9, value: new Uint8Array(0) }];
    const first = rejection(host.request(deviceAt, request("GET", "a")));
    await answer(await asked(), CONTENT, bad);
    assert.propertyVal(await first, "code", "MESSAGE_FORMAT");
    const second = rejection(host.request(deviceAt, request("GET", "a")));
    const { messageId, token } = await asked();
    await device.send({ type: ACK, code: 0, messageId });
    await device.send({ type: CON, code: CONTENT, messageId: 9, token, options: bad });
    assert.equal(show(device.take()), "RST 0.00");
    assert.propertyVal(await second, "code", "MESSAGE_FORMAT");
  });

  describe("limits of the caller", () => {
    it("a signal ends the request and its repetitions", async () => {
      const { world, host, device, deviceAt, asked } = createHostAndDevice();
      const stop = new AbortController();
      const failed = rejection(host.request(deviceAt, request("GET", "a"), { signal: stop.signal }));
      await asked();
      stop.abort();
      assert.propertyVal(await failed, "code", "EXCHANGE_CANCELLED");
      await world.clock.advance(100_000);
      device.silent();
    });

    it("a signal that was given up before sends nothing", async () => {
      const { world, host, device, deviceAt } = createHostAndDevice();
      const error = await rejection(host.request(deviceAt, request("GET", "a"), { signal: AbortSignal.abort() }));
      assert.propertyVal(error, "code", "EXCHANGE_CANCELLED");
      await world.clock.advance(0);
      device.silent();
      assert.equal(host.counters["peers"], 0);
    });

    it("a signal takes a waiting request out of the line", async () => {
      const { host, deviceAt, asked, answer, device } = createHostAndDevice();
      const stop = new AbortController();
      const first = host.request(deviceAt, request("GET", "a"));
      const failed = rejection(host.request(deviceAt, request("GET", "b"), { signal: stop.signal }));
      const third = host.request(deviceAt, request("GET", "c"));
      const message = await asked();
      stop.abort();
      assert.propertyVal(await failed, "code", "EXCHANGE_CANCELLED");
      await answer(message, CONTENT);
      await first;
      const next = await asked();
      assert.deepEqual(next.options, pathOptions("c"));
      await answer(next, CONTENT);
      await third;
      device.silent();
    });

    it("timeoutMs ends the whole exchange; the time in line is not counted", async () => {
      const { world, host, deviceAt, asked, answer } = createHostAndDevice();
      const first = host.request(deviceAt, request("GET", "a"));
      const failed = rejection(host.request(deviceAt, request("GET", "b"), { timeoutMs: 5000 }));
      const message = await asked();
      await world.clock.advance(20_000);
      await answer(message, CONTENT);
      await first;
      await world.clock.advance(4_900);
      const before = host.counters["exchangeTimeouts"];
      await world.clock.advance(200);
      assert.propertyVal(await failed, "code", "EXCHANGE_TIMEOUT");
      assert.equal(host.counters["exchangeTimeouts"], before! + 1);
    });
  });

  it("a request that cannot be encoded fails alone", async () => {
    const { host, deviceAt, asked, answer } = createHostAndDevice();
    const error = await rejection(host.request(deviceAt, request("GET", "x".repeat(300))));
    assert.propertyVal(error, "code", "MESSAGE_FORMAT");
    const next = host.request(deviceAt, request("GET", "b"));
    await answer(await asked(), CONTENT);
    await next;
  });

  it("leaves nothing behind", async () => {
    const { world, host, deviceAt, asked, answer } = createHostAndDevice();
    const answered = host.request(deviceAt, request("GET", "a"), { timeoutMs: 1e6 });
    await answer(await asked(), CONTENT, [uint(OPTIONS.MAX_AGE, 1)]);
    await answered;
    assert.equal(host.counters["timers"], 1, "the search for silent peers");
    await world.clock.advance(300_000);
    assert.equal(host.counters["peers"], 0);
  });
});
