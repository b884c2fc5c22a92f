import { assert } from "chai";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import {
  ACK,
  CON,
  type CoapMessage,
  createMessageView,
  decodeMessage,
  encodeMessage,
  messageOfView,
  NON,
  parseMessage,
  peekType,
  RST,
} from "../../src/coap/message.ts";
import { messageOf, text } from "./support/endpoints.ts";
import { randomMessage } from "./support/random-message.ts";

interface Vector {
  readonly source: string;
  readonly hex: string;
  readonly message: CoapMessage;
}

const option = (number: number, value: string) => ({ number, value: text(value) });

const VECTORS: readonly Vector[] = [
  {
    source: "RFC 7252 appendix A figure 16: GET /temperature, CON",
    hex: "40017d34bb74656d7065726174757265",
    message: messageOf({ type: CON, code: 1, messageId: 0x7d34, options: [option(11, "temperature")] }),
  },
  {
    source: "RFC 7252 appendix A figure 16: 2.05 in the acknowledgement",
    hex: "60457d34ff32322e332043",
    message: messageOf({ type: ACK, code: 69, messageId: 0x7d34, payload: text("22.3 C") }),
  },
  {
    source: "RFC 7252 appendix A figure 17: GET with token 0x20",
    hex: "41017d3520bb74656d7065726174757265",
    message: messageOf({
      type: CON,
      code: 1,
      messageId: 0x7d35,
      token: Uint8Array.of(0x20),
      options: [option(11, "temperature")],
    }),
  },
  {
    source: "RFC 7252 appendix A figure 17: 2.05 with token 0x20",
    hex: "61457d3520ff32322e332043",
    message: messageOf({ type: ACK, code: 69, messageId: 0x7d35, token: Uint8Array.of(0x20), payload: text("22.3 C") }),
  },
  {
    source: "RFC 7252 section 4.3: empty acknowledgement",
    hex: "60007d36",
    message: messageOf({ type: ACK, code: 0, messageId: 0x7d36 }),
  },
  {
    source: "RFC 7252 section 4.2: Reset",
    hex: "70007d36",
    message: messageOf({ type: RST, code: 0, messageId: 0x7d36 }),
  },
  {
    source: "RFC 7252 section 3.1: extended delta and length, 13 and 14",
    hex: `5245abcd0102${"dd2f00"}${"61".repeat(13)}${"ed002a00"}${"62".repeat(13)}${"1e0000"}${"63".repeat(269)}ff00`,
    message: messageOf({
      type: NON,
      code: 69,
      messageId: 0xabcd,
      token: Uint8Array.of(1, 2),
      options: [option(60, "a".repeat(13)), option(371, "b".repeat(13)), option(372, "c".repeat(269))],
      payload: Uint8Array.of(0),
    }),
  },
  {
    source: "RFC 7252 section 3.1: the highest option number, an empty value",
    hex: "40010001e0fef2",
    message: messageOf({ options: [{ number: 65_535, value: new Uint8Array(0) }] }),
  },
  {
    source: "RFC 7252 section 3.1: repeated options have delta 0",
    hex: "40010001b27264056162636465",
    message: messageOf({ options: [option(11, "rd"), option(11, "abcde")] }),
  },
];

const MALFORMED: readonly [name: string, hex: string][] = [
  ["3: shorter than a header", "400100"],
  ["3: version 0", "00010001"],
  ["3: version 2", "80010001"],
  ["3: token length 9", "49010001010203040506070809"],
  ["3: token length 15", "4f010001"],
  ["3: token past the end", "440100010102"],
  ["3: marker without payload", "40010001ff"],
  ["3: marker without payload after an option", "40010001b17aff"],
  ["3.1: option delta 15", "40010001f1aa"],
  ["3.1: option length 15", "400100011fff"],
  ["3.1: extended delta missing", "40010001d0"],
  ["3.1: extended delta cut", "40010001e000"],
  ["3.1: extended length missing", "400100010d"],
  ["3.1: extended length cut", "400100010e00"],
  ["3.1: value past the end", "40010001b27a"],
  ["3.1: number above 65535", "40010001e0fef210"],
  ["4.1: Empty message with a token", "4100000101"],
  ["4.1: Empty message with an option", "40000001b0"],
  ["4.1: Empty message with a payload", "40000001ff01"],
];

