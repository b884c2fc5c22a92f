import { assert } from "chai";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { tlvCodec } from "../../../src/lwm2m/codecs/tlv.ts";
import { readTlvs, writeTlv } from "../../../src/lwm2m/codecs/tlv-wire.ts";
import type { Lwm2mPath } from "../../../src/lwm2m/path.ts";
import type { ResourceType, ResourceValue, ScalarValue } from "../../../src/lwm2m/resource-value.ts";
import { contextOf, DEVICE_ROWS, exampleModels, modelsOf, type Row, resourceValue } from "./models.ts";
import { assertFails, assertSurvivesMutation, truncations } from "./robust.ts";
import { randomInstance } from "./trees.ts";

interface Vector {
  readonly source: string;
  readonly name: string;
  readonly path: Lwm2mPath;
  readonly hex: string;
  readonly values: readonly Row[];
}

const DEVICE_HEX = `c800144f70656e204d6f62696c6520416c6c69616e6365c801164c69676874776569676874204d324d20436c69656e74
  c80209333435303030313233c303312e30860641000141010588070842000ed842011388870841007d42010384c10964c10a0f830b410000
  c40d5182428fc60e2b30323a3030c11055`.replace(/\s/g, "");

const VECTORS: readonly Vector[] = [
  {
    source: "LwM2M TS 1.0.2 §6.4.3.1",
    name: "single object instance",
    path: [3, 0],
    hex: DEVICE_HEX,
    values: DEVICE_ROWS,
  },
  {
    source: "LwM2M TS 1.0.2 §6.4.3.2",
    name: "object with its one instance wrapped",
    path: [3],
    hex: `080079${DEVICE_HEX}`,
    values: DEVICE_ROWS,
  },
  {
    source: "LwM2M TS 1.0.2 §6.4.3.2",
    name: "two instances of Access Control",
    path: [2],
    hex: "08000ec10001c101008302417f07c1037f080212c10003c101008702417f0761013601c1037f",
    values: [
      [[2, 0, 0], "INTEGER", 1],
      [[2, 0, 1], "INTEGER", 0],
      [[2, 0, 2, 127], "INTEGER", 7],
      [[2, 0, 3], "INTEGER", 127],
      [[2, 2, 0], "INTEGER", 3],
      [[2, 2, 1], "INTEGER", 0],
      [[2, 2, 2, 127], "INTEGER", 7],
      [[2, 2, 2, 310], "INTEGER", 1],
      [[2, 2, 3], "INTEGER", 127],
    ],
  },
  {
    source: "LwM2M TS 1.0.2 §6.4.3.2",
    name: "one instance of Server",
    path: [1],
    hex: "08000fc10001c40100015180c10601c10755",
    values: [
      [[1, 0, 0], "INTEGER", 1],
      [[1, 0, 1], "INTEGER", 86400],
      [[1, 0, 6], "BOOLEAN", true],
      [[1, 0, 7], "STRING", "U"],
    ],
  },
  {
    source: "LwM2M TS 1.0.2 §6.4.3.3",
    name: "object links in a multiple resource",
    path: [65, 0],
    hex: "88000c440000420000440100420001c8010d38363133383030373535353030c40212345678",
    values: [
      [[65, 0, 0, 0], "OBJECTLINK", { objectId: 66, instanceId: 0 }],
      [[65, 0, 0, 1], "OBJECTLINK", { objectId: 66, instanceId: 1 }],
      [[65, 0, 1], "STRING", "8613800755500"],
      [[65, 0, 2], "INTEGER", 0x12345678],
    ],
  },
  {
    source: "LwM2M TS 1.0.2 §6.4.3.3",
    name: "object links in two instances, one of them null",
    path: [66],
    hex: `080026c8000b6d79536572766963652031c8010f496e7465726e65742e31352e323334c40200430000
      080126c8000b6d79536572766963652032c8010f496e7465726e65742e31352e323335c402ffffffff`.replace(/\s/g, ""),
    values: [
      [[66, 0, 0], "STRING", "myService 1"],
      [[66, 0, 1], "STRING", "Internet.15.234"],
      [[66, 0, 2], "OBJECTLINK", { objectId: 67, instanceId: 0 }],
      [[66, 1, 0], "STRING", "myService 2"],
      [[66, 1, 1], "STRING", "Internet.15.235"],
      [[66, 1, 2], "OBJECTLINK", { objectId: 65535, instanceId: 65535 }],
    ],
  },
];

