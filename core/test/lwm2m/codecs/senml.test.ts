import { assert } from "chai";
import { decodeUtf8, encodeUtf8, fromHex, toHex } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import type { Codec } from "../../../src/lwm2m/codecs/codec.ts";
import { type ResolvedRecord, resolveRecords } from "../../../src/lwm2m/codecs/senml.ts";
import { readCborRecords, senmlCborCodec } from "../../../src/lwm2m/codecs/senml-cbor.ts";
import { readJsonRecords, senmlJsonCodec } from "../../../src/lwm2m/codecs/senml-json.ts";
import type { Lwm2mPath } from "../../../src/lwm2m/path.ts";
import type { ResourceType, ResourceValue, ScalarValue } from "../../../src/lwm2m/resource-value.ts";
import { contextOf, DEVICE_ROWS, NOW_MS, resourceValue } from "./models.ts";
import { assertFails, assertSurvivesMutation, truncations } from "./robust.ts";
import { randomInstance } from "./trees.ts";

const resolve = (records: ReturnType<typeof readJsonRecords>) =>
  resolveRecords(records, NOW_MS).map(({ name, atMs, value }) => [name, atMs, value]);
const resolveJson = (json: string) => resolve(readJsonRecords(encodeUtf8(json)));
const read = (json: string, path: Lwm2mPath = []): ResourceValue[] =>
  senmlJsonCodec.decode(encodeUtf8(json), contextOf(path));
const readCbor = (hex: string, path: Lwm2mPath = []): ResourceValue[] =>
  senmlCborCodec.decode(fromHex(hex), contextOf(path));
const write = (values: readonly ResourceValue[], path: Lwm2mPath = []): string =>
  decodeUtf8(senmlJsonCodec.encode(values, contextOf(path)))!;
const writeCbor = (values: readonly ResourceValue[], path: Lwm2mPath = []): string =>
  toHex(senmlCborCodec.encode(values, contextOf(path)));

const SENSOR = "urn:dev:ow:10e2073a0108006:";
const MULTIPLE = `[{"bn":"${SENSOR}","bt":1.276020076001e+09,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},
  {"n":"current","t":-5,"v":1.2},{"n":"current","t":-4,"v":1.3},{"n":"current","t":-3,"v":1.4},
  {"n":"current","t":-2,"v":1.5},{"n":"current","t":-1,"v":1.6},{"n":"current","v":1.7}]`;
const MULTIPLE_CBOR =
  `87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b00106223614120050067766f6c746167
  6501615602fb405e066666666666a3006763757272656e74062402fb3ff3333333333333a3006763757272656e74062302fb3ff4cccccccccccd
  a3006763757272656e74062202fb3ff6666666666666a3006763757272656e74062102f93e00a3006763757272656e74062002fb3ff999999999
  999aa3006763757272656e74060002fb3ffb333333333333`.replace(/\s/g, "");
const RESOLVED = [
  [`${SENSOR}voltage`, 1276020076001, 120.1],
  ...[1.2, 1.3, 1.4, 1.5, 1.6, 1.7].map((v, at) => [`${SENSOR}current`, 1276020076001 - 1000 * (5 - at), v]),
];

const DEVICE = `[{"bn":"/3/0/","n":"0","vs":"Open Mobile Alliance"},{"n":"1","vs":"Lightweight M2M Client"},
  {"n":"2","vs":"345000123"},{"n":"3","vs":"1.0"},{"n":"6/0","v":1},{"n":"6/1","v":5},{"n":"7/0","v":3800},{"n":"7/1","v":5000},
  {"n":"8/0","v":125},{"n":"8/1","v":900},{"n":"9","v":100},{"n":"10","v":15},{"n":"11/0","v":0},{"n":"13","v":1367491215},
  {"n":"14","vs":"+02:00"},{"n":"16","vs":"U"}]`.replace(/\n\s*/g, "");
