import { runInNewContext } from "node:vm";
import { assert } from "chai";
import type { Decoder, DecoderInput, DecoderManifest, DecoderResult } from "../../src/contract/decoder.ts";
import { scriptBufferSource } from "../../src/sandbox/script-buffer.ts";
import { moduleSource } from "../../src/sandbox/uplink-script.ts";

const manifestOf = (more: Partial<DecoderManifest>): DecoderManifest => ({
  key: "m",
  name: "m",
  version: "1.0.0",
  format: "ttn-v3",
  ...more,
});
const inputOf = (...bytes: number[]): DecoderInput => ({
  value: Uint8Array.from(bytes),
  valueHex: "",
  resourcePath: "/33456/0/123",
  resourceType: "OPAQUE",
  receivedAt: "2026-01-01T00:00:00.000Z",
  sourceDeviceId: "1",
  device: {},
});

/** The module that the sandbox would be given, in a context of its own. */
function load(script: string, more: Partial<DecoderManifest> = {}): Decoder {
  const source = moduleSource(manifestOf(more), script).replace("export default", '"use strict";');
  return runInNewContext(source) as Decoder;
}
const dataOf = (data: string, more: Partial<DecoderManifest> = {}): DecoderResult =>
  load(`function decodeUplink(input) { return { data: ${data} }; }`, more).decode(inputOf(1, 2, 3));
const seriesOf = ({ measurements = [] }: DecoderResult): Record<string, Record<string, number>> =>
  Object.fromEntries(
    measurements.map(({ series, values }) => [
      series,
      Object.fromEntries(values.map(({ seriesName, value }) => [seriesName, value])),
    ]),
  );
function refusal(script: string): string {
  try {
    load(script);
  } catch (error) {
    return String(error);
  }
  return assert.fail("loaded");
}

