/** Block-wise transfers as server (RFC 7959), in lockstep. */
import { assert } from "chai";
import { ACK, type CoapMessage, NON } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import { block, createBarePeer, pathOptions, pattern, show, text, uint, uintOf } from "./support/endpoints.ts";
import { setUp } from "./support/serving.ts";

const { BLOCK1, SIZE1, URI_QUERY, REQUEST_TAG } = OPTIONS;

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

  it("a payload above the cap without blocks: 4.13 with Size1", async () => {
    const { device, calls } = setUp({ limits: { maxBodyBytes: 100 } });
    await device.send({ code: 2, options: pathOptions("rd"), payload: pattern(101) });
    const answer = device.take();
    assert.equal(show(answer), "ACK 4.13");
    assert.equal(uintOf(answer, SIZE1), 100);
    assert.lengthOf(calls, 0);
  });
});
