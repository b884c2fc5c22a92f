/** Block-wise transfers as client (RFC 7959), in lockstep. */
import { assert } from "chai";
import { ACK, CON } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import { block, optionOf, pattern, request, show, text, uint, uintOf } from "./support/endpoints.ts";
import { createHostAndDevice, rejection } from "./support/host-and-device.ts";

const { BLOCK1, BLOCK2, SIZE1, SIZE2, ETAG, OBSERVE } = OPTIONS;
const CONTENT = 69;
const CHANGED = 68;
const CONTINUE = 95;

describe("coap/blockwise-client", () => {
  describe("RFC 7959 2.5: Block1", () => {
    it("a body larger than a block goes out in blocks, Size1 in the first", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const body = pattern(2500);
      const progress: number[] = [];
      const answered = host.request(deviceAt, request("PUT", "5/0/0", { payload: body, contentFormat: 42 }), {
        onProgress: bytes => progress.push(bytes),
      });
      const got: number[] = [];
      const tokens = new Set<string>();
      for (let num = 0; num < 3; num++) {
        const message = await asked();
        assert.equal(uintOf(message, BLOCK1), block(num, num < 2, 6));
        assert.equal(uintOf(message, SIZE1), num === 0 ? 2500 : undefined);
        assert.equal(uintOf(message, OPTIONS.CONTENT_FORMAT), 42);
        got.push(...message.payload);
        tokens.add(Buffer.from(message.token).toString("hex"));
        await answer(message, num < 2 ? CONTINUE : CHANGED, [uint(BLOCK1, block(num, num < 2, 6))]);
      }
      assert.equal((await answered).code, CHANGED);
      assert.deepEqual(Uint8Array.from(got), body);
      assert.deepEqual(progress, [1024, 2048, 2500]);
      assert.equal(tokens.size, 1, "servers that put blocks together by token can");
    });

    it("a body of exactly one block goes out at once", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const answered = host.request(deviceAt, request("PUT", "a", { payload: pattern(1024) }));
      const message = await asked();
      assert.isUndefined(uintOf(message, BLOCK1));
      await answer(message, CHANGED);
      await answered;
    });

    it("2.3: goes on with the smaller size that the server wants", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const body = pattern(1500);
      const answered = host.request(deviceAt, request("PUT", "a", { payload: body }));
      const first = await asked();
      const got = [...first.payload];
      await answer(first, CONTINUE, [uint(BLOCK1, block(0, true, 4))]);
      for (let num = 4; num < 6; num++) {
        const message = await asked();
        assert.equal(uintOf(message, BLOCK1), block(num, num < 5, 4));
        got.push(...message.payload);
        await answer(message, num < 5 ? CONTINUE : CHANGED, [uint(BLOCK1, block(num, num < 5, 4))]);
      }
      await answered;
      assert.deepEqual(Uint8Array.from(got), body);
    });

    it("2.3: does not take a larger size than it began with", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice({ limits: { blockSzx: 2 } });
      const answered = host.request(deviceAt, request("PUT", "a", { payload: pattern(100) }));
      await answer(await asked(), CONTINUE, [uint(BLOCK1, block(0, true, 6))]);
      const second = await asked();
      assert.equal(uintOf(second, BLOCK1), block(1, false, 2));
      await answer(second, CHANGED, [uint(BLOCK1, block(1, false, 2))]);
      await answered;
    });

    it("2.9.3: 4.13 with a smaller size begins anew with that size", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const answered = host.request(deviceAt, request("PUT", "a", { payload: pattern(2000) }));
      await answer(await asked(), 141, [uint(BLOCK1, block(0, true, 5))]);
      for (let num = 0; num < 4; num++) {
        const message = await asked();
        assert.equal(uintOf(message, BLOCK1), block(num, num < 3, 5));
        await answer(message, num < 3 ? CONTINUE : CHANGED, [uint(BLOCK1, block(num, num < 3, 5))]);
      }
      assert.equal((await answered).code, CHANGED);
    });

    it("2.9.3: 4.13 to a body in one message is followed by blocks where the server says how large", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const answered = host.request(deviceAt, request("PUT", "a", { payload: pattern(100) }));
      const whole = await asked();
      assert.lengthOf(whole.payload, 100);
      await answer(whole, 141, [uint(BLOCK1, block(0, false, 2))]);
      for (let num = 0; num < 2; num++) {
        const message = await asked();
        assert.equal(uintOf(message, BLOCK1), block(num, num < 1, 2));
        await answer(message, num < 1 ? CONTINUE : CHANGED, [uint(BLOCK1, block(num, num < 1, 2))]);
      }
      assert.equal((await answered).code, CHANGED);
    });

    it("2.9.3: 4.13 without a smaller size is the response", async () => {
      const { host, device, world, deviceAt, asked, answer } = createHostAndDevice();
      const answered = host.request(deviceAt, request("PUT", "a", { payload: pattern(2000) }));
      await answer(await asked(), 141, [uint(BLOCK1, block(0, true, 6)), uint(SIZE1, 512)]);
      assert.equal((await answered).code, 141);
      await world.clock.advance(10_000);
      device.silent();
    });

    it("2.9.2: 4.08 in the middle begins anew, a bounded number of times", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const answered = host.request(deviceAt, request("PUT", "a", { payload: pattern(2000) }));
      for (let round = 0; round < 3; round++) {
        const first = await asked();
        assert.equal(uintOf(first, BLOCK1), block(0, true, 6));
        await answer(first, CONTINUE, [uint(BLOCK1, block(0, true, 6))]);
        await answer(await asked(), 136, [uint(BLOCK1, block(1, false, 6))]);
      }
      assert.equal((await answered).code, 136);
    });

    it("an error in the middle is the response, the other blocks stay here", async () => {
      const { host, device, world, deviceAt, asked, answer } = createHostAndDevice();
      const answered = host.request(deviceAt, request("PUT", "a", { payload: pattern(5000) }));
      await answer(await asked(), 132, [uint(BLOCK1, block(0, true, 6))]);
      assert.equal((await answered).code, 132);
      await world.clock.advance(10_000);
      device.silent();
    });

    for (const [name, options] of [
      ["of another block", [uint(BLOCK1, block(3, true, 6))]],
      ["without Block1", []],
    ] as const) {
      it(`2.31 ${name} ends the transfer`, async () => {
        const { host, deviceAt, asked, answer } = createHostAndDevice();
        const failed = rejection(host.request(deviceAt, request("PUT", "a", { payload: pattern(5000) })));
        await answer(await asked(), CONTINUE, options);
        assert.propertyVal(await failed, "code", "TRANSFER_FAILED");
      });
    }

    it("a block in the middle that was given up is sent again as the same message, twice; the last one is not", async () => {
      const { world, host, device, deviceAt, asked, answer } = createHostAndDevice();
      const failed = rejection(host.request(deviceAt, request("PUT", "a", { payload: pattern(3000) })));
      await answer(await asked(), CONTINUE, [uint(BLOCK1, block(0, true, 6))]);
      const ids = new Set<number>();
      for (let repeat = 0; repeat < 2; repeat++) {
        await world.clock.advance(62_000);
        const repeated = device.inbox.splice(0, 5);
        assert.lengthOf(repeated, 5);
        for (const message of repeated) {
          assert.equal(uintOf(message, BLOCK1), block(1, true, 6));
          ids.add(message.messageId);
        }
      }
      assert.equal(ids.size, 1, "a device that has the block would take it for one out of order");
      await answer(await asked(), CONTINUE, [uint(BLOCK1, block(1, true, 6))]);
      await world.clock.advance(62_000);
      assert.propertyVal(await failed, "code", "EXCHANGE_TIMEOUT");
      assert.equal(new Set(device.inbox.map(({ messageId }) => messageId)).size, 1);
    });

    it("a lost, then late acknowledgement does not double the stream", async () => {
      const { world, host, device, deviceAt, asked, answer } = createHostAndDevice();
      const answered = host.request(deviceAt, request("PUT", "a", { payload: pattern(2000) }));
      const first = await asked();
      await world.clock.advance(2000);
      assert.deepEqual(device.take(), first);
      await answer(first, CONTINUE, [uint(BLOCK1, block(0, true, 6))]);
      const second = await asked();
      await answer(first, CONTINUE, [uint(BLOCK1, block(0, true, 6))]);
      device.silent();
      await answer(second, CHANGED, [uint(BLOCK1, block(1, false, 6))]);
      await answered;
      device.silent();
    });
  });

  describe("RFC 7959 2.4: Block2", () => {
    it("fetches what is missing, without payload and with the same options", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const body = pattern(2100);
      const etag = { number: ETAG, value: text("v1") };
      const answered = host.request(deviceAt, request("GET", "3/0", { accept: 11_542 }));
      for (let num = 0; num < 3; num++) {
        const message = await asked();
        assert.equal(uintOf(message, BLOCK2), num === 0 ? undefined : block(num, false, 6));
        assert.equal(uintOf(message, OPTIONS.ACCEPT), 11_542);
        assert.lengthOf(message.payload, 0);
        const part = body.subarray(num * 1024, num * 1024 + 1024);
        await answer(message, CONTENT, [etag, uint(BLOCK2, block(num, num < 2, 6)), uint(SIZE2, 2100)], part);
      }
      const response = await answered;
      assert.deepEqual(response.payload, body);
      assert.deepEqual(response.etag, text("v1"));
    });

    it("real-devices D2: while blocks are fetched no other request goes to the device", async () => {
      const { host, device, deviceAt, asked, answer } = createHostAndDevice();
      const first = host.request(deviceAt, request("GET", "a"));
      const second = host.request(deviceAt, request("GET", "b"));
      await answer(await asked(), CONTENT, [uint(BLOCK2, block(0, true, 0))], pattern(16));
      const message = await asked();
      assert.equal(uintOf(message, BLOCK2), block(1, false, 0));
      device.silent();
      await answer(message, CONTENT, [uint(BLOCK2, block(1, false, 0))], pattern(3));
      assert.lengthOf((await first).payload, 19);
      await answer(await asked(), CONTENT);
      await second;
    });

    it("2.4: a server that changes to smaller blocks is followed", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const body = pattern(1500);
      const answered = host.request(deviceAt, request("GET", "a"));
      await answer(await asked(), CONTENT, [uint(BLOCK2, block(0, true, 6))], body.subarray(0, 1024));
      const second = await asked();
      assert.equal(uintOf(second, BLOCK2), block(1, false, 6));
      await answer(second, CONTENT, [uint(BLOCK2, block(4, true, 4))], body.subarray(1024, 1280));
      const third = await asked();
      assert.equal(uintOf(third, BLOCK2), block(5, false, 4));
      await answer(third, CONTENT, [uint(BLOCK2, block(5, false, 4))], body.subarray(1280));
      assert.deepEqual((await answered).payload, body);
    });

    it("2.4: a configured smaller size is asked for from the first message on", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice({ limits: { blockSzx: 3 } });
      const answered = host.request(deviceAt, request("GET", "a"));
      const message = await asked();
      assert.equal(uintOf(message, BLOCK2), block(0, false, 3));
      await answer(message, CONTENT, [uint(BLOCK2, block(0, true, 6))], pattern(1024));
      const second = await asked();
      assert.equal(uintOf(second, BLOCK2), block(8, false, 3), "also when the server does not care");
      await answer(second, CONTENT, [uint(BLOCK2, block(8, false, 3))], pattern(1));
      assert.lengthOf((await answered).payload, 1025);
    });

    it("2.4: another ETag in the middle begins anew, a bounded number of times", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const old = [{ number: ETAG, value: text("1") }];
      const fresh = [{ number: ETAG, value: text("2") }];
      const answered = host.request(deviceAt, request("GET", "a"));
      await answer(await asked(), CONTENT, [...old, uint(BLOCK2, block(0, true, 0))], text("old old old old "));
      await answer(await asked(), CONTENT, [...fresh, uint(BLOCK2, block(1, false, 0))], text("new"));
      const again = await asked();
      assert.equal(uintOf(again, BLOCK2), block(0, false, 0));
      await answer(again, CONTENT, [...fresh, uint(BLOCK2, block(0, true, 0))], text("new new new new "));
      await answer(await asked(), CONTENT, [...fresh, uint(BLOCK2, block(1, false, 0))], text("new"));
      const response = await answered;
      assert.deepEqual(response.payload, text("new new new new new"));
      assert.deepEqual(response.etag, text("2"));

      const failed = rejection(host.request(deviceAt, request("GET", "a")));
      for (let i = 0; i < 6; i++) {
        const options = [{ number: ETAG, value: text(String(i)) }, uint(BLOCK2, block(i % 2, i % 2 === 0, 0))];
        await answer(await asked(), CONTENT, options, pattern(i % 2 === 0 ? 16 : 3));
      }
      assert.propertyVal(await failed, "code", "TRANSFER_FAILED");
    });

    const WRONG: readonly [name: string, num: number, more: boolean, length: number][] = [
      ["another block than asked for", 2, true, 16],
      ["the first block again", 0, true, 16],
      ["a block that is not full although more follow", 1, true, 15],
      ["a block longer than its size", 1, false, 17],
    ];
    for (const [name, num, more, length] of WRONG) {
      it(`${name}: the transfer fails instead of giving a wrong body`, async () => {
        const { host, deviceAt, asked, answer } = createHostAndDevice();
        const failed = rejection(host.request(deviceAt, request("GET", "a")));
        await answer(await asked(), CONTENT, [uint(BLOCK2, block(0, true, 0))], pattern(16));
        await answer(await asked(), CONTENT, [uint(BLOCK2, block(num, more, 0))], pattern(length));
        assert.propertyVal(await failed, "code", "TRANSFER_FAILED");
      });
    }

    it("a first response that is a later block, and a later one without Block2, fail", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const first = rejection(host.request(deviceAt, request("GET", "a")));
      await answer(await asked(), CONTENT, [uint(BLOCK2, block(1, false, 0))], pattern(3));
      assert.propertyVal(await first, "code", "TRANSFER_FAILED");
      const second = rejection(host.request(deviceAt, request("GET", "a")));
      await answer(await asked(), CONTENT, [uint(BLOCK2, block(0, true, 0))], pattern(16));
      await answer(await asked(), CONTENT, [], pattern(3));
      assert.propertyVal(await second, "code", "TRANSFER_FAILED");
    });

    it("a duplicated datagram does not get into the body", async () => {
      const { host, device, deviceAt, asked, answer } = createHostAndDevice();
      const answered = host.request(deviceAt, request("GET", "a"));
      const first = await asked();
      await answer(first, CONTENT, [uint(BLOCK2, block(0, true, 0))], text("0123456789abcdef"));
      await answer(first, CONTENT, [uint(BLOCK2, block(0, true, 0))], text("0123456789abcdef"));
      await answer(await asked(), CONTENT, [uint(BLOCK2, block(1, false, 0))], text("gh"));
      assert.deepEqual((await answered).payload, text("0123456789abcdefgh"));
      device.silent();
    });

    it("an error in the middle is the response", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const answered = host.request(deviceAt, request("GET", "a"));
      await answer(await asked(), CONTENT, [uint(BLOCK2, block(0, true, 0))], pattern(16));
      await answer(await asked(), 136);
      assert.equal((await answered).code, 136);
    });

    it("TRANSFER_TOO_LARGE by the announced size at once, otherwise when the cap is passed", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice({ limits: { maxBodyBytes: 40 } });
      const announced = rejection(host.request(deviceAt, request("GET", "a")));
      await answer(await asked(), CONTENT, [uint(BLOCK2, block(0, true, 0)), uint(SIZE2, 41)], pattern(16));
      assert.propertyVal(await announced, "code", "TRANSFER_TOO_LARGE");
      const endless = rejection(host.request(deviceAt, request("GET", "a")));
      for (let num = 0; num < 3; num++) {
        await answer(await asked(), CONTENT, [uint(BLOCK2, block(num, true, 0))], pattern(16));
      }
      assert.propertyVal(await endless, "code", "TRANSFER_TOO_LARGE");
    });

    it("blocks may come as separate responses", async () => {
      const { host, device, deviceAt, asked } = createHostAndDevice();
      const answered = host.request(deviceAt, request("GET", "a"));
      for (let num = 0; num < 3; num++) {
        const { messageId, token } = await asked();
        await device.send({ type: ACK, code: 0, messageId });
        const options = [uint(BLOCK2, block(num, num < 2, 0))];
        await device.send({
          type: CON,
          code: CONTENT,
          messageId: 900 + num,
          token,
          options,
          payload: pattern(num < 2 ? 16 : 1),
        });
        assert.equal(show(device.take()), "ACK 0.00");
      }
      assert.lengthOf((await answered).payload, 33);
    });
  });

  it("RFC 7959 3.3: a body out in blocks, an answer in in blocks", async () => {
    const { host, deviceAt, asked, answer } = createHostAndDevice({ limits: { blockSzx: 0 } });
    const answered = host.request(deviceAt, request("POST", "a", { payload: pattern(20) }));
    await answer(await asked(), CONTINUE, [uint(BLOCK1, block(0, true, 0))]);
    const last = await asked();
    assert.equal(uintOf(last, BLOCK1), block(1, false, 0));
    await answer(last, CHANGED, [uint(BLOCK1, block(1, false, 0)), uint(BLOCK2, block(0, true, 0))], pattern(16));
    const more = await asked();
    assert.isUndefined(uintOf(more, BLOCK1));
    assert.equal(uintOf(more, BLOCK2), block(1, false, 0));
    assert.lengthOf(more.payload, 0);
    await answer(more, CHANGED, [uint(BLOCK2, block(1, false, 0))], pattern(2));
    assert.lengthOf((await answered).payload, 18);
  });

  it("a FETCH says again what it asks for with each block", async () => {
    const { host, deviceAt, asked, answer } = createHostAndDevice();
    const answered = host.request(deviceAt, request("FETCH", "", { payload: text("[3/0]"), contentFormat: 110 }));
    await answer(await asked(), CONTENT, [uint(BLOCK2, block(0, true, 0))], pattern(16));
    const more = await asked();
    assert.deepEqual(more.payload, text("[3/0]"));
    assert.isUndefined(optionOf(more, OBSERVE));
    await answer(more, CONTENT, [uint(BLOCK2, block(1, false, 0))], pattern(1));
    await answered;
  });

  it("timeoutMs covers all blocks", async () => {
    const { world, host, deviceAt, asked, answer } = createHostAndDevice();
    const failed = rejection(host.request(deviceAt, request("GET", "a"), { timeoutMs: 3000 }));
    const first = await asked();
    await world.clock.advance(1500);
    await answer(first, CONTENT, [uint(BLOCK2, block(0, true, 0))], pattern(16));
    await asked();
    await world.clock.advance(1600);
    assert.propertyVal(await failed, "code", "EXCHANGE_TIMEOUT");
  });
});
