import { assert } from "chai";
import { toHex } from "../../src/base/bytes.ts";
import { readElements, readObjectId, TAG } from "../../src/x509/der.ts";
import { element, integer, objectId, octetString, time } from "../../src/x509/write-der.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

describe("x509/write-der (X.690)", () => {
  for (const length of [0, 127, 128, 255, 256, 65_535, 65_536]) {
    it(`8.1.3: a length of ${length} is the shortest and reads back`, () => {
      const [read] = readElements(octetString(new Uint8Array(length)));
      assert.lengthOf(read!.content, length);
    });
  }

  for (const [bytes, hex] of [
    [[0], "020100"],
    [[], "020100"],
    [[127], "02017f"],
    [[128], "02020080"],
    [[0, 0, 1], "020101"],
    [[0, 200], "020200c8"],
  ] as const) {
    it(`8.3: ${bytes.join(" ") || "nothing"} as an integer`, () => {
      assert.equal(toHex(integer(Uint8Array.from(bytes))), hex);
    });
  }

  for (const id of ["1.2.840.10045.4.3.2", "2.5.4.3", "2.999.3", "1.3.6.1.5.5.7.3.1", "0.9.2342.19200300.100.1.1"]) {
    it(`8.19: ${id}`, () => {
      assert.equal(readObjectId(readElements(objectId(id))[0]), id);
    });
  }

  it("RFC 5280 4.1.2.5: UTCTime up to 2049, GeneralizedTime after", () => {
    const [short] = readElements(time(Date.UTC(2049, 11, 31, 23, 59, 59)));
    assert.deepEqual([short!.tag, text(short!.content)], [TAG.utcTime, "491231235959Z"]);
    const [long] = readElements(time(Date.UTC(2050, 0, 1)));
    assert.deepEqual([long!.tag, text(long!.content)], [TAG.generalizedTime, "20500101000000Z"]);
  });

  it("an element holds all that it is given", () => {
    assert.equal(toHex(element(0x31, Uint8Array.of(1), Uint8Array.of(2, 3))), "3103010203");
  });
});
