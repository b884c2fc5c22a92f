import { assert } from "chai";
import { definitionOf, isCritical, OPTION_DEFINITIONS, OPTIONS } from "../../src/coap/options.ts";

/** RFC 7252 table 4, RFC 7641 table 1, RFC 7959 tables 1 and 3: C U N, name, format, lengths. */
const TABLE = `
1 C..R If-Match opaque 0-8
3 CU.. Uri-Host string 1-255
4 ...R ETag opaque 1-8
5 C... If-None-Match empty 0-0
6 .U.. Observe uint 0-3
7 CU.. Uri-Port uint 0-2
8 ...R Location-Path string 0-255
11 CU.R Uri-Path string 0-255
12 .... Content-Format uint 0-2
14 .U.. Max-Age uint 0-4
15 CU.R Uri-Query string 0-255
17 C... Accept uint 0-2
20 ...R Location-Query string 0-255
23 CU.. Block2 uint 0-3
27 CU.. Block1 uint 0-3
28 ..N. Size2 uint 0-4
35 CU.. Proxy-Uri string 1-1034
39 CU.. Proxy-Scheme string 1-255
60 ..N. Size1 uint 0-4
`;

const isUnsafe = (number: number): boolean => (number & 2) !== 0;
const isNoCacheKey = (number: number): boolean => (number & 0x1e) === 0x1c;

describe("coap/options", () => {
  for (const line of TABLE.trim().split("\n")) {
    const [number, flags, name, format, lengths] = line.split(" ") as [string, string, string, string, string];
    it(`RFC 7252 5.10: ${name} ${flags}`, () => {
      const definition = definitionOf(Number(number))!;
      assert.equal(definition.name, name);
      assert.equal(definition.format, format);
      assert.equal(`${definition.minBytes}-${definition.maxBytes}`, lengths);
      const shown = [
        isCritical(definition.number) ? "C" : ".",
        isUnsafe(definition.number) ? "U" : ".",
        isNoCacheKey(definition.number) ? "N" : ".",
        definition.repeatable ? "R" : ".",
      ];
      assert.equal(shown.join(""), flags);
    });
  }

  it("has one row for each name", () => {
    assert.sameMembers(
      OPTION_DEFINITIONS.map(({ number }) => number),
      Object.values(OPTIONS),
    );
    assert.isUndefined(definitionOf(2));
    assert.isUndefined(definitionOf(65_000));
  });
});
