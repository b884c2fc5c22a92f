import { assert } from "chai";
import { encodeUtf8, toHex } from "../../../src/base/bytes.ts";
import { formatCode } from "../../../src/coap/codes.ts";
import type { BodySource, TransferPosition } from "../../../src/coap/endpoint.ts";
import { binaryFormat } from "../../../src/lwm2m/operations/format-choice.ts";
import type { DeviceAnswer, UploadContentOptions } from "../../../src/lwm2m/operations/requests.ts";
import { parsePath } from "../../../src/lwm2m/path.ts";
import type { NotificationAttributes } from "../../../src/lwm2m/wire/to-coap.ts";
import { createLwm2mWorld } from "../support/lwm2m-world.ts";
import { CHANGED, withRequests } from "../support/requesting.ts";
import type { Answer, Asked } from "../support/scripted-device.ts";

describe("lwm2m/server: requests", () => {
  const { on, open, answerWith, call, codeOfFailure } = withRequests();

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
      on.device.script = goOn;
      const answer = await upload();
      assert.isTrue(answer.ok);
      assert.deepEqual(
        on.device.asked.map(({ method, path, contentFormat, block1 }) => [method, path, contentFormat, block1?.num]),
        [0, 1, 2].map(num => ["PUT", "/5/0/0", 42, num]),
      );
      assert.deepEqual(Uint8Array.from(on.device.asked.flatMap(({ payload }) => [...payload])), body);
    });

    it("D2: 5.03 in the middle is asked again after a pause, as another message from the same block on", async () => {
      await open();
      let refusals = 1;
      on.device.script = asked => (asked.block1?.num === 1 && refusals-- > 0 ? { code: 163, maxAge: 5 } : goOn(asked));
      assert.isTrue((await upload({}, 500)).ok);
      const blocks = on.device.asked.map(({ block1 }) => block1?.num);
      assert.deepEqual(blocks, [0, 1, 1, 2]);
      assert.notEqual(on.device.asked[1]?.messageId, on.device.asked[2]?.messageId);
    });

    it("an error of the device in the middle is the answer", async () => {
      await open();
      on.device.script = asked => (asked.block1?.num === 1 ? { code: 141, payload: "flash full" } : goOn(asked));
      assert.include(await upload(), { ok: false, code: 141, text: "flash full" });
    });

    it("a new address ends it; from its last position it goes on there with the same block, as the same message", async () => {
      await open();
      let position: TransferPosition | undefined;
      const onPosition = async (next: TransferPosition): Promise<void> => void (position = next);
      on.device.script = asked => (asked.block1?.num === 1 ? undefined : goOn(asked));
      const ended = codeOfFailure(upload({ onPosition }));
      await on.world.clock.advance(100);
      const { id } = on.world.server.registrations.byEndpoint("dev")!;
      on.device.moveTo(5001);
      await on.device.send("POST", `/rd/${id}`);
      assert.equal(await ended, "EXCHANGE_CANCELLED");
      on.device.script = goOn;
      assert.isTrue((await upload({ from: position! })).ok);
      const [first, second, again, third] = on.device.asked;
      assert.deepEqual(
        [first, second, again, third].map(each => each?.block1?.num),
        [0, 1, 1, 2],
      );
      assert.equal(again?.messageId, second?.messageId);
      assert.equal(third?.messageId, (again!.messageId + 1) & 0xffff);
      assert.deepEqual(again?.token, second?.token);
    });
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
      const asked = on.device.asked[0]!;
      assert.deepEqual([asked.method, asked.path, asked.contentFormat], [method, "/1/0", 11542]);
      assert.equal(toHex(asked.payload), "c1013c");
    });
  }

  it("Write: 4.15 and the next format is taken", async () => {
    await open("ep=dev&lwm2m=1.1", '</>;ct="11542 0",</1/0>');
    on.device.script = ({ contentFormat }: Asked) => ({ code: contentFormat === 0 ? CHANGED : 143 });
    const values = [{ path: [1, 0, 1], type: "INTEGER", value: 60 } as const];
    const answer = await call((requests, registration) => requests.write(registration, [1, 0, 1], values));
    assert.isTrue(answer.ok);
    assert.equal(new TextDecoder().decode(on.device.asked[1]?.payload), "60");
  });

  const binary: readonly [name: string, setting: number | undefined, contentFormat: number, payload: string][] = [
    ["OPAQUE, the default", undefined, 42, toHex(encodeUtf8("ABC"))],
    ["TLV", 11542, 11542, "c300414243"],
    ["JSON", 11543, 11543, toHex(encodeUtf8('{"bn":"/5/0/","e":[{"n":"0","sv":"QUJD"}]}'))],
    ["TEXT", 0, 0, toHex(encodeUtf8("QUJD"))],
  ];
  for (const [name, binaryContentFormat, contentFormat, payload] of binary) {
    it(`agent specification 3.3: a binary write in the format of the device's setting, ${name}`, async () => {
      on.world = await createLwm2mWorld();
      if (binaryContentFormat !== undefined) on.world.settings = { binaryContentFormat };
      on.device = on.world.device(5000);
      await on.device.register("ep=dev&lwm2m=1.1", '</>;ct="110",</5/0>');
      answerWith({ code: 143 });
      const values = [{ path: [5, 0, 0], type: "OPAQUE", value: encodeUtf8("ABC") } as const];
      const answer = await call((requests, registration) =>
        requests.write(registration, [5, 0, 0], values, { contentFormat: binaryFormat(registration) }),
      );
      assert.equal(formatCode(answer.code), "4.15", "what the device says of it is shown, nothing else is tried");
      assert.equal(on.device.asked.length, 1);
      assert.equal(on.device.asked[0]?.contentFormat, contentFormat);
      assert.equal(toHex(on.device.asked[0]!.payload), payload);
    });
  }

  it("a format that cannot say the values is refused at once, nothing is sent", async () => {
    await open();
    const values = [{ path: [1, 0, 1], type: "INTEGER", value: 60 } as const];
    const written = call((requests, registration) =>
      requests.write(registration, [1, 0], values, { contentFormat: 42 }),
    );
    assert.equal(await codeOfFailure(written), "CONTENT_FORMAT_UNSUPPORTED");
    assert.isEmpty(on.device.asked);
  });

  it("Write: a preferred format that cannot say several instances is passed over", async () => {
    on.world = await createLwm2mWorld();
    on.world.settings = { contentFormat: 60 };
    on.device = on.world.device(5000);
    await on.device.register("ep=dev&lwm2m=1.1", '</>;ct="60 110",</3/0>');
    answerWith({ code: CHANGED });
    const values = [0, 1].map(id => ({ path: [3, 0, 11, id], type: "INTEGER", value: id }) as const);
    await call((requests, registration) => requests.write(registration, [3, 0, 11], values));
    assert.deepEqual(
      on.device.asked.map(({ contentFormat }) => contentFormat),
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
      on.device.asked.map(({ method, path, payload }) => [method, path, toHex(payload)]),
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
      on.device.asked.map(({ method, path, payload }) => [method, path, toHex(payload)]),
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
      on.device.asked.map(({ method, path, query, payload }) => [method, path, query, payload.length]),
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
    assert.equal(on.device.asked.length, 1);
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
      on.device.asked.map(({ method, path, query, contentFormat }) => [method, path, query, contentFormat]),
      [
        ["POST", "/3/0/4", "", undefined],
        ["POST", "/3/0/4", "", 0],
        ["PUT", "/3/0/9", "pmin=5&gt=20", undefined],
        ["DELETE", "/3303/1", "", undefined],
        ["POST", "/3303", "", 11542],
      ],
    );
  });
});
