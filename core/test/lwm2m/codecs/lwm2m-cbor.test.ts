import { assert } from "chai";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { lwm2mCborCodec } from "../../../src/lwm2m/codecs/lwm2m-cbor.ts";
import { type Lwm2mPath, UNNUMBERED_INSTANCE } from "../../../src/lwm2m/path.ts";
import type { ResourceValue } from "../../../src/lwm2m/resource-value.ts";
import { contextOf, DEVICE_ROWS, type Row, resourceValue } from "./models.ts";
import { assertFails } from "./robust.ts";

const read = (hex: string, path: Lwm2mPath = []): ResourceValue[] =>
  lwm2mCborCodec.decode(fromHex(hex), contextOf(path));
const write = (values: readonly ResourceValue[], path: Lwm2mPath = []): string =>
  toHex(lwm2mCborCodec.encode(values, contextOf(path)));
const valuesOf = (rows: readonly Row[]): ResourceValue[] => rows.map(row => resourceValue(...row));

const OMA = "744f70656e204d6f62696c6520416c6c69616e6365";
const SERVERS: readonly Row[] = [
  [[1, 0, 0], "INTEGER", 101],
  [[1, 0, 1], "INTEGER", 86400],
  [[1, 0, 6], "BOOLEAN", true],
  [[1, 0, 7], "STRING", "U"],
  [[1, 1, 0], "INTEGER", 102],
  [[1, 1, 1], "INTEGER", 86400],
  [[1, 1, 6], "BOOLEAN", false],
  [[1, 1, 7], "STRING", "U"],
];
const ACCESS = (instance: number): readonly Row[] => [
  [[2, instance, 0], "INTEGER", 5],
  [[2, instance, 1], "INTEGER", 0],
  [[2, instance, 2, 102], "INTEGER", 0],
  [[2, instance, 3], "INTEGER", 101],
];

/** Examples of the standard; `back`: what is written for the values has the same bytes. */
const VECTORS: readonly { source: string; path: Lwm2mPath; hex: string; rows: readonly Row[]; back: boolean }[] = [
  {
    source: "§7.5.4.1 a resource",
    path: [3, 0, 0],
    hex: `a183030000${OMA}`,
    rows: DEVICE_ROWS.slice(0, 1),
    back: true,
  },
  {
    source: "§7.5.4.1 the same in maps",
    path: [3, 0, 0],
    hex: `a103a100a100${OMA}`,
    rows: DEVICE_ROWS.slice(0, 1),
    back: false,
  },
  {
    source: "§7.5.4.2 a multiple resource",
    path: [3, 0, 6],
    hex: "a183030006a200010105",
    rows: DEVICE_ROWS.slice(4, 6),
    back: true,
  },
  {
    source: "§7.5.4.3 an instance",
    path: [3, 0],
    hex:
      `a1820300ad00${OMA}01764c69676874776569676874204d324d20436c69656e7402693334353030303132330363312e3006a20001010507` +
      "a200190ed80119138808a200187d011903840918640a0f0ba100000d1a5182428f0e662b30323a3030106155",
    rows: DEVICE_ROWS,
    back: true,
  },
  {
    source: "§7.5.4.4 an object, shortened",
    path: [1],
    hex: "a101a200a4001865011a0001518006f507615501a4001866011a0001518006f4076155",
    rows: SERVERS,
    back: true,
  },
  {
    source: "§7.5.4.5 a composite answer",
    path: [],
    hex: `a2820300a200${OMA}091864830100011a00015180`,
    rows: [DEVICE_ROWS[0]!, DEVICE_ROWS[10]!, SERVERS[1]!],
    back: false,
  },
];

