/** One value, whatever it was written in, becomes the same documents: codecs and mapping together. */
import { assert } from "chai";
import { createSeededRandom } from "../../src/base/random.ts";
import { CONTENT_FORMAT } from "../../src/lwm2m/codecs/codec.ts";
import { codecFor } from "../../src/lwm2m/codecs/codec-table.ts";
import type { Lwm2mPath } from "../../src/lwm2m/path.ts";
import type { ResourceValue } from "../../src/lwm2m/resource-value.ts";
import { contextOf, resourceValue } from "../lwm2m/codecs/models.ts";
import { RESOURCE_IDS, randomInstance } from "../lwm2m/codecs/trees.ts";
import { map, ofKind, protocol } from "./support.ts";

const { TEXT, CBOR, SENML_JSON, SENML_CBOR, LWM2M_CBOR, TLV, JSON: LWM2M_JSON } = CONTENT_FORMAT;
const STRUCTURED = [TLV, LWM2M_JSON, SENML_JSON, SENML_CBOR, LWM2M_CBOR];

const RESOURCES = Object.values(RESOURCE_IDS).flatMap(id => [id, 1000 + id]);
/** Every resource of object 3442 becomes a measurement and an event. */
const mapped = protocol(
  3442,
  Object.fromEntries(
    RESOURCES.map(id => [
      id,
      { measurementCreation: { type: `t${id}`, series: "s" }, eventCreation: { type: `e${id}`, text: "seen" } },
    ]),
  ),
  Object.fromEntries(RESOURCES.map(id => [id, "m"])),
);

const through = (format: number, values: readonly ResourceValue[], path: Lwm2mPath): ResourceValue[] =>
  codecFor(format).decode(codecFor(format).encode(values, contextOf(path)), contextOf(path));
const effectsOf = (values: readonly ResourceValue[], requestPath: Lwm2mPath) =>
  map({ protocols: [mapped] }, values, { requestPath, fullRead: true }).effects;

describe("mapping of values read in every format", () => {
  for (const [type, value, measured] of [
    ["STRING", "0x10", 16],
    ["INTEGER", -(2n ** 63n), undefined],
    ["INTEGER", -5, -5],
    ["UNSIGNED_INTEGER", 2n ** 64n - 1n, undefined],
    ["UNSIGNED_INTEGER", 4_294_967_295, 4_294_967_295],
    ["FLOAT", 21.3, 21.3],
    ["FLOAT", 5e-324, 5e-324],
    ["BOOLEAN", true, 1],
    ["TIME", 1367491215, 1367491215],
    ["OBJECTLINK", { objectId: 3, instanceId: 0 }, undefined],
    ["CORELINK", "</3/0>", undefined],
    ["OPAQUE", Uint8Array.of(1, 2, 255), undefined],
  ] as const) {
    it(`${type} ${JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part))}`, () => {
      const path = [3442, 0, RESOURCE_IDS[type]];
      const values = [resourceValue(path, type, value)];
      const expected = effectsOf(values, path);
      for (const format of [...STRUCTURED, TEXT, CBOR]) {
        assert.deepEqual(effectsOf(through(format, values, path), path), expected, String(format));
      }
      if (measured === undefined) return;
      const [made] = ofKind(map({ protocols: [mapped] }, values, { requestPath: path }), "measurement");
      assert.deepEqual<unknown>(made?.series, { [`t${path[2]}`]: { s: { value: measured, unit: "m" } } });
    });
  }

  it("random instances with resources of every type", () => {
    const random = createSeededRandom(21);
    for (let round = 0; round < 100; round++) {
      const values = randomInstance(0, random);
      if (values.length === 0) continue;
      const expected = effectsOf(values, [3442, 0]);
      for (const format of STRUCTURED) {
        assert.deepEqual(effectsOf(through(format, values, [3442, 0]), [3442, 0]), expected, String(format));
      }
    }
  });
});
