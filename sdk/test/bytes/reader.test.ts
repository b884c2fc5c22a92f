import { createReader, decodeUtf8, fromHex, PayloadError, type Reader, toHex } from "@mooring/sdk/bytes";
import { assert } from "chai";

const read = (hex: string, endian?: "big" | "little"): Reader => createReader(fromHex(hex), endian);

describe("sdk/bytes: reader", () => {
  it("reads numbers of every size in both byte orders", () => {
    const cases: [string, (reader: Reader) => unknown, unknown, unknown][] = [
      ["ff", reader => reader.u8(), 255, 255],
      ["ff", reader => reader.i8(), -1, -1],
      ["8001", reader => reader.u16(), 0x8001, 0x0180],
      ["8001", reader => reader.i16(), -32767, 0x0180],
      ["800001", reader => reader.u24(), 0x800001, 0x010080],
      ["ffffff", reader => reader.i24(), -1, -1],
      ["80000001", reader => reader.u32(), 0x80000001, 0x01000080],
      ["ffffff7f", reader => reader.i32(), -129, 0x7fffffff],
      ["8000000000000001", reader => reader.u64(), 0x8000000000000001n, 0x0100000000000080n],
      ["ffffffffffffffff", reader => reader.i64(), -1n, -1n],
      ["ffffffffffff", reader => reader.uint(6), 2 ** 48 - 1, 2 ** 48 - 1],
      ["fe", reader => reader.int(1), -2, -2],
      ["3ff0000000000000", reader => reader.f64(), 1, 3.03865e-319],
      ["3f800000", reader => reader.f32(), 1, 4.600602988224807e-41],
      ["3c00", reader => reader.f16(), 1, 0x3c / 2 ** 24],
    ];
    for (const [hex, run, big, little] of cases) {
      assert.equal(run(read(hex)), big, hex);
      assert.equal(run(read(hex, "little")), little, `${hex}, little`);
    }
    assert.equal(read("0100").u16("little"), 1);
    assert.equal(read("0100", "little").u16("big"), 256);
  });

  it("IEEE 754 binary16, table of RFC 8949 appendix A and its neighbours", () => {
    const values: [string, number][] = [
      ["0000", 0],
      ["8000", -0],
      ["0001", 2 ** -24],
      ["0400", 6.103515625e-5],
      ["7bff", 65504],
      ["c400", -4],
      ["7c00", Number.POSITIVE_INFINITY],
      ["fc00", Number.NEGATIVE_INFINITY],
      ["7e00", Number.NaN],
    ];
    for (const [hex, value] of values) assert.isTrue(Object.is(read(hex).f16(), value), hex);
  });

  it("reads fields of bits, the highest first", () => {
    assert.deepEqual(read("a5").bits(4, 1, 3), [0xa, 0, 5]);
    assert.deepEqual(read("80000001ff").bits(32, 8), [0x80000001, 0xff]);
    assert.deepEqual(read("0180").bits(7, 2, 7), [0, 3, 0]);
    assert.throws(() => read("a5").bits(4), RangeError, "no whole bytes");
    assert.throws(() => read("a5").bits(33, 7), RangeError, "1 to 32");
  });

  it("reads digits and texts, and parts of the payload", () => {
    const frame = read("0012345648e282ac2ac3a4ff0102");
    assert.equal(frame.bcd(4), "00123456");
    assert.equal(frame.ascii(1), "H");
    assert.equal(frame.utf8(3), "€");
    assert.equal(frame.peek(), 0x2a);
    frame.skip(1);
    const record = frame.slice(2);
    assert.equal(record.hex(2), "c3a4");
    record.end();
    assert.deepEqual([...frame.bytes(2)], [0xff, 1]);
    assert.deepEqual([frame.at, frame.left], [13, 1]);
  });

  it("says what is wrong and where, and stays where it was", () => {
    const frame = read("00ff1a80");
    frame.u8();
    const cases: [() => unknown, string][] = [
      [() => frame.u32(), "4 bytes are to follow, 3 are left (byte 1)"],
      [() => frame.bcd(2), "ff1a is not binary coded decimal (byte 1)"],
      [() => frame.ascii(2), "ff is no ASCII (byte 1)"],
      [() => frame.utf8(3), "ff begins no character of UTF-8 (byte 1)"],
      [() => frame.end(), "3 bytes stand after the end (byte 1)"],
      [() => read("").u8(), "a byte is to follow, none is left (byte 0)"],
    ];
    for (const [run, message] of cases) {
      assert.throws(run, PayloadError, message);
      assert.equal(frame.at, 1);
    }
    frame.skip(1);
    const record = frame.slice(2);
    record.u8();
    assert.throws(() => record.ascii(1), PayloadError, "80 is no ASCII (byte 3)");
    assert.throws(() => frame.bytes(-1), RangeError);
    assert.throws(() => frame.uint(7), RangeError);
  });
});

describe("sdk/bytes: texts", () => {
  it("RFC 3629: takes what the platform's own decoder takes, and nothing else", () => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const bytes = [
      0x00, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xf0, 0x90, 0xf4, 0x8f, 0xf5,
    ];
    const sequences = bytes.flatMap(a => bytes.flatMap(b => bytes.map(c => [a, b, c])));
    const four = [0xf0, 0xf4].flatMap(a => bytes.flatMap(b => bytes.map(c => [a, b, c, 0x80])));
    for (const sequence of [...sequences, ...four]) {
      const value = new Uint8Array(sequence);
      let expected: string | undefined;
      try {
        expected = strict.decode(value);
      } catch {
        assert.throws(() => decodeUtf8(value), PayloadError);
        continue;
      }
      assert.equal(decodeUtf8(value), expected);
    }
  });

  it("hexadecimal both ways", () => {
    assert.equal(toHex(fromHex("00 fF\n1a")), "00ff1a");
    assert.throws(() => fromHex("0"), PayloadError);
    assert.throws(() => fromHex("0g"), PayloadError);
  });
});
