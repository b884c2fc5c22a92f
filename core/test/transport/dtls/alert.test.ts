import { assert } from "chai";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { ALERT, type AlertName, alertName, readAlert, writeAlert } from "../../../src/transport/dtls/alert.ts";

describe("transport/dtls/alert (RFC 5246 section 7.2)", () => {
  const WRITTEN: readonly [AlertName, string][] = [
    ["closeNotify", "0100"],
    ["noRenegotiation", "0164"],
    ["unexpectedMessage", "020a"],
    ["handshakeFailure", "0228"],
    ["decryptError", "0233"],
    ["unknownPskIdentity", "0273"],
  ];
  for (const [name, hex] of WRITTEN) {
    it(`writes ${name}`, () => assert.equal(toHex(writeAlert(name)), hex));
  }

  it("reads back what it writes, fatal but for the two warnings", () => {
    for (const name of Object.keys(ALERT) as AlertName[]) {
      const alert = readAlert(writeAlert(name));
      assert.deepEqual(alert, {
        fatal: name !== "closeNotify" && name !== "noRenegotiation",
        description: ALERT[name],
      });
      assert.equal(alertName(alert!.description), name);
    }
  });

  it("reads a description that is not in the table", () => {
    assert.deepEqual(readAlert(fromHex("02c8")), { fatal: true, description: 200 });
    assert.equal(alertName(200), "alert 200");
  });

  for (const hex of ["", "02", "022800", "0228022a", "0028", "0328", "ff28"]) {
    it(`refuses ${hex === "" ? "no bytes" : hex}`, () => assert.isUndefined(readAlert(fromHex(hex))));
  }
});
