import { assert } from "chai";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { isFailure } from "../../../src/base/errors.ts";
import { createLinkReader } from "../../../src/lwm2m/registration/registration-links.ts";

describe("lwm2m/registration/registration-links", () => {
  it("equal payloads share one list, large ones are read each time", () => {
    const read = createLinkReader();
    const small = encodeUtf8("</1/0>,</3/0>");
    assert.strictEqual(read(small), read(Uint8Array.from(small)));
    const large = encodeUtf8(Array.from({ length: 1000 }, (_, i) => `</3303/${i}>`).join(","));
    assert.equal(read(large).objectLinks.length, 1000);
    assert.notStrictEqual(read(large), read(large));
  });

  it("bad input: what is no registration's size is refused unread", () => {
    const read = createLinkReader();

    assert.equal(read(encodeUtf8("</1/0>,".repeat(9000))).objectLinks.length, 1);
    try {
      read(encodeUtf8("</1/0>,".repeat(9500)));
      assert.fail("was read");
    } catch (error) {
      assert(isFailure(error, "TOO_LARGE"), String(error));
      assert.include(error.message, "65536");
    }
  });
});
