import { assert } from "chai";
import { opaqueCodec } from "../../../src/lwm2m/codecs/opaque.ts";
import { contextOf, resourceValue } from "./models.ts";
import { assertFails } from "./robust.ts";

const BYTES = Uint8Array.of(0, 1, 254, 255);

describe("lwm2m/codecs/opaque (Core 1.1.1 §7.4.2)", () => {
  it("the payload is the value, without a copy", () => {
    const [value] = opaqueCodec.decode(BYTES, contextOf([5, 0, 0]));
    assert.deepEqual(value, resourceValue([5, 0, 0], "OPAQUE", BYTES));
    assert.equal(value?.value, BYTES);
    assert.equal(opaqueCodec.encode([value!], contextOf([5, 0, 0])), BYTES);
  });
  it("an unknown resource is OPAQUE too, and an empty payload is an empty value", () =>
    assert.deepEqual(opaqueCodec.decode(new Uint8Array(0), contextOf([33456, 0, 123])), [
      resourceValue([33456, 0, 123], "OPAQUE", new Uint8Array(0)),
    ]));
  it("refuses a resource of another type, several resources, and a value that is no bytes", () => {
    assertFails("VALUE_TYPE", () => opaqueCodec.decode(BYTES, contextOf([3, 0, 9])), "/3/0/9");
    assertFails("CONTENT_FORMAT_UNSUPPORTED", () => opaqueCodec.decode(BYTES, contextOf([5, 0])), "/5/0");
    const text = [resourceValue([5, 0, 0], "STRING", "x")];
    assertFails("VALUE_TYPE", () => opaqueCodec.encode(text, contextOf([5, 0, 0])), "/5/0/0");
  });
});
