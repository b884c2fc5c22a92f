/** Random messages that the format allows. */
import type { Random } from "../../../src/base/random.ts";
import type { CoapMessage, CoapOption, MessageType } from "../../../src/coap/message.ts";
import { OPTION_DEFINITIONS } from "../../../src/coap/options.ts";

const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(from.length)]!;

function randomOption(random: Random): CoapOption {
  if (random.fraction() < 0.2) return { number: random.int(65_536), value: random.bytes(random.int(20)) };
  const { number, minBytes, maxBytes } = pick(random, OPTION_DEFINITIONS);
  const longest = random.fraction() < 0.1 ? maxBytes : Math.min(maxBytes, 14);
  return { number, value: random.bytes(minBytes + random.int(longest - minBytes + 1)) };
}

export function randomMessage(random: Random): CoapMessage {
  const type = random.int(4) as MessageType;
  const messageId = random.int(65_536);
  if (random.fraction() < 0.05) {
    return { type, code: 0, messageId, token: new Uint8Array(0), options: [], payload: new Uint8Array(0) };
  }
  const options = Array.from({ length: random.int(7) }, () => randomOption(random));
  options.sort((a, b) => a.number - b.number);
  return {
    type,
    code: 1 + random.int(255),
    messageId,
    token: random.bytes(random.int(9)),
    options,
    payload: random.bytes(random.fraction() < 0.3 ? 0 : 1 + random.int(100)),
  };
}
