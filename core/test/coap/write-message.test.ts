import { assert } from "chai";
import { toHex } from "../../src/base/bytes.ts";
import { isFailure } from "../../src/base/errors.ts";
import { encodeUint, requestOptions, responseOptions } from "../../src/coap/write-message.ts";
import { request } from "./support/endpoints.ts";

describe("coap/write-message", () => {
  it("RFC 7252 3.2: numbers take as few bytes as they need", () => {
    const values = [0, 1, 255, 256, 65_535, 65_536, 2 ** 24 - 1, 2 ** 24, 2 ** 32 - 1];
    assert.deepEqual(
      values.map(value => toHex(encodeUint(value))),
      ["", "01", "ff", "0100", "ffff", "010000", "ffffff", "01000000", "ffffffff"],
    );
  });

  it("options of a request in ascending order", () => {
    const options = requestOptions(
      request("GET", "3/0", { query: ["pmin=1"], accept: 11_542, contentFormat: 0, options: [] }),
      { observe: 0, block2: { num: 1, more: false, szx: 6 }, block1: { num: 0, more: true, szx: 2 }, size1: 4000 },
    );
    const shown = options.map(({ number, value }) => `${number}=${toHex(value)}`);
    assert.deepEqual(shown, ["6=", "11=33", "11=30", "12=", "15=706d696e3d31", "17=2d16", "23=16", "27=0a", "60=0fa0"]);
  });

  it("options of a response in ascending order", () => {
    const options = responseOptions(
      {
        code: 65,
        etag: Uint8Array.of(9),
        locationPath: ["rd", "x"],
        contentFormat: 0,
        maxAgeSeconds: 5,
        payload: new Uint8Array(0),
      },
      { block2: { num: 0, more: true, szx: 6 }, block1: { num: 1, more: false, szx: 6 }, size2: 2000, size1: 1 },
    );
    assert.deepEqual(
      options.map(({ number }) => number),
      [4, 8, 8, 12, 14, 23, 27, 28, 60],
    );
  });

  it("RFC 7252 5.10: a segment or query of more than 255 bytes cannot be sent", () => {
    for (const each of [request("GET", "x".repeat(256)), request("GET", "x", { query: ["é".repeat(128)] })]) {
      try {
        requestOptions(each, {});
      } catch (error) {
        assert.isTrue(isFailure(error, "MESSAGE_FORMAT"));
        continue;
      }
      assert.fail("was written");
    }
  });
});
