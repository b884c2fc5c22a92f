import {
  CborSimple,
  CborTag,
  type CborValue,
  cborFraction,
  cborName,
  createReader,
  fromHex,
  PayloadError,
  plainCbor,
  readCbor,
  readCborItem,
  readCborSequence,
} from "@mooring/sdk/bytes";
import { assert } from "chai";

const read = (hex: string): CborValue => readCbor(fromHex(hex));

/** RFC 8949 appendix A. */
const EXAMPLES: readonly [hex: string, value: CborValue][] = [
  ["00", 0],
  ["17", 23],
  ["1818", 24],
  ["1903e8", 1000],
  ["1a000f4240", 1000000],
  ["1b000000e8d4a51000", 1000000000000],
  ["1bffffffffffffffff", 18446744073709551615n],
  ["c249010000000000000000", 18446744073709551616n],
  ["3bffffffffffffffff", -18446744073709551616n],
  ["c349010000000000000000", -18446744073709551617n],
  ["20", -1],
  ["3863", -100],
  ["3903e7", -1000],
  ["3b001fffffffffffff", -9007199254740992n],
  ["f90000", 0],
  ["f98000", -0],
  ["f93c00", 1],
  ["fb3ff199999999999a", 1.1],
  ["f97bff", 65504],
  ["fa47c35000", 100000],
  ["fa7f7fffff", 3.4028234663852886e38],
  ["fb7e37e43c8800759c", 1e300],
  ["f90001", 2 ** -24],
  ["f9c400", -4],
  ["fbc010666666666666", -4.1],
  ["f97c00", Number.POSITIVE_INFINITY],
  ["fa7f800000", Number.POSITIVE_INFINITY],
  ["f97e00", Number.NaN],
  ["fb7ff8000000000000", Number.NaN],
  ["f4", false],
  ["f5", true],
  ["f6", null],
  ["f7", undefined],
  ["f0", new CborSimple(16)],
  ["f8ff", new CborSimple(255)],
  ["c074323031332d30332d32315432303a30343a30305a", new CborTag(0, "2013-03-21T20:04:00Z")],
  ["c11a514b67b0", new CborTag(1, 1363896240)],
  ["d74401020304", new CborTag(23, fromHex("01020304"))],
  ["40", fromHex("")],
  ["4401020304", fromHex("01020304")],
  ["60", ""],
  ["6449455446", "IETF"],
  ["62225c", '"\\'],
  ["62c3bc", "ü"],
  ["64f0908591", "\u{10151}"],
  ["80", []],
  ["8301820203820405", [1, [2, 3], [4, 5]]],
  ["a0", new Map()],
  [
    "a201020304",
    new Map([
      [1, 2],
      [3, 4],
    ]),
  ],
  [
    "a26161016162820203",
    new Map<string, CborValue>([
      ["a", 1],
      ["b", [2, 3]],
    ]),
  ],
  ["5f42010243030405ff", fromHex("0102030405")],
  ["7f657374726561646d696e67ff", "streaming"],
  ["9fff", []],
  ["9f018202039f0405ffff", [1, [2, 3], [4, 5]]],
  ["83018202039f0405ff", [1, [2, 3], [4, 5]]],
  [
    "bf61610161629f0203ffff",
    new Map<string, CborValue>([
      ["a", 1],
      ["b", [2, 3]],
    ]),
  ],
  ["826161bf61626163ff", ["a", new Map([["b", "c"]])]],
];

/** RFC 8949 appendix F: not well-formed. */
const BROKEN = [
  ...[
    "18",
    "19",
    "1a",
    "1b",
    "1901",
    "1a0102",
    "1b01020304050607",
    "38",
    "58",
    "78",
    "98",
    "9a01ff00",
    "b8",
    "d8",
    "f8",
    "f900",
  ],
  ...["41", "61", "5affffffff00", "5bffffffffffffffff010203", "7affffffff00", "7b7fffffffffffffff010203"],
  ...["81", "818181818181818181", "8200", "a1", "a20102", "a100", "a2000000", "c0"],
  ...[
    "5f4100",
    "7f6100",
    "9f",
    "9f0102",
    "bf",
    "bf01020102",
    "819f",
    "9f8000",
    "9f9f9f9f9fffffffff",
    "9f819f819f9fffffff",
  ],
  ...["1c", "1d", "1e", "3c", "5d", "7e", "9c", "bd", "de", "fc", "fe"],
  ...["f800", "f801", "f818", "f81f"],
  ...["5f00ff", "5f21ff", "5f6100ff", "5f80ff", "5fc000ff", "5fe0ff", "7f4100ff", "5f5f4100ffff", "7f7f6100ffff"],
  ...[
    "ff",
    "81ff",
    "8200ff",
    "a1ff",
    "a1ff00",
    "a100ff",
    "a20000ff",
    "9f81ff",
    "9f829f819f9fffffffff",
    "bf00ff",
    "bf000000ff",
  ],
  ...["1f", "3f", "df"],
];

