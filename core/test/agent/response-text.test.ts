import { assert } from "chai";
import { linksText, rawText, statusText, storable, valuesText } from "../../src/agent/response-text.ts";
import { encodeUtf8, fromHex } from "../../src/base/bytes.ts";
import { parsePath } from "../../src/lwm2m/path.ts";

describe("agent/response-text", () => {
  it("agent specification 10.3: status line and values", () => {
    assert.equal(statusText({ code: 69, text: undefined }), "2.05 Content");
    assert.equal(statusText({ code: 132, text: "gone" }), "4.04 Not Found: gone");
    assert.equal(statusText({ code: 64, text: undefined }), "2.00");
    const values = [
      { path: parsePath("/3/0/0"), type: "STRING", value: "ACME" },
      { path: parsePath("/3/0/13"), type: "TIME", value: 1_700_000_000n },
      { path: parsePath("/9/0/1"), type: "OPAQUE", value: fromHex("0c20") },
    ] as const;
    assert.equal(valuesText(values, "hex"), '{"/3/0/0":"ACME","/3/0/13":"1700000000","/9/0/1":"0c20"}');
    assert.include(valuesText(values, "legacy"), '"/9/0/1":"[12, 32]"');
    assert.equal(linksText([{ path: [3, 0], attributes: { pmin: "1" } }]), '{"/3/0":{"pmin":"1"}}');
  });

  it("a raw answer shows its payload, and as text where it is printable", () => {
    const raw = (payload: Uint8Array, contentFormat?: number) =>
      JSON.parse(rawText({ code: 69, payload, ...(contentFormat !== undefined && { contentFormat }) }, "hex"));
    assert.deepEqual(raw(encodeUtf8("23"), 0), { contentFormat: 0, payloadHex: "3233", text: "23" });
    assert.deepEqual(raw(fromHex("0001")), { payloadHex: "0001" });
    assert.deepEqual(raw(fromHex("ff")), { payloadHex: "ff" });
    assert.deepEqual(raw(new Uint8Array(0)), { payloadHex: "" });
    const created = rawText({ code: 65, locationPath: ["3303", "1"], payload: new Uint8Array(0) }, "hex");
    assert.equal(created, '{"location":"/3303/1","payloadHex":""}');
  });

  it("whatever comes is cut to what can be kept", () => {
    assert.equal(storable("a\0\0", 10), "a");
    assert.equal(storable("a\0b", 10), "a\ufffdb");
    assert.equal(storable("abcdef", 3), "abc...");
  });
});
