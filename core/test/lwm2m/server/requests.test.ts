import { assert } from "chai";
import { fromHex } from "../../../src/base/bytes.ts";
import { formatCode } from "../../../src/coap/codes.ts";
import { formatPath } from "../../../src/lwm2m/path.ts";
import { completed, createLwm2mWorld } from "../support/lwm2m-world.ts";
import { CONTENT, TLV_ACME, withRequests } from "../support/requesting.ts";

describe("lwm2m/server: requests", () => {
  const { on, open, answerWith, call, read, codeOfFailure, shown } = withRequests();

  it("OMA 203: Read of an instance as TLV; its values also go up", async () => {
    await open();
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    const answer = await read("/3/0");
    assert.isTrue(answer.ok);
    assert.deepEqual(shown(answer), [["/3/0/0", "ACME"]]);
    const { method, path, accept, observe } = on.device.asked[0]!;
    assert.deepEqual(
      { method, path, accept, observe },
      { method: "GET", path: "/3/0", accept: 11542, observe: undefined },
    );
    const [batch] = on.world.batches;
    assert.deepEqual(batch?.values, answer.values);
    assert.equal(batch?.source, "READ_RESPONSE");
    assert.strictEqual(batch?.registration, on.world.server.registrations.byEndpoint("dev"));
    assert.deepEqual(batch?.requestPath, [3, 0]);
  });

  it("two Reads have different keys", async () => {
    await open();
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    await read("/3/0");
    await read("/3/0");
    assert.notEqual(on.world.batches[0]?.messageKey, on.world.batches[1]?.messageKey);
  });

  it("LwM2M Core 1.1.1 §6.2.1: the alternate root stands before every path", async () => {
    await open("ep=dev", "</lwm2m>;rt=oma.lwm2m;ct=11542,</lwm2m/3/0>");
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    assert.deepEqual(shown(await read("/3/0")), [["/3/0/0", "ACME"]]);
    assert.equal(on.device.asked[0]?.path, "/lwm2m/3/0");
  });

  it("D1: an empty ACK and never a response: the exchange ends by its time limit, the queue goes on", async () => {
    await open();
    on.device.script = ({ path }) =>
      path === "/3/0/1" ? "ack" : { code: CONTENT, contentFormat: 11542, payload: TLV_ACME };
    const stuck = codeOfFailure(
      on.world.server.queues.run("dev", (registration, signal) =>
        on.world.server.requests.read(registration, [3, 0, 1], { signal }),
      ),
    );
    const next = read("/3/0", 1000);
    assert.equal(await completed(on.world.clock, stuck, 1000), "EXCHANGE_TIMEOUT");
    assert.isTrue((await next).ok);
  });

  it("D2: 5.03 is asked again after Max-Age", async () => {
    await open();
    let refusals = 2;
    on.device.script = () =>
      refusals-- > 0 ? { code: 163, maxAge: 10 } : { code: CONTENT, contentFormat: 11542, payload: TLV_ACME };
    const startMs = on.world.clock.now();
    const answer = await read("/3/0", 500);
    assert.isTrue(answer.ok);
    assert.equal(on.device.asked.length, 3);
    assert.isAtLeast(on.world.clock.now() - startMs, 20_000);
  });

  it("D2: one request at a time", async () => {
    await open();
    on.device.script = () => "ack";
    void codeOfFailure(read("/3/0"));
    void codeOfFailure(read("/3/1"));
    await on.world.clock.advance(5000);
    assert.deepEqual(
      on.device.asked.map(({ path }) => path),
      ["/3/0"],
    );
    on.world.server.queues.clear("dev", "removed");
  });

  it("D2: 5.03 that does not end is shown", async () => {
    await open();
    answerWith({ code: 163 });
    const answer = await read("/3/0", 500);
    assert.equal(formatCode(answer.code), "5.03");
    assert.isFalse(answer.ok);
    assert.equal(on.device.asked.length, 4);
  });

  describe("D3: answers without Content-Format", () => {
    it("are text for a single resource", async () => {
      await open();
      answerWith({ code: CONTENT, payload: "ACME" });
      assert.deepEqual(shown(await read("/3/0/0")), [["/3/0/0", "ACME"]]);
    });
    it("are a clear failure for an instance", async () => {
      await open();
      answerWith({ code: CONTENT, payload: "ACME" });
      assert.equal(await codeOfFailure(read("/3/0")), "CONTENT_FORMAT_UNSUPPORTED");
    });
    it("65535 without payload is none", async () => {
      await open();
      answerWith({ code: CONTENT, contentFormat: 65535 });
      assert.deepEqual(shown(await read("/3/0")), []);
    });
    it("2.00 to a Read is a failure with the raw code shown", async () => {
      await open();
      answerWith({ code: 64 });
      const answer = await read("/3/0/0");
      assert.isFalse(answer.ok);
      assert.equal(formatCode(answer.code), "2.00");
      assert.isEmpty(on.world.batches);
    });
  });

  it("D4: decoded by the Content-Format that came, not by the one asked for", async () => {
    await open();
    answerWith({ code: CONTENT, contentFormat: 0, payload: "ACME" });
    assert.deepEqual(shown(await read("/3/0/0")), [["/3/0/0", "ACME"]]);
    assert.equal(on.device.asked[0]?.accept, 11542);
  });

  for (const [name, code] of [
    ["4.06 to TLV", 134],
    ["4.05 to the format asked for", 133],
    ["4.15 to the format asked for", 143],
  ] as const) {
    it(`D5: ${name}: the next format of the device is tried once and remembered`, async () => {
      await open("ep=dev&lwm2m=1.1", '</>;ct="11542 60 0",</3/0>');
      on.device.script = ({ accept }) =>
        accept === 11542 ? { code } : { code: CONTENT, contentFormat: 60, payload: fromHex("6441434d45") };
      const formats = () => on.device.asked.map(({ accept }) => accept);
      assert.deepEqual(shown(await read("/3/0/0")), [["/3/0/0", "ACME"]]);
      assert.deepEqual(formats(), [11542, 60]);
      await read("/3/0/0");
      assert.deepEqual(formats(), [11542, 60, 60]);
      await on.device.register("ep=dev&lwm2m=1.1", '</>;ct="11542 60 0",</3/0>');
      await read("/3/0/0");
      assert.deepEqual(formats(), [11542, 60, 60, 11542, 60], "a new registration is asked anew");
    });
  }

  it("D5: 4.06 from a 1.0 device that offers nothing: its other format is tried", async () => {
    await open("ep=dev", "</3/0>");
    answerWith({ code: 134 });
    assert.equal(formatCode((await read("/3/0")).code), "4.06");
    assert.deepEqual(
      on.device.asked.map(({ accept }) => accept),
      [11542, 11543],
    );
  });

  it("D5: a refusal that no format cures is shown, and nothing is remembered", async () => {
    await open("ep=dev&lwm2m=1.1", '</>;ct="11542 60",</3/0>');
    answerWith({ code: 133 });
    assert.equal(formatCode((await read("/3/0/4")).code), "4.05");
    assert.equal(on.device.asked.length, 2);
    await read("/3/0/4");
    assert.equal(on.device.asked[2]?.accept, 11542);
  });

  it("D5: 4.05 to Discover is an answer", async () => {
    await open();
    answerWith({ code: 133 });
    const answer = await call((requests, registration) => requests.discover(registration, [3]));
    assert.equal(formatCode(answer.code), "4.05");
    assert.deepEqual(answer.links, []);
  });

  it("D6: Accept is always sent, also to a 1.2 device that offers nothing", async () => {
    await open("ep=dev&lwm2m=1.2", "</3/0>");
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    await read("/3/0");
    assert.isDefined(on.device.asked[0]?.accept);
  });

  it("agent specification 10.2: the operator's format comes first where the device has it", async () => {
    on.world = await createLwm2mWorld();
    on.world.settings = { contentFormat: 60 };
    on.device = on.world.device(5000);
    await on.device.register("ep=dev&lwm2m=1.1", '</>;ct="11542 60",</3/0>');
    answerWith({ code: CONTENT, contentFormat: 60, payload: fromHex("6441434d45") });
    await read("/3/0/0");
    assert.equal(on.device.asked[0]?.accept, 60);
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    await read("/3/0");
    assert.equal(on.device.asked[1]?.accept, 11542, "CBOR cannot say an instance");
  });

  it("OMA 201: the operator's plain text is asked for though no device offers it: every device has it", async () => {
    on.world = await createLwm2mWorld();
    on.world.settings = { contentFormat: 0 };
    on.device = on.world.device(5000);
    await on.device.register("ep=dev&lwm2m=1.1", '</>;ct="60 110 112 11542 11543",</3/0>');
    answerWith({ code: CONTENT, contentFormat: 0, payload: "ACME" });
    await read("/3/0/0");
    assert.equal(on.device.asked[0]?.accept, 0);
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    await read("/3/0");
    assert.equal(on.device.asked[1]?.accept, 11542);
  });

  it("20-29: resource instances of a 1.0 device fail at once, nothing is sent", async () => {
    await open("ep=dev&lwm2m=1.0", "</5/0>");
    assert.equal(await codeOfFailure(read("/5/0/8/0")), "UNSUPPORTED");
    assert.isEmpty(on.device.asked);
  });

  it("a device's error is an answer with its text", async () => {
    await open();
    answerWith({ code: 132, payload: "no such resource" });
    const answer = await read("/3/0/99");
    assert.include(answer, { code: 132, ok: false, text: "no such resource" });
  });

  it("a malformed payload is a clear failure", async () => {
    await open();
    answerWith({ code: CONTENT, contentFormat: 11542, payload: fromHex("c8") });
    assert.equal(await codeOfFailure(read("/3/0")), "TLV_INVALID");
    assert.isEmpty(on.world.batches);
  });

  it("silence ends by the device's own request time-out", async () => {
    on.world = await createLwm2mWorld();
    on.world.settings = { requestTimeoutMs: 5_000 };
    on.device = on.world.device(5000);
    await on.device.register("ep=dev");
    on.device.script = () => undefined;
    const startMs = on.world.clock.now();
    assert.equal(await codeOfFailure(read("/3/0", 250)), "EXCHANGE_TIMEOUT");
    assert.closeTo(on.world.clock.now() - startMs, 5_000, 500);
  });

  it("OMA 260: Discover lists links with their attributes", async () => {
    await open();
    answerWith({ code: CONTENT, contentFormat: 40, payload: "</3/0>;pmin=10,</3/0/1>,</3/0/11>;dim=2" });
    const answer = await call((requests, registration) => requests.discover(registration, [3, 0]));
    assert.deepEqual(
      answer.links.map(({ path, attributes }) => [formatPath(path), { ...attributes }]),
      [
        ["/3/0", { pmin: "10" }],
        ["/3/0/1", {}],
        ["/3/0/11", { dim: "2" }],
      ],
    );
  });

  it("OMA 109: a Read for a device past its awake time is held and goes out after the next Update", async () => {
    await open("ep=dev&lwm2m=1.1&Q", "</3/0>");
    const id = on.world.server.registrations.byEndpoint("dev")!.id;
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    await on.world.clock.advance(94_000);
    const held = on.world.server.queues.run("dev", registration => on.world.server.requests.read(registration, [3, 0]));
    await on.world.clock.advance(60_000);
    assert.isEmpty(on.device.asked);
    await on.device.send("POST", `/rd/${id}`);
    assert.isTrue((await completed(on.world.clock, held)).ok);
    assert.equal(on.device.asked.length, 1);
  });

  it("agent specification 6.4: any message of the device keeps it awake", async () => {
    await open("ep=dev&at=1000", "</3/0>");
    const { server, clock } = on.world;
    const registration = server.registrations.byEndpoint("dev")!;
    await clock.advance(900);
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    await read("/3/0");
    await clock.advance(900);
    assert.isTrue(server.isReachable(registration));
    await clock.advance(200);
    assert.isFalse(server.isReachable(registration));
  });

  it("R10: a new Register ends the open exchange, what waits goes to the new registration", async () => {
    await open();
    on.device.script = () => undefined;
    const open1 = codeOfFailure(read("/3/0/1"));
    const waiting = on.world.server.queues.run("dev", async registration => registration.id);
    await on.world.clock.advance(100);
    on.device.moveTo(5001);
    const id = await on.device.register("ep=dev");
    assert.equal(await open1, "EXCHANGE_CANCELLED");
    assert.equal(await completed(on.world.clock, waiting), id);
  });

  it("an address change by Update ends the open exchange; it can be repeated to the new address", async () => {
    await open();
    const { id } = on.world.server.registrations.byEndpoint("dev")!;
    on.device.script = () => undefined;
    const open1 = codeOfFailure(read("/3/0/1"));
    await on.world.clock.advance(100);
    on.device.moveTo(5001);
    await on.device.send("POST", `/rd/${id}`);
    assert.equal(await open1, "EXCHANGE_CANCELLED");
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    assert.isTrue((await read("/3/0")).ok);
  });

  it("a stopping host ends requests with CLOSED or EXCHANGE_CANCELLED", async () => {
    await open();
    on.device.script = () => undefined;
    const outcomes = [codeOfFailure(read("/3/0")), codeOfFailure(read("/3/1"))];
    await on.world.clock.advance(10);
    await on.world.restart();
    for (const outcome of outcomes) assert.include(["CLOSED", "EXCHANGE_CANCELLED"], await outcome);
  });
});
