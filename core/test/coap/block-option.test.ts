import { assert } from "chai";
import { isFailure } from "../../src/base/errors.ts";
import { blockAt, blockBytes, blockStart, decodeBlock, encodeBlock } from "../../src/coap/block-option.ts";

describe("coap/block-option", () => {
  it("RFC 7959 2.2: NUM, M and SZX", () => {
    assert.deepEqual(decodeBlock(0), { num: 0, more: false, szx: 0 });
    assert.deepEqual(decodeBlock(0x0e), { num: 0, more: true, szx: 6 });
    assert.deepEqual(decodeBlock(0x12), { num: 1, more: false, szx: 2 });
    assert.deepEqual(decodeBlock(0xffffff & ~1), { num: 2 ** 20 - 1, more: true, szx: 6 });
  });

  it("RFC 7959 2.2: size exponents 0 to 6 are 16 to 1024 bytes, 7 is reserved", () => {
    assert.deepEqual([0, 1, 2, 3, 4, 5, 6].map(blockBytes), [16, 32, 64, 128, 256, 512, 1024]);
    assert.isUndefined(decodeBlock(7));
    assert.isUndefined(decodeBlock(0x0f));
    for (const bad of [
      { num: 0, more: false, szx: 7 },
      { num: 2 ** 20, more: false, szx: 6 },
    ]) {
      try {
        encodeBlock(bad);
      } catch (error) {
        assert.isTrue(isFailure(error, "BLOCK_SIZE_INVALID"));
        continue;
      }
      assert.fail("was encoded");
    }
  });

  it("RFC 7959 2.2: every block survives the way there and back", () => {
    for (const num of [0, 1, 15, 16, 4095, 4096, 2 ** 20 - 1]) {
      for (let szx = 0; szx <= 6; szx++) {
        for (const more of [true, false]) {
          assert.deepEqual(decodeBlock(encodeBlock({ num, more, szx })), { num, more, szx });
        }
      }
    }
  });

  it("the blocks of a body", () => {
    assert.deepEqual(blockAt(0, 0, 16), { num: 0, more: false, szx: 0 });
    assert.deepEqual(blockAt(0, 0, 17), { num: 0, more: true, szx: 0 });
    assert.deepEqual(blockAt(1024, 5, 1600), { num: 2, more: true, szx: 5 });
    assert.equal(blockStart({ num: 3, more: false, szx: 6 }), 3072);
  });
});
