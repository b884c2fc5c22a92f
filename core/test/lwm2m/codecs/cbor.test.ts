import { assert } from "chai";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { cborCodec } from "../../../src/lwm2m/codecs/cbor.ts";
import { decodeCborItem, encodeCborItem } from "../../../src/lwm2m/codecs/cbor-item.ts";
import { RESOURCE_TYPES, type ResourceType, type ScalarValue } from "../../../src/lwm2m/resource-value.ts";
import { contextOf, modelsOf, resourceValue } from "./models.ts";
import { assertFails, assertSurvivesMutation, truncations } from "./robust.ts";
import { randomValue } from "./trees.ts";

/** RFC 8949 appendix A: numbers, simple values, text, bytes that stand for a single value. */
const APPENDIX_A: readonly (readonly [string, string | number | bigint | boolean | Uint8Array])[] = [
  ["00", 0],
  ["01", 1],
  ["0a", 10],
  ["17", 23],
  ["1818", 24],
  ["1819", 25],
  ["1864", 100],
  ["1903e8", 1000],
  ["1a000f4240", 1_000_000],
  ["1b000000e8d4a51000", 1_000_000_000_000],
  ["1bffffffffffffffff", 18446744073709551615n],
  ["3bffffffffffffffff", -18446744073709551616n],
  ["20", -1],
  ["29", -10],
  ["3863", -100],
  ["3903e7", -1000],
  ["f4", false],
  ["f5", true],
  ["40", new Uint8Array(0)],
  ["4401020304", Uint8Array.of(1, 2, 3, 4)],
  ["60", ""],
  ["6161", "a"],
  ["6449455446", "IETF"],
  ["62225c", '"\\'],
  ["62c3bc", "\u00fc"],
  ["63e6b0b4", "\u6c34"],
  ["64f0908591", "\ud800\udd51"],
];
const APPENDIX_A_FLOATS: readonly (readonly [string, number])[] = [
  ["f90000", 0],
  ["f98000", -0],
  ["f93c00", 1],
  ["fb3ff199999999999a", 1.1],
  ["f93e00", 1.5],
  ["f97bff", 65504],
  ["fa47c35000", 100000],
  ["fa7f7fffff", 3.4028234663852886e38],
  ["fb7e37e43c8800759c", 1e300],
  ["f90001", 2 ** -24],
  ["f90400", 0.00006103515625],
  ["f9c400", -4],
  ["fbc010666666666666", -4.1],
  ["f97c00", Number.POSITIVE_INFINITY],
  ["f97e00", Number.NaN],
];

const context = (type: ResourceType) => contextOf([9, 0, 1], modelsOf({ 9: { resources: { 1: type } } }));
const read = (type: ResourceType, hex: string): ScalarValue => cborCodec.decode(fromHex(hex), context(type))[0]!.value;
const write = (type: ResourceType, value: ScalarValue): string =>
  toHex(cborCodec.encode([resourceValue([9, 0, 1], type, value)], context(type)));
const item = (hex: string) => decodeCborItem(fromHex(hex), "CBOR_INVALID");