const row = (path: Lwm2mPath, type: ResourceType, value: ScalarValue) => resourceValue(path, type, value);
const DEVICE_VALUES = DEVICE_ROWS.map(parts => row(...parts));
/** LwM2M Core 1.2.2 section 7.5.7; section 7.4.6 of 1.1.1 has the same. */
const DEVICE_CBOR =
  `90a321652f332f302f00613003744f70656e204d6f62696c6520416c6c69616e6365a200613103764c69676874776569676874204d324d20436c69656e74
  a20061320369333435303030313233a20061330363312e30a20063362f300201a20063362f310205a20063372f3002190ed8a20063372f3102191388
  a20063382f3002187da20063382f3102190384a2006139021864a200623130020fa2006431312f300200a200623133021a5182428f
  a20062313403662b30323a3030a200623136036155`.replace(/\s/g, "");

describe("lwm2m/codecs/senml", () => {
  describe("RFC 8428 records", () => {
    it("§5.1.1 single data point", () =>
      assert.deepEqual(resolveJson('[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}]'), [
        ["urn:dev:ow:10e2073a01080063", undefined, 23.1],
      ]));
    it("§5.1.2 multiple data points with base time", () => assert.deepEqual(resolveJson(MULTIPLE), RESOLVED));
    it("§6 the same in CBOR", () => assert.deepEqual(resolve(readCborRecords(fromHex(MULTIPLE_CBOR))), RESOLVED));
    it("§5.1.4 strings, booleans and data", () =>
      assert.deepEqual(
        resolveJson(
          `[{"bn":"urn:dev:ow:10e2073a01080063:","n":"temp","u":"Cel","v":23.1},{"n":"label","vs":"Machine Room"},
            {"n":"open","vb":false},{"n":"nfc-reader","vd":"aGkgCg"}]`,
        ).map(([name, , value]) => [String(name).split(":").at(-1), value]),
        [
          ["temp", 23.1],
          ["label", "Machine Room"],
          ["open", false],
          ["nfc-reader", encodeUtf8("hi \n")],
        ],
      ));
    it("§4.5.1 a record of base fields only sets them; base values add up (§4.5.4)", () =>
      assert.deepEqual(resolveJson('[{"bn":"/3303/0/","bv":20},{"n":"1","v":1.5},{"n":"2","vs":"x"}]'), [
        ["/3303/0/1", undefined, 21.5],
        ["/3303/0/2", undefined, "x"],
      ]));
    it("16.1 base values keep the digits of 64 bits", () =>
      assert.deepEqual(
        resolveJson('[{"bv":9007199254740993,"n":"a","v":9007199254740993},{"n":"b","v":-9007199254740993}]'),
        [
          ["a", undefined, 18014398509481986n],
          ["b", undefined, 0],
        ],
      ));
    it("a new base name replaces the old one, the base time stays", () =>
      assert.deepEqual(resolveJson('[{"bn":"a","bt":1e9,"v":1},{"bn":"b","v":2},{"bn":"c","bt":1.1e9,"v":3}]'), [
        ["a", 1e12, 1],
        ["b", 1e12, 2],
        ["c", 1.1e12, 3],
      ]));
    it("§4.5.3 times below 2^28 are relative to now, also past ones and none", () =>
      assert.deepEqual(
        resolveJson(
          '[{"n":"a","t":-5,"v":1},{"n":"b","t":268435455,"v":1},{"n":"c","t":268435456,"v":1},{"n":"d","v":1}]',
        ).map(([, atMs]) => atMs),
        [NOW_MS - 5000, NOW_MS + 268435455000, 268435456000, undefined],
      ));
    it("a sum alone is no value, and units are read past", () =>
      assert.deepEqual(resolveJson('[{"n":"a","s":5,"u":"Wh"},{"n":"a","bu":"x","bs":1,"ut":3,"s":1,"v":2}]'), [
        ["a", undefined, 2],
      ]));
    it("§4.4 versions: 10 and RFC 9100's 26 are read, a later one is refused", () => {
      assert.lengthOf(resolveJson('[{"bver":10,"n":"a","v":1}]'), 1);
      assert.lengthOf(resolveJson('[{"bver":26,"n":"a","v":1}]'), 1);
      assertFails("SENML_INVALID", () => resolveJson('[{"bver":11,"n":"a","v":1}]'), /record 0: SenML version 11/);
    });
    it("§4.4 an unknown label is passed over unless it ends in an underscore", () => {
      assert.lengthOf(resolveJson('[{"n":"a","v":1,"x-vendor":{"a":[1]}}]'), 1);
      assertFails("SENML_INVALID", () => resolveJson('[{"n":"a","v":1,"foo_":1}]'), /foo_ must be understood/);
    });
  });

  describe("LwM2M Core 1.1.1 §7.4.4", () => {
    it("device example: decodes", () => assert.deepEqual(read(DEVICE, [3, 0]), DEVICE_VALUES));
    it("device example: encodes back", () => assert.equal(write(DEVICE_VALUES, [3, 0]), DEVICE));
    it("device example in CBOR: decodes", () => assert.deepEqual(readCbor(DEVICE_CBOR, [3, 0]), DEVICE_VALUES));
    it("device example in CBOR: encodes back", () => assert.equal(writeCbor(DEVICE_VALUES, [3, 0]), DEVICE_CBOR));
    it("object links in several objects below the root", () =>
      assert.deepEqual(read('[{"bn":"/","n":"65/0/0/0","vlo":"66:0"},{"n":"66/0/2","vlo":"65535:65535"}]'), [
        row([65, 0, 0, 0], "OBJECTLINK", { objectId: 66, instanceId: 0 }),
        row([66, 0, 2], "OBJECTLINK", { objectId: 65535, instanceId: 65535 }),
      ]));
    for (const [name, json] of [
      ["the whole path as base name", '[{"bn":"/3303/0/5700","v":21.5}]'],
      ["the whole path as name", '[{"n":"/3303/0/5700","v":21.5}]'],
      ["no leading slash", '[{"bn":"3303/0/","n":"5700","v":21.5}]'],
      ["no slash at the seam", '[{"bn":"/3303/0","n":"/5700","v":21.5}]'],
      ["a unit beside the value", '[{"n":"/3303/0/5700","v":21.5,"u":"Cel"}]'],
    ] as const) {
      it(`names: ${name}`, () => assert.deepEqual(read(json, [3303, 0, 5700]), [row([3303, 0, 5700], "FLOAT", 21.5)]));
    }
    it("types follow the model; the unknown keep their natural one", () => {
      const values = read(
        '[{"bn":"/3442/0/","n":"120","v":21.0},{"n":"130","v":21},{"n":"150","vd":"AQI="},{"n":"160","v":1736960596},{"n":"180","vs":"</3>"},' +
          '{"bn":"/9999/0/","n":"1","v":1},{"n":"2","v":1.5},{"n":"3","vs":"a"},{"n":"4","vb":true},{"n":"5","vd":"AQI"},{"n":"6","vlo":"3:0"}]',
      );
      assert.deepEqual(
        values.map(({ type, value }) => [type, value]),
        [
          ["INTEGER", 21],
          ["FLOAT", 21],
          ["OPAQUE", Uint8Array.of(1, 2)],
          ["TIME", 1736960596],
          ["CORELINK", "</3>"],
          ["INTEGER", 1],
          ["FLOAT", 1.5],
          ["STRING", "a"],
          ["BOOLEAN", true],
          ["OPAQUE", Uint8Array.of(1, 2)],
          ["OBJECTLINK", { objectId: 3, instanceId: 0 }],
        ],
      );
    });
    it("16.1 integers of 64 bits stay exact, as numbers or as text", () => {
      const json =
        '[{"bn":"/3442/0/","n":"120","v":-9223372036854775808},{"n":"125","v":18446744073709551615},{"n":"120","vs":"9223372036854775807"}]';
      assert.deepEqual(
        read(json).map(({ value }) => value),
        [-(2n ** 63n), 2n ** 64n - 1n, 2n ** 63n - 1n],
      );
      const value = row([3442, 0, 125], "UNSIGNED_INTEGER", 2n ** 64n - 1n);
      assert.equal(write([value]), '[{"n":"/3442/0/125","v":18446744073709551615}]');
      assert.equal(writeCbor([value]), "81a2006b2f333434322f302f313235021bffffffffffffffff");
    });
  });

  describe("D11 Send with several times per resource", () => {
    const expected = [
      { ...row([3303, 0, 5700], "FLOAT", 20.5), atMs: 1736960632882 },
      { ...row([3303, 0, 5700], "FLOAT", 20.6), atMs: 1736960642882 },
      { ...row([3303, 1, 5700], "FLOAT", 19), atMs: 1736960632882 },
    ];
    it("JSON with scientific base time: each value with its own time (20-13)", () =>
      assert.deepEqual(
        read(
          '[{"bn":"/3303/0/","bt":1.7369606328815944E9,"n":"5700","v":20.5},{"n":"5700","t":10,"v":20.6},{"bn":"/3303/1/","n":"5700","v":19}]',
        ),
        expected,
      ));
    it("CBOR with a base time in the time tag, as a meter sends it", () => {
      const [value] = readCbor("81a322c11a67880c78006c2f333330332f302f3537303002f94d20");
      assert.deepEqual(value, { ...row([3303, 0, 5700], "FLOAT", 20.5), atMs: 0x67880c78 * 1000 });
    });
    it("writes times and reads them back, in both formats", () => {
      for (const codec of [senmlJsonCodec, senmlCborCodec]) {
        assert.deepEqual(codec.decode(codec.encode(expected, contextOf([])), contextOf([])), expected);
      }
    });
    it("the same resource twice with different times below its own path", () => {
      const two = expected.slice(0, 2);
      assert.deepEqual(read(write(two, [3303, 0, 5700]), [3303, 0, 5700]), two);
    });
    it("refuses to write a time that would be read as relative", () =>
      assertFails("VALUE_TYPE", () => write([{ ...expected[0]!, atMs: 1000 }]), "/3303/0/5700"));
  });

  describe("refuses, naming the record", () => {
    for (const [name, json, text] of [
      ["no array", '{"n":"/3/0/9","v":1}', /no JSON array/],
      ["no JSON", "[{", /not JSON/],
      ["a record that is no object", '[{"n":"/3/0/9","v":1},5]', /record 1: is no object/],
      ["two values", '[{"n":"/3/0/9","v":1,"vs":"1"}]', /record 0: has several values: v, vs/],
      ["a name without a value", '[{"n":"/3/0/9"}]', /record 0: \/3\/0\/9 has no value/],
      ["null as value", '[{"n":"/3/0/9","v":null}]', /record 0: v cannot be null/],
      ["a number as text of v", '[{"n":"/3/0/9","v":"1"}]', /record 0: v cannot be "1"/],
      ["a boolean as number", '[{"n":"/3/0/9","vb":1}]', /record 0: vb cannot be 1/],
      ["data that is not base64", '[{"n":"/5/0/0","vd":"*"}]', /record 0: vd is no base64/],
      ["data that is no text", '[{"n":"/5/0/0","vd":1}]', /record 0: vd is no base64/],
      ["a link of another form", '[{"n":"/66/0/2","vlo":"/66/0"}]', /record 0: vlo cannot be/],
      ["a name that is no text", '[{"n":5,"v":1}]', /record 0: n is no text/],
      ["a base time that is no number", '[{"bn":"/3/0/9","bt":"now","v":1}]', /record 0: bt is no number/],
      ["a name that is no path", '[{"n":"urn:dev:1","v":1}]', /record 0: its name is no path/],
      ["an instance as name", '[{"n":"/3/0","v":1}]', /record 0: \/3\/0 is no resource/],
      ["no name at all", '[{"v":1}]', /record 0: \/ is no resource/],
      ["a value of another type", '[{"bn":"/3/0/"},{"n":"9","v":1.5}]', /record 1: \/3\/0\/9: 1.5 is no INTEGER/],
      ["a time beyond the calendar", '[{"n":"/3/0/9","t":1e14,"v":1}]', /record 0: the time lies outside/],
    ] as const) {
      it(name, () => assertFails("SENML_INVALID", () => read(json), text));
    }
    it("a value outside the requested path", () =>
      assertFails(
        "SENML_INVALID",
        () => read('[{"n":"/3/0/9","v":1}]', [3, 1]),
        /record 0: \/3\/0\/9 does not lie below \/3\/1/,
      ));
    it("text that is not UTF-8", () =>
      assertFails("SENML_INVALID", () => senmlJsonCodec.decode(Uint8Array.of(0xff), contextOf([])), /UTF-8/));
    it("CBOR: no array, a record that is no map, a label by number and by name", () => {
      assertFails("SENML_INVALID", () => readCbor("a0"), /no CBOR array/);
      assertFails("SENML_INVALID", () => readCbor("8101"), /record 0: is no map/);
      assertFails("SENML_INVALID", () => readCbor("81a300662f332f302f390201617602"), /record 0: label v stands twice/);
    });
    it("values that SenML cannot write", () => {
      assertFails("VALUE_TYPE", () => write([row([3303, 0, 5700], "FLOAT", Number.NaN)]), "/3303/0/5700");
      assertFails("VALUE_TYPE", () => write([row([3, 0, 9], "INTEGER", "1")]), "/3/0/9");
      assertFails("VALUE_TYPE", () => write([row([3, 0, 9], "INTEGER", 1)], [4]), "/3/0/9");
    });
  });

  it("CBOR: text labels and unknown numbers are read", () =>
    assert.deepEqual(readCbor("81a3616e672f332f302f3130617605182a01"), [row([3, 0, 10], "INTEGER", 5)]));
  it("no values are an empty pack", () => {
    assert.equal(write([], [3]), "[]");
    assert.deepEqual(read("[]", [3]), []);
    assert.equal(writeCbor([], [3]), "80");
  });

  for (const [name, codec] of [
    ["JSON", senmlJsonCodec],
    ["CBOR", senmlCborCodec],
  ] as const satisfies readonly (readonly [string, Codec])[]) {
    const payload = codec.encode(DEVICE_VALUES, contextOf([3, 0]));
    it(`${name} truncated at any byte: never a value`, () =>
      assert.deepEqual(
        truncations(bytes => codec.decode(bytes, contextOf([])), payload),
        [],
      ));
    it(`${name} mutated payloads end in values or in an error of ours`, () => {
      const payloads = [payload, name === "JSON" ? encodeUtf8(MULTIPLE) : fromHex(MULTIPLE_CBOR)];
      assertSurvivesMutation(bytes => codec.decode(bytes, contextOf([])), payloads);
    });
    it(`${name} random typed trees come back as they went`, () => {
      const random = createSeededRandom(5);
      for (let round = 0; round < 200; round++) {
        const one = randomInstance(0, random);
        for (const path of [[], [3442], [3442, 0]]) {
          assert.deepEqual(codec.decode(codec.encode(one, contextOf(path)), contextOf(path)), one);
        }
      }
    });
  }
  it("JSON nesting and number bombs", () => {
    assertFails("SENML_INVALID", () => read("[".repeat(200_000)), /not JSON/);
    assertFails("SENML_INVALID", () => read(`${"[".repeat(100_000)}1234567890123456789${"]".repeat(100_000)}`));
    assertFails("SENML_INVALID", () => read(`[{"n":"/3/0/9","v":${"9".repeat(100_000)}}]`), /./);
  });
  it("labels of Object.prototype are unknown labels", () => {
    const resolved: ResolvedRecord[] = resolveRecords(
      readJsonRecords(encodeUtf8('[{"constructor":{"v":1},"hasOwnProperty":2,"n":"a","v":2}]')),
      0,
    );
    assert.deepEqual(resolved, [{ at: 0, name: "a", atMs: undefined, value: 2 }]);
  });
});
