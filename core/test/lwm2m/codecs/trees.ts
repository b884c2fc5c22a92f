/** Random typed values and trees of object 3442 (models.ts), which has a single and a multiple resource of every type. */
import type { Random } from "../../../src/base/random.ts";
import { exactInteger } from "../../../src/lwm2m/codecs/scalar.ts";
import type { Lwm2mPath } from "../../../src/lwm2m/path.ts";
import {
  RESOURCE_TYPES,
  type ResourceType,
  type ResourceValue,
  type ScalarValue,
} from "../../../src/lwm2m/resource-value.ts";

const pick = <T>(list: readonly T[], random: Random): T => list[random.int(list.length)]!;

const TEXTS = ["", "Mooring", "Grüße, 世界 🚢", 'a "quoted" \\ text\n', "0", "true", "\0\u0001", "x".repeat(300)];
const SIGNED = [
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
const UNSIGNED = [0n, 255n, 256n, 65536n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const TIMES = [0, 1367491215, 4_102_444_800, -1];
const FLOATS = [0, 0.1, -2.5, 21, 1e-9, 1.7976931348623157e308, 5e-324, 3.4028234663852886e38, 123456.789];
const IDS = [0, 1, 255, 256, 65534];

const randomBits = (random: Random): DataView => new DataView(random.bytes(8).slice().buffer);

function randomText(random: Random): string {
  if (random.int(2) === 0) return pick(TEXTS, random);
  return String.fromCodePoint(...Array.from({ length: random.int(20) }, () => random.int(0xd800)));
}

/** Half of them anywhere in 1 to 64 bits. */
function randomInteger(edges: readonly bigint[], signed: boolean, random: Random): number | bigint {
  if (random.int(2) === 0) return exactInteger(pick(edges, random));
  const bits = randomBits(random);
  const shift = BigInt(random.int(64));
  return exactInteger(signed ? bits.getBigInt64(0) >> shift : bits.getBigUint64(0) >> shift);
}

function randomFloat(random: Random): number {
  const value = randomBits(random).getFloat64(0);
  return random.int(2) === 0 || !Number.isFinite(value) ? pick(FLOATS, random) : value;
}

function randomScalar(type: ResourceType, random: Random): ScalarValue {
  switch (type) {
    case "STRING":
      return randomText(random);
    case "CORELINK":
      return pick(["</43/0>,</33/1>", '</3/0>;title="a, b"', ""], random);
    case "INTEGER":
      return randomInteger([...SIGNED, -(2n ** 63n)], true, random);
    case "UNSIGNED_INTEGER":
      return randomInteger(UNSIGNED, false, random);
    case "TIME":
      return random.int(2) === 0 ? pick(TIMES, random) : random.int(2 ** 31);
    case "FLOAT":
      return randomFloat(random);
    case "BOOLEAN":
      return random.int(2) === 1;
    case "OPAQUE":
      return random.bytes(random.int(300));
    case "OBJECTLINK":
      return { objectId: random.int(65536), instanceId: random.int(65536) };
  }
}

/** Of the single resources; the multiple ones are 1000 further on. */
export const RESOURCE_IDS: Readonly<Record<ResourceType, number>> = {
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

/** One value of the type at a single resource. */
export function randomValue(type: ResourceType, instance: number, random: Random): ResourceValue {
  return { path: [3442, instance, RESOURCE_IDS[type]], type, value: randomScalar(type, random) };
}

/** Values of the instances of one multiple resource. */
export function randomResource(type: ResourceType, instance: number, random: Random): ResourceValue[] {
  const ids = [...new Set(Array.from({ length: 1 + random.int(3) }, () => pick([...IDS, random.int(65535)], random)))];
  const resource: Lwm2mPath = [3442, instance, 1000 + RESOURCE_IDS[type]];
  return ids.map(id => ({ path: [...resource, id], type, value: randomScalar(type, random) }));
}

/** Values of some single and multiple resources of one instance. */
export function randomInstance(instance: number, random: Random): ResourceValue[] {
  return RESOURCE_TYPES.flatMap(type => {
    if (random.int(3) === 0) return [];
    return random.int(2) === 0 ? [randomValue(type, instance, random)] : randomResource(type, instance, random);
  });
}

/** Some instances, of which none need hold anything. */
export function randomObject(random: Random): ResourceValue[] {
  const instances = [...new Set(Array.from({ length: 1 + random.int(3) }, () => pick(IDS, random)))];
  return instances.flatMap(instance => randomInstance(instance, random));
}
