import { assert } from "chai";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";

describe("base/bytes: UTF-8 (RFC 3629)", () => {
  for (const text of [
    "",
    "21.5",
    "x".repeat(16),
    "x".repeat(17),
    "é",
    `${"x".repeat(15)}€`,
    "\u{1f321}",
    "\ufeffa",
    "\0\x7f",
  ]) {
    it(`${JSON.stringify(text)} comes back`, () => assert.equal(decodeUtf8(encodeUtf8(text)), text));
  }
  for (const [what, bytes] of [
    ["a lone continuation", [0x80]],
    ["ASCII, then a cut character", [0x32, 0x31, 0xc3]],
    ["an overlong form", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
  ] as const) {
    it(`${what} is none`, () => assert.isUndefined(decodeUtf8(Uint8Array.from(bytes))));
  }
});
