import { AssertionError } from "node:assert";
import { assert } from "chai";
import { EMPTY_BYTES, fromHex, toHex } from "../../../src/base/bytes.ts";
import { unwrapContent, wrapContent } from "../../../src/transport/dtls/inner-plaintext.ts";
import { CONTENT } from "../../../src/transport/dtls/records.ts";

const CID = fromHex("aabbcc");

describe("transport/dtls/inner-plaintext (RFC 9146 section 4)", () => {
  it("without a Connection ID content and type stay as they are", () => {
    const content = fromHex("0102");
    assert.deepEqual(wrapContent(23, EMPTY_BYTES, content), { type: 23, content });
    assert.deepEqual(unwrapContent(23, content), { type: 23, content });
  });

  it("with one the type stands behind the content", () => {
    const { type, content } = wrapContent(22, CID, fromHex("0102"));
    assert.equal(type, CONTENT.cid);
    assert.equal(toHex(content), "010216");
  });

  const INSIDE: readonly [name: string, hex: string, type: number, content: string][] = [
    ["content and type", "010217", 23, "0102"],
    ["no content", "17", 23, ""],
    ["one zero of padding", "01021700", 23, "0102"],
    ["many zeros of padding", `010216${"00".repeat(300)}`, 22, "0102"],
    ["content that ends with zeros", "01000015", 21, "010000"],
  ];
  for (const [name, hex, type, content] of INSIDE) {
    it(`reads ${name}`, () => {
      const record = unwrapContent(CONTENT.cid, fromHex(hex));
      assert.equal(record?.type, type);
      assert.equal(toHex(record!.content), content);
    });
  }

  const REFUSED: readonly [name: string, hex: string][] = [
    ["nothing", ""],
    ["a zero", "00"],
    ["zeros only", "00".repeat(64)],
    ["a Connection ID inside", "010219"],
    ["an unknown type", "010218"],
    ["type 19", "010213"],
  ];
  for (const [name, hex] of REFUSED) {
    it(`refuses ${name}`, () => assert.isUndefined(unwrapContent(CONTENT.cid, fromHex(hex))));
  }

  it("RFC 9146 section 5: no more than 2^14 bytes, type and zeros included", () => {
    const longest = new Uint8Array(2 ** 14).fill(23);
    assert.equal(unwrapContent(23, longest)?.content.length, 2 ** 14);
    assert.equal(unwrapContent(CONTENT.cid, longest)?.content.length, 2 ** 14 - 1);
    assert.isUndefined(unwrapContent(23, new Uint8Array(2 ** 14 + 1)));
    assert.isUndefined(unwrapContent(CONTENT.cid, new Uint8Array(2 ** 14 + 1).fill(23)));
  });

  it("sending more than that is a mistake of ours, and loud", () => {
    assert.throws(() => wrapContent(23, EMPTY_BYTES, new Uint8Array(2 ** 14 + 1)), AssertionError);
    assert.throws(() => wrapContent(23, CID, new Uint8Array(2 ** 14)), AssertionError);
    assert.equal(wrapContent(23, CID, new Uint8Array(2 ** 14 - 1)).content.length, 2 ** 14);
  });
});
