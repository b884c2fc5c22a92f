import { assert } from "chai";
import { createSeededRandom } from "../../../src/base/random.ts";
import { cutMessage, type HandshakeFragment } from "../../../src/transport/dtls/handshake-message.ts";
import { createMessageAssembly } from "../../../src/transport/dtls/message-assembly.ts";

const body = Uint8Array.from({ length: 90 }, (_, i) => i);
const fragmentsOf = (sequence: number, bytes = 30, content = body): HandshakeFragment[] =>
  cutMessage({ type: 11, sequence, body: content }, 12 + bytes);
const piece = (offset: number, to: number, sequence = 0): HandshakeFragment => ({
  type: 11,
  sequence,
  length: body.length,
  offset,
  body: body.subarray(offset, to),
});

describe("dtls/message-assembly", () => {
  it("RFC 6347 4.2.3: puts fragments together, whatever their order", () => {
    const [a, b, c] = fragmentsOf(0) as [HandshakeFragment, HandshakeFragment, HandshakeFragment];
    for (const order of [
      [a, b, c],
      [c, b, a],
      [b, c, a],
      [a, a, c, c, b],
    ]) {
      const assembly = createMessageAssembly(0, 1000);
      for (const fragment of order.slice(0, -1)) {
        assert.equal(assembly.add(fragment), "kept");
        assert.isUndefined(assembly.take());
      }
      assembly.add(order.at(-1)!);
      assert.deepEqual(assembly.take(), { type: 11, sequence: 0, body });
      assert.isUndefined(assembly.take());
    }
  });

  it("RFC 6347 4.2.3: overlapping fragments of a repetition cut otherwise fit", () => {
    const assembly = createMessageAssembly(0, 1000);
    for (const [from, to] of [
      [10, 50],
      [40, 60],
      [80, 90],
      [55, 80],
      [0, 5],
    ] as const) {
      assembly.add(piece(from, to));
      assert.isUndefined(assembly.take());
    }
    assembly.add(piece(0, 20));
    assert.deepEqual(assembly.take()!.body, body);
  });

  it("RFC 6347 4.2.2: messages come out in order of message_seq, later ones wait", () => {
    const assembly = createMessageAssembly(5, 1000);
    for (const sequence of [7, 6]) for (const fragment of fragmentsOf(sequence)) assembly.add(fragment);
    assert.isUndefined(assembly.take());
    for (const fragment of fragmentsOf(5)) assembly.add(fragment);
    assert.deepEqual([assembly.take()?.sequence, assembly.take()?.sequence, assembly.take()?.sequence], [5, 6, 7]);
  });

  it("RFC 6347 4.2.2: a message taken already is old, one far ahead is dropped", () => {
    const assembly = createMessageAssembly(1, 1000);
    assert.equal(assembly.add(fragmentsOf(0)[0]!), "old");
    assert.equal(assembly.add(fragmentsOf(8)[0]!), "kept");
    assert.equal(assembly.add(fragmentsOf(9)[0]!), "dropped");
    assert.equal(assembly.add(fragmentsOf(65_535)[0]!), "dropped");
  });

  it("a length past the limit is refused before anything is kept for it", () => {
    const assembly = createMessageAssembly(0, 100);
    const huge = { type: 11, sequence: 0, length: 0xffffff, offset: 0, body };
    assert.throws(() => assembly.add(huge), /more than 100 bytes/);
    assert.equal(assembly.add(piece(0, 90)), "kept");
  });

  it("the limit is for all messages of the handshake, also those that were taken", () => {
    const assembly = createMessageAssembly(0, 150);
    assembly.add(piece(0, 90));
    assembly.take();
    assert.throws(() => assembly.add(piece(0, 90, 1)), /more than 150 bytes/);
  });

  it("fragments that contradict the first one of their message are dropped", () => {
    const assembly = createMessageAssembly(0, 1000);
    assembly.add(piece(0, 30));
    assert.equal(assembly.add({ ...piece(30, 60), type: 12 }), "dropped");
    assert.equal(assembly.add({ ...piece(30, 60), length: 60 }), "dropped");
    assembly.add(piece(30, 90));
    assert.deepEqual(assembly.take()!.body, body);
  });

  it("a message in crumbs takes no more than its share of work", () => {
    const long = new Uint8Array(1000);
    const assembly = createMessageAssembly(0, 1000);
    const crumbs = fragmentsOf(0, 1, long).filter((_, i) => i % 2 === 0);
    assert.includeMembers(
      crumbs.map(crumb => assembly.add(crumb)),
      ["kept", "dropped"],
    );
    for (const fragment of fragmentsOf(0, 500, long)) assembly.add(fragment);
    assert.deepEqual(assembly.take()!.body, long);
  });

  it("an empty message is whole with its only fragment", () => {
    const assembly = createMessageAssembly(0, 10);
    assembly.add(fragmentsOf(0, 10, new Uint8Array(0))[0]!);
    assert.equal(assembly.take()!.body.length, 0);
  });

  it("random cuts, orders and repetitions always end in the message", () => {
    const random = createSeededRandom(7);
    for (let round = 0; round < 200; round++) {
      const assembly = createMessageAssembly(0, 1000);
      let taken: Uint8Array | undefined;
      for (let tries = 0; !taken && tries < 5000; tries++) {
        const from = random.int(body.length);
        assembly.add(piece(from, from + 1 + random.int(Math.min(25, body.length - from))));
        taken = assembly.take()?.body;
      }
      assert.deepEqual(taken, body);
    }
  });
});
