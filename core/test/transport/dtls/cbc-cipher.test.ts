import { createSecretKey } from "node:crypto";
import { assert } from "chai";
import { concatBytes } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { decryptCbc, encryptCbc, paddingBytes } from "../../../src/transport/dtls/cbc-cipher.ts";

/** RFC 5246 section 6.2.3.2, with all the branches that the code must not have. */
function naivePaddingBytes(plaintext: Uint8Array, most: number): number {
  const count = plaintext.at(-1)!;
  if (count + 1 > most || count + 1 > plaintext.length) return 0;
  return plaintext.subarray(-count - 1).every(byte => byte === count) ? count + 1 : 0;
}

describe("transport/dtls/cbc-cipher (RFC 5246 section 6.2.3.2)", () => {
  const random = createSeededRandom(5246);

  it("takes every length of padding, 1 to 256 bytes with its count", () => {
    for (let count = 0; count < 256; count++) {
      const plaintext = new Uint8Array(320).fill(0xee);
      plaintext.fill(count, plaintext.length - count - 1);
      assert.equal(paddingBytes(plaintext, 288), count + 1);
    }
  });

  it("takes no padding with one wrong byte, wherever it stands", () => {
    for (const count of [1, 15, 16, 200, 255]) {
      for (let wrong = 1; wrong <= count; wrong++) {
        const plaintext = new Uint8Array(320).fill(count);
        plaintext[plaintext.length - 1 - wrong]! ^= 1 << (wrong % 8);
        assert.equal(paddingBytes(plaintext, 320), 0, `count ${count}, byte ${wrong}`);
      }
    }
  });

  it("takes no padding that leaves no room for the MAC", () => {
    const plaintext = new Uint8Array(48).fill(15);
    assert.equal(paddingBytes(plaintext, 16), 16);
    assert.equal(paddingBytes(plaintext, 15), 0);
    assert.equal(paddingBytes(new Uint8Array(48).fill(255), 16), 0);
  });

  it("answers as the rule spelled out does, for random ends", () => {
    for (let round = 0; round < 20_000; round++) {
      const plaintext = random.bytes(16 * (1 + random.int(20)));
      const count = random.int(3) === 0 ? random.int(256) : random.int(20);
      plaintext.fill(count, Math.max(0, plaintext.length - random.int(count + 3) - 1));
      const most = 1 + random.int(plaintext.length);
      assert.equal(paddingBytes(plaintext, most), naivePaddingBytes(plaintext, most));
    }
  });

  it("pads to whole blocks, at least the count, and decrypts what it encrypted", () => {
    const key = createSecretKey(random.bytes(16));
    for (let length = 0; length <= 64; length++) {
      const iv = random.bytes(16);
      const content = random.bytes(length);
      const text = concatBytes(encryptCbc(key, iv, [content.subarray(0, length >> 1), content.subarray(length >> 1)]));
      assert.equal(text.length, 16 * (Math.floor(length / 16) + 1));
      const padded = decryptCbc(key, iv, text);
      assert.deepEqual([...padded.subarray(0, length)], [...content]);
      assert.equal(paddingBytes(padded, padded.length), padded.length - length);
    }
  });
});
