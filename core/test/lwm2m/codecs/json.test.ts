import { assert } from "chai";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { codecFor } from "../../../src/lwm2m/codecs/codec-table.ts";
import { jsonCodec } from "../../../src/lwm2m/codecs/json.ts";
import type { Lwm2mPath } from "../../../src/lwm2m/path.ts";
import type { ResourceValue } from "../../../src/lwm2m/resource-value.ts";
import { contextOf, NOW_MS, resourceValue } from "./models.ts";
import { assertFails, assertSurvivesMutation, truncations } from "./robust.ts";
import { randomInstance } from "./trees.ts";

const read = (json: string, path: Lwm2mPath): ResourceValue[] => jsonCodec.decode(encodeUtf8(json), contextOf(path));
const write = (values: readonly ResourceValue[], path: Lwm2mPath): string =>
  decodeUtf8(jsonCodec.encode(values, contextOf(path)))!;

const DEVICE =
  `{"bn":"/3/0/","e":[{"n":"0","sv":"Open Mobile Alliance"},{"n":"6/0","v":1},{"n":"6/1","v":5},{"n":"9","v":100},
  {"n":"13","v":1367491215},{"n":"16","sv":"U"}]}`.replace(/\n\s*/g, "");
const DEVICE_VALUES = [
  resourceValue([3, 0, 0], "STRING", "Open Mobile Alliance"),
  resourceValue([3, 0, 6, 0], "INTEGER", 1),
  resourceValue([3, 0, 6, 1], "INTEGER", 5),
  resourceValue([3, 0, 9], "INTEGER", 100),
  resourceValue([3, 0, 13], "TIME", 1367491215),
  resourceValue([3, 0, 16], "STRING", "U"),
];
const LEVEL = [resourceValue([3, 0, 9], "INTEGER", 100)];

describe("lwm2m/codecs/json (LwM2M TS 1.0.2 §6.4.4)", () => {
  it("device example, shortened: decodes", () => assert.deepEqual(read(DEVICE, [3, 0]), DEVICE_VALUES));
  it("device example, shortened: encodes back", () => assert.equal(write(DEVICE_VALUES, [3, 0]), DEVICE));
  it("links and booleans", () =>
    assert.deepEqual(read('{"bn":"/","e":[{"n":"66/0/2","ov":"67:0"}]}', [66]), [
      resourceValue([66, 0, 2], "OBJECTLINK", { objectId: 67, instanceId: 0 }),
    ]));
  it("bytes are base64 text", () => {
    const value = resourceValue([5, 0, 0], "OPAQUE", Uint8Array.of(1, 2, 250));
    assert.equal(write([value], [5, 0, 0]), '{"bn":"/5/0/","e":[{"n":"0","sv":"AQL6"}]}');
    assert.deepEqual(read('{"bn":"/5/0/","e":[{"n":"0","sv":"AQL6"}]}', [5, 0]), [value]);
  });
  for (const [name, json, path] of [
    ["base name without a closing slash", '{"bn":"/3/0","e":[{"n":"9","v":100}]}', [3, 0]],
    ["base name is the resource", '{"bn":"/3/0/9","e":[{"v":100}]}', [3, 0, 9]],
    ["base name is the resource, empty name", '{"bn":"/3/0/9","e":[{"n":"","v":100}]}', [3, 0, 9]],
    ["no base name: relative to the request", '{"e":[{"n":"9","v":100}]}', [3, 0]],
    ["no base name, a whole path", '{"e":[{"n":"/3/0/9","v":100}]}', [3, 0]],
    ["no base name, a single resource", '{"e":[{"v":100}]}', [3, 0, 9]],
    ["slashes on both sides", '{"bn":"/3/0/","e":[{"n":"/9","v":100}]}', [3]],
  ] as const) {
    it(`names: ${name}`, () => assert.deepEqual(read(json, path), LEVEL));
  }
  it("times: from the base time, else from now", () => {
    const times = (json: string) => read(json, []).map(({ atMs }) => atMs);
    assert.deepEqual(
      times('{"bn":"/3303/","bt":1736960632.5,"e":[{"n":"0/5700","v":1},{"n":"0/5700","v":1,"t":-5}]}'),
      [1736960632500, 1736960627500],
    );
    assert.deepEqual(times('{"e":[{"n":"/3303/0/5700","v":1,"t":-5},{"n":"/3303/0/5700","v":1}]}'), [
      NOW_MS - 5000,
      undefined,
    ]);
  });
  it("19: the old code 1543 is the same format", () =>
    assert.deepEqual(codecFor(1543).decode(encodeUtf8(DEVICE), contextOf([3, 0])), DEVICE_VALUES));

  for (const [name, json, text] of [
    ["no JSON", "{", /not JSON/],
    ["a list", "[]", /no JSON object/],
    ["no entries", '{"bn":"/3/0/"}', /list e/],
    ["an entry that is no object", '{"e":[5]}', /entry 0: is no object/],
    ["no value", '{"e":[{"n":"9"}]}', /entry 0: has not exactly one/],
    ["two values", '{"e":[{"n":"9","v":1,"sv":"1"}]}', /entry 0: has not exactly one/],
    ["a number as text", '{"e":[{"n":"9","v":"x"}]}', /entry 0: v cannot be "x"/],
    ["a value of another type", '{"e":[{"n":"10","v":1},{"n":"9","v":1.5}]}', /entry 1: \/3\/0\/9: 1.5 is no INTEGER/],
    ["a name that is no path", '{"e":[{"n":"x","v":1}]}', /entry 0: its name is no path/],
    ["another instance", '{"bn":"/3/1/","e":[{"n":"9","v":1}]}', /\/3\/1\/9 does not lie below \/3\/0/],
    ["a base name that is no text", '{"bn":3,"e":[]}', /bn cannot be 3/],
    ["a link of another form", '{"bn":"/3/0/22","e":[{"n":"0","ov":"/3/0"}]}', /ov .* is no object link/],
    ["a time beyond the calendar", '{"bt":1e15,"e":[{"n":"9","v":1}]}', /time lies outside/],
  ] as const) {
    it(`refuses ${name}`, () => assertFails("JSON_INVALID", () => read(json, [3, 0]), text));
  }
  it("refuses to write what it cannot say", () => {
    assertFails("CONTENT_FORMAT_UNSUPPORTED", () => write(LEVEL, []));
    assertFails("VALUE_TYPE", () => write(LEVEL, [4]), "/3/0/9");
    assertFails("VALUE_TYPE", () => write([resourceValue([3303, 0, 5700], "FLOAT", Number.NaN)], [3303, 0]));
  });

  it("truncated at any byte: never a value", () =>
    assert.deepEqual(
      truncations(bytes => jsonCodec.decode(bytes, contextOf([3, 0])), encodeUtf8(DEVICE)),
      [],
    ));
  it("mutated payloads end in values or in an error of ours", () =>
    assertSurvivesMutation(bytes => jsonCodec.decode(bytes, contextOf([3, 0])), [encodeUtf8(DEVICE)]));
  it("random typed trees come back as they went", () => {
    const random = createSeededRandom(6);
    for (let round = 0; round < 200; round++) {
      const values = randomInstance(0, random);
      for (const path of [[3442], [3442, 0]]) {
        assert.deepEqual(jsonCodec.decode(jsonCodec.encode(values, contextOf(path)), contextOf(path)), values);
      }
    }
  });
});
