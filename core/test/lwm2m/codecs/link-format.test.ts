import { assert } from "chai";
import { decodeUtf8, encodeUtf8 } from "../../../src/base/bytes.ts";
import {
  decodeDiscoverLinks,
  decodeLinkFormat,
  decodeRegistrationLinks,
  encodeLinkFormat,
  statedVersions,
} from "../../../src/lwm2m/codecs/link-format.ts";
import { formatPath } from "../../../src/lwm2m/path.ts";
import { assertFails, assertSurvivesMutation, truncations } from "./robust.ts";

const links = (text: string) =>
  decodeLinkFormat(encodeUtf8(text)).map(({ target, attributes }) => ({ target, attributes: { ...attributes } }));
const registration = (text: string) => decodeRegistrationLinks(encodeUtf8(text));
const paths = (text: string): string[] => registration(text).objectLinks.map(({ path }) => formatPath(path));
const versions = (text: string) => Object.fromEntries(statedVersions(registration(text).objectLinks));

const SENSORS =
  '</sensors>;ct=40;title="Sensor Index",</sensors/temp>;rt="temperature-c";if="sensor",</sensors/light>;rt="light-lux";if="sensor",' +
  '<http://www.example.com/sensors/t123>;anchor="/sensors/temp";rel="describedby",</t>;anchor="/sensors/temp";rel="alternate"';

