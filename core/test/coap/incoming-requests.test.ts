/** Requests of peers (RFC 7252 section 5), in lockstep. */
import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import { ACK, CON, NON } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import type { CoapResponse } from "../../src/coap/request.ts";
import {
  content,
  createBarePeer,
  pathOptions,
  show,
  text,
  uint,
  uintOf,
  type WorldParts,
} from "./support/endpoints.ts";
import { openServing } from "./support/serving.ts";

const setUp = (parts: WorldParts = {}) => {
  const log = createRecordingLog();
  return { ...openServing(content("ok"), { log, ...parts }), log };
};

const GET = { type: CON, code: 1, messageId: 100, token: text("t"), options: pathOptions("a") } as const;
const EMPTY = new Uint8Array(0);

describe("coap/incoming-requests", () => {
  it("RFC 7252 5.9.3.4: a 5.03 says when to come back: what the failure names, else 5 s", async () => {
    for (const [details, maxAge] of [
      [{ retryAfterSeconds: 17 }, 17],
      [{}, 5],
    ] as const) {
      const { world, device } = setUp({
        onRequest: () => {
          throw new MooringError("OVERLOADED", "too much", details);
        },
      });
      await device.send(GET);
      await world.clock.advance(0);
      const answer = device.take();
      assert.equal(answer.code, 163);
      assert.equal(uintOf(answer, OPTIONS.MAX_AGE), maxAge);
    }
  });

  it("RFC 7252 5.2.2: a slow handler gives an empty acknowledgement, then a Confirmable response until it is acknowledged", async () => {
    let finish: (response: CoapResponse) => void = () => assert.fail("not asked");
    const { world, host, device } = setUp({ onRequest: () => new Promise(resolve => (finish = resolve)) });
    await device.send(GET);
    await world.clock.advance(999);
    device.silent();
    await world.clock.advance(1);
    assert.deepInclude(device.take(), { type: ACK, code: 0, messageId: 100, token: EMPTY });
    assert.equal(host.counters["requestsInFlight"], 1);
    finish(content("late"));
    await world.clock.advance(0);
    const separate = device.take();
    assert.deepInclude(separate, { type: CON, code: 69, token: text("t"), payload: text("late") });
    await world.clock.advance(2000);
    assert.deepEqual(device.take(), separate);
    await device.send({ type: ACK, code: 0, messageId: separate.messageId });
    await world.clock.advance(100_000);
    device.silent();
    assert.equal(host.counters["requestsInFlight"], 0);
    assert.equal(host.counters["separateResponses"], 1);
  });

  it("RFC 7252 5.2.2: a separate response that is never acknowledged is given up without harm", async () => {
    let finish: (response: CoapResponse) => void = () => assert.fail("not asked");
    const { world, host, device } = setUp({ onRequest: () => new Promise(resolve => (finish = resolve)) });
    await device.send(GET);
    await world.clock.advance(1000);
    finish(content("late"));
    await world.clock.advance(300_000);
    assert.lengthOf(device.inbox, 1 + 5);
    assert.equal(host.counters["gaveUp"], 1);
    assert.equal(host.counters["timers"], 1);
  });

  it("RFC 7252 5.2.1: an answer within the time is carried by the acknowledgement", async () => {
    let finish: (response: CoapResponse) => void = () => assert.fail("not asked");
    const { world, device } = setUp({ onRequest: () => new Promise(resolve => (finish = resolve)) });
    await device.send(GET);
    await world.clock.advance(900);
    finish(content("in time"));
    await world.clock.advance(0);
    assert.deepInclude(device.take(), { type: ACK, code: 69, payload: text("in time") });
    await world.clock.advance(10_000);
    device.silent();
  });

  it("RFC 7252 5.2.3: a Non-confirmable request is answered by a Non-confirmable response, however late", async () => {
    let finish: (response: CoapResponse) => void = () => assert.fail("not asked");
    const { world, device } = setUp({ onRequest: () => new Promise(resolve => (finish = resolve)) });
    await device.send({ ...GET, type: NON });
    await world.clock.advance(10_000);
    device.silent();
    finish(content("late"));
    await world.clock.advance(10_000);
    assert.deepInclude(device.take(), { type: NON, code: 69, token: text("t") });
    device.silent();
  });

  for (const token of ["", "a", "12345678"]) {
    it(`RFC 7252 5.3.1: a token of ${token.length} bytes comes back as it is`, async () => {
      const { device } = setUp();
      await device.send({ ...GET, token: text(token) });
      assert.deepEqual(device.take().token, text(token));
    });
  }

  it("real-devices R7: empty tokens on all requests are answered with an empty token", async () => {
    const { device, calls } = setUp();
    for (let messageId = 1; messageId <= 3; messageId++) {
      await device.send({ ...GET, messageId, token: EMPTY });
      assert.deepInclude(device.take(), { messageId, token: EMPTY });
    }
    assert.lengthOf(calls, 3);
  });

  describe("RFC 7252 5.4: options", () => {
    it("5.4.1: a critical option that is not known: 4.02 with the reason to a Confirmable request", async () => {
      const { device, calls } = setUp();
      await device.send({ ...GET, options: [{ number: 9, value: EMPTY }, ...GET.options] });
      const answer = device.take();
      assert.equal(show(answer), "ACK 4.02");
      assert.include(Buffer.from(answer.payload).toString(), "OSCORE");
      assert.lengthOf(calls, 0);
    });

    it("5.4.1: silence to a Non-confirmable request", async () => {
      const { device, calls } = setUp();
      await device.send({ ...GET, type: NON, options: [{ number: 9, value: EMPTY }] });
      device.silent();
      assert.lengthOf(calls, 0);
    });

    it("5.4.1: elective options are passed over", async () => {
      const { device, calls } = setUp();
      await device.send({ ...GET, options: [...GET.options, { number: 65_534, value: text("x") }] });
      assert.equal(show(device.take()), "ACK 2.05");
      assert.lengthOf(calls, 1);
    });

    it("5.10.1: Uri-Host and Uri-Port are accepted", async () => {
      const { device, calls } = setUp();
      const options = [
        { number: OPTIONS.URI_HOST, value: text("mooring.example") },
        uint(OPTIONS.URI_PORT, 5783),
        ...pathOptions("rd"),
      ];
      await device.send({ ...GET, options });
      assert.equal(show(device.take()), "ACK 2.05");
      assert.deepEqual(calls[0]!.path, ["rd"]);
      assert.notProperty(calls[0]!, "options");
    });

    it("5.10.2: Proxy-Uri: 5.05", async () => {
      const { device } = setUp();
      await device.send({ ...GET, options: [{ number: OPTIONS.PROXY_URI, value: text("coap://x/") }] });
      assert.equal(show(device.take()), "ACK 5.05");
    });

    it("RFC 3629: a path that is not UTF-8: 4.02", async () => {
      const { device, calls } = setUp();
      await device.send({ ...GET, options: [{ number: OPTIONS.URI_PATH, value: Uint8Array.of(0xc3, 0x28) }] });
      assert.equal(show(device.take()), "ACK 4.02");
      assert.lengthOf(calls, 0);
    });
  });

  it("RFC 7252 5.8: an unknown method: 4.05", async () => {
    const { device, calls } = setUp();
    await device.send({ ...GET, code: 31 });
    assert.equal(show(device.take()), "ACK 4.05");
    await device.send({ ...GET, type: NON, code: 31 });
    assert.equal(show(device.take()), "NON 4.05");
    assert.lengthOf(calls, 0);
  });

  describe("failures of the handler", () => {
    const failing = (error: unknown, late: boolean) =>
      setUp({
        onRequest() {
          if (late) return Promise.reject(error);
          throw error;
        },
      });

    for (const late of [false, true]) {
      const when = late ? "later" : "at once";
      it(`a MooringError ${when} is answered from its table row with a short text`, async () => {
        const { device, host, world } = failing(new MooringError("REGISTRATION_UNKNOWN", "no registration 5a3f"), late);
        await device.send(GET);
        await world.clock.advance(0);
        const answer = device.take();
        assert.equal(show(answer), "ACK 4.04");
        assert.deepEqual(answer.payload, text("no registration 5a3f"));
        assert.equal(host.counters["handlerFaults"], 0);
      });

      it(`anything else ${when} is 5.00 without a text, counted and logged`, async () => {
        const { device, host, log, world } = failing(new TypeError("secret inside"), late);
        await device.send(GET);
        await world.clock.advance(0);
        assert.deepInclude(device.take(), { code: 160, payload: EMPTY });
        assert.equal(host.counters["handlerFaults"], 1);
        assert.deepEqual(
          log.lines.map(line => line.event),
          ["coap.request.fault"],
        );
      });
    }

    it("OVERLOADED is 5.03 with Max-Age", async () => {
      const { device } = failing(new MooringError("OVERLOADED", "too much"), false);
      await device.send(GET);
      const answer = device.take();
      assert.equal(show(answer), "ACK 5.03");
      assert.equal(uintOf(answer, OPTIONS.MAX_AGE), 5);
    });

    it("a long text is cut between characters", async () => {
      const { device } = failing(new MooringError("MALFORMED", `x${"é".repeat(500)}`), false);
      await device.send(GET);
      const { payload } = device.take();
      assert.isAtMost(payload.length, 120);
      assert.equal(Buffer.from(payload).toString(), `x${"é".repeat(59)}`);
    });

    for (const response of [
      { code: 69, locationPath: ["x".repeat(256)], payload: EMPTY },
      { code: 69, etag: new Uint8Array(70_000), payload: EMPTY },
      { code: 900, payload: EMPTY },
      undefined as unknown as CoapResponse,
      { code: 69 } as CoapResponse,
    ]) {
      it(`an answer that cannot be sent is 5.00: ${JSON.stringify(response)?.slice(0, 40)}`, async () => {
        for (const late of [false, true]) {
          const { device, host, world } = setUp({ onRequest: () => (late ? Promise.resolve(response) : response) });
          await device.send(GET);
          await world.clock.advance(0);
          assert.equal(show(device.take()), "ACK 5.00");
          assert.equal(host.counters["handlerFaults"], 1);
          assert.equal(host.counters["requestsInFlight"], 0);
        }
      });
    }
  });

  it("admission: above maxRequestsInFlight 5.03 with Max-Age, below it again served", async () => {
    const finishes: ((response: CoapResponse) => void)[] = [];
    const { world, host, device } = setUp({
      limits: { maxRequestsInFlight: 2 },
      onRequest: () => new Promise(resolve => void finishes.push(resolve)),
    });
    for (let messageId = 1; messageId <= 3; messageId++) await device.send({ ...GET, messageId });
    const refused = device.take();
    assert.deepInclude(refused, { type: ACK, code: 163, messageId: 3 });
    assert.equal(uintOf(refused, OPTIONS.MAX_AGE), 5);
    assert.equal(host.counters["requestsRefused"], 1);
    finishes[0]!(content("1"));
    await world.clock.advance(0);
    assert.equal(device.take().messageId, 1);
    await device.send({ ...GET, messageId: 4 });
    assert.lengthOf(finishes, 3);
    for (const finish of finishes) finish(content("x"));
    await world.clock.advance(0);
    assert.lengthOf(device.inbox, 2);
  });

  it("answers to another peer go on while the table has no room for a newcomer", async () => {
    const { world, host, device } = setUp({ limits: { maxPeers: 1 }, onRequest: () => new Promise(() => {}) });
    await device.send(GET);
    const other = createBarePeer(world, { address: "192.0.2.98", port: 5683 });
    await other.send(GET);
    other.silent();
    assert.equal(host.counters["peersRefused"], 1);
  });

  it("works the same with the coap-packet codec", async () => {
    const { device } = setUp({ codec: "coap-packet", onRequest: ({ path }) => content(path.join("/")) });
    await device.send({ ...GET, options: pathOptions("3/0/ü") });
    assert.deepInclude(device.take(), { type: ACK, code: 69, token: text("t"), payload: text("3/0/ü") });
    await device.send({ type: CON, code: 0, messageId: 3 });
    assert.equal(show(device.take()), "RST 0.00");
  });
});