describe("sdk/bytes: CBOR", () => {
  for (const [hex, value] of EXAMPLES) {
    it(`RFC 8949 appendix A: ${hex}`, () => {
      assert.deepEqual(read(hex), value);
      assert.deepEqual(readCborSequence(fromHex(hex + hex)), [value, value]);
    });
  }

  it("RFC 8949 appendix F: refuses what is not well-formed", () => {
    for (const hex of BROKEN) assert.throws(() => read(hex), PayloadError, undefined, hex);
  });

  it("refuses every example that is cut short, and what follows one", () => {
    for (const [hex] of EXAMPLES) {
      const bytes = fromHex(hex);
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => readCbor(bytes.subarray(0, length)), PayloadError, undefined, hex);
      }
      assert.throws(() => read(`${hex}00`), PayloadError, "1 bytes stand after the end");
    }
  });

  it("refuses keys that stand twice, texts that are not UTF-8, bignums over their limit", () => {
    assert.throws(() => read("a201020103"), PayloadError, "key 1 stands twice");
    assert.throws(() => read("61ff"), PayloadError, "UTF-8");
    assert.throws(() => read("7f61c361bcff"), PayloadError, "UTF-8");
    assert.throws(() => read(`c25881${"ff".repeat(129)}`), PayloadError, "bignum");
    assert.throws(() => read("c201"), PayloadError, "bignum");
  });

  it("goes as deep as it may, and promises of sizes cost nothing", () => {
    assert.deepEqual(read(`${"81".repeat(16)}00`), JSON.parse(`${"[".repeat(16)}0${"]".repeat(16)}`));
    for (const hex of ["81", "a100", "c6", "9f"]) {
      assert.throws(() => read(`${hex.repeat(17)}00`), PayloadError, "nested too deeply");
    }
    assert.deepEqual(readCbor(fromHex("818100"), { maxDepth: 2 }), [[0]]);
    assert.throws(() => readCbor(fromHex("818100"), { maxDepth: 1 }), PayloadError, "nested too deeply");
    for (const hex of ["9affffffff", "bbffffffffffffffff", "bb7fffffffffffffff", "5a7fffffff"]) {
      assert.throws(() => read(hex), PayloadError, "are to follow, 0 bytes are left");
    }
  });

  it("reads an item within a frame", () => {
    const frame = createReader(fromHex("ac8201020d"));
    frame.u8();
    assert.deepEqual(readCborItem(frame), [1, 2]);
    assert.equal(frame.u8(), 0x0d);
  });

  it("as plain JSON: nothing reaches a prototype", () => {
    const value = read("a5016161616202626e3ac249010000000000000000616341ff6174c11a514b67b0");
    const plain = plainCbor(value);
    assert.equal(JSON.stringify(plain), '{"1":"a","b":2,"n:":"18446744073709551616","c":"ff","t":1363896240}');
    assert.isNull(Object.getPrototypeOf(plain));
    assert.throws(
      () => plainCbor(read("a1695f5f70726f746f5f5fa161780a")),
      PayloadError,
      '"__proto__" cannot be a name',
    );
    assert.throws(() => plainCbor(read("a20101613102")), PayloadError, '"1" cannot be a name, or stands twice');
    assert.throws(() => plainCbor(read("a1800a")), PayloadError, "a key that cannot be a name");
    assert.deepEqual(plainCbor(read("87f7f97e00f0f6f51b0000000000000005f90000")), [null, null, null, null, true, 5, 0]);
  });

  it("RFC 8949 section 3.4.4: fractions as numbers, decimals exact to their digits", () => {
    const fraction = (hex: string): number | undefined => cborFraction(read(hex) as CborTag);
    assert.equal(fraction("c48221196ab3"), 273.15);
    assert.equal(fraction("c5822003"), 1.5);
    assert.equal(fraction("c482381c01"), 1e-29);
    assert.equal(fraction("c48201c249010000000000000000"), 2 ** 64 * 10);
    assert.isUndefined(fraction("c11a514b67b0"));
    for (const hex of ["c48101", "c401", "c482f93e0001", "c48201616b", "c483010101"]) {
      assert.throws(() => fraction(hex), PayloadError, "tag 4 holds no fraction");
    }
  });

  it("keys of maps as names", () => {
    const keys = [1, -2n, true, null, "a", Uint8Array.of(10)];
    assert.deepEqual(keys.map(cborName), ["1", "-2", "true", "null", "a", "0a"]);
    for (const key of [[], new Map(), new CborTag(9, 1), new CborSimple(99)]) {
      assert.throws(() => cborName(key), PayloadError, "a key that cannot be a name");
    }
  });
});
