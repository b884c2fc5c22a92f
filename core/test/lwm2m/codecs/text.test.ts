import { assert } from "chai";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { textCodec } from "../../../src/lwm2m/codecs/text.ts";
import { RESOURCE_TYPES, type ResourceType, type ScalarValue } from "../../../src/lwm2m/resource-value.ts";
import { contextOf, modelsOf, resourceValue } from "./models.ts";
import { assertFails, assertSurvivesMutation } from "./robust.ts";
import { randomValue } from "./trees.ts";

const context = (type: ResourceType) => contextOf([9, 0, 1], modelsOf({ 9: { resources: { 1: type } } }));
const read = (type: ResourceType, text: string): ScalarValue =>
  textCodec.decode(encodeUtf8(text), context(type))[0]!.value;
const write = (type: ResourceType, value: ScalarValue): string | undefined =>
  decodeUtf8(textCodec.encode([resourceValue([9, 0, 1], type, value)], context(type)));

describe("lwm2m/codecs/text (Core 1.1.1 §7.4.1, table C.2-1)", () => {
  for (const [type, text, value] of [
    ["STRING", "Open Mobile Alliance", "Open Mobile Alliance"],
    ["STRING", "", ""],
    ["STRING", " 12 ", " 12 "],
    ["CORELINK", "</43/0>,</33/1>", "</43/0>,</33/1>"],
    ["INTEGER", "-23", -23],
    ["INTEGER", "9223372036854775807", 2n ** 63n - 1n],
    ["UNSIGNED_INTEGER", "18446744073709551615", 2n ** 64n - 1n],
    ["TIME", "1476186613", 1476186613],
    ["FLOAT", "32.1234", 32.1234],
    ["FLOAT", "-0.5", -0.5],
    ["BOOLEAN", "1", true],
    ["BOOLEAN", "0", false],
    ["OPAQUE", "AQIDBAU=", Uint8Array.of(1, 2, 3, 4, 5)],
    ["OPAQUE", "", new Uint8Array(0)],
    ["OBJECTLINK", "10:03", { objectId: 10, instanceId: 3 }],
    ["OBJECTLINK", "65535:65535", { objectId: 65535, instanceId: 65535 }],
  ] as const) {
    it(`${type} "${text}"`, () => assert.deepEqual(read(type, text), value));
  }
  for (const [type, text, value] of [
    ["INTEGER", " 12\n", 12],
    ["INTEGER", "+7", 7],
    ["INTEGER", "12\0", 12],
    ["FLOAT", "12", 12],
    ["FLOAT", ".5", 0.5],
    ["FLOAT", "1.2E-3", 0.0012],
    ["BOOLEAN", "true", true],
    ["OPAQUE", "-_-_", Uint8Array.of(0xfb, 0xff, 0xbf)],
  ] as const) {
    it(`tolerates ${type} ${JSON.stringify(text)}`, () => assert.deepEqual(read(type, text), value));
  }
  for (const [type, text] of [
    ["INTEGER", ""],
    ["INTEGER", "1.5"],
    ["INTEGER", "0x10"],
    ["INTEGER", "9223372036854775808"],
    ["UNSIGNED_INTEGER", "-1"],
    ["TIME", "2026-01-01"],
    ["FLOAT", "NaN"],
    ["FLOAT", "Infinity"],
    ["FLOAT", "1,5"],
    ["FLOAT", ""],
    ["BOOLEAN", "yes"],
    ["BOOLEAN", "__proto__"],
    ["OPAQUE", "AQIDBAU*"],
    ["OPAQUE", "A"],
    ["OBJECTLINK", "3"],
    ["OBJECTLINK", "3:65536"],
    ["OBJECTLINK", "3:0:1"],
  ] as const) {
    it(`refuses ${type} "${text}" and names the resource`, () =>
      assertFails("TEXT_INVALID", () => read(type, text), "/9/0/1"));
  }
  it("refuses bytes that are not UTF-8", () =>
    assertFails("TEXT_INVALID", () => textCodec.decode(Uint8Array.of(0xff), context("STRING")), /UTF-8/));

  for (const [type, value, text] of [
    ["FLOAT", 1e-7, "0.0000001"],
    ["FLOAT", -1.25e-9, "-0.00000000125"],
    ["FLOAT", 1.5e21, "1500000000000000000000"],
    ["FLOAT", 21, "21"],
    ["INTEGER", -(2n ** 63n), "-9223372036854775808"],
    ["BOOLEAN", true, "1"],
    ["OPAQUE", Uint8Array.of(1, 2, 3, 4, 5), "AQIDBAU="],
    ["OBJECTLINK", { objectId: 66, instanceId: 0 }, "66:0"],
  ] as const) {
    it(`writes ${type} ${text}`, () => assert.equal(write(type, value), text));
  }
  it("refuses to write what text cannot say", () => {
    assertFails("VALUE_TYPE", () => write("FLOAT", Number.NaN));
    assertFails("VALUE_TYPE", () => write("INTEGER", "12"));
    assertFails("VALUE_TYPE", () => write("OBJECTLINK", { objectId: 65536, instanceId: 0 }));
  });

  it("a resource that no model knows is STRING, a resource instance is read alike", () => {
    assert.deepEqual(textCodec.decode(encodeUtf8("12"), contextOf([77, 0, 1])), [
      resourceValue([77, 0, 1], "STRING", "12"),
    ]);
    assert.deepEqual(textCodec.decode(encodeUtf8("5"), contextOf([3, 0, 6, 1])), [
      resourceValue([3, 0, 6, 1], "INTEGER", 5),
    ]);
  });
  it("an object or instance path is refused in both directions", () => {
    assertFails("CONTENT_FORMAT_UNSUPPORTED", () => textCodec.decode(encodeUtf8("1"), contextOf([3, 0])), "/3/0");
    assertFails("CONTENT_FORMAT_UNSUPPORTED", () => textCodec.encode([], contextOf([3, 0, 9])), "/3/0/9");
    const elsewhere = [resourceValue([3, 0, 10], "INTEGER", 1)];
    assertFails("CONTENT_FORMAT_UNSUPPORTED", () => textCodec.encode(elsewhere, contextOf([3, 0, 9])));
  });
  it("random values of every type come back", () => {
    const random = createSeededRandom(3);
    for (let round = 0; round < 300; round++) {
      const value = randomValue(RESOURCE_TYPES[round % RESOURCE_TYPES.length]!, 0, random);
      const at = contextOf(value.path);
      assert.deepEqual(textCodec.decode(textCodec.encode([value], at), at), [value]);
    }
  });
  it("mutated payloads end in a value or in an error of ours", () => {
    for (const type of RESOURCE_TYPES) {
      assertSurvivesMutation(bytes => textCodec.decode(bytes, context(type)), [encodeUtf8("-12.5e3:AQIDBAU=")], 200);
    }
  });
});
