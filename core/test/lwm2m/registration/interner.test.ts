import { assert } from "chai";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { createInterner } from "../../../src/lwm2m/registration/interner.ts";
import { createLinkReader } from "../../../src/lwm2m/registration/registration-links.ts";

describe("lwm2m/registration/interner", () => {
  it("shares equal values and forgets the one unused for longest", () => {
    const interner = createInterner<object>(2);
    const a = interner.share("a", () => ({}));
    const b = interner.share("b", () => ({}));
    assert.strictEqual(
      interner.share("a", () => ({})),
      a,
    );
    interner.share("c", () => ({}));
    assert.strictEqual(
      interner.share("a", () => ({})),
      a,
    );
    assert.notStrictEqual(
      interner.share("b", () => ({})),
      b,
    );
  });

  it("devices with the same links share one list", () => {
    const read = createLinkReader();
    const first = read(encodeUtf8("</1/0>,</3/0>"));
    assert.strictEqual(read(encodeUtf8("</1/0>,</3/0>")).objectLinks, first.objectLinks);
    const long = encodeUtf8(Array.from({ length: 700 }, (_, i) => `</3303/${i}>`).join(","));
    assert.equal(read(long).objectLinks.length, 700);
  });
});
