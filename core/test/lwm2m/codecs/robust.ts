/** What every decoder owes bytes from outside. */
import { assert } from "chai";
import type { FailureCode } from "../../../src/base/errors.ts";
import { isFailure } from "../../../src/base/errors.ts";
import { createSeededRandom, type Random } from "../../../src/base/random.ts";

type Decode = (payload: Uint8Array) => unknown;

export function assertFails(code: FailureCode, run: () => unknown, text?: string | RegExp): void {
  try {
    run();
  } catch (error) {
    assert.isTrue(isFailure(error), `not an error of ours: ${String(error)}`);
    if (!isFailure(error)) return;
    assert.equal(error.code, code, error.message);
    if (text) assert.match(error.message, text instanceof RegExp ? text : new RegExp(text.replace(/[/.]/g, "\\$&")));
    return;
  }
  assert.fail(`expected ${code}`);
}

/** Decodes or fails with one of our errors; nothing else may come out. */
function assertClean(decode: Decode, payload: Uint8Array): boolean {
  try {
    decode(payload);
    return true;
  } catch (error) {
    if (!isFailure(error)) throw error;
    return false;
  }
}

/** Cuts the payload at every length short of its own. @returns lengths at which it still decodes */
export function truncations(decode: Decode, payload: Uint8Array): number[] {
  return Array.from({ length: payload.length }, (_, length) => length).filter(length =>
    assertClean(decode, payload.subarray(0, length)),
  );
}

function mutated(payload: Uint8Array, random: Random): Uint8Array {
  const bytes = [...payload];
  for (let changes = 1 + random.int(3); changes > 0; changes--) {
    const at = random.int(bytes.length + 1);
    const kind = random.int(3);
    if (kind === 0) bytes.splice(at, 0, random.int(256));
    else if (kind === 1) bytes.splice(at, 1);
    else if (bytes.length > 0) bytes[at % bytes.length] = random.int(256);
  }
  return Uint8Array.from(bytes);
}

/** Bytes that stand in the place of each byte in turn: the ends of ranges, and each of its bits turned. */
const STRANGERS = [0x00, 0x01, 0x7f, 0x80, 0xff];

/** Replaces every byte by each of thirteen others. @returns how many of them still decode */
export function assertSurvivesEveryByte(decode: Decode, payload: Uint8Array): number {
  let decoded = 0;
  const bytes = payload.slice();
  for (const [at, byte] of payload.entries()) {
    const turned = Array.from({ length: 8 }, (_, bit) => byte ^ (1 << bit));
    for (const stranger of [...STRANGERS, ...turned]) {
      bytes[at] = stranger;
      if (assertClean(decode, bytes)) decoded++;
    }
    bytes[at] = byte;
  }
  return decoded;
}

/** Changes, inserts and drops bytes at random, and feeds noise. */
export function assertSurvivesMutation(decode: Decode, payloads: readonly Uint8Array[], rounds = 2000): void {
  const random = createSeededRandom(1);
  for (let round = 0; round < rounds; round++) {
    assertClean(decode, mutated(payloads[round % payloads.length]!, random));
    assertClean(decode, random.bytes(random.int(64)));
  }
}
