import { assert } from "chai";
import type { Notification } from "../../src/coap/endpoint.ts";
import { CON } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import type { CoapRequest } from "../../src/coap/request.ts";
import {
  content,
  createBarePeer,
  createWorld,
  DEVICE,
  HOST,
  peerOf,
  request,
  show,
  text,
  uint,
} from "./support/endpoints.ts";

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
});
