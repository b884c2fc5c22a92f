import { assert } from "chai";
import { fromHex } from "../../src/base/bytes.ts";
import { MooringError } from "../../src/base/errors.ts";
import {
  readBits,
  readBoolean,
  readElements,
  readObjectId,
  readOnly,
  readSmallInteger,
  TAG,
} from "../../src/x509/der.ts";

const element = (hex: string) => readElements(fromHex(hex))[0]!;

describe("x509/der (X.690)", () => {
  it("8.1: elements one after the other, as views", () => {
    const bytes = fromHex("0101ff0500300302012a");
    const [boolean, , sequence] = readElements(bytes);
    assert.isTrue(readBoolean(boolean!));
    assert.equal(sequence!.content.buffer, bytes.buffer);
    assert.equal(readSmallInteger(readOnly(sequence!.content, TAG.integer)), 42);
  });

  it("8.1.3.5: long lengths", () => {
    assert.lengthOf(readElements(fromHex(`048180${"00".repeat(128)}`))[0]!.content, 128);
    assert.lengthOf(readElements(fromHex(`04820100${"00".repeat(256)}`))[0]!.content, 256);
  });

  it("8.19: object identifiers", () => {
    assert.equal(readObjectId(element("0603551d0f")), "2.5.29.15");
    assert.equal(readObjectId(element("06082a8648ce3d040302")), "1.2.840.10045.4.3.2");
    assert.equal(readObjectId(element("0603883703")), "2.999.3");
  });

  it("8.6: bits", () => {
    assert.deepEqual([...readBits(element("03020780"))], [0]);
    assert.deepEqual([...readBits(element("03020106"))], [5, 6]);
    assert.deepEqual([...readBits(element("0303070080"))], [8]);
  });

  const bad: [rule: string, read: () => unknown][] = [
    ["10.1: indefinite length", () => element("3080")],
    ["10.1: a length that is not the shortest", () => element("04810100")],
    ["10.1: a length with a leading zero", () => element(`0482007f${"00".repeat(127)}`)],
    ["a length past the end", () => element("0405000000")],
    ["a length of four bytes", () => element("048401000000")],
    ["a cut length", () => element("048201")],
    ["only a tag", () => element("04")],
    ["8.1.2.4: a high tag number", () => element("1f8101")],
    ["11.1: a Boolean of 1", () => readBoolean(element("010101"))],
    ["a negative integer", () => readSmallInteger(element("0201ff"))],
    ["an empty integer", () => readSmallInteger(element("0200"))],
    ["a cut object identifier", () => readObjectId(element("06022a86"))],
    ["an empty object identifier", () => readObjectId(element("0600"))],
    ["an object identifier without end", () => readObjectId(element("060affffffffffffffffff7f"))],
    ["bits without their count", () => readBits(element("0300"))],
    ["something behind the only element", () => readOnly(fromHex("05000500"), 5)],
    ["nothing", () => readOnly(new Uint8Array(0), 5)],
    ["another tag", () => readOnly(fromHex("0500"), TAG.sequence)],
  ];
  for (const [rule, read] of bad) {
    it(`refused: ${rule}`, () => {
      assert.throws(read, MooringError);
    });
  }
});
