import { assert } from "chai";
import type { Notification } from "../../src/coap/endpoint.ts";
import { CON, encodeMessage } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import type { CoapRequest, CoapResponse } from "../../src/coap/request.ts";
import {
  content,
  createBarePeer,
  createWorld,
  DEVICE,
  HOST,
  messageOf,
  pathOptions,
  pattern,
  peerOf,
  request,
  show,
  text,
  uint,
} from "./support/endpoints.ts";
import { createHostAndDevice, rejection } from "./support/host-and-device.ts";

describe("coap/endpoint", () => {
  it("request and response between two endpoints", async () => {
    const world = createWorld();
    const seen: CoapRequest[] = [];
    const host = world.open(HOST, {
      onRequest: incoming => {
        seen.push(incoming);
        return { code: 65, locationPath: ["rd", "5a3f"], payload: new Uint8Array(0) };
      },
    });
    const device = world.open(DEVICE);
    const response = await device.request(
      peerOf(device, HOST),
      request("POST", "rd", { query: ["ep=urn:dev", "lt=300"], contentFormat: 40, payload: text("</3/0>") }),
    );
    assert.deepEqual(response, { code: 65, locationPath: ["rd", "5a3f"], payload: new Uint8Array(0) });
    const [{ messageId, ...asked } = assert.fail("nothing came")] = seen;
    assert.isNumber(messageId);
    assert.deepEqual(asked, {
      method: "POST",
      path: ["rd"],
      query: ["ep=urn:dev", "lt=300"],
      contentFormat: 40,
      payload: text("</3/0>"),
    });
    await device[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
    assert.equal(world.clock.pending, 0);
  });

  it("observes and hears notifications in order", async () => {
    const world = createWorld();
    const host = world.open(HOST);
    const device = createBarePeer(world);
    const heard: Notification[] = [];
    const observing = host.observe(peerOf(host, DEVICE), request("GET", "3303/0/5700"), async n => void heard.push(n));
    await world.clock.advance(0);
    const get = device.take();
    assert.equal(show(get), "CON 0.01");
    const { token } = get;
    await device.send({
      type: 2,
      code: 69,
      messageId: get.messageId,
      token,
      options: [uint(OPTIONS.OBSERVE, 5)],
      payload: text("20.5"),
    });
    const { response, observation } = await observing;
    assert.deepEqual(response.payload, text("20.5"));
    assert.isTrue(observation?.active);
    await device.send({
      type: CON,
      code: 69,
      messageId: 9,
      token,
      options: [uint(OPTIONS.OBSERVE, 6)],
      payload: text("21"),
    });
    assert.equal(show(device.take()), "ACK 0.00");
    assert.deepEqual(
      heard.map(({ sequence, response: { payload } }) => [sequence, payload]),
      [[6, text("21")]],
    );
    observation?.forget();
    await device.send({ type: CON, code: 69, messageId: 10, token, options: [uint(OPTIONS.OBSERVE, 7)] });
    assert.equal(show(device.take()), "RST 0.00");
    assert.equal(host.counters["observations"], 0);
  });

  it("answers with the content that a slow handler gives", async () => {
    const world = createWorld();
    world.open(HOST, { onRequest: async () => content("slow") });
    const device = world.open(DEVICE);
    const response = await device.request(peerOf(device, HOST), request("GET", "x"));
    assert.deepEqual(response, content("slow"));
  });

  it("works the same with the coap-packet codec, blocks and observation included", async () => {
    const world = createWorld();
    const host = world.open(HOST, { codec: "coap-packet", onRequest: ({ payload }) => ({ code: 69, payload }) });
    const device = world.open(DEVICE);
    const body = pattern(5000);
    const response = await device.request(peerOf(device, HOST), request("POST", "echo", { payload: body }));
    assert.deepEqual(response.payload, body);
    assert.equal(host.counters["requestsReceived"], 5 + 4);
  });

  it("forgetPeer ends all that is open with it", async () => {
    const { world, host, device, deviceAt, asked, answer } = createHostAndDevice();
    const observing = host.observe(deviceAt, request("GET", "a"), async () => {});
    await answer(await asked(), 69, [uint(OPTIONS.OBSERVE, 1)]);
    const { observation } = await observing;
    const open = rejection(host.request(deviceAt, request("GET", "b")));
    const waiting = rejection(host.request(deviceAt, request("GET", "c")));
    await device.send({ code: 2, messageId: 4, options: [uint(OPTIONS.BLOCK1, 8)], payload: pattern(16) });
    assert.equal(host.counters["transfers"], 1);
    host.forgetPeer(deviceAt);
    assert.propertyVal(await open, "code", "EXCHANGE_CANCELLED");
    assert.propertyVal(await waiting, "code", "EXCHANGE_CANCELLED");
    assert.isFalse(observation?.active);
    assert.equal(host.counters["transfers"], 0);
    assert.equal(host.counters["observations"], 0);
    host.forgetPeer({ ...deviceAt, key: "nobody" });
    await world.clock.advance(300_000);
    assert.equal(host.counters["peers"], 0);
  });

  it("closing ends what is open, refuses what comes, waits for handlers that run and leaves no timer", async () => {
    let finish: (response: CoapResponse) => void = () => assert.fail("not asked");
    const { world, host, device, deviceAt } = createHostAndDevice({
      onRequest: () => new Promise(resolve => (finish = resolve)),
    });
    const observation = host.resumeObservation(
      { peer: deviceAt, token: Uint8Array.of(1), request: request("GET", "a") },
      async () => {},
    );
    const open = rejection(host.request(deviceAt, request("GET", "b")));
    await device.send({ code: 2, messageId: 4 });
    device.inbox.length = 0;
    let closed = false;
    const closing = host[Symbol.asyncDispose]().then(() => {
      closed = true;
    });
    assert.propertyVal(await open, "code", "EXCHANGE_CANCELLED");
    assert.isFalse(observation.active);
    assert.propertyVal(await rejection(host.request(deviceAt, request("GET", "b"))), "code", "EXCHANGE_CANCELLED");
    assert.propertyVal(await rejection(observation.cancel()), "code", "EXCHANGE_CANCELLED");
    await device.send({ code: 1, messageId: 5 });
    device.silent();
    assert.isFalse(closed);
    finish({ code: 68, payload: new Uint8Array(0) });
    await closing;
    await world.clock.advance(0);
    assert.equal(show(device.take()), "ACK 2.04");
    assert.equal(world.clock.pending, 0);
    await host[Symbol.asyncDispose]();
  });

  it("closing does not wait for ever", async () => {
    const { world, host, device } = createHostAndDevice({ onRequest: () => new Promise(() => {}) });
    await device.send({ code: 2, messageId: 4 });
    const closing = host[Symbol.asyncDispose]();
    await world.clock.advance(5_100);
    await closing;
    assert.equal(world.clock.pending, 0);
  });

  it("idle peers are forgotten: ten thousand registrations leave nothing after EXCHANGE_LIFETIME", async () => {
    const world = createWorld();
    const host = world.open(HOST, { limits: { maxPeers: 20_000 } });
    const sender = world.network.open(DEVICE.address, DEVICE.port);
    const bytes = encodeMessage(messageOf({ code: 2, options: pathOptions("rd"), token: text("t") }));
    for (let i = 0; i < 10_000; i++) {
      const device = world.network.open(`192.0.2.${i % 250}`, 10_000 + i);
      device.send(bytes, peerOf(host, HOST));
    }
    await world.clock.advance(0);
    assert.equal(host.counters["requestsReceived"], 10_000);
    assert.equal(host.counters["peers"], 10_000);
    await world.clock.advance(300_000);
    assert.equal(host.counters["peers"], 0);
    await sender[Symbol.asyncDispose]();
  });
});
