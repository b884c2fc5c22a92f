import { assert } from "chai";
import { EMPTY_BYTES, fromHex, toHex } from "../../../src/base/bytes.ts";
import { additionalData } from "../../../src/transport/dtls/additional-data.ts";
import { CONTENT } from "../../../src/transport/dtls/records.ts";

describe("transport/dtls/additional-data", () => {
  it("RFC 5246 section 6.2.3.3: seq_num, type, version, length", () => {
    const data = additionalData(CONTENT.handshake, 1, 0x0102030405, EMPTY_BYTES, 0x1234);
    assert.equal(toHex(data), "0001000102030405" + "16" + "fefd" + "1234");
  });

  for (const cid of ["07", "aabbcc", "5e".repeat(20)]) {
    it(`RFC 9146 section 5.3: the form with a Connection ID of ${cid.length / 2} bytes`, () => {
      const data = additionalData(CONTENT.cid, 1, 0x0102030405, fromHex(cid), 0x1234);
      const cidLength = (cid.length / 2).toString(16).padStart(2, "0");
      assert.equal(toHex(data), `ffffffffffffffff19${cidLength}19fefd0001000102030405${cid}1234`);
    });
  }
});
