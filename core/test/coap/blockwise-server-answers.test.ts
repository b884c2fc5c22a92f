/** Block-wise transfers as server (RFC 7959), in lockstep: answers in blocks. */
import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import type { CoapMessage } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import type { CoapResponse } from "../../src/coap/request.ts";
import {
  block,
  optionOf,
  pathOptions,
  pattern,
  show,
  text,
  uint,
  uintOf,
  type WorldParts,
} from "./support/endpoints.ts";
import { CONTENT, setUp } from "./support/serving.ts";

const { BLOCK1, BLOCK2, SIZE2, ETAG, URI_QUERY } = OPTIONS;

describe("coap/blockwise-server", () => {
  describe("RFC 7959 2.4: Block2", () => {
    const serving = (body: Uint8Array, parts: WorldParts = {}, more: Partial<CoapResponse> = {}) => {
      const made = setUp({ ...parts, onRequest: () => ({ code: CONTENT, contentFormat: 40, payload: body, ...more }) });
      let messageId = 1;
      const get = async (options: CoapMessage["options"], message: Partial<CoapMessage> = {}) => {
        await made.device.send({
          code: 1,
          messageId: messageId++,
          options: [...pathOptions("x"), ...options],
          ...message,
        });
        return made.device.take();
      };
      return { ...made, get };
    };

    it("a large response goes out in blocks, with ETag and Size2, and the handler runs once", async () => {
      const body = pattern(2500);
      const { get, calls, host } = serving(body);
      const first = await get([]);
      assert.equal(uintOf(first, BLOCK2), block(0, true, 6));
      assert.equal(uintOf(first, SIZE2), 2500);
      const got = [...first.payload];
      for (let num = 1; num < 3; num++) {
        const next = await get([uint(BLOCK2, block(num, false, 6))], { token: text(`n${num}`) });
        assert.equal(uintOf(next, BLOCK2), block(num, num < 2, 6));
        assert.deepEqual(optionOf(next, ETAG), optionOf(first, ETAG));
        assert.equal(uintOf(next, OPTIONS.CONTENT_FORMAT), 40);
        got.push(...next.payload);
      }
      assert.deepEqual(Uint8Array.from(got), body);
      assert.lengthOf(calls, 1);
      assert.equal(host.counters["transfers"], 0);
    });

    it("the client's smaller size is taken, its larger one is not", async () => {
      const { get } = serving(pattern(500), { limits: { blockSzx: 4 } });
      const small = await get([uint(BLOCK2, block(0, false, 2))]);
      assert.equal(uintOf(small, BLOCK2), block(0, true, 2));
      assert.lengthOf(small.payload, 64);
      const next = await get([uint(BLOCK2, block(1, false, 6))]);
      assert.equal(show(next), "ACK 4.00", "the block at byte 1024 does not exist");
      const large = await get([uint(BLOCK2, block(0, false, 6))]);
      assert.lengthOf(large.payload, 256);
    });

    it("a client may change to a smaller size in the middle", async () => {
      const body = pattern(300);
      const { get } = serving(body, { limits: { blockSzx: 3 } });
      const first = await get([]);
      const rest: number[] = [...first.payload];
      for (let num = 2; num < 5; num++) {
        rest.push(...(await get([uint(BLOCK2, block(num, false, 2))])).payload);
      }
      assert.deepEqual(Uint8Array.from(rest), body);
    });

    it("a later block of a response that is not held is served from a fresh one, with the same ETag", async () => {
      const body = pattern(100);
      const { get, calls } = serving(body);
      const second = await get([uint(BLOCK2, block(1, false, 2))]);
      assert.deepEqual(second.payload, body.subarray(64));
      const first = await get([uint(BLOCK2, block(0, false, 2))]);
      assert.deepEqual(optionOf(first, ETAG), optionOf(second, ETAG));
      assert.lengthOf(calls, 2);
    });

    it("for a POST, which must not run again: 4.08", async () => {
      const { get, calls } = serving(pattern(100));
      assert.equal(show(await get([uint(BLOCK2, block(1, false, 2))], { code: 2 })), "ACK 4.08");
      assert.lengthOf(calls, 0);
    });

    it("a block past the end: 4.00", async () => {
      const { get } = serving(pattern(100));
      assert.equal(show(await get([uint(BLOCK2, block(2, false, 2))])), "ACK 4.00");
    });

    it("a small response to a client that speaks of blocks says which block it is", async () => {
      const { get } = serving(pattern(10));
      const answer = await get([uint(BLOCK2, block(0, false, 4))]);
      assert.equal(uintOf(answer, BLOCK2), block(0, false, 4));
      assert.isUndefined(optionOf(answer, ETAG));
    });

    it("the resource's own ETag is used", async () => {
      const { get } = serving(pattern(2000), {}, { etag: text("v9") });
      assert.deepEqual(optionOf(await get([]), ETAG), text("v9"));
    });

    it("RFC 7959 3.3: a body in in blocks, an answer out in blocks", async () => {
      const { device, get, piece, calls } = serving(pattern(40), { limits: { blockSzx: 0 } });
      await piece(pattern(20), 0, 0);
      await piece(pattern(20), 1, 0);
      assert.equal(show(device.take()), "ACK 2.31");
      const answer = device.take();
      assert.equal(uintOf(answer, BLOCK1), block(1, false, 0));
      assert.equal(uintOf(answer, BLOCK2), block(0, true, 0));
      const uri = [...pathOptions("rd"), { number: URI_QUERY, value: text("ep=a") }];
      await device.send({ code: 2, messageId: 77, options: [...uri, uint(BLOCK2, block(1, false, 0))] });
      assert.equal(uintOf(device.take(), BLOCK2), block(1, true, 0));
      await device.send({ code: 2, messageId: 78, options: [...uri, uint(BLOCK2, block(2, false, 0))] });
      assert.lengthOf(device.take().payload, 8);
      assert.lengthOf(calls, 1);
      assert.isFunction(get);
    });
  });

  describe("RFC 7959 2.4: Block2 of a body that is read by offset", () => {
    const streaming = (length: number, more: Partial<CoapResponse> = {}, parts: WorldParts = {}) => {
      const body = pattern(length);
      const reads: [at: number, length: number][] = [];
      const read = async (at: number, count: number): Promise<Uint8Array> => {
        reads.push([at, count]);
        return body.subarray(at, at + count);
      };
      const response = { code: CONTENT, etag: text("v1"), payload: new Uint8Array(0), body: { length, read }, ...more };
      const made = setUp({ ...parts, onRequest: () => response });
      let messageId = 1;
      const get = async (options: CoapMessage["options"], code = 1) => {
        await made.device.send({ code, messageId: messageId++, options: [...pathOptions("x"), ...options] });
        return made.device.take();
      };
      return { ...made, body, reads, get };
    };

    it("each block is read for itself, and nothing is held in between", async () => {
      const { get, host, body, reads } = streaming(2500);
      const first = await get([]);
      assert.equal(uintOf(first, BLOCK2), block(0, true, 6));
      assert.equal(uintOf(first, SIZE2), 2500);
      assert.deepEqual(optionOf(first, ETAG), text("v1"));
      assert.equal(host.counters["transfers"], 0);
      const rest = [await get([uint(BLOCK2, block(1, false, 6))]), await get([uint(BLOCK2, block(2, false, 6))])];
      assert.deepEqual(
        rest.map(answer => uintOf(answer, BLOCK2)),
        [block(1, true, 6), block(2, false, 6)],
      );
      const got = [first, ...rest].flatMap(({ payload }) => [...payload]);
      assert.deepEqual(Uint8Array.from(got), body);
      assert.deepEqual(reads, [
        [0, 1024],
        [1024, 1024],
        [2048, 1024],
      ]);
    });

    it("begins at any block, in any order, and a block may come again", async () => {
      const { get, body } = streaming(5000);
      for (const num of [4, 2, 2, 0]) {
        const { payload } = await get([uint(BLOCK2, block(num, false, 6))]);
        assert.deepEqual(payload, body.subarray(num * 1024, (num + 1) * 1024), `block ${num}`);
      }
    });

    it("its own size counts for who names none or begins with a larger one; who goes on keeps theirs", async () => {
      const { get } = streaming(5000, { blockSzx: 5 });
      assert.equal(uintOf(await get([]), BLOCK2), block(0, true, 5));
      assert.equal(uintOf(await get([uint(BLOCK2, block(0, false, 6))]), BLOCK2), block(0, true, 5));
      assert.equal(uintOf(await get([uint(BLOCK2, block(0, false, 2))]), BLOCK2), block(0, true, 2));
      assert.equal(uintOf(await get([uint(BLOCK2, block(3, false, 6))]), BLOCK2), block(3, true, 6));
    });

    it("one that fits goes without a block unless one is asked for", async () => {
      const { get } = streaming(1024);
      const answer = await get([]);
      assert.lengthOf(answer.payload, 1024);
      assert.isUndefined(uintOf(answer, BLOCK2));
      assert.equal(uintOf(await get([uint(BLOCK2, block(0, false, 6))]), BLOCK2), block(0, false, 6));
      const empty = streaming(0);
      assert.lengthOf((await empty.get([])).payload, 0);
    });

    it("a block past the end: 4.00, nothing is read", async () => {
      const { get, reads } = streaming(1024);
      assert.equal(show(await get([uint(BLOCK2, block(1, false, 6))])), "ACK 4.00");
      assert.deepEqual(reads, []);
    });

    it("a read that fails is the answer's failure", async () => {
      const failing = (error: Error) => streaming(10, { body: { length: 10, read: () => Promise.reject(error) } });
      assert.equal(show(await failing(new MooringError("NOT_FOUND", "gone")).get([])), "ACK 4.04");
      assert.equal(show(await failing(new TypeError("broken")).get([])), "ACK 5.00");
    });

    it("one that takes its time is acknowledged first", async () => {
      let give: (bytes: Uint8Array) => void = () => {};
      const body = { length: 10, read: () => new Promise<Uint8Array>(resolve => (give = resolve)) };
      const { device, world } = streaming(10, { body });
      await device.send({ code: 1, messageId: 5, options: pathOptions("x") });
      device.silent();
      await world.clock.advance(1500);
      assert.equal(show(device.take()), "ACK 0.00");
      give(pattern(10));
      await world.clock.advance(0);
      assert.equal(show(device.take()), "CON 2.05");
    });
  });
});