const valuesOf = (rows: readonly Row[]): ResourceValue[] => rows.map(row => resourceValue(...row));
const decode = (hex: string, path: Lwm2mPath, models = exampleModels): ResourceValue[] =>
  tlvCodec.decode(fromHex(hex), contextOf(path, models));
const encode = (rows: readonly Row[], path: Lwm2mPath): string =>
  toHex(tlvCodec.encode(valuesOf(rows), contextOf(path)));

describe("lwm2m/codecs/tlv", () => {
  for (const vector of VECTORS) {
    it(`${vector.source} ${vector.name}: decodes`, () =>
      assert.deepEqual(decode(vector.hex, vector.path), valuesOf(vector.values)));
    it(`${vector.source} ${vector.name}: encodes back`, () =>
      assert.equal(encode(vector.values, vector.path), vector.hex));
  }

  describe("request levels (Core 1.1.1 §7.4.5)", () => {
    it("a resource", () => assert.deepEqual(decode("c10964", [3, 0, 9]), valuesOf([[[3, 0, 9], "INTEGER", 100]])));
    it("a multiple resource, wrapped or as bare instances", () => {
      const expected = valuesOf([
        [[3, 0, 6, 0], "INTEGER", 1],
        [[3, 0, 6, 1], "INTEGER", 5],
      ]);
      assert.deepEqual(decode("8606410001410105", [3, 0, 6]), expected);
      assert.deepEqual(decode("410001410105", [3, 0, 6]), expected);
    });
    it("a resource instance, wrapped or bare", () => {
      const expected = valuesOf([[[3, 0, 6, 1], "INTEGER", 5]]);
      assert.deepEqual(decode("8306410105", [3, 0, 6, 1]), expected);
      assert.deepEqual(decode("410105", [3, 0, 6, 1]), expected);
    });
    it("resources of a single-instance object without the instance round them", () =>
      assert.deepEqual(decode("c10964", [3]), valuesOf([[[3, 0, 9], "INTEGER", 100]])));
    it("resources of an unknown object without the instance round them", () =>
      assert.deepEqual(decode("c10101", [10234]), valuesOf([[[10234, 0, 1], "OPAQUE", Uint8Array.of(1)]])));
    it("an instance or resource path whose answer is wrapped in the object instance", () => {
      assert.deepEqual(decode("080003c10964", [3, 0]), valuesOf([[[3, 0, 9], "INTEGER", 100]]));
      assert.deepEqual(decode("080003c10964", [3, 0, 9]), valuesOf([[[3, 0, 9], "INTEGER", 100]]));
    });
    it("an object without instances and an instance without resources hold nothing", () => {
      assert.deepEqual(decode("", [3303]), []);
      assert.deepEqual(decode("080000", [3303]), []);
    });
    it("writes a resource instance bare and an empty multiple resource", () => {
      assert.equal(encode([[[3, 0, 6, 1], "INTEGER", 5]], [3, 0, 6, 1]), "410105");
      assert.equal(encode([], [3, 0, 6]), "8006");
      assert.equal(encode([], [3, 0]), "");
    });
  });

  describe("data types (TS 1.0.2 appendix C)", () => {
    const at = (type: ResourceType) => modelsOf({ 9: { resources: { 1: type } } });
    const read = (type: ResourceType, hex: string): ScalarValue =>
      tlvCodec.decode(writeTlv("resource", 1, fromHex(hex)), contextOf([9, 0, 1], at(type)))[0]!.value;

    for (const [type, hex, value] of [
      ["INTEGER", "ff", -1],
      ["INTEGER", "8000", -32768],
      ["INTEGER", "80000000", -(2 ** 31)],
      ["INTEGER", "001fffffffffffff", Number.MAX_SAFE_INTEGER],
      ["INTEGER", "0020000000000000", 2n ** 53n],
      ["INTEGER", "8000000000000000", -(2n ** 63n)],
      ["UNSIGNED_INTEGER", "ff", 255],
      ["UNSIGNED_INTEGER", "ffff", 65535],
      ["UNSIGNED_INTEGER", "ffffffff", 2 ** 32 - 1],
      ["UNSIGNED_INTEGER", "ffffffffffffffff", 2n ** 64n - 1n],
      ["TIME", "5182428f", 1367491215],
      ["FLOAT", "c0900000", -4.5],
      ["FLOAT", "3fb999999999999a", 0.1],
      ["BOOLEAN", "00", false],
      ["BOOLEAN", "01", true],
      ["STRING", "", ""],
      ["CORELINK", "3c2f333e", "</3>"],
    ] as const) {
      it(`${type} ${hex || "(empty)"}`, () => assert.deepEqual(read(type, hex), value));
    }

    for (const [type, hex] of [
      ["INTEGER", ""],
      ["INTEGER", "000001"],
      ["UNSIGNED_INTEGER", "0000000000"],
      ["TIME", "000102030405"],
      ["FLOAT", "000000"],
      ["FLOAT", "0000"],
      ["BOOLEAN", "02"],
      ["BOOLEAN", "0001"],
      ["STRING", "ff"],
      ["OBJECTLINK", "000000"],
    ] as const) {
      it(`refuses ${type} of "${hex}" and names the resource`, () =>
        assertFails("TLV_INVALID", () => read(type, hex), "/9/0/1"));
    }

    it("a float of three bytes beside a good resource fails the payload as a whole", () =>
      assertFails("TLV_INVALID", () => decode("08000ce3164543656ce31644000000", [3303]), "/3303/0/5700"));
    it("a resource that no model knows is OPAQUE", () =>
      assert.deepEqual(decode("c23f0102", [3, 0, 63]), valuesOf([[[3, 0, 63], "OPAQUE", Uint8Array.of(1, 2)]])));
    it("floats go out in four bytes where that loses nothing", () => {
      assert.equal(encode([[[3303, 0, 5700], "FLOAT", 21.5]], [3303, 0, 5700]), "e4164441ac0000");
      assert.equal(encode([[[3303, 0, 5700], "FLOAT", 0.1]], [3303, 0, 5700]), "e81644083fb999999999999a");
    });
  });

  describe("refuses", () => {
    it("what lies outside the requested path", () => {
      assertFails("TLV_INVALID", () => decode("c10964", [3, 0, 10]), "/3/0/9");
      assertFails("TLV_INVALID", () => decode("080103c10964", [3, 0]), "/3/1/9");
    });
    it("unwrapped resources of an object that may have several instances", () =>
      assertFails("TLV_INVALID", () => decode("c10001", [2]), "/2"));
    it("kinds in the wrong place", () => {
      assertFails("TLV_INVALID", () => decode("410001", [3, 0]), /outside a resource/);
      assertFails("TLV_INVALID", () => decode("8303c10001", [3, 0]), /kind resource in place/);
      assertFails("TLV_INVALID", () => decode("0800020000", [3]), /kind objectInstance/);
    });
    it("an identifier twice on one level", () =>
      assertFails("TLV_INVALID", () => decode("c10901c10902", [3, 0]), /twice/));
    it("a payload for the root", () => assertFails("TLV_INVALID", () => decode("c10901", [])));
    it("a length past the end before anything is read", () =>
      assertFails("TLV_INVALID", () => decode("d809ffffff00", [3, 0]), /runs past/));
    it("values that are not of their type, outside the path, or given twice (VALUE_TYPE)", () => {
      assertFails("VALUE_TYPE", () => encode([[[3, 0, 9], "INTEGER", "100"]], [3, 0]), "/3/0/9");
      assertFails("VALUE_TYPE", () => encode([[[3, 0, 9], "INTEGER", 1.5]], [3, 0]), "/3/0/9");
      assertFails("VALUE_TYPE", () => encode([[[3, 0, 9], "INTEGER", 2n ** 63n]], [3, 0]), "/3/0/9");
      assertFails("VALUE_TYPE", () => encode([[[3, 1, 9], "INTEGER", 1]], [3, 0]), "/3/1/9");
      assertFails("VALUE_TYPE", () => encode([[[3, 0], "INTEGER", 1]], [3, 0]), "/3/0");
      const twice: Row = [[3, 0, 9], "INTEGER", 1];
      assertFails("VALUE_TYPE", () => encode([twice, twice], [3, 0]), /more than once/);
      assertFails("VALUE_TYPE", () =>
        encode(
          [
            [[3, 0, 6, 1], "INTEGER", 1],
            [[3, 0, 6], "INTEGER", 1],
          ],
          [3, 0],
        ),
      );
    });
    it("several objects (CONTENT_FORMAT_UNSUPPORTED)", () =>
      assertFails("CONTENT_FORMAT_UNSUPPORTED", () => encode([[[3, 0, 9], "INTEGER", 1]], [])));
  });

  it("headers: identifiers of one and two bytes, lengths of none to three bytes", () => {
    for (const length of [0, 7, 8, 255, 256, 65535, 65536]) {
      for (const id of [0, 255, 256, 65535]) {
        const [tlv, ...more] = readTlvs(writeTlv("resource", id, new Uint8Array(length)));
        assert.deepEqual([tlv?.kind, tlv?.id, tlv?.content.length, more.length], ["resource", id, length, 0]);
      }
    }
    assertFails("VALUE_TYPE", () => writeTlv("resource", 1, new Uint8Array(2 ** 24)));
  });

  it("truncated at any byte: decodes only where a TLV ends", () => {
    const payload = fromHex(DEVICE_HEX);
    const ends = new Set([0]);
    let at = 0;
    for (const { content } of readTlvs(payload)) {
      at = content.byteOffset - payload.byteOffset + content.length;
      ends.add(at);
    }
    ends.delete(payload.length);
    assert.deepEqual(
      truncations(bytes => tlvCodec.decode(bytes, contextOf([3, 0])), payload),
      [...ends],
    );
  });

  it("mutated payloads end in values or in an error of ours", () => {
    for (const { path } of VECTORS) {
      const payloads = VECTORS.map(vector => fromHex(vector.hex));
      assertSurvivesMutation(bytes => tlvCodec.decode(bytes, contextOf(path)), payloads, 300);
    }
  });

  it("nesting does not go deeper than the object tree, whatever the payload says", () => {
    let bomb = concatBytes([]);
    for (let depth = 0; depth < 2000; depth++) bomb = writeTlv("objectInstance", 0, bomb);
    assertFails("TLV_INVALID", () => tlvCodec.decode(bomb, contextOf([3])));
  });

  it("random typed trees come back as they went", () => {
    const random = createSeededRandom(2);
    for (let round = 0; round < 200; round++) {
      const one = randomInstance(0, random);
      const two = [...one, ...randomInstance(7, random)];
      for (const [values, path] of [
        [one, [3442, 0]],
        [two, [3442]],
      ] as const) {
        assert.deepEqual(tlvCodec.decode(tlvCodec.encode(values, contextOf(path)), contextOf(path)), values);
      }
    }
  });
});