describe("lwm2m/codecs/cbor", () => {
  for (const [hex, value] of APPENDIX_A) {
    it(`RFC 8949 appendix A ${hex}: decodes`, () => assert.deepEqual(item(hex), value));
    it(`RFC 8949 appendix A ${hex}: encodes back`, () => assert.equal(toHex(encodeCborItem(value)), hex));
  }
  for (const [hex, value] of APPENDIX_A_FLOATS) {
    it(`RFC 8949 appendix A ${hex}: decodes`, () => assert.deepEqual(item(hex), value));
    it(`RFC 8949 appendix A ${hex}: comes back from 64 bits`, () =>
      assert.deepEqual(decodeCborItem(encodeCborItem({ float: value }), "CBOR_INVALID"), value));
  }
  for (const [hex, value] of [
    ["80", []],
    ["83010203", [1, 2, 3]],
    ["8301820203820405", [1, [2, 3], [4, 5]]],
    ["9f018202039f0405ffff", [1, [2, 3], [4, 5]]],
    ["a0", new Map()],
    [
      "a201020304",
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    [
      "bf61610161629f0203ffff",
      new Map<string, unknown>([
        ["a", 1],
        ["b", [2, 3]],
      ]),
    ],
    ["5f42010243030405ff", Uint8Array.of(1, 2, 3, 4, 5)],
    ["7f657374726561646d696e67ff", "streaming"],
    ["c11a514b67b0", { epochSeconds: 1363896240 }],
    ["c1fb41d452d9ec200000", { epochSeconds: 1363896240.5 }],
    ["c074323031332d30332d32315432303a30343a30305a", { epochSeconds: 1363896240 }],
    ["c48221196ab3", 273.15],
  ] as const) {
    it(`RFC 8949 appendix A and §3.4 ${hex}: decodes`, () => assert.deepEqual(item(hex), value as never));
  }

  describe("types (Core 1.1.1 §7.4.3, table C.2-1)", () => {
    for (const [type, hex, value] of [
      ["INTEGER", "29", -10],
      ["INTEGER", "f93c00", 1],
      ["INTEGER", "1b7fffffffffffffff", 2n ** 63n - 1n],
      ["UNSIGNED_INTEGER", "1bffffffffffffffff", 2n ** 64n - 1n],
      ["TIME", "1a514b67b0", 1363896240],
      ["TIME", "c11a514b67b0", 1363896240],
      ["TIME", "c1fb41d452d9ec200000", 1363896240],
      ["TIME", "c07819323031332d30332d32315432303a30343a30302d30303a3030", 1363896240],
      ["TIME", "74323031332d30332d32315432303a30343a30305a", 1363896240],
      ["FLOAT", "0a", 10],
      ["FLOAT", "fb3ff199999999999a", 1.1],
      ["STRING", "6161", "a"],
      ["BOOLEAN", "f5", true],
      ["OPAQUE", "4101", Uint8Array.of(1)],
      ["OBJECTLINK", "6536363a3635", { objectId: 66, instanceId: 65 }],
    ] as const) {
      it(`${type} ${hex}`, () => assert.deepEqual(read(type, hex), value));
    }
    for (const [type, hex] of [
      ["INTEGER", "f93e00"],
      ["INTEGER", "1b8000000000000000"],
      ["UNSIGNED_INTEGER", "20"],
      ["INTEGER", "f97c00"],
      ["INTEGER", "f97e00"],
      ["BOOLEAN", "01"],
      ["STRING", "01"],
      ["OPAQUE", "6161"],
      ["FLOAT", "6161"],
      ["OBJECTLINK", "6161"],
      ["INTEGER", "8101"],
      ["INTEGER", "f6"],
      ["TIME", "6161"],
    ] as const) {
      it(`refuses ${type} ${hex} and names the resource`, () =>
        assertFails("CBOR_INVALID", () => read(type, hex), "/9/0/1"));
    }
    for (const [hex, type] of [
      ["01", "INTEGER"],
      ["f93e00", "FLOAT"],
      ["1bffffffffffffffff", "UNSIGNED_INTEGER"],
      ["6161", "STRING"],
      ["f4", "BOOLEAN"],
      ["4101", "OPAQUE"],
      ["c11a514b67b0", "TIME"],
    ] as const) {
      it(`${hex} of an unknown resource is ${type}`, () =>
        assert.equal(cborCodec.decode(fromHex(hex), contextOf([77, 0, 1]))[0]?.type, type));
    }
    it("a FLOAT goes out as a float of 64 bits even where it is whole; a TIME as a plain integer", () => {
      assert.equal(write("FLOAT", 21), "fb4035000000000000");
      assert.equal(write("TIME", 1363896240), "1a514b67b0");
      assert.equal(write("OBJECTLINK", { objectId: 66, instanceId: 65 }), "6536363a3635");
    });
    it("refuses object and instance paths, and values not of their type", () => {
      assertFails("CONTENT_FORMAT_UNSUPPORTED", () => cborCodec.decode(fromHex("01"), contextOf([3, 0])));
      assertFails("VALUE_TYPE", () => write("INTEGER", 1.5));
    });
  });

  describe("RFC 8949 §5 refuses", () => {
    for (const [name, hex, reason] of [
      ["nothing at all", "", /content/],
      ["trailing bytes", "0101", /./],
      ["text that is not UTF-8", "61ff", /UTF-8/],
      ["text in chunks that do not end", "7f6161", /end/],
      ["bytes within text chunks", "7f4101ff", /chunk/],
      ["chunks within chunks", "7f7f6161ffff", /./],
      ["a key twice", "a201010102", /repeat/],
      ["a break alone", "ff", /./],
      ["an unknown tag", "d9d9f701", /tag/],
      ["a time tag round a list", "c180", /time/],
      ["a decimal fraction of one part", "c48101", /tag 4/],
      ["a list of 4 billion that holds nothing", "9affffffff", /./],
      ["bytes of 2 GB that are not there", "5a7fffffff", /./],
      ["reserved additional information", "1c", /./],
    ] as const) {
      it(name, () => assertFails("CBOR_INVALID", () => item(hex), reason));
    }
    for (const [name, unit] of [
      ["arrays", "81"],
      ["open arrays", "9f"],
      ["maps", "a101"],
      ["tags", "c1"],
    ] as const) {
      it(`a nesting bomb of ${name}`, () => assertFails("CBOR_INVALID", () => item(unit.repeat(50_000)), /deeper|tag/));
    }
  });

  it("truncated at any byte: never a value", () => {
    for (const [hex] of [...APPENDIX_A, ...APPENDIX_A_FLOATS]) {
      assert.deepEqual(
        truncations(bytes => decodeCborItem(bytes, "CBOR_INVALID"), fromHex(hex)),
        [],
      );
    }
  });
  it("mutated payloads end in a value or in an error of ours", () => {
    const payloads = [...APPENDIX_A, ...APPENDIX_A_FLOATS].map(([hex]) => fromHex(hex));
    for (const type of RESOURCE_TYPES) {
      assertSurvivesMutation(bytes => cborCodec.decode(bytes, context(type)), payloads, 500);
    }
  });
  it("random values of every type come back", () => {
    const random = createSeededRandom(4);
    for (let round = 0; round < 300; round++) {
      const value = randomValue(RESOURCE_TYPES[round % RESOURCE_TYPES.length]!, 0, random);
      const at = contextOf(value.path);
      assert.deepEqual(cborCodec.decode(cborCodec.encode([value], at), at), [value]);
    }
  });
});
