import { createSecretKey } from "node:crypto";
import { assert } from "chai";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { prf } from "../../../src/transport/dtls/prf.ts";

/** Posted to the TLS working group's list (tls/current/msg03416). */
const SECRET = "9bbe436ba940f017b17652849a71db35";
const SEED = "a0ba9f936cda311827a6f796ffd5198c";
const OUTPUT =
  "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17" +
  "abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66";

describe("transport/dtls/prf (RFC 5246 section 5)", () => {
  const output = (length: number): string =>
    toHex(prf(createSecretKey(fromHex(SECRET)), "test label", fromHex(SEED), length));

  it("the published vector of P_SHA256, 100 bytes", () => assert.equal(output(100), OUTPUT));

  it("every shorter output is the start of it", () => {
    for (let length = 0; length < 100; length++) assert.equal(output(length), OUTPUT.slice(0, 2 * length));
  });
});
