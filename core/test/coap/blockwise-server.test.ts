/** Block-wise transfers as server (RFC 7959), in lockstep. */
import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import { ACK, CON, type CoapMessage, NON } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import type { CoapRequest, CoapResponse } from "../../src/coap/request.ts";
import {
  block,
  createBarePeer,
  createWorld,
  HOST,
  optionOf,
  pathOptions,
  pattern,
  show,
  text,
  uint,
  uintOf,
  type WorldParts,
} from "./support/endpoints.ts";

const { BLOCK1, BLOCK2, SIZE1, SIZE2, ETAG, URI_QUERY, REQUEST_TAG } = OPTIONS;
const CREATED: CoapResponse = { code: 65, locationPath: ["rd", "5a"], payload: new Uint8Array(0) };
const CONTENT = 69;

const setUp = (parts: WorldParts = {}) => {
  const world = createWorld();
  const calls: CoapRequest[] = [];
  const host = world.open(HOST, {
    ...parts,
    onRequest(incoming, from) {
      calls.push(incoming);
      return parts.onRequest?.(incoming, from) ?? CREATED;
    },
  });
  const device = createBarePeer(world);
  let messageId = 1000;
  /** One piece of a body; returns the message, so that it can be sent again. */
  const piece = async (
    body: Uint8Array,
    num: number,
    szx: number,
    more: Partial<CoapMessage> = {},
  ): Promise<Partial<CoapMessage>> => {
    const size = 2 ** (szx + 4);
    const last = (num + 1) * size >= body.length;
    const message: Partial<CoapMessage> = {
      type: CON,
      code: 2,
      messageId: messageId++,
      token: text(`t${num}`),
      options: [...pathOptions("rd"), { number: URI_QUERY, value: text("ep=a") }, uint(BLOCK1, block(num, !last, szx))],
      payload: body.subarray(num * size, (num + 1) * size),
      ...more,
    };
    await device.send(message);
    return message;
  };
  return { world, host, calls, device, piece };
};

