import { assert } from "chai";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { MooringError } from "../../src/base/errors.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { createSecretBox, secretKeyFrom } from "../../src/base/secret-box.ts";

const key = Uint8Array.from({ length: 32 }, (_, at) => at);
const box = createSecretBox(key, createSeededRandom(1));

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof MooringError) return error.code;
    throw error;
  }
  return "none";
}

describe("base/secret-box", () => {
  it("opens what it sealed, in the same place only", () => {
    const sealed = box.seal(encodeUtf8("key material"), "devices/a");
    assert.deepEqual(box.open(sealed, "devices/a"), encodeUtf8("key material"));
    assert.equal(
      codeOf(() => box.open(sealed, "devices/b")),
      "SECRET_UNREADABLE",
    );
  });

  it("seals the same secret differently each time, and the empty one too", () => {
    assert.notEqual(box.seal(key, "x"), box.seal(key, "x"));
    assert.equal(box.open(box.seal(new Uint8Array(0), "x"), "x").length, 0);
  });

  it("refuses bytes that are changed, cut or made with another key", () => {
    const sealed = Buffer.from(box.seal(key, "x"), "base64");
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      assert.equal(
        codeOf(() => box.open(changed.toString("base64"), "x")),
        "SECRET_UNREADABLE",
        `byte ${at}`,
      );
      assert.equal(
        codeOf(() => box.open(sealed.subarray(0, at).toString("base64"), "x")),
        "SECRET_UNREADABLE",
      );
    }
    const other = createSecretBox(secretKeyFrom("another phrase"), createSeededRandom(2));
    assert.equal(
      codeOf(() => other.open(sealed.toString("base64"), "x")),
      "SECRET_UNREADABLE",
    );
  });

  it("reads a key from hexadecimal digits, from base64 and from a phrase", () => {
    assert.deepEqual(secretKeyFrom(Buffer.from(key).toString("hex")), key);
    assert.deepEqual(secretKeyFrom(Buffer.from(key).toString("base64")), key);
    assert.equal(secretKeyFrom("a phrase").length, 32);
    assert.deepEqual(secretKeyFrom("a phrase"), secretKeyFrom("a phrase"));
    assert.notDeepEqual(secretKeyFrom("a phrase"), secretKeyFrom("A phrase"));
  });

  it("refuses a key of another length", () => {
    assert.equal(
      codeOf(() => createSecretBox(key.subarray(1), createSeededRandom(1))),
      "CONFIG_INVALID",
    );
  });
});
