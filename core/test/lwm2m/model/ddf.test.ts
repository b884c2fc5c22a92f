import { assert } from "chai";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import { isFailure } from "../../../src/base/errors.ts";
import { LARGEST_DDF_BYTES, readDdf } from "../../../src/lwm2m/model/ddf.ts";
import { ddf, ddfFile, item, object, parseDdf } from "../../fixtures/ddf.ts";
import { assertFails, assertSurvivesMutation, truncations } from "../codecs/robust.ts";

const fails = (content: string | Uint8Array, text: string | RegExp): void =>
  assertFails("DDF_INVALID", () => parseDdf(typeof content === "string" ? encodeUtf8(content) : content), text);

describe("lwm2m/model/ddf", () => {
  it("reads an object in the form that device protocols store (agent specification 7.1)", () => {
    const [model, ...more] = parseDdf(ddfFile("33456-acme-meter"));
    assert.isEmpty(more);
    assert.deepInclude(model!, {
      id: 33456,
      name: "Acme Meter",
      description: "Readings of an electricity meter, packed into binary frames.",
      version: "1.0",
      multiple: true,
      mandatory: false,
      urn: "urn:oma:lwm2m:x:33456",
    });
    assert.deepEqual(Object.keys(model!.resources), ["122", "123", "124"]);
    assert.deepEqual(model!.resources["122"], {
      id: 122,
      name: "Frame Period",
      description: "Time between two frames.",
      operations: "RW",
      dataType: "UNSIGNED_INTEGER",
      units: "s",
      multiple: false,
      mandatory: false,
      rangeEnumeration: "1..86400",
    });
    assert.equal(model!.resources["123"]?.dataType, "OPAQUE");
  });
  it("an executable resource has no data type; entities are decoded", () => {
    const resource = parseDdf(ddfFile("33456-acme-meter"))[0]!.resources["124"]!;
    assert.notProperty(resource, "dataType");
    assert.equal(resource.name, "Clear <all> & restart");
  });
  it("character references are decoded once, what is none stays as written", () => {
    const name = (text: string): string => parseDdf(ddf(object({ name: text })))[0]!.name;
    assert.equal(name("&#176;C &#xB0;C &quot;&apos; &amp;lt;"), "°C °C \"' &lt;");
    assert.equal(name("&#0; &#xD800; &#1114112;"), "&#0; &#xD800; &#1114112;");
  });
  it("all data types", () => {
    const types = {
      String: "STRING",
      Integer: "INTEGER",
      "Unsigned Integer": "UNSIGNED_INTEGER",
      Float: "FLOAT",
      Boolean: "BOOLEAN",
      Opaque: "OPAQUE",
      Time: "TIME",
      Objlnk: "OBJECTLINK",
      Corelnk: "CORELINK",
      "  unsigned   integer ": "UNSIGNED_INTEGER",
    };
    for (const [type, expected] of Object.entries(types)) {
      assert.equal(parseDdf(ddf(object({ items: [item({ type })] })))[0]!.resources["1"]?.dataType, expected as never);
    }
  });
  it("version: the element, else the URN's, else 1.0", () => {
    const version = (parts: Parameters<typeof object>[0]): string => parseDdf(ddf(object(parts)))[0]!.version;
    assert.equal(version({ version: "<ObjectVersion>2.1</ObjectVersion>" }), "2.1");
    assert.equal(version({ version: "", urn: "urn:oma:lwm2m:oma:4:1.1" }), "1.1");
    assert.equal(version({ version: "<ObjectVersion></ObjectVersion>", urn: "urn:oma:lwm2m:oma:4" }), "1.0");
  });
  it("a byte order mark, comments, attributes on text, an object without resources", () => {
    const bom = concatBytes([Uint8Array.of(0xef, 0xbb, 0xbf), ddfFile("3303-temperature")]);
    assert.equal(parseDdf(bom)[0]?.version, "1.1");
    const text = decodeUtf8(ddf(object({ items: [] })))!.replace("<Name>", '<!-- x --><Name lang="en">');
    assert.deepInclude(parseDdf(encodeUtf8(text))[0]!, { name: "Example", resources: {} });
  });
  it("several objects: the good ones stand, the bad ones are named", () => {
    const { models, failures } = readDdf(
      ddf(object({ id: "1" }), object({ id: "2", items: [item({ type: "Double" })] }), object({ id: "x" })),
    );
    assert.deepEqual(
      models.map(({ id }) => id),
      [1],
    );
    assert.deepEqual(
      failures.map(({ objectId, error }) => [objectId, error.code]),
      [
        ["2", "DDF_INVALID"],
        ["x", "DDF_INVALID"],
      ],
    );
  });

  describe("names object, item and rule", () => {
    for (const [name, bytes, text] of [
      ["object id", ddf(object({ id: "70000" })), /ObjectID "70000" is no number of 0 to 65534/],
      ["no object id", ddf(object({ id: "" })), /ObjectID ""/],
      ["no name", ddf(object({ name: "" })), /object 10000: Name is missing/],
      ["version", ddf(object({ version: "<ObjectVersion>one</ObjectVersion>" })), /ObjectVersion "one"/],
      [
        "instances",
        ddf(object({ multiple: "Many" })),
        /object 10000: MultipleInstances "Many" is none of single, multiple/,
      ],
      ["item id", ddf(object({ items: [item({ id: "-1" })] })), /object 10000: item ID "-1"/],
      ["item twice", ddf(object({ items: [item(), item()] })), /object 10000, item "1" is defined twice/],
      ["item name", ddf(object({ items: [item({ name: " " })] })), /item "1": Name is missing/],
      ["operations", ddf(object({ items: [item({ operations: "RWX" })] })), /item "1": Operations "RWX"/],
      ["type", ddf(object({ items: [item({ type: "Double" })] })), /item "1": Type "Double" is none of string/],
      ["no type", ddf(object({ items: [item({ type: "" })] })), /item "1": Type ""/],
      ["type of Object.prototype", ddf(object({ items: [item({ type: "constructor" })] })), /Type "constructor"/],
      ["mandatory", ddf(object({ items: [item({ mandatory: "Yes" })] })), /item "1": Mandatory "Yes"/],
      ["object twice", ddf(object(), object()), /object 10000 of version 1.0 is defined twice/],
    ] as const) {
      it(name, () => fails(bytes, text));
    }
    it("in the details, too", () => {
      try {
        parseDdf(ddf(object({ items: [item({ type: "Double" })] })));
        assert.fail("expected an error");
      } catch (error) {
        assert.deepInclude(isFailure(error) && error.details, { objectId: 10000, itemId: 1, field: "Type" });
      }
    });
  });

  describe("refuses the file as a whole", () => {
    const entities = '<!DOCTYPE x [<!ENTITY a "boom">]>';
    for (const [name, content, text] of [
      ["nothing", "", /./],
      ["text", "hello", /./],
      ["another document", "<html></html>", /LWM2M/],
      ["no object", "<LWM2M></LWM2M>", /LWM2M/],
      ["a DOCTYPE", `${entities}<LWM2M></LWM2M>`, /DOCTYPE/],
      ["a DOCTYPE in small letters", "<!doctype html><LWM2M></LWM2M>", /DOCTYPE/],
      ["an external entity", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><LWM2M>&a;</LWM2M>', /DOCTYPE/],
      ["elements that overlap", "<LWM2M><Object><a><b></a></b></Object></LWM2M>", /well-formed/],
      ["elements that do not end", "<LWM2M><Object>", /well-formed/],
      ["tags named __proto__", "<LWM2M><Object><__proto__>1</__proto__></Object></LWM2M>", /./],
    ] as const) {
      it(name, () => fails(content, text));
    }
    it("bytes that are not UTF-8", () => fails(Uint8Array.of(0x3c, 0xff, 0x3e), /UTF-8/));
    it("more than 1 MB", () =>
      assertFails("TOO_LARGE", () => parseDdf(new Uint8Array(LARGEST_DDF_BYTES + 1)), String(LARGEST_DDF_BYTES)));
    it("a nesting bomb, closed or open, with a short message", () => {
      for (const bomb of ["<a>".repeat(50_000), `<LWM2M>${"<a>".repeat(20_000)}${"</a>".repeat(20_000)}</LWM2M>`]) {
        try {
          parseDdf(encodeUtf8(bomb));
          assert.fail("expected an error");
        } catch (error) {
          assert.isTrue(isFailure(error, "DDF_INVALID"));
          assert.isBelow(String(error).length, 300);
        }
      }
    });
    it("entities are never expanded", () => {
      const [model] = parseDdf(ddf(object({ name: "&lol;&lol;" })));
      assert.equal(model?.name, "&lol;&lol;");
    });
  });

  it("truncated at any byte: never a model", () =>
    assert.deepEqual(
      truncations(parseDdf, ddf(object())).filter(length => length > 0),
      [],
    ));
  it("mutated files end in models or in an error of ours", () =>
    assertSurvivesMutation(readDdf, [ddf(object()), ddfFile("3303-temperature")], 300));
});
