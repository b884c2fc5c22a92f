import { assert } from "chai";
import { encodeUtf8, fromHex } from "../../src/base/bytes.ts";
import { METHODS } from "../../src/coap/codes.ts";
import { createMessageView, encodeMessage, parseMessage } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import { createRequestLine, type RequestLine } from "../../src/coap/request-line.ts";
import type { Peer } from "../../src/transport/transport.ts";

const PEER: Peer = { key: "udp:192.0.2.1:5683", address: "192.0.2.1", port: 5683 };
const AT_ONCE = 16;

function message(messageId: number, code: number = METHODS.POST, path: readonly string[] = ["rd"]): Uint8Array {
  const options = path.map(segment => ({ number: OPTIONS.URI_PATH, value: encodeUtf8(segment) }));
  const query = { number: OPTIONS.URI_QUERY, value: encodeUtf8("ep=a") };
  const token = fromHex("01");
  return Uint8Array.from(
    encodeMessage({ type: 0, code, messageId, token, options: [...options, query], payload: encodeUtf8("</1/0>") }),
  );
}

describe("coap/request-line", () => {
  const view = createMessageView();
  let received: number;
  let handled: number[];
  let dropped: number;
  let line: RequestLine;
  beforeEach(() => {
    [received, dropped, handled] = [0, 0, []];
    line = createRequestLine({
      patient: { method: "POST", path: "rd" },
      received: () => received,
      handle: bytes => void handled.push((bytes[2]! << 8) | bytes[3]!),
      dropped: () => void dropped++,
    });
  });
  /** @returns whether it waits */
  function offer(bytes: Uint8Array): boolean {
    received++;
    assert.isUndefined(parseMessage(bytes, view));
    const waits = line.offer(bytes, PEER, view);
    if (!waits) handled.push(view.messageId);
    // What comes next stands in the same memory.
    bytes.fill(0);
    return waits;
  }
  const turn = (): Promise<void> => new Promise(resolve => void setImmediate(resolve));
  async function settled(): Promise<void> {
    while (line.waiting > 0) await turn();
  }

  it("a few at a time do not wait", async () => {
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < AT_ONCE; i++) assert.isFalse(offer(message(round * AT_ONCE + i)));
      await turn();
    }
    assert.equal(line.waiting, 0);
  });

  it("many at once wait, and are handled in their order", async () => {
    for (let i = 0; i < 300; i++) assert.equal(offer(message(i)), i >= AT_ONCE);
    assert.equal(line.waiting, 300 - AT_ONCE);
    await turn();
    // Whoever comes while others wait stands behind them.
    assert.isTrue(offer(message(300)));
    await settled();
    assert.deepEqual(
      handled,
      Array.from({ length: 301 }, (_, i) => i),
    );
  });

  it("while datagrams come few are handled in a turn, otherwise many", async () => {
    for (let i = 0; i < 500; i++) offer(message(i));
    const inTurn = async (): Promise<number> => {
      const before = handled.length;
      await turn();
      return handled.length - before;
    };
    const busy = await inTurn();
    const quiet = await inTurn();
    received += 8;
    assert.equal(await inTurn(), busy);
    assert.isAbove(busy, 0);
    assert.isAbove(quiet, busy);
  });

  for (const [what, bytes] of [
    ["an Update", () => message(9, METHODS.POST, ["rd", "a1"])],
    ["a De-register", () => message(9, METHODS.DELETE, ["rd", "a1"])],
    ["a Send", () => message(9, METHODS.POST, ["dp"])],
    ["another method", () => message(9, METHODS.GET, ["rd"])],
    ["no path", () => message(9, METHODS.POST, [])],
  ] as const) {
    it(`${what} never waits`, () => {
      for (let i = 0; i < 100; i++) offer(message(100 + i));
      assert.isFalse(offer(bytes()));
    });
  }

  it("without end it is full; disposed it is empty", () => {
    for (let i = 0; i < 50_100; i++) offer(message(i & 0xffff));
    assert.equal(line.waiting, 50_000);
    assert.equal(dropped, 100 - AT_ONCE);
    line[Symbol.dispose]();
    assert.equal(line.waiting, 0);
  });
});