describe("coap/blockwise-server", () => {
  describe("RFC 7959 2.5: Block1", () => {
    it("2.31 to each block, then one whole request; the last answer has the Block1 option; a token of its own for each block", async () => {
      const { device, calls, piece, host } = setUp();
      const body = pattern(2500);
      for (let num = 0; num < 3; num++) {
        await piece(body, num, 6);
        const answer = device.take();
        assert.equal(show(answer), num < 2 ? "ACK 2.31" : "ACK 2.01");
        assert.deepEqual(answer.token, text(`t${num}`));
        assert.equal(uintOf(answer, BLOCK1), block(num, num < 2, 6));
      }
      assert.lengthOf(calls, 1);
      assert.deepEqual(calls[0]!.payload, body);
      assert.deepEqual(calls[0]!.query, ["ep=a"]);
      assert.equal(host.counters["transfers"], 0);
      assert.equal(host.counters["transferBytes"], 0);
    });

    it("2.3: a smaller size is asked for and taken from there on", async () => {
      const { device, calls, piece } = setUp({ limits: { blockSzx: 4 } });
      const body = pattern(1500);
      await piece(body, 0, 6);
      assert.equal(uintOf(device.take(), BLOCK1), block(0, true, 4));
      await piece(body, 4, 4);
      assert.equal(uintOf(device.take(), BLOCK1), block(4, true, 4));
      await piece(body, 5, 4);
      assert.equal(show(device.take()), "ACK 2.01");
      assert.deepEqual(calls[0]!.payload, body);
    });

    it("2.2: a body in one block, and a Block1 option without bytes", async () => {
      const { device, calls, piece } = setUp();
      await piece(pattern(10), 0, 0);
      const answer = device.take();
      assert.equal(show(answer), "ACK 2.01");
      assert.equal(uintOf(answer, BLOCK1), 0);
      assert.lengthOf(calls[0]!.payload, 10);
    });

    it("2.9.2: 4.08 to a later block of a transfer that nobody knows", async () => {
      const { device, calls, piece } = setUp();
      await piece(pattern(2500), 1, 6);
      assert.equal(show(device.take()), "ACK 4.08");
      assert.lengthOf(calls, 0);
    });

    it("2.9.2: 4.08 when the last block is there and an earlier one never comes", async () => {
      const { world, device, calls, piece, host } = setUp();
      await piece(pattern(2500), 0, 6);
      device.take();
      await piece(pattern(2500), 2, 6);
      await world.clock.advance(1000);
      assert.equal(show(device.take()), "ACK 0.00");
      await world.clock.advance(46_000);
      const late = device.take();
      assert.equal(show(late), "CON 4.08");
      assert.deepEqual(late.token, text("t2"));
      await device.send({ type: ACK, code: 0, messageId: late.messageId });
      assert.lengthOf(calls, 0);
      assert.equal(host.counters["transfers"], 0);
    });

    it("2.9.3: 4.13 with Size1 when the announced size, or what came, is above the cap", async () => {
      const { device, calls, piece, host } = setUp({ limits: { maxBodyBytes: 2000 } });
      await piece(pattern(2500), 0, 6, {
        options: [...pathOptions("rd"), uint(BLOCK1, block(0, true, 6)), uint(SIZE1, 2500)],
      });
      const announced = device.take();
      assert.equal(show(announced), "ACK 4.13");
      assert.equal(uintOf(announced, SIZE1), 2000);
      await piece(pattern(2500), 0, 6);
      assert.equal(show(device.take()), "ACK 2.31");
      await piece(pattern(2500), 1, 6);
      const passed = device.take();
      assert.equal(show(passed), "ACK 4.13");
      assert.equal(uintOf(passed, SIZE1), 2000);
      assert.equal(host.counters["transferBytes"], 0);
      assert.lengthOf(calls, 0);
    });

    it("2.2: a block that is not full although more follow, and one longer than its size: 4.00", async () => {
      const { device, calls, piece } = setUp();
      await piece(pattern(2500), 0, 6, { payload: pattern(1000) });
      assert.equal(show(device.take()), "ACK 4.00");
      await piece(pattern(16), 0, 0, { payload: pattern(17) });
      assert.equal(show(device.take()), "ACK 4.00");
      assert.lengthOf(calls, 0);
    });

    it("2.2: SZX 7: 4.00", async () => {
      const { device, piece } = setUp();
      await piece(pattern(16), 0, 0, { options: [uint(BLOCK1, 7)] });
      assert.equal(show(device.take()), "ACK 4.00");
    });

    it("a repeated block gets the same answer and is not taken twice", async () => {
      const { device, calls, piece } = setUp();
      const body = pattern(2500);
      const first = await piece(body, 0, 6);
      const answer = device.take();
      await piece(body, 1, 6);
      device.take();
      await device.send(first);
      assert.deepEqual(device.take(), answer);
      const last = await piece(body, 2, 6);
      const end = device.take();
      await device.send(last);
      assert.deepEqual(device.take(), end);
      assert.lengthOf(calls, 1);
      assert.deepEqual(calls[0]!.payload, body);
    });

    it("2.5: block 0 under a new message id begins anew", async () => {
      const { device, calls, piece } = setUp();
      await piece(pattern(2500), 0, 6);
      await piece(pattern(2500), 1, 6);
      const body = pattern(1100).reverse();
      await piece(body, 0, 6);
      await piece(body, 1, 6);
      assert.deepEqual(device.inbox.map(show), ["ACK 2.31", "ACK 2.31", "ACK 2.31", "ACK 2.01"]);
      assert.deepEqual(calls[0]!.payload, body);
    });

    it("2.5: transfers to different URIs, methods or Request-Tags (RFC 9175) do not meet", async () => {
      const { device, calls, piece } = setUp();
      const bodies = [pattern(40), pattern(41).reverse(), pattern(42), pattern(43).reverse()];
      const variants = (num: number, i: number): Partial<CoapMessage>[] => {
        const control = uint(BLOCK1, block(num, num < 2, 0));
        return [
          { options: [...pathOptions("rd"), control] },
          { options: [...pathOptions("dp"), control] },
          { options: [...pathOptions("rd"), control], code: 3 },
          { options: [...pathOptions("rd"), control, { number: REQUEST_TAG, value: Uint8Array.of(i) }] },
        ];
      };
      for (let num = 0; num < 3; num++) {
        for (const [i, body] of bodies.entries()) await piece(body, num, 0, variants(num, i)[i]!);
      }
      assert.lengthOf(device.inbox, 12);
      assert.deepEqual(
        calls.map(({ payload }) => payload),
        bodies,
      );
    });

    it("2.5: two peers with the same token do not meet", async () => {
      const { world, device, calls, piece } = setUp();
      const other = createBarePeer(world, { address: "192.0.2.98", port: 5683 });
      await piece(pattern(40), 0, 0);
      await other.send({
        code: 2,
        messageId: 1,
        token: text("t1"),
        options: [...pathOptions("rd"), { number: URI_QUERY, value: text("ep=a") }, uint(BLOCK1, block(1, true, 0))],
        payload: pattern(16),
      });
      assert.equal(show(other.take()), "ACK 4.08");
      assert.equal(show(device.take()), "ACK 2.31");
      assert.lengthOf(calls, 0);
    });

    it("Non-confirmable blocks are put together and answered Non-confirmable", async () => {
      const { device, calls, piece } = setUp();
      for (let num = 0; num < 3; num++) await piece(pattern(40), num, 0, { type: NON });
      assert.deepEqual(device.inbox.map(show), ["NON 2.31", "NON 2.31", "NON 2.01"]);
      assert.deepEqual(calls[0]!.payload, pattern(40));
    });
  });

  describe("real-devices R6: all pieces fired at once with one and the same empty token", () => {
    const fire = async (order: readonly number[]) => {
      const made = setUp();
      const body = pattern(500);
      for (const num of order) await made.piece(body, num, 2, { token: new Uint8Array(0) });
      return { ...made, body };
    };

    it("in order", async () => {
      const { device, calls, body } = await fire([0, 1, 2, 3, 4, 5, 6, 7]);
      assert.deepEqual(device.inbox.map(show), [...new Array(7).fill("ACK 2.31"), "ACK 2.01"]);
      assert.deepEqual(calls[0]!.payload, body);
    });

    it("overtaking each other, the last before others: it is answered when all are there", async () => {
      const { device, calls, body, host } = await fire([0, 3, 2, 7, 5, 4, 6, 1]);
      assert.deepEqual(device.inbox.map(show), [...new Array(7).fill("ACK 2.31"), "ACK 2.01"]);
      assert.equal(uintOf(device.inbox.at(-1)!, BLOCK1), block(7, false, 2));
      assert.lengthOf(calls, 1);
      assert.deepEqual(calls[0]!.payload, body);
      assert.equal(host.counters["transfers"], 0);
    });

    it("one lost and repeated three seconds later: the last one's answer comes separately", async () => {
      const { world, device, calls, body, piece } = await fire([0, 1, 3, 4, 5, 6, 7]);
      await world.clock.advance(3000);
      assert.deepEqual(device.inbox.map(show), [...new Array(6).fill("ACK 2.31"), "ACK 0.00"]);
      device.inbox.length = 0;
      await piece(body, 2, 2, { token: new Uint8Array(0) });
      assert.deepEqual(device.inbox.map(show), ["ACK 2.31", "CON 2.01"]);
      assert.deepEqual(calls[0]!.payload, body);
    });
  });

  describe("limits", () => {
    it("a peer's oldest transfer gives way to its newest", async () => {
      const { device, calls, piece, host } = setUp({ limits: { maxTransfersPerPeer: 2 } });
      const at = (path: string, num: number, more: boolean) => ({
        options: [...pathOptions(path), uint(BLOCK1, block(num, more, 0))],
      });
      for (const path of ["a", "b", "c"]) await piece(pattern(30), 0, 0, at(path, 0, true));
      assert.equal(host.counters["transfers"], 2);
      device.inbox.length = 0;
      for (const path of ["a", "b", "c"]) await piece(pattern(30), 1, 0, at(path, 1, false));
      assert.deepEqual(device.inbox.map(show), ["ACK 4.08", "ACK 2.01", "ACK 2.01"]);
      assert.lengthOf(calls, 2);
    });

    it("too many of all peers together: 5.03 with Max-Age", async () => {
      const { world, device, piece } = setUp({ limits: { maxTransfers: 1 } });
      await piece(pattern(40), 0, 0);
      const other = createBarePeer(world, { address: "192.0.2.98", port: 5683 });
      await other.send({ code: 2, options: [uint(BLOCK1, block(0, true, 0))], payload: pattern(16) });
      const refused = other.take();
      assert.equal(show(refused), "ACK 5.03");
      assert.isAbove(uintOf(refused, OPTIONS.MAX_AGE)!, 0);
      assert.equal(show(device.take()), "ACK 2.31");
    });

    it("too many bytes of all peers together: 5.03, nothing kept", async () => {
      const { device, piece, host } = setUp({ limits: { maxTransferBytes: 3000 } });
      const body = pattern(10_000);
      for (let num = 0; num < 3; num++) await piece(body, num, 6);
      assert.deepEqual(device.inbox.map(show), ["ACK 2.31", "ACK 2.31", "ACK 5.03"]);
      assert.equal(host.counters["transferBytes"], 0);
    });

    it("a block far ahead reserves no memory: 4.08", async () => {
      const { device, piece, host } = setUp();
      await piece(pattern(40), 0, 0);
      await piece(pattern(40), 1, 0, {
        options: [
          ...pathOptions("rd"),
          { number: URI_QUERY, value: text("ep=a") },
          uint(BLOCK1, block(100_000, true, 0)),
        ],
        payload: pattern(16),
      });
      assert.deepEqual(device.inbox.map(show), ["ACK 2.31", "ACK 4.08"]);
      assert.isAtMost(host.counters["transferBytes"]!, 1024);
    });

    it("an unfinished transfer is forgotten after EXCHANGE_LIFETIME of silence, and its peer then", async () => {
      const { world, piece, host } = setUp();
      await piece(pattern(40), 0, 0);
      await world.clock.advance(250_000);
      assert.equal(host.counters["transfers"], 0);
      await world.clock.advance(250_000);
      assert.equal(host.counters["peers"], 0);
    });
  });

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

  it("a payload above the cap without blocks: 4.13 with Size1", async () => {
    const { device, calls } = setUp({ limits: { maxBodyBytes: 100 } });
    await device.send({ code: 2, options: pathOptions("rd"), payload: pattern(101) });
    const answer = device.take();
    assert.equal(show(answer), "ACK 4.13");
    assert.equal(uintOf(answer, SIZE1), 100);
    assert.lengthOf(calls, 0);
  });
});
