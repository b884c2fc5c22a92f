/** What holds for all formats of values alike: they say the same, give it back, and meet bytes from outside with our own errors only. */
import { assert } from "chai";
import { createSeededRandom } from "../../../src/base/random.ts";
import { CONTENT_FORMAT } from "../../../src/lwm2m/codecs/codec.ts";
import { codecFor } from "../../../src/lwm2m/codecs/codec-table.ts";
import { formatPath, type Lwm2mPath } from "../../../src/lwm2m/path.ts";
import { RESOURCE_TYPES, type ResourceValue } from "../../../src/lwm2m/resource-value.ts";
import { contextOf, resourceValue } from "./models.ts";
import { assertSurvivesEveryByte, assertSurvivesMutation, truncations } from "./robust.ts";
import { randomInstance, randomObject, randomResource, randomValue } from "./trees.ts";

type Format = keyof typeof CONTENT_FORMAT;

/** Formats of several values, and whether they can hold several objects. */
const STRUCTURED: readonly (readonly [name: Format, severalObjects: boolean])[] = [
  ["TLV", false],
  ["OLD_TLV", false],
  ["JSON", false],
  ["OLD_JSON", false],
  ["SENML_JSON", true],
  ["SENML_CBOR", true],
  ["LWM2M_CBOR", true],
];

const encode = (format: Format, values: readonly ResourceValue[], path: Lwm2mPath): Uint8Array =>
  codecFor(CONTENT_FORMAT[format]).encode(values, contextOf(path));
const decode = (format: Format, payload: Uint8Array, path: Lwm2mPath): ResourceValue[] =>
  codecFor(CONTENT_FORMAT[format]).decode(payload, contextOf(path));

function assertComesBack(format: Format, values: readonly ResourceValue[], path: Lwm2mPath): void {
  const back = decode(format, encode(format, values, path), path);
  assert.deepEqual(back, values, `${format} at ${formatPath(path)}`);
}

describe("lwm2m/codecs: all formats", () => {
  for (const [format, severalObjects] of STRUCTURED) {
    it(`${format}: random typed trees come back as they went, at every level`, () => {
      const random = createSeededRandom(11);
      for (let round = 0; round < 60; round++) {
        const object = randomObject(random);
        if (object.length > 0) assertComesBack(format, object, [3442]);
        const instance = randomInstance(7, random);
        if (instance.length > 0) assertComesBack(format, instance, [3442, 7]);
        for (const type of RESOURCE_TYPES) {
          const single = randomValue(type, 0, random);
          assertComesBack(format, [single], single.path);
          const several = randomResource(type, 0, random);
          assertComesBack(format, several, several[0]!.path.slice(0, 3));
          assertComesBack(format, several.slice(0, 1), several[0]!.path);
        }
        if (severalObjects) {
          const [other] = [resourceValue([3303, 0, 5700], "FLOAT", round / 3)];
          assertComesBack(format, [...object, other], []);
        }
      }
    });
  }

  for (const [format, types] of [
    ["TEXT", RESOURCE_TYPES],
    ["CBOR", RESOURCE_TYPES],
    ["OPAQUE", ["OPAQUE"]],
  ] as const) {
    it(`${format}: values of every type it can say come back, at a resource and at a resource instance`, () => {
      const random = createSeededRandom(12);
      for (let round = 0; round < 100; round++) {
        for (const type of types) {
          const single = randomValue(type, 0, random);
          assertComesBack(format, [single], single.path);
          const [instance] = randomResource(type, 0, random);
          assertComesBack(format, [instance!], instance!.path);
        }
      }
    });
  }

  it("the same tree is the same values in every format", () => {
    const random = createSeededRandom(13);
    for (let round = 0; round < 100; round++) {
      const values = randomInstance(3, random);
      if (values.length === 0) continue;
      const [first, ...others] = STRUCTURED.map(([format]) =>
        decode(format, encode(format, values, [3442, 3]), [3442, 3]),
      );
      for (const other of others) assert.deepEqual(other, first);
      const [one] = values;
      for (const format of ["TEXT", "CBOR"] as const) {
        assert.deepEqual(decode(format, encode(format, [one!], one!.path), one!.path), [one!]);
      }
    }
  });

  describe("bytes from outside", () => {
    const random = createSeededRandom(14);
    const tree = RESOURCE_TYPES.flatMap(type => [
      { ...randomValue(type, 0, random), ...(type === "OPAQUE" && { value: random.bytes(9) }) },
      ...randomResource(type, 0, random).slice(0, 2),
    ]).filter(
      ({ value }) =>
        !(typeof value === "string" && value.length > 40) && !(value instanceof Uint8Array && value.length > 40),
    );
    const single = resourceValue([3442, 0, 110], "STRING", "Grüße 🚢");

    for (const [format] of STRUCTURED.filter(([name]) => !name.startsWith("OLD"))) {
      const payload = encode(format, tree, [3442, 0]);
      const read = (bytes: Uint8Array) => decode(format, bytes, [3442, 0]);
      it(`${format}: every byte replaced by others`, () => {
        const decoded = assertSurvivesEveryByte(read, payload);
        assert.isAbove(decoded, 0, "none of them is read: nothing but the frame was tried");
      });
      it(`${format}: cut at every byte`, () => {
        const whole = truncations(read, payload);
        // TLV is a sequence: where one ends, the payload may. All others are one structure.
        if (format !== "TLV") assert.deepEqual(whole, []);
      });
      it(`${format}: changed, longer, shorter, noise`, () => assertSurvivesMutation(read, [payload], 1000));
      it(`${format}: at the root`, () => assertSurvivesMutation(bytes => decode(format, bytes, []), [payload], 500));
    }
    for (const format of ["TEXT", "CBOR", "OPAQUE"] as const) {
      for (const type of RESOURCE_TYPES) {
        const value = randomValue(type, 0, createSeededRandom(15));
        const read = (bytes: Uint8Array) => decode(format, bytes, value.path);
        const payload =
          format === "OPAQUE" ? encode("TEXT", [single], single.path) : encode(format, [value], value.path);
        it(`${format} of ${type}: every byte replaced, cut, changed`, () => {
          assertSurvivesEveryByte(read, payload);
          truncations(read, payload);
          assertSurvivesMutation(read, [payload], 300);
        });
      }
    }
  });
});