describe("sandbox/uplink-script", () => {
  it("leaves the source of a decoder in the own format as it is", () => {
    const { format: _, ...manifest } = manifestOf({});
    assert.equal(moduleSource(manifest, "export default {};"), "export default {};");
    assert.equal(moduleSource({ ...manifest, format: "mooring" }, "x"), "x");
  });

  it("holds the script unchanged, whatever stands in it", () => {
    const script = "// \u2028 `$` </script> \"'\\ \n/* */";
    assert.include(moduleSource(manifestOf({}), script), JSON.stringify(script));
  });

  describe("what it calls", () => {
    const cases: [what: string, script: string][] = [
      ["a function", "function decodeUplink() { return { data: { a: 1 } }; }"],
      ["a constant", "const decodeUplink = () => ({ data: { a: 1 } })"],
      ["a global", "decodeUplink = function () { return { data: { a: 1 } }; }"],
      ["an export", "exports.decodeUplink = () => ({ data: { a: 1 } });"],
      ["an exported object", "module.exports = { decodeUplink() { return { data: { a: 1 } }; } };"],
      ["the newer of two", "function Decoder() {} function decodeUplink() { return { data: { a: 1 } }; } //"],
      ["the older one", "function Decoder(bytes, port) { return { a: port }; }"],
      ["names that the host uses, too", "const module = 1, exports = 2; var decodeUplink = () => ({ data: { a: 1 } })"],
    ];
    for (const [what, script] of cases) {
      it(what, () => {
        assert.deepEqual(seriesOf(load(script).decode(inputOf(1))), { m: { a: 1 } });
      });
    }

    it("says at once what is no script for it", () => {
      assert.match(refusal("function decode() {}"), /TypeError: the script has no function decodeUplink/);
      assert.match(refusal("function decodeUplink( {"), /SyntaxError/);
      assert.match(refusal("export function decodeUplink() {}"), /SyntaxError: Unexpected token 'export'/);
      assert.match(refusal("\n\nnowhere.to.be = found;"), /ReferenceError: nowhere is not defined \(line 3\)/);
    });
  });

  it("gives what the network server gives, afresh for each payload", () => {
    const script =
      "function decodeUplink(input) { input.bytes.push(9); return { data: { keys: Object.keys(input).join(), n: input.bytes.length, list: Array.isArray(input.bytes), date: input.recvTime instanceof Date } }; }";
    const theirs = load(script);
    assert.deepEqual(theirs.decode(inputOf(1, 2)), theirs.decode(inputOf(1, 2)));
    assert.deepEqual(theirs.decode(inputOf(1)), {
      success: true,
      measurements: [
        {
          type: "m",
          series: "m",
          values: [
            { seriesName: "n", value: 2 },
            { seriesName: "list", value: 1 },
            { seriesName: "date", value: 1 },
          ],
          additionalProperties: { m_keys: "bytes,fPort,recvTime" },
        },
      ],
    });
    const chirpstack = load(script, { format: "chirpstack-v4" });
    const [measurement] = chirpstack.decode(inputOf(1)).measurements ?? [];
    assert.deepEqual(measurement?.additionalProperties, { m_keys: "bytes,fPort,recvTime,variables" });
  });

  it("Buffer is ChirpStack's alone", () => {
    const typeofBuffer =
      "{ a: typeof Buffer === 'function' && Buffer.isBuffer(Buffer.alloc(1)) && Buffer.name.length }";
    assert.deepEqual(seriesOf(dataOf(typeofBuffer, { format: "chirpstack-v4" })), { m: { a: 6 } });
  });

  describe("what becomes of data", () => {
    const cases: [data: string, series: Record<string, Record<string, number>>][] = [
      ["{ a: 1, b: true, c: false, d: 10n }", { m: { a: 1, b: 1, c: 0, d: 10 } }],
      ["{ a: null, b: undefined, c() {}, d: Symbol('d') }", {}],
      ["{ o: { a: 1, p: { b: 2 } }, z: 3 }", { m: { z: 3 }, m_o: { a: 1 }, m_o_p: { b: 2 } }],
      ["{ list: [5, [6]], bytes: Uint8Array.of(7) }", { m_list: { 0: 5 }, m_list_1: { 0: 6 }, m_bytes: { 0: 7 } }],
      ["{ a: '1', b: '1.5', c: 'x', d: '' }", { m: { b: 1.5 } }],
      ["{ constructor: '1', toString: 2 }", { m: { toString: 2 } }],
      ["{ t: ['1', '-2e1', 'x'] }", { m_t: { 0: 1, 1: -20 } }],
    ];
    for (const [data, series] of cases) {
      it(data, () => {
        const units = { b: "V", "t.*": "°C", d: "" };
        assert.deepEqual(seriesOf(dataOf(data, { uplink: { units } })), series);
      });
    }

    it("what cannot be stored is left out, and said", () => {
      const { success, message } = dataOf("{ a: NaN, b: -Infinity, '': 1, o: { '\\0': 2, c: '\\ud800\\0' } }");
      assert.isTrue(success);
      assert.equal(message, "left out: a (NaN), b (-Infinity),  (1), o.\0 (2)");
    });

    it("a circle, and more than fits, end", () => {
      const circle = "(() => { const a = { n: 1 }; a.a = a; return a; })()";
      assert.match(String(dataOf(circle).message), /^left out: a(\.a)+$/);
      const many = dataOf("{ ...Array.from({ length: 1200 }, (_, at) => ({ at })) }");
      assert.lengthOf(many.measurements ?? [], 100);
      assert.match(String(many.message), /and 1090 more$/);
      const long = dataOf("Object.fromEntries(Array.from({ length: 1200 }, (_, at) => ['n' + at, at]))");
      assert.lengthOf(long.measurements?.[0]?.values ?? [], 1000);
    });
  });

  describe("Buffer, compared with that of Node", () => {
    const create = Function(`return ${scriptBufferSource()}`) as () => typeof Buffer;
    const Ours = create();
    const bytes = [0, 255, 128, 1, 127, 64, 200, 3, 9, 16, 240, 159, 152, 128];
    const calls: [what: string, call: (Class: typeof Buffer) => unknown][] = [
      ["lengths", B => [B.from(bytes).length, B.alloc(3).length, B.byteLength("grün"), new B(2).length]],
      ...["hex", "base64", "latin1", "ascii"].map((encoding): [string, (Class: typeof Buffer) => unknown] => [
        `text and back: ${encoding}`,
        B => {
          const text = B.from(bytes).toString(encoding as BufferEncoding);
          return [text, Array.from(B.from(text, encoding as BufferEncoding))];
        },
      ]),
      ["base64 of every length", B => [1, 2, 3, 4].map(length => B.from(bytes.slice(0, length)).toString("base64"))],
      ["base64 of URLs", B => Array.from(B.from("_-8", "base64"))],
      ["hex that ends", B => Array.from(B.from("0fzz11", "hex"))],
      ["UTF-8", B => [B.from("grün 😀").toString(), Array.from(B.from("é😀")), `${B.from([65, 66])}`]],
      [
        "a part",
        B => [
          B.from(bytes).toString("hex", 2, 4),
          Array.from(B.from(bytes).slice(2, 4)),
          B.from(bytes).slice(-2).readUInt8(1),
        ],
      ],
      [
        "a view, not a copy",
        B => {
          const whole = B.from(bytes);
          whole.slice(1, 3)[0] = 7;
          return whole[1];
        },
      ],
      [
        "joined and compared",
        B => [
          B.concat([B.from([1]), B.from([2, 3])]).toString("hex"),
          B.from([1]).equals(B.from([1])),
          B.from([1]).equals(B.from([2])),
        ],
      ],
      ["JSON", B => JSON.stringify(B.from([1, 2]))],
      ...[
        "readUInt8",
        "readInt8",
        "readUint8",
        "readUInt16BE",
        "readUInt16LE",
        "readInt16BE",
        "readInt16LE",
        "readUInt32BE",
        "readUInt32LE",
        "readInt32BE",
        "readInt32LE",
        "readUint32BE",
        "readFloatBE",
        "readFloatLE",
        "readDoubleBE",
        "readDoubleLE",
        "readBigUInt64BE",
        "readBigInt64LE",
      ].map((name): [string, (Class: typeof Buffer) => unknown] => [
        name,
        B =>
          [0, 1, 2, 5].map(at =>
            String((B.from(bytes) as unknown as Record<string, (at: number) => number>)[name]!(at)),
          ),
      ]),
      ...["readUIntBE", "readUIntLE", "readIntBE", "readIntLE"].map(
        (name): [string, (Class: typeof Buffer) => unknown] => [
          name,
          B =>
            [1, 2, 3, 5, 6].map(length =>
              (B.from(bytes) as unknown as Record<string, (at: number, length: number) => number>)[name]!(1, length),
            ),
        ],
      ),
    ];
    for (const [what, call] of calls) it(what, () => assert.deepEqual(call(Ours), call(Buffer)));

    it("ends with an error where the bytes end", () => {
      assert.throws(() => Ours.from([1]).readUInt16BE(0), RangeError);
      assert.throws(() => Ours.from([1]).readUIntBE(0, 3), RangeError);
      assert.throws(() => Ours.from("x", "utf16le"), TypeError, "Unknown encoding: utf16le");
    });
  });
});
