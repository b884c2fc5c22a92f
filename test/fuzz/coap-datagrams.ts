/** Datagrams that a hostile, broken or unlucky peer may send: random bytes, and messages that are nearly right. */

import type { Random } from "@mooring/core/internal/base/random.ts";
import { type CoapOption, encodeMessage, type MessageType } from "@mooring/core/internal/coap/message.ts";
import { OPTION_DEFINITIONS, OPTIONS } from "@mooring/core/internal/coap/options.ts";
import { encodeUint } from "@mooring/core/internal/coap/write-message.ts";

/** A message that the host sent and may still want an answer to. */
export interface Live {
  readonly messageId: number;
  readonly token: Uint8Array;
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(from.length)]!;

const PATHS = ["rd", "dp", "bs", "3", "large", "slow", "fail"].map(path => new TextEncoder().encode(path));
const CODES = [1, 2, 3, 4, 5, 6, 7, 65, 68, 69, 69, 69, 95, 95, 128, 132, 136, 141, 160, 163, 0];

/** Block options mostly near the beginning, so that transfers really advance, and sometimes anywhere. */
function randomBlock(random: Random): Uint8Array {
  const kind = random.fraction();
  if (kind < 0.05) return random.bytes(random.int(6));
  const num = kind < 0.8 ? random.int(4) : random.int(2 ** 20);
  return encodeUint(num * 16 + (random.fraction() < 0.6 ? 8 : 0) + (random.fraction() < 0.7 ? 6 : random.int(8)));
}

function randomOption(random: Random): CoapOption {
  const kind = random.fraction();
  if (kind < 0.25) return { number: OPTIONS.URI_PATH, value: pick(random, PATHS) };
  if (kind < 0.4) return { number: OPTIONS.BLOCK1, value: randomBlock(random) };
  if (kind < 0.55) return { number: OPTIONS.BLOCK2, value: randomBlock(random) };
  if (kind < 0.7) return { number: OPTIONS.OBSERVE, value: encodeUint(random.int(2 ** 24)) };
  if (kind < 0.75) return { number: random.int(65_536), value: random.bytes(random.int(300)) };
  const { number, minBytes, maxBytes } = pick(random, OPTION_DEFINITIONS);
  const length = random.fraction() < 0.1 ? maxBytes + 1 : minBytes + random.int(Math.min(maxBytes, 16) - minBytes + 1);
  return { number, value: random.bytes(length) };
}

const PAYLOAD_BYTES = [0, 0, 1, 16, 17, 64, 500, 1024, 1024, 1024, 1025];

/** A well-formed message; with the identifiers of a live one where there is one. */
function structured(random: Random, live: Live | undefined): Uint8Array {
  const code = pick(random, CODES);
  const sameId = live && random.fraction() < 0.7;
  const sameToken = live && random.fraction() < 0.8;
  const empty = code === 0;
  const options = Array.from({ length: empty ? 0 : random.int(5) }, () => randomOption(random));
  return encodeMessage({
    type: random.int(4) as MessageType,
    code,
    messageId: sameId ? live.messageId : random.int(65_536),
    token: empty ? new Uint8Array(0) : sameToken ? live.token : random.bytes(random.int(9)),
    options: options.sort((a, b) => a.number - b.number),
    payload: empty ? new Uint8Array(0) : random.bytes(pick(random, PAYLOAD_BYTES)),
  });
}

function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  let changed = bytes;
  for (let changes = 1 + random.int(3); changes > 0; changes--) {
    const kind = random.fraction();
    if (kind < 0.3) changed = changed.slice(0, random.int(changed.length + 1));
    else if (kind < 0.4) changed = Uint8Array.from([...changed, ...random.bytes(random.int(8))]);
    else if (changed.length > 0) changed[random.int(Math.min(changed.length, 32))] = random.int(256);
  }
  return changed;
}

/** 20 % random bytes; of the others two in five are changed after they were made. */
export function randomDatagram(random: Random, live: Live | undefined): Uint8Array {
  if (random.fraction() < 0.2) return random.bytes(random.int(random.fraction() < 0.1 ? 1500 : 40));
  const bytes = structured(random, live);
  return random.fraction() < 0.4 ? mutate(random, bytes) : bytes;
}