describe("coap/message", () => {
  for (const { source, hex, message } of VECTORS) {
    it(`${source}: decodes`, () => assert.deepEqual(decodeMessage(fromHex(hex)), message));
    it(`${source}: encodes back`, () => assert.equal(toHex(encodeMessage(message)), hex));
    it(`${source}: truncation at every byte is an error or a shorter message, never another exception`, () => {
      const bytes = fromHex(hex);
      for (let length = 0; length < bytes.length; length++) {
        try {
          const shorter = decodeMessage(bytes.subarray(0, length));
          assert.equal(toHex(encodeMessage(shorter)), toHex(bytes.subarray(0, length)));
        } catch (error) {
          assert.isTrue(isFailure(error, "MESSAGE_FORMAT"), String(error));
        }
      }
    });
  }

  for (const [name, hex] of MALFORMED) {
    it(`RFC 7252 ${name}: is a message format error`, () => {
      try {
        decodeMessage(fromHex(hex));
      } catch (error) {
        assert.isTrue(isFailure(error, "MESSAGE_FORMAT"));
        return;
      }
      assert.fail("was taken");
    });
  }

  it("RFC 7252 3: a message of every kind survives the way there and back", () => {
    const random = createSeededRandom(7252);
    for (let i = 0; i < 2000; i++) {
      const message = randomMessage(random);
      assert.deepEqual(decodeMessage(encodeMessage(message)), message);
    }
  });

  it("any bytes give a message or MESSAGE_FORMAT", () => {
    const random = createSeededRandom(9);
    for (let i = 0; i < 20_000; i++) {
      const bytes = random.bytes(random.int(40));
      if (bytes.length > 0 && random.fraction() < 0.8) bytes[0] = 0x40 | (bytes[0]! & 0x33);
      try {
        const message = decodeMessage(bytes);
        assert.deepEqual(decodeMessage(encodeMessage(message)), message);
      } catch (error) {
        assert.isTrue(isFailure(error, "MESSAGE_FORMAT"), String(error));
      }
    }
  });

  it("RFC 7252 3.1: options are sent in order, repeated ones as they were given", () => {
    const message = messageOf({ options: [option(15, "b"), option(11, "x"), option(15, "a"), option(4, "e")] });
    const numbers = decodeMessage(encodeMessage(message)).options.map(({ number, value }) => [number, value]);
    assert.deepEqual(numbers, [
      [4, text("e")],
      [11, text("x")],
      [15, text("b")],
      [15, text("a")],
    ]);
    assert.deepEqual(
      message.options.map(({ number }) => number),
      [15, 11, 15, 4],
      "the caller's array stays as it is",
    );
  });

  const UNSENDABLE: readonly [string, Partial<CoapMessage>][] = [
    ["token of 9 bytes", { token: new Uint8Array(9) }],
    ["message id 65536", { messageId: 65_536 }],
    ["code 256", { code: 256 }],
    ["option number 65536", { options: [{ number: 65_536, value: new Uint8Array(0) }] }],
    ["option value of 65805 bytes", { options: [{ number: 1, value: new Uint8Array(65_805) }] }],
    ["Empty message with a payload", { code: 0, payload: new Uint8Array(1) }],
    ["more than a datagram holds", { payload: new Uint8Array(65_507) }],
  ];
  for (const [name, message] of UNSENDABLE) {
    it(`does not encode a ${name}`, () => {
      try {
        encodeMessage(messageOf(message));
      } catch (error) {
        assert.isTrue(isFailure(error, "MESSAGE_FORMAT"));
        return;
      }
      assert.fail("was encoded");
    });
  }

  it("a view grows for a message with very many options and is used again", () => {
    const many = messageOf({
      options: Array.from({ length: 500 }, (_, i) => ({ number: i, value: new Uint8Array(0) })),
    });
    const view = createMessageView();
    assert.isUndefined(parseMessage(encodeMessage(many), view));
    assert.equal(view.optionCount, 500);
    assert.deepEqual(messageOfView(view), many);
    assert.isUndefined(parseMessage(fromHex("40017d34"), view));
    assert.equal(view.optionCount, 0);
  });

  it("what is taken from a view outlives the datagram", () => {
    const bytes = encodeMessage(VECTORS[2]!.message);
    const message = decodeMessage(bytes);
    bytes.fill(0xee);
    assert.deepEqual(message, VECTORS[2]!.message);
  });

  it("RFC 7252 3: the type of another version is not read", () => {
    assert.equal(peekType(fromHex("400100ff")), CON);
    assert.equal(peekType(fromHex("7f0100ff")), RST);
    assert.isUndefined(peekType(fromHex("800100ff")));
    assert.isUndefined(peekType(fromHex("4001")));
  });
});
