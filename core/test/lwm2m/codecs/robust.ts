/** What every decoder owes bytes from outside, and random values for round trips. */
import { assert } from "chai";
import type { FailureCode } from "../../../src/base/errors.ts";
import { isFailure } from "../../../src/base/errors.ts";
import { createSeededRandom, type Random } from "../../../src/base/random.ts";
import type { Lwm2mPath } from "../../../src/lwm2m/path.ts";
import {
  RESOURCE_TYPES,
  type ResourceType,
  type ResourceValue,
  type ScalarValue,
} from "../../../src/lwm2m/resource-value.ts";

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

/** Changes, inserts and drops bytes at random, and feeds noise. */
export function assertSurvivesMutation(decode: Decode, payloads: readonly Uint8Array[], rounds = 2000): void {
  const random = createSeededRandom(1);
  for (let round = 0; round < rounds; round++) {
    assertClean(decode, mutated(payloads[round % payloads.length]!, random));
    assertClean(decode, random.bytes(random.int(64)));
  }
}

const texts = ["", "Mooring", "Grüße, 世界 🚢", 'a "quoted" \\ text\n', "0", "true"];
const INTEGERS = [
  0n,
  1n,
  -1n,
  127n,
  -128n,
  128n,
  32767n,
  -32769n,
  2n ** 31n,
  2n ** 53n,
  -(2n ** 53n) - 1n,
  2n ** 63n - 1n,
];
const pick = <T>(list: readonly T[], random: Random): T => list[random.int(list.length)]!;
const exact = (value: bigint): number | bigint =>
  BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;

function randomScalar(type: ResourceType, random: Random): ScalarValue {
  switch (type) {
    case "STRING":
      return pick(texts, random);
    case "CORELINK":
      return "</43/0>,</33/1>";
    case "INTEGER":
      return exact(pick([...INTEGERS, -(2n ** 63n)], random));
    case "UNSIGNED_INTEGER":
      return exact(pick([0n, 255n, 256n, 65536n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n], random));
    case "TIME":
      return pick([0, 1367491215, 4_102_444_800, -1], random);
    case "FLOAT":
      return pick([0, 0.1, -2.5, 21, 1e-9, 1.7976931348623157e308, 3.4028234663852886e38, 123456.789], random);
    case "BOOLEAN":
      return random.int(2) === 1;
    case "OPAQUE":
      return random.bytes(random.int(300));
    case "OBJECTLINK":
      return { objectId: random.int(65536), instanceId: random.int(65536) };
  }
}

const RESOURCE_IDS: Readonly<Record<ResourceType, number>> = {
  STRING: 110,
  INTEGER: 120,
  UNSIGNED_INTEGER: 125,
  FLOAT: 130,
  BOOLEAN: 140,
  OPAQUE: 150,
  TIME: 160,
  OBJECTLINK: 170,
  CORELINK: 180,
};

/** One value of the type at a single resource of object 3442 (models.ts). */
export function randomValue(type: ResourceType, instance: number, random: Random): ResourceValue {
  return { path: [3442, instance, RESOURCE_IDS[type]], type, value: randomScalar(type, random) };
}

/** Values of some single and multiple resources of one instance of object 3442. */
export function randomInstance(instance: number, random: Random): ResourceValue[] {
  return RESOURCE_TYPES.flatMap(type => {
    if (random.int(3) === 0) return [];
    if (random.int(2) === 0) return [randomValue(type, instance, random)];
    const ids = [...new Set(Array.from({ length: 1 + random.int(3) }, () => random.int(65535)))];
    const resource: Lwm2mPath = [3442, instance, 1000 + RESOURCE_IDS[type]];
    return ids.map(id => ({ path: [...resource, id], type, value: randomScalar(type, random) }));
  });
}
