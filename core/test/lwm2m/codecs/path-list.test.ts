import { assert } from "chai";
import { decodeUtf8, toHex } from "../../../src/base/bytes.ts";
import { encodePathList } from "../../../src/lwm2m/codecs/path-list.ts";
import { assertFails } from "./robust.ts";

const PATHS = [[3, 0, 0], [1], []];

describe("lwm2m/codecs/path-list", () => {
  for (const contentFormat of [110, 320]) {
    it(`LwM2M Core 1.1.1 §6.3.8, RFC 8790 §3.1 in JSON (${contentFormat})`, () =>
      assert.equal(decodeUtf8(encodePathList(contentFormat, PATHS, {})), '[{"n":"/3/0/0"},{"n":"/1"},{"n":"/"}]'));
  }
  for (const contentFormat of [112, 322]) {
    it(`the same in CBOR (${contentFormat})`, () =>
      assert.equal(toHex(encodePathList(contentFormat, PATHS, {})), "83a100662f332f302f30a100622f31a100612f"));
  }
  it("LwM2M Transport 1.2.2 §6.4.1: names below the alternate root, where the device wants it so", () => {
    const names = (writesRoot: boolean) => decodeUtf8(encodePathList(110, PATHS, { rootPath: "/lwm2m", writesRoot }));
    assert.equal(names(true), '[{"n":"/lwm2m/3/0/0"},{"n":"/lwm2m/1"},{"n":"/lwm2m"}]');
    assert.equal(names(false), '[{"n":"/3/0/0"},{"n":"/1"},{"n":"/"}]');
  });
  for (const contentFormat of [11542, 11544, 60]) {
    it(`${contentFormat} has none`, () =>
      assertFails("CONTENT_FORMAT_UNSUPPORTED", () => encodePathList(contentFormat, PATHS, {}), String(contentFormat)));
  }
});