describe("lwm2m/codecs/link-format", () => {
  it("RFC 6690 §5 sensors: decodes", () =>
    assert.deepEqual(links(SENSORS), [
      { target: "/sensors", attributes: { ct: "40", title: "Sensor Index" } },
      { target: "/sensors/temp", attributes: { rt: "temperature-c", if: "sensor" } },
      { target: "/sensors/light", attributes: { rt: "light-lux", if: "sensor" } },
      {
        target: "http://www.example.com/sensors/t123",
        attributes: { anchor: "/sensors/temp", rel: "describedby" },
      },
      { target: "/t", attributes: { anchor: "/sensors/temp", rel: "alternate" } },
    ]));
  it("RFC 6690 §5 sensors: encodes back", () =>
    assert.equal(decodeUtf8(encodeLinkFormat(decodeLinkFormat(encodeUtf8(SENSORS)))), SENSORS));
  it("RFC 6690 §5 large resource: obs without a value, sz as a number", () =>
    assert.deepEqual(links('</firmware/v2.1>;rt="firmware";sz=262144;obs'), [
      { target: "/firmware/v2.1", attributes: { rt: "firmware", sz: "262144", obs: true } },
    ]));
  it("RFC 6690 §2: of attributes given twice the first counts", () =>
    assert.deepEqual(links('</a>;rt="one";rt="two"')[0]?.attributes, { rt: "one" }));
  it("RFC 6690 §2: quoted text keeps commas, semicolons, brackets and escapes", () =>
    assert.deepEqual(links('</a>;title="x,;<y>\\"z\\\\",</b>'), [
      { target: "/a", attributes: { title: 'x,;<y>"z\\' } },
      { target: "/b", attributes: {} },
    ]));

  it("LwM2M Core 1.1.1 §6.2.1 registration payload: root type, formats, objects, instances, versions", () => {
    const text = '</>;rt="oma.lwm2m";ct="60 110 112 11542",</1/0>,</3/0>,</3303>;ver=1.1,</3303/0>,</3303/1>,</6>';
    const found = registration(text);
    assert.equal(found.rootPath, "/");
    assert.deepEqual(found.contentFormats, [60, 110, 112, 11542]);
    assert.deepEqual(paths(text), ["/1/0", "/3/0", "/3303", "/3303/0", "/3303/1", "/6"]);
    assert.deepEqual(versions(text), { 3303: "1.1" });
  });
  it("LwM2M Core 1.1.1 §6.2.1 alternate path", () => {
    const found = registration('</lwm2m>;rt="oma.lwm2m";ct=110,</lwm2m/1/0>,</lwm2m/3>,</other/5/0>');
    assert.equal(found.rootPath, "/lwm2m");
    assert.deepEqual(
      found.objectLinks.map(({ path }) => path),
      [[1, 0], [3]],
    );
  });

  describe("R4 supported formats", () => {
    for (const [name, text, formats] of [
      ["one, unquoted", '</>;rt="oma.lwm2m";ct=110,</3/0>', [110]],
      ["several, unquoted", '</>;rt="oma.lwm2m";ct=11543,110,112,</3/0>', [11543, 110, 112]],
      ["several, unquoted, at the end", "</>;ct=11543,110,112", [11543, 110, 112]],
      ["with further attributes", "</>;ct=11543;hb,</3/0>", [11543]],
      ["no root link", "</1/0>,</3/0>", []],
      ["without rt", '</>;ct="60 112",</3/0>', [60, 112]],
      ["null, unknown and reserved entries", '</>;rt="oma.lwm2m";ct="null 110 x 65535 110",</3/0>', [110]],
      ["ct without a value", '</>;rt="oma.lwm2m";ct,</3/0>', []],
    ] as const) {
      it(name, () => assert.deepEqual(registration(text).contentFormats, formats));
    }
    it("rt unquoted, among others, and unknown attributes are no obstacle", () => {
      assert.equal(registration("</dev>;rt=oma.lwm2m;x-vendor=1,</dev/3/0>").rootPath, "/dev");
      assert.equal(registration('</dev/>;rt="core.rd oma.lwm2m",</dev/3/0>').rootPath, "/dev");
    });
  });

  describe("R5 links", () => {
    for (const [name, text, expected] of [
      ["no leading slash, blank after the comma", "<1/0>, <3/0>", ["/1/0", "/3/0"]],
      ["trailing comma", "</1/0>,</3/0>,", ["/1/0", "/3/0"]],
      ["trailing comma and blanks", " </1/0> , </3/0> , ", ["/1/0", "/3/0"]],
      ["line breaks", "</1/0>,\r\n</3/0>\r\n", ["/1/0", "/3/0"]],
      ["two commas", "</1/0>,,</3/0>", ["/1/0", "/3/0"]],
      ["blanks within", "< /1/0 > ; ver = 1.1 , </3/0>", ["/1/0", "/3/0"]],
      ["trailing slash", "</1/0/>,</3/>", ["/1/0", "/3"]],
      ["objects without instances", "</1>,</3>", ["/1", "/3"]],
      ["a link twice", "</3/0>,</3/0>", ["/3/0"]],
      ["/0 and /21 listed though forbidden", "</0/0>,</0>,</21/0>,</3/0>", ["/3/0"]],
      [
        "links to something else",
        "</.well-known/core>,</fw/1>,<coap://x/3/0>,</3/0/9>,</65535/0>,</03/0>,</3/0/1/2/3>,</3/0>",
        ["/3/0"],
      ],
      ["nothing", "", []],
      ["nothing but blanks", " ,\n", []],
    ] as const) {
      it(name, () => assert.deepEqual(paths(text), [...expected]));
    }
    for (const [name, text, expected] of [
      ["at the object", "</1>;ver=1.1,</1/0>", { 1: "1.1" }],
      ["at the instance", "</10/0>;ver=1.1", { 10: "1.1" }],
      ["quoted", '</1>;ver="1.2"', { 1: "1.2" }],
      ["at both: the object's counts", "</5/0>;ver=1.0,</5>;ver=1.1", { 5: "1.1" }],
      ["no version", "</5>;ver=new,</6>;ver", {}],
    ] as const) {
      it(`ver ${name}`, () => assert.deepEqual(versions(text), expected));
    }
  });

  it("LwM2M Core 1.1.1 §6.3.2 Discover: attributes on every level, resource instances", () => {
    const text = "</3/0>;pmin=10;pmax=60,</3/0/7>;dim=2;gt=50;lt=42.2,</3/0/7/1>;epmin=1,</0/0>;ssid=101";
    assert.deepEqual(
      decodeDiscoverLinks(encodeUtf8(text)).map(({ path, attributes }) => [formatPath(path), { ...attributes }]),
      [
        ["/3/0", { pmin: "10", pmax: "60" }],
        ["/3/0/7", { dim: "2", gt: "50", lt: "42.2" }],
        ["/3/0/7/1", { epmin: "1" }],
        ["/0/0", { ssid: "101" }],
      ],
    );
    assert.deepEqual(
      decodeDiscoverLinks(encodeUtf8("</lw/3/0>,</3/1>"), "/lw").map(link => link.path),
      [[3, 0]],
    );
  });
  it("writes object links", () =>
    assert.equal(
      decodeUtf8(
        encodeLinkFormat([
          { target: "/3303", attributes: { ver: "1.1" } },
          { target: "/3303/0", attributes: {} },
        ]),
      ),
      "</3303>;ver=1.1,</3303/0>",
    ));

  for (const text of ["/3/0", "<3/0", "</3/0> </1/0>", '</3/0>;title="open', "hello", "</3/0>x"]) {
    it(`refuses ${text}`, () => assertFails("LINK_FORMAT_INVALID", () => links(text), /link 1/));
  }
  it("refuses what is not UTF-8", () =>
    assertFails("LINK_FORMAT_INVALID", () => decodeLinkFormat(Uint8Array.of(0x3c, 0xff, 0x3e)), /UTF-8/));
  it("names the link that is wrong", () =>
    assertFails("LINK_FORMAT_INVALID", () => links("</1/0>,</3/0>,oops"), /link 3/));
  it("attribute names of Object.prototype are plain names", () => {
    const [link] = decodeLinkFormat(encodeUtf8("</3>;__proto__=1;constructor=2"));
    assert.deepEqual(Object.entries(link!.attributes), [
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });
  it("truncated at any byte: links or an error of ours", () => {
    const read = (bytes: Uint8Array): unknown => decodeRegistrationLinks(bytes);
    assert.include(truncations(read, encodeUtf8("</1/0>,</3/0>;ver=1.1")), 6);
  });
  it("mutated payloads end in links or in an error of ours", () =>
    assertSurvivesMutation(decodeRegistrationLinks, [
      encodeUtf8(SENSORS),
      encodeUtf8("</>;ct=11543,110,112,</1/0>;ver=1.1"),
    ]));
  it("long runs of one character take linear time", () => {
    for (const unit of ["<", ",", " ", ";", '"', "\\", "</>;a", "</>;a=1,", "</>;a=1,2", ";=", '</>;a="']) {
      const payload = encodeUtf8(unit.repeat(60_000 / unit.length));
      try {
        decodeRegistrationLinks(payload);
      } catch (error) {
        assert.propertyVal(error, "code", "LINK_FORMAT_INVALID");
      }
    }
  });
});
