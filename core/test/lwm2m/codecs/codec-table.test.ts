import { assert } from "chai";
import { encodeUtf8, fromHex } from "../../../src/base/bytes.ts";
import {
  codecFor,
  compositeFormats,
  decodeCurrentPayload,
  decodePayload,
  decodeUntyped,
  preferredFormats,
} from "../../../src/lwm2m/codecs/codec-table.ts";
import { contextOf, resourceValue } from "./models.ts";
import { assertFails } from "./robust.ts";

const TEMPERATURE = resourceValue([3303, 0, 5700], "FLOAT", 21.5);

describe("lwm2m/codecs/codec-table", () => {
  it("19: the old code 1542 is TLV", () =>
    assert.deepEqual(codecFor(1542).decode(fromHex("c10964"), contextOf([3, 0, 9])), [
      resourceValue([3, 0, 9], "INTEGER", 100),
    ]));
  for (const [contentFormat, name] of [
    [40, "LINK"],
    [50, "50"],
  ] as const) {
    it(`refuses ${contentFormat} by name`, () =>
      assertFails("CONTENT_FORMAT_UNSUPPORTED", () => codecFor(contentFormat), name));
  }

  it("agent specification 10.2: 1542 and 1543 are refused by name where they are not to be understood", () => {
    const read = (contentFormat: number, hex: string) =>
      decodeCurrentPayload(contentFormat, fromHex(hex), contextOf([3, 0, 9]));
    assertFails("CONTENT_FORMAT_UNSUPPORTED", () => read(1542, "c10964"), /OLD_TLV \(1542\) is deprecated/);
    assertFails("CONTENT_FORMAT_UNSUPPORTED", () => read(1543, "7b7d"), /OLD_JSON \(1543\) is deprecated/);
    assert.deepEqual(read(11542, "c10964"), [resourceValue([3, 0, 9], "INTEGER", 100)]);
  });

  it("bad input: more values than one message may hold", () => {
    const history = (values: number) =>
      encodeUtf8(JSON.stringify(Array.from({ length: values }, (_, t) => ({ n: "/3303/0/5700", t: -t, v: 1 }))));
    assert.equal(codecFor(110).decode(history(10_000), contextOf([])).length, 10_000);
    assertFails("TOO_LARGE", () => codecFor(110).decode(history(10_001), contextOf([])), "10001 values");
  });

  describe("D3 a payload without Content-Format", () => {
    const read = (text: string) => decodeUntyped(encodeUtf8(text), contextOf([3303, 0, 5700]));
    it("is tried as text for a single resource", () => assert.deepEqual(read("21.5"), [TEMPERATURE]));
    it("65535 is none", () =>
      assert.deepEqual(decodePayload(65535, encodeUtf8("21.5"), contextOf([3303, 0, 5700])), [TEMPERATURE]));
    it("fails clearly when it is no text", () =>
      assertFails("CONTENT_FORMAT_UNSUPPORTED", () => read("warm"), "/3303/0/5700 has no Content-Format"));
    it("fails clearly for several resources", () =>
      assertFails("CONTENT_FORMAT_UNSUPPORTED", () => decodeUntyped(encodeUtf8("x"), contextOf([3303])), "/3303"));
    it("an empty one for an object holds nothing", () =>
      assert.deepEqual(decodePayload(undefined, new Uint8Array(0), contextOf([3303])), []));
  });

  it("D4 decodes by the format that came", () =>
    assert.deepEqual(decodePayload(60, fromHex("f94d60"), contextOf([3303, 0, 5700])), [TEMPERATURE]));

  describe("10.2 formats to ask for", () => {
    for (const [name, version, offered, expected] of [
      ["1.0 offers nothing", "1.0", [], [11542]],
      ["1.1 offers nothing", "1.1", [], [11542, 112, 110]],
      ["1.2 offers nothing", "1.2", [], [112, 11542, 110]],
      ["TLV before SenML", "1.1", [110, 112, 11542], [11542, 112, 110]],
      ["only what is offered", "1.1", [110], [110]],
      ["the old code where only that is offered", "1.0", [1542], [1542]],
      ["LwM2M 1.0 JSON after all others", "1.0", [11543, 11542], [11542, 11543]],
      ["unknown numbers are passed over", "1.1", [99, 110], [110]],
      ["nothing that we know", "1.2", [99], [112, 11542, 110]],
      ["LwM2M CBOR where a device offers that alone", "1.2", [0, 42, 11544], [11544]],
      ["LwM2M CBOR behind SenML, which can say times", "1.2", [11544, 110, 112], [112, 110, 11544]],
      ["single values do not serve an object", "1.1", [0, 60, 110], [110]],
    ] as const) {
      it(name, () => assert.deepEqual(preferredFormats(version, offered), [...expected]));
    }
    for (const [name, body, offered, expected] of [
      ["answers", "answer", [11542, 110, 112, 11544], [112, 110, 11544]],
      ["answers of a device that offers LwM2M CBOR", "answer", [11544, 322], [11544]],
      ["lists of paths, of which LwM2M CBOR has none", "paths", [11544, 322], [322]],
      ["lists of paths: plain SenML first", "paths", [320, 322, 110], [110, 322, 320]],
      ["values to write", "write", [11544, 322], [11544, 322]],
      ["a device that offers none", "paths", [11542, 11544], [112, 110]],
    ] as const) {
      it(`composite operations: ${name}`, () => assert.deepEqual(compositeFormats(body, offered), [...expected]));
    }
    it("single values serve a resource, after the others", () => {
      assert.deepEqual(preferredFormats("1.1", [0, 60, 110], [3, 0, 9]), [110, 60, 0]);
      assert.deepEqual(preferredFormats("1.0", [0], [3, 0, 9]), [0]);
    });
  });
});
