import { assert } from "chai";
import { findSuite, SUITES } from "../../../src/transport/dtls/suites.ts";

/** Registry values and what the names say; AES-128 and SHA-256 throughout. */
const REGISTRY: Record<number, readonly [name: string, keyExchange: string, cipher: string, tagBytes: number]> = {
  168: ["TLS_PSK_WITH_AES_128_GCM_SHA256", "psk", "aes-128-gcm", 16],
  174: ["TLS_PSK_WITH_AES_128_CBC_SHA256", "psk", "aes-128-cbc", 32],
  49187: ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ecdhe_ecdsa", "aes-128-cbc", 32],
  49195: ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ecdhe_ecdsa", "aes-128-gcm", 16],
  49207: ["TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256", "ecdhe_psk", "aes-128-cbc", 32],
  49316: ["TLS_PSK_WITH_AES_128_CCM", "psk", "aes-128-ccm", 16],
  49320: ["TLS_PSK_WITH_AES_128_CCM_8", "psk", "aes-128-ccm", 8],
  49324: ["TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "ecdhe_ecdsa", "aes-128-ccm", 16],
  49326: ["TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "ecdhe_ecdsa", "aes-128-ccm", 8],
  53249: ["TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", "ecdhe_psk", "aes-128-gcm", 16],
  53251: ["TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", "ecdhe_psk", "aes-128-ccm", 8],
  53253: ["TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", "ecdhe_psk", "aes-128-ccm", 16],
};

describe("transport/dtls/suites", () => {
  for (const [id, [name, keyExchange, cipher, tagBytes]] of Object.entries(REGISTRY)) {
    it(`IANA TLS Cipher Suites ${Number(id).toString(16).padStart(4, "0")}: ${name}`, () => {
      assert.deepEqual(findSuite(Number(id)), {
        id: Number(id),
        name,
        keyExchange,
        cipher,
        tagBytes,
        isCbc: cipher === "aes-128-cbc",
      } as never);
    });
  }

  it("has no other suites, and each once", () => {
    assert.sameMembers(
      SUITES.map(suite => suite.id),
      Object.keys(REGISTRY).map(Number),
    );
    assert.isUndefined(findSuite(0x0000));
    assert.isUndefined(findSuite(0x00ff));
  });

  it("prefers every other suite to those with CBC, and keys to certificates among them", () => {
    const rank = (isCbc: boolean, certificate: boolean): number => (isCbc ? 2 : 0) + (certificate ? 1 : 0);
    const ranks = SUITES.map(suite => rank(suite.isCbc, suite.keyExchange === "ecdhe_ecdsa"));
    assert.deepEqual(ranks, ranks.toSorted());
  });
});
