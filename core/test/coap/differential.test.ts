/** Our codec against the `coap-packet` library, both directions, with what the library is known to let pass listed. */
import { assert } from "chai";
import * as coapPacket from "coap-packet";
import { toHex } from "../../src/base/bytes.ts";
import { createSeededRandom, type Random } from "../../src/base/random.ts";
import { createCoapPacketCodec } from "../../src/coap/coap-packet-codec.ts";
import {
  type CoapMessage,
  createMessageView,
  encodeMessage,
  messageOfView,
  parseMessage,
} from "../../src/coap/message.ts";
import { randomMessage } from "./support/random-message.ts";

/** Format errors that `coap-packet` 1.1.1 accepts. */
const LENIENT = new Set([
  "token lengths 9 to 15 are reserved",
  "the token runs past the message",
  "an option value runs past the message",
  "a payload marker must be followed by a payload",
  "option numbers end at 65535",
]);

const libraryTakes = (bytes: Uint8Array): boolean => {
  try {
    coapPacket.parse(Buffer.from(bytes));
    return true;
  } catch {
    return false;
  }
};

const parsed = (parse: typeof parseMessage, bytes: Uint8Array): CoapMessage | string => {
  const view = createMessageView();
  return parse(bytes, view) ?? messageOfView(view);
};

/** A valid message with some bytes changed, cut or added. */
function mutated(random: Random): Uint8Array {
  let bytes = encodeMessage(randomMessage(random));
  for (let changes = random.int(3); changes >= 0; changes--) {
    const kind = random.fraction();
    if (kind < 0.4) bytes = bytes.slice(0, random.int(bytes.length + 1));
    else if (kind < 0.5) bytes = Uint8Array.from([...bytes, ...random.bytes(random.int(4))]);
    else if (bytes.length > 0) bytes[random.int(Math.min(bytes.length, 16))] = random.int(256);
  }
  return bytes;
}

describe("coap/message against coap-packet", () => {
  it("1,500 random messages: ours encode to the same bytes", () => {
    const random = createSeededRandom(1);
    const library = createCoapPacketCodec();
    for (let i = 0; i < 1500; i++) {
      const message = randomMessage(random);
      assert.equal(toHex(library.encode(message)), toHex(encodeMessage(message)));
    }
  });

  it("1,500 random messages: ours decode to the same values", () => {
    const random = createSeededRandom(2);
    const { parse } = createCoapPacketCodec();
    for (let i = 0; i < 1500; i++) {
      const message = randomMessage(random);
      const bytes = encodeMessage(message);
      assert.deepEqual(parsed(parse, bytes), message);
      assert.deepEqual(parsed(parseMessage, bytes), message);
    }
  });

  it("6,000 mutated messages: what ours refuses the library refuses too, but for its known leniencies", () => {
    const random = createSeededRandom(3);
    const seen = new Set<string>();
    for (let i = 0; i < 6000; i++) {
      const bytes = mutated(random);
      const ours = parsed(parseMessage, bytes);
      const theirs = libraryTakes(bytes);
      if (typeof ours !== "string") assert.isTrue(theirs, `the library refuses ${toHex(bytes)}`);
      else if (theirs) {
        assert.isTrue(LENIENT.has(ours), `the library takes ${toHex(bytes)}: ${ours}`);
        seen.add(ours);
      }
    }
    assert.sameMembers([...seen], [...LENIENT], "each leniency is still there");
  });

  it("6,000 mutated messages: the checks round the library make it as strict as ours", () => {
    const random = createSeededRandom(4);
    const { parse } = createCoapPacketCodec();
    for (let i = 0; i < 6000; i++) {
      const bytes = mutated(random);
      const ours = parsed(parseMessage, bytes);
      const theirs = parsed(parse, bytes);
      assert.equal(typeof theirs, typeof ours, `${toHex(bytes)}: ours ${JSON.stringify(ours)}`);
      if (typeof ours !== "string") assert.deepEqual(theirs, ours);
    }
  });
});