describe("lwm2m/codecs/lwm2m-cbor (LwM2M Core 1.2.2 §7.5.4)", () => {
  for (const { source, path, hex, rows, back } of VECTORS) {
    it(`${source}: decodes`, () => assert.deepEqual(read(hex, path), valuesOf(rows)));
    if (back) it(`${source}: encodes back`, () => assert.equal(write(valuesOf(rows), path), hex));
  }

  it("§7.5.4.6 Create: the instance's number, and none", () => {
    assert.equal(write(valuesOf(ACCESS(5)), [2]), "a102a105a40005010002a1186600031865");
    const unnumbered = valuesOf(ACCESS(UNNUMBERED_INSTANCE));
    assert.equal(write(unnumbered, [2]), "a102a119ffffa40005010002a1186600031865");
  });
  it("§7.5.4.6 an array key below a map adds to the path", () =>
    assert.deepEqual(read("a1820205a4000501008202186600031865", [2]), valuesOf(ACCESS(5))));

  it("keys one by one, in arrays of one, in parts, in maps and arrays without length", () => {
    for (const hex of [
      "a103a100a1091864",
      "a18103a18100a181091864",
      "a1820300a1091864",
      "a103a18200091864",
      "bf03bf00bf091864ffffff",
      "bf9f030009ff1864ff",
    ]) {
      assert.deepEqual(read(hex, [3, 0, 9]), valuesOf([[[3, 0, 9], "INTEGER", 100]]), hex);
    }
  });

  it("composite writes: each value under its whole path, in the order given", () => {
    const values = valuesOf([
      [[3, 0, 14], "STRING", "+1"],
      [[1, 0, 1], "INTEGER", 60],
      [[3, 0, 6, 1], "INTEGER", 5],
      [[3, 0, 6, 0], "INTEGER", 1],
    ]);
    const hex = "a48303000e622b3183010001183c840300060105840300060001";
    assert.equal(write(values), hex);
    assert.deepEqual(read(hex), values);
  });

  it("types (table C-2); the unknown keep their natural one", () => {
    for (const [hex, path, type, value] of [
      ["a183190d7200187d1bffffffffffffffff", [3442, 0, 125], "UNSIGNED_INTEGER", 2n ** 64n - 1n],
      ["a183190d720018783b7fffffffffffffff", [3442, 0, 120], "INTEGER", -(2n ** 63n)],
      ["a183190d72001882f93e00", [3442, 0, 130], "FLOAT", 1.5],
      ["a183190d7200188203", [3442, 0, 130], "FLOAT", 3],
      ["a183190d720018a0c11a5182428f", [3442, 0, 160], "TIME", 1367491215],
      ["a183190d720018a0c074323031332d30352d30325431303a34303a31355a", [3442, 0, 160], "TIME", 1367491215],
      ["a183190d720018965f42010241ffff", [3442, 0, 150], "OPAQUE", Uint8Array.of(1, 2, 255)],
      ["a183190d720018aa63333a30", [3442, 0, 170], "OBJECTLINK", { objectId: 3, instanceId: 0 }],
      ["a183190d720018b4663c2f332f303e", [3442, 0, 180], "CORELINK", "</3/0>"],
      ["a18319270f000141ff", [9999, 0, 1], "OPAQUE", Uint8Array.of(255)],
      ["a18319270f0001f5", [9999, 0, 1], "BOOLEAN", true],
    ] as const) {
      assert.deepEqual(read(hex), valuesOf([[path, type, value]]), hex);
    }
  });

  it("null is a resource without a value (none), which is executed; where a value is declared it is none", () => {
    assert.deepEqual(read("a1820300a204f6091864", [3, 0]), valuesOf([[[3, 0, 9], "INTEGER", 100]]));
    assertFails("LWM2M_CBOR_INVALID", () => read("a183030009f6"), "/3/0/9: null is no INTEGER");
  });

  it("an empty map holds nothing: an object without instances", () => {
    assert.deepEqual(read("a0", [3303]), []);
    assert.deepEqual(read("bfff", [3303]), []);
    assert.deepEqual(read("a1190ce7a0", [3303]), []);
  });

  describe("refuses, naming the path", () => {
    for (const [name, hex, text] of [
      ["what is no CBOR", "a1", /not a CBOR payload/],
      ["no map", "83010203", /no CBOR map of paths/],
      ["trailing bytes", "a1830300091864f6", /not a CBOR payload/],
      ["an id past 65534", "a18303001a0001000005", /a key below \/ is neither an id of 0 to 65534 nor an array/],
      ["a negative id", "a103a12001", /a key below \/3 is neither/],
      ["an empty key", "a18001", /a key below \/ is neither/],
      ["a key of text", "a1613301", /a key below \/ is neither/],
      ["five levels", "a185030006000005", /\/3\/0\/6\/0\/0 is deeper than a resource instance/],
      ["five levels through maps", "a18403000600a10005", /\/3\/0\/6\/0\/0 is deeper/],
      ["a value of an instance", "a182030005", /\/3\/0 is no resource/],
      ["an array as value", "a1830300098101", /\/3\/0\/9: an array is no INTEGER/],
      ["a value of another type", "a1830300096161", /\/3\/0\/9: "a" is no INTEGER/],
      ["one path by two ways", "a2830300090103a100a10902", /\/3\/0\/9 stands twice/],
    ] as const) {
      it(name, () => assertFails("LWM2M_CBOR_INVALID", () => read(hex), text));
    }
    it("a path that was not asked for", () =>
      assertFails("LWM2M_CBOR_INVALID", () => read("a18303000901", [3, 1]), "/3/0/9 does not lie below /3/1"));
    it("maps far deeper than paths", () =>
      assertFails("LWM2M_CBOR_INVALID", () => read(`${"a101".repeat(100_000)}01`), /nested deeper than 8/));
  });

  describe("refuses to write", () => {
    const one = valuesOf([[[3, 0, 9], "INTEGER", 1]]);
    it("nothing", () => assertFails("CONTENT_FORMAT_UNSUPPORTED", () => write([], [3, 0]), "/3/0 is empty"));
    it("a path twice, or a resource and its instance", () => {
      assertFails("VALUE_TYPE", () => write([...one, ...one], [3, 0]), "/3/0/9 is given more than once");
      assertFails("VALUE_TYPE", () => write([...one, ...one]), "/3/0/9 is given more than once");
      const instance = valuesOf([[[3, 0, 9, 0], "INTEGER", 1]]);
      assertFails("VALUE_TYPE", () => write([...one, ...instance], [3, 0]), "/3/0/9/0 is given more than once");
      assertFails("VALUE_TYPE", () => write([...instance, ...one], [3, 0]), "/3/0/9 is given more than once");
      assertFails("VALUE_TYPE", () => write([...one, ...instance], [3, 0, 9]), "more than once");
    });
    it("what lies elsewhere, or is of another type", () => {
      assertFails("VALUE_TYPE", () => write(one, [3, 1]), "/3/0/9 is no resource below /3/1");
      assertFails("VALUE_TYPE", () => write(valuesOf([[[3, 0, 9], "INTEGER", "1"]]), [3, 0]), "/3/0/9");
    });
  });
});
