import { assert } from "chai";
import { encodeUtf8, fromHex, toHex } from "../../../src/base/bytes.ts";
import { formatCode } from "../../../src/coap/codes.ts";
import type { BodySource, TransferPosition } from "../../../src/coap/endpoint.ts";
import { binaryFormat } from "../../../src/lwm2m/operations/format-choice.ts";
import type { DeviceAnswer, UploadContentOptions, ValuesAnswer } from "../../../src/lwm2m/operations/requests.ts";
import { formatPath, parsePath } from "../../../src/lwm2m/path.ts";
import type { NotificationAttributes } from "../../../src/lwm2m/wire/to-coap.ts";
import {
  callDevice,
  completed,
  createLwm2mWorld,
  failureOf,
  type Lwm2mWorld,
  type WorldOptions,
} from "../support/lwm2m-world.ts";
import type { Answer, Asked, ScriptedDevice } from "../support/scripted-device.ts";

const CONTENT = 69;
const CHANGED = 68;
/** Resource 0 of the path's level, "ACME". */
const TLV_ACME = fromHex("c40041434d45");

describe("lwm2m/server: requests", () => {
  let world: Lwm2mWorld;
  let device: ScriptedDevice;
  afterEach(() => world[Symbol.asyncDispose]());

  async function open(query = "ep=dev&lwm2m=1.1", links = "</>;ct=11542,</3/0>", options: WorldOptions = {}) {
    world = await createLwm2mWorld(options);
    device = world.device(5000);
    await device.register(query, links);
  }
  const answerWith = (answer: Answer): void => {
    device.script = () => answer;
  };
  const call = <T>(job: Parameters<typeof callDevice<T>>[1], stepMs = 0): Promise<T> => callDevice(world, job, stepMs);
  const read = (path: string, stepMs = 0): Promise<ValuesAnswer> =>
    call((requests, registration, signal) => requests.read(registration, parsePath(path), { signal }), stepMs);
  const codeOfFailure = async (promise: Promise<unknown>): Promise<string> => (await failureOf(promise)).code;
  const shown = ({ values }: ValuesAnswer) => values.map(({ path, value }) => [formatPath(path), value]);

  it("OMA 203: Read of an instance as TLV; its values also go up", async () => {
    await open();
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    const answer = await read("/3/0");
    assert.isTrue(answer.ok);
    assert.deepEqual(shown(answer), [["/3/0/0", "ACME"]]);
    const { method, path, accept, observe } = device.asked[0]!;
    assert.deepEqual(
      { method, path, accept, observe },
      { method: "GET", path: "/3/0", accept: 11542, observe: undefined },
    );
    const [batch] = world.batches;
    assert.deepEqual(batch?.values, answer.values);
    assert.equal(batch?.source, "READ_RESPONSE");
    assert.strictEqual(batch?.registration, world.server.registrations.byEndpoint("dev"));
    assert.deepEqual(batch?.requestPath, [3, 0]);
  });

  it("two Reads have different keys", async () => {
    await open();
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    await read("/3/0");
    await read("/3/0");
    assert.notEqual(world.batches[0]?.messageKey, world.batches[1]?.messageKey);
  });

  it("LwM2M Core 1.1.1 §6.2.1: the alternate root stands before every path", async () => {
    await open("ep=dev", "</lwm2m>;rt=oma.lwm2m;ct=11542,</lwm2m/3/0>");
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    assert.deepEqual(shown(await read("/3/0")), [["/3/0/0", "ACME"]]);
    assert.equal(device.asked[0]?.path, "/lwm2m/3/0");
  });

  it("D1: an empty ACK and never a response: the exchange ends by its time limit, the queue goes on", async () => {
    await open();
    device.script = ({ path }) =>
      path === "/3/0/1" ? "ack" : { code: CONTENT, contentFormat: 11542, payload: TLV_ACME };
    const stuck = codeOfFailure(
      world.server.queues.run("dev", (registration, signal) =>
        world.server.requests.read(registration, [3, 0, 1], { signal }),
      ),
    );
    const next = read("/3/0", 1000);
    assert.equal(await completed(world.clock, stuck, 1000), "EXCHANGE_TIMEOUT");
    assert.isTrue((await next).ok);
  });

  it("D2: 5.03 is asked again after Max-Age", async () => {
    await open();
    let refusals = 2;
    device.script = () =>
      refusals-- > 0 ? { code: 163, maxAge: 10 } : { code: CONTENT, contentFormat: 11542, payload: TLV_ACME };
    const startMs = world.clock.now();
    const answer = await read("/3/0", 500);
    assert.isTrue(answer.ok);
    assert.equal(device.asked.length, 3);
    assert.isAtLeast(world.clock.now() - startMs, 20_000);
  });

  it("D2: one request at a time", async () => {
    await open();
    device.script = () => "ack";
    void codeOfFailure(read("/3/0"));
    void codeOfFailure(read("/3/1"));
    await world.clock.advance(5000);
    assert.deepEqual(
      device.asked.map(({ path }) => path),
      ["/3/0"],
    );
    world.server.queues.clear("dev", "removed");
  });

  it("D2: 5.03 that does not end is shown", async () => {
    await open();
    answerWith({ code: 163 });
    const answer = await read("/3/0", 500);
    assert.equal(formatCode(answer.code), "5.03");
    assert.isFalse(answer.ok);
    assert.equal(device.asked.length, 4);
  });

  describe("upload: a body block by block", () => {
    const body = Uint8Array.from({ length: 1500 }, (_, i) => i & 0xff);
    const source: BodySource = { length: body.length, read: async (at, length) => body.subarray(at, at + length) };
    const upload = (options: Partial<UploadContentOptions> = {}, stepMs = 0): Promise<DeviceAnswer> =>
      call(
        (requests, registration, signal) =>
          requests.upload(registration, [5, 0, 0], source, { contentFormat: 42, blockSzx: 5, signal, ...options }),
        stepMs,
      );
    const goOn = ({ block1 }: Asked): Answer => ({ code: block1!.more ? 95 : CHANGED, block1: block1! });

    it("goes out as PUT in the format and the size of block asked for", async () => {
      await open();
      device.script = goOn;
      const answer = await upload();
      assert.isTrue(answer.ok);
      assert.deepEqual(
        device.asked.map(({ method, path, contentFormat, block1 }) => [method, path, contentFormat, block1?.num]),
        [0, 1, 2].map(num => ["PUT", "/5/0/0", 42, num]),
      );
      assert.deepEqual(Uint8Array.from(device.asked.flatMap(({ payload }) => [...payload])), body);
    });

    it("D2: 5.03 in the middle is asked again after a pause, as another message from the same block on", async () => {
      await open();
      let refusals = 1;
      device.script = asked => (asked.block1?.num === 1 && refusals-- > 0 ? { code: 163, maxAge: 5 } : goOn(asked));
      assert.isTrue((await upload({}, 500)).ok);
      const blocks = device.asked.map(({ block1 }) => block1?.num);
      assert.deepEqual(blocks, [0, 1, 1, 2]);
      assert.notEqual(device.asked[1]?.messageId, device.asked[2]?.messageId);
    });

    it("an error of the device in the middle is the answer", async () => {
      await open();
      device.script = asked => (asked.block1?.num === 1 ? { code: 141, payload: "flash full" } : goOn(asked));
      assert.include(await upload(), { ok: false, code: 141, text: "flash full" });
    });

    it("a new address ends it; from its last position it goes on there with the same block, as the same message", async () => {
      await open();
      let position: TransferPosition | undefined;
      const onPosition = async (next: TransferPosition): Promise<void> => void (position = next);
      device.script = asked => (asked.block1?.num === 1 ? undefined : goOn(asked));
      const ended = codeOfFailure(upload({ onPosition }));
      await world.clock.advance(100);
      const { id } = world.server.registrations.byEndpoint("dev")!;
      device.moveTo(5001);
      await device.send("POST", `/rd/${id}`);
      assert.equal(await ended, "EXCHANGE_CANCELLED");
      device.script = goOn;
      assert.isTrue((await upload({ from: position! })).ok);
      const [first, second, again, third] = device.asked;
      assert.deepEqual(
        [first, second, again, third].map(each => each?.block1?.num),
        [0, 1, 1, 2],
      );
      assert.equal(again?.messageId, second?.messageId);
      assert.equal(third?.messageId, (again!.messageId + 1) & 0xffff);
      assert.deepEqual(again?.token, second?.token);
    });
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
      assert.isEmpty(world.batches);
    });
  });

  it("D4: decoded by the Content-Format that came, not by the one asked for", async () => {
    await open();
    answerWith({ code: CONTENT, contentFormat: 0, payload: "ACME" });
    assert.deepEqual(shown(await read("/3/0/0")), [["/3/0/0", "ACME"]]);
    assert.equal(device.asked[0]?.accept, 11542);
  });

  for (const [name, code] of [
    ["4.06 to TLV", 134],
    ["4.05 to the format asked for", 133],
    ["4.15 to the format asked for", 143],
  ] as const) {
    it(`D5: ${name}: the next format of the device is tried once and remembered`, async () => {
      await open("ep=dev&lwm2m=1.1", '</>;ct="11542 60 0",</3/0>');
      device.script = ({ accept }) =>
        accept === 11542 ? { code } : { code: CONTENT, contentFormat: 60, payload: fromHex("6441434d45") };
      const formats = () => device.asked.map(({ accept }) => accept);
      assert.deepEqual(shown(await read("/3/0/0")), [["/3/0/0", "ACME"]]);
      assert.deepEqual(formats(), [11542, 60]);
      await read("/3/0/0");
      assert.deepEqual(formats(), [11542, 60, 60]);
      await device.register("ep=dev&lwm2m=1.1", '</>;ct="11542 60 0",</3/0>');
      await read("/3/0/0");
      assert.deepEqual(formats(), [11542, 60, 60, 11542, 60], "a new registration is asked anew");
    });
  }

  it("D5: 4.06 from a 1.0 device that offers nothing: its other format is tried", async () => {
    await open("ep=dev", "</3/0>");
    answerWith({ code: 134 });
    assert.equal(formatCode((await read("/3/0")).code), "4.06");
    assert.deepEqual(
      device.asked.map(({ accept }) => accept),
      [11542, 11543],
    );
  });

  it("D5: a refusal that no format cures is shown, and nothing is remembered", async () => {
    await open("ep=dev&lwm2m=1.1", '</>;ct="11542 60",</3/0>');
    answerWith({ code: 133 });
    assert.equal(formatCode((await read("/3/0/4")).code), "4.05");
    assert.equal(device.asked.length, 2);
    await read("/3/0/4");
    assert.equal(device.asked[2]?.accept, 11542);
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
    assert.isDefined(device.asked[0]?.accept);
  });

  it("agent specification 10.2: the operator's format comes first where the device has it", async () => {
    world = await createLwm2mWorld();
    world.settings = { contentFormat: 60 };
    device = world.device(5000);
    await device.register("ep=dev&lwm2m=1.1", '</>;ct="11542 60",</3/0>');
    answerWith({ code: CONTENT, contentFormat: 60, payload: fromHex("6441434d45") });
    await read("/3/0/0");
    assert.equal(device.asked[0]?.accept, 60);
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    await read("/3/0");
    assert.equal(device.asked[1]?.accept, 11542, "CBOR cannot say an instance");
  });

  it("OMA 201: the operator's plain text is asked for though no device offers it: every device has it", async () => {
    world = await createLwm2mWorld();
    world.settings = { contentFormat: 0 };
    device = world.device(5000);
    await device.register("ep=dev&lwm2m=1.1", '</>;ct="60 110 112 11542 11543",</3/0>');
    answerWith({ code: CONTENT, contentFormat: 0, payload: "ACME" });
    await read("/3/0/0");
    assert.equal(device.asked[0]?.accept, 0);
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    await read("/3/0");
    assert.equal(device.asked[1]?.accept, 11542);
  });

  it("20-29: resource instances of a 1.0 device fail at once, nothing is sent", async () => {
    await open("ep=dev&lwm2m=1.0", "</5/0>");
    assert.equal(await codeOfFailure(read("/5/0/8/0")), "UNSUPPORTED");
    assert.isEmpty(device.asked);
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
    assert.isEmpty(world.batches);
  });

  it("silence ends by the device's own request time-out", async () => {
    world = await createLwm2mWorld();
    world.settings = { requestTimeoutMs: 5_000 };
    device = world.device(5000);
    await device.register("ep=dev");
    device.script = () => undefined;
    const startMs = world.clock.now();
    assert.equal(await codeOfFailure(read("/3/0", 250)), "EXCHANGE_TIMEOUT");
    assert.closeTo(world.clock.now() - startMs, 5_000, 500);
  });

  const writes: readonly [mode: "replace" | "partial", method: string][] = [
    ["replace", "PUT"],
    ["partial", "POST"],
  ];
  for (const [mode, method] of writes) {
    it(`Write, ${mode}: ${method} in the device's format`, async () => {
      await open();
      answerWith({ code: CHANGED });
      const values = [{ path: [1, 0, 1], type: "INTEGER", value: 60 } as const];
      const answer = await call((requests, registration) => requests.write(registration, [1, 0], values, { mode }));
      assert.isTrue(answer.ok);
      const asked = device.asked[0]!;
      assert.deepEqual([asked.method, asked.path, asked.contentFormat], [method, "/1/0", 11542]);
      assert.equal(toHex(asked.payload), "c1013c");
    });
  }

  it("Write: 4.15 and the next format is taken", async () => {
    await open("ep=dev&lwm2m=1.1", '</>;ct="11542 0",</1/0>');
    device.script = ({ contentFormat }: Asked) => ({ code: contentFormat === 0 ? CHANGED : 143 });
    const values = [{ path: [1, 0, 1], type: "INTEGER", value: 60 } as const];
    const answer = await call((requests, registration) => requests.write(registration, [1, 0, 1], values));
    assert.isTrue(answer.ok);
    assert.equal(new TextDecoder().decode(device.asked[1]?.payload), "60");
  });

  const binary: readonly [name: string, setting: number | undefined, contentFormat: number, payload: string][] = [
    ["OPAQUE, the default", undefined, 42, toHex(encodeUtf8("ABC"))],
    ["TLV", 11542, 11542, "c300414243"],
    ["JSON", 11543, 11543, toHex(encodeUtf8('{"bn":"/5/0/","e":[{"n":"0","sv":"QUJD"}]}'))],
    ["TEXT", 0, 0, toHex(encodeUtf8("QUJD"))],
  ];
  for (const [name, binaryContentFormat, contentFormat, payload] of binary) {
    it(`agent specification 3.3: a binary write in the format of the device's setting, ${name}`, async () => {
      world = await createLwm2mWorld();
      if (binaryContentFormat !== undefined) world.settings = { binaryContentFormat };
      device = world.device(5000);
      await device.register("ep=dev&lwm2m=1.1", '</>;ct="110",</5/0>');
      answerWith({ code: 143 });
      const values = [{ path: [5, 0, 0], type: "OPAQUE", value: encodeUtf8("ABC") } as const];
      const answer = await call((requests, registration) =>
        requests.write(registration, [5, 0, 0], values, { contentFormat: binaryFormat(registration) }),
      );
      assert.equal(formatCode(answer.code), "4.15", "what the device says of it is shown, nothing else is tried");
      assert.equal(device.asked.length, 1);
      assert.equal(device.asked[0]?.contentFormat, contentFormat);
      assert.equal(toHex(device.asked[0]!.payload), payload);
    });
  }

  it("a format that cannot say the values is refused at once, nothing is sent", async () => {
    await open();
    const values = [{ path: [1, 0, 1], type: "INTEGER", value: 60 } as const];
    const written = call((requests, registration) =>
      requests.write(registration, [1, 0], values, { contentFormat: 42 }),
    );
    assert.equal(await codeOfFailure(written), "CONTENT_FORMAT_UNSUPPORTED");
    assert.isEmpty(device.asked);
  });

  it("Write: a preferred format that cannot say several instances is passed over", async () => {
    world = await createLwm2mWorld();
    world.settings = { contentFormat: 60 };
    device = world.device(5000);
    await device.register("ep=dev&lwm2m=1.1", '</>;ct="60 110",</3/0>');
    answerWith({ code: CHANGED });
    const values = [0, 1].map(id => ({ path: [3, 0, 11, id], type: "INTEGER", value: id }) as const);
    await call((requests, registration) => requests.write(registration, [3, 0, 11], values));
    assert.deepEqual(
      device.asked.map(({ contentFormat }) => contentFormat),
      [110],
    );
  });

  it("LwM2M Transport 1.1.1 §6.4.4: a partial Update of one resource is a POST on its instance, not an Execute", async () => {
    await open();
    answerWith({ code: CHANGED });
    const single = [{ path: [1, 0, 1], type: "INTEGER", value: 60 } as const];
    const instance = [{ path: [16, 0, 0, 3], type: "STRING", value: "a" } as const];
    await call((requests, registration) => requests.write(registration, [1, 0, 1], single, { mode: "partial" }));
    await call((requests, registration) => requests.write(registration, [16, 0, 0, 3], instance, { mode: "partial" }));
    assert.deepEqual(
      device.asked.map(({ method, path, payload }) => [method, path, toHex(payload)]),
      [
        ["POST", "/1/0", "c1013c"],
        ["POST", "/16/0", "8300410361"],
      ],
    );
  });

  it("OMA 228: Write of one resource instance; others are not named", async () => {
    await open();
    answerWith({ code: CHANGED });
    const instance = [{ path: [16, 0, 0, 3], type: "STRING", value: "a" } as const];
    await call((requests, registration) => requests.write(registration, [16, 0, 0, 3], instance));
    assert.deepEqual(
      device.asked.map(({ method, path, payload }) => [method, path, toHex(payload)]),
      [["PUT", "/16/0/0/3", "410361"]],
    );
  });

  it("OMA 261: Write-Attributes at every level; without a value they are unset", async () => {
    await open();
    answerWith({ code: CHANGED });
    const attributes: [string, NotificationAttributes][] = [
      ["/3", { pmin: 10, pmax: 60 }],
      ["/3/0", { epmin: 1, epmax: 5 }],
      ["/3/0/9", { gt: 50.5, lt: -1e-7, st: 1e21 }],
      ["/3/0/7/1", { pmin: null, pmax: null, st: null }],
    ];
    for (const [path, given] of attributes)
      await call((requests, registration) => requests.writeAttributes(registration, parsePath(path), given));
    assert.deepEqual(
      device.asked.map(({ method, path, query, payload }) => [method, path, query, payload.length]),
      [
        ["PUT", "/3", "pmin=10&pmax=60", 0],
        ["PUT", "/3/0", "epmin=1&epmax=5", 0],
        ["PUT", "/3/0/9", "gt=50.5&lt=-0.0000001&st=1000000000000000000000", 0],
        ["PUT", "/3/0/7/1", "pmin&pmax&st", 0],
      ],
    );
  });

  it("OMA 256: 4.05 to a Write is shown, the Write is not repeated in another format", async () => {
    await open("ep=dev&lwm2m=1.1", '</>;ct="11542 0",</1/0>');
    answerWith({ code: 133 });
    const values = [{ path: [3, 0, 0], type: "STRING", value: "x" } as const];
    const answer = await call((requests, registration) => requests.write(registration, [3, 0, 0], values));
    assert.equal(formatCode(answer.code), "4.05");
    assert.equal(device.asked.length, 1);
  });

  it("Execute, Delete, Create and Write-Attributes", async () => {
    await open();
    answerWith({ code: CHANGED });
    await call((requests, registration) => requests.execute(registration, [3, 0, 4], ""));
    await call((requests, registration) => requests.execute(registration, [3, 0, 4], "0='a'"));
    await call((requests, registration) => requests.writeAttributes(registration, [3, 0, 9], { pmin: 5, gt: 20 }));
    answerWith({ code: 66 });
    const deleted = await call((requests, registration) => requests.delete(registration, [3303, 1]));
    assert.isTrue(deleted.ok);
    answerWith({ code: 65 });
    const values = [{ path: [3303, 1, 5701], type: "STRING", value: "C" } as const];
    const created = await call((requests, registration) => requests.create(registration, 3303, values));
    assert.isTrue(created.ok);
    assert.deepEqual(
      device.asked.map(({ method, path, query, contentFormat }) => [method, path, query, contentFormat]),
      [
        ["POST", "/3/0/4", "", undefined],
        ["POST", "/3/0/4", "", 0],
        ["PUT", "/3/0/9", "pmin=5&gt=20", undefined],
        ["DELETE", "/3303/1", "", undefined],
        ["POST", "/3303", "", 11542],
      ],
    );
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
    const id = world.server.registrations.byEndpoint("dev")!.id;
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    await world.clock.advance(94_000);
    const held = world.server.queues.run("dev", registration => world.server.requests.read(registration, [3, 0]));
    await world.clock.advance(60_000);
    assert.isEmpty(device.asked);
    await device.send("POST", `/rd/${id}`);
    assert.isTrue((await completed(world.clock, held)).ok);
    assert.equal(device.asked.length, 1);
  });

  it("agent specification 6.4: any message of the device keeps it awake", async () => {
    await open("ep=dev&at=1000", "</3/0>");
    const { server, clock } = world;
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
    device.script = () => undefined;
    const open1 = codeOfFailure(read("/3/0/1"));
    const waiting = world.server.queues.run("dev", async registration => registration.id);
    await world.clock.advance(100);
    device.moveTo(5001);
    const id = await device.register("ep=dev");
    assert.equal(await open1, "EXCHANGE_CANCELLED");
    assert.equal(await completed(world.clock, waiting), id);
  });

  it("an address change by Update ends the open exchange; it can be repeated to the new address", async () => {
    await open();
    const { id } = world.server.registrations.byEndpoint("dev")!;
    device.script = () => undefined;
    const open1 = codeOfFailure(read("/3/0/1"));
    await world.clock.advance(100);
    device.moveTo(5001);
    await device.send("POST", `/rd/${id}`);
    assert.equal(await open1, "EXCHANGE_CANCELLED");
    answerWith({ code: CONTENT, contentFormat: 11542, payload: TLV_ACME });
    assert.isTrue((await read("/3/0")).ok);
  });

  it("a stopping host ends requests with CLOSED or EXCHANGE_CANCELLED", async () => {
    await open();
    device.script = () => undefined;
    const outcomes = [codeOfFailure(read("/3/0")), codeOfFailure(read("/3/1"))];
    await world.clock.advance(10);
    await world.restart();
    for (const outcome of outcomes) assert.include(["CLOSED", "EXCHANGE_CANCELLED"], await outcome);
  });
});
