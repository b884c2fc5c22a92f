import { createDecipheriv, createHash, createHmac } from "node:crypto";
import { assert } from "chai";
import { concatBytes, encodeUtf8, fromHex, toHex } from "../../../src/base/bytes.ts";
import {
  deriveExtendedMasterSecret,
  deriveKeyBlock,
  deriveMasterSecret,
  ecdhePskPremaster,
  finishedVerifyData,
  pskPremaster,
} from "../../../src/transport/dtls/key-schedule.ts";
import { type OpensslHandshake, opensslHandshake } from "./support/openssl-handshake.ts";

const PSK = fromHex("00112233445566778899aabbccddeeff");
const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

describe("transport/dtls/key-schedule", () => {
  it("RFC 4279 section 2: the premaster secret of PSK, zeros as long as the key before it", () => {
    assert.equal(toHex(pskPremaster(fromHex("0a0b0c"))), "000300000000030a0b0c");
    const long = pskPremaster(new Uint8Array(300).fill(1));
    assert.equal(long.length, 604);
    assert.equal(toHex(long.subarray(0, 2)) + toHex(long.subarray(302, 305)), "012c012c01");
  });

  it("RFC 5489 section 2: the premaster secret of ECDHE_PSK, the shared secret with its leading zeros", () => {
    const shared = fromHex(`0000${"5a".repeat(30)}`);
    assert.equal(toHex(ecdhePskPremaster(fromHex("0a0b0c"), shared)), `0020${toHex(shared)}00030a0b0c`);
  });

  it("RFC 5246 section 8.1, RFC 7627 section 4: 48 bytes, two blocks of P_SHA256", () => {
    const [premaster, one, other] = [5, 6, 7].map(byte => new Uint8Array(32).fill(byte)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const hmac = (...parts: Uint8Array[]) => createHmac("sha256", premaster).update(concatBytes(parts)).digest();
    const expand = (label: string, seed: Uint8Array): string => {
      const first = concatBytes([encodeUtf8(label), seed]);
      const a1 = hmac(first);
      const a2 = hmac(a1);
      return toHex(concatBytes([hmac(a1, first), hmac(a2, first)])).slice(0, 96);
    };
    assert.equal(toHex(deriveMasterSecret(premaster, one, other)), expand("master secret", concatBytes([one, other])));
    assert.equal(toHex(deriveExtendedMasterSecret(premaster, one)), expand("extended master secret", one));
  });
});

for (const extended of [true, false]) {
  describe(`transport/dtls/key-schedule against OpenSSL, ${extended ? "extended" : "plain"} master secret`, () => {
    let seen: OpensslHandshake;
    before(async () => {
      seen = await opensslHandshake(PSK, extended);
    });

    /** A Finished message, with the keys of our key block (RFC 5246 section 6.2.3.3, RFC 6655; TLS counts from 0). */
    function decryptedFinished(fragment: Uint8Array, sender: "client" | "server"): Uint8Array {
      const block = deriveKeyBlock(seen.masterSecret, seen.clientRandom, seen.serverRandom, 40);
      const at = sender === "client" ? 0 : 1;
      const key = block.subarray(16 * at, 16 * at + 16);
      const nonce = concatBytes([block.subarray(32 + 4 * at, 36 + 4 * at), fragment.subarray(0, 8)]);
      const decipher = createDecipheriv("aes-128-ccm", key, nonce, { authTagLength: 8 });
      decipher.setAuthTag(fragment.subarray(-8));
      decipher.setAAD(fromHex("00000000000000001603030010"), { plaintextLength: 16 });
      const message = decipher.update(fragment.subarray(8, -8));
      decipher.final();
      return message;
    }

    it(extended ? "RFC 7627 section 4" : "RFC 5246 section 8.1", () => {
      const premaster = pskPremaster(PSK);
      const master = extended
        ? deriveExtendedMasterSecret(premaster, sha256(seen.untilKeyExchange))
        : deriveMasterSecret(premaster, seen.clientRandom, seen.serverRandom);
      assert.equal(toHex(master), toHex(seen.masterSecret));
    });

    it("RFC 5246 sections 6.3 and 7.4.9: key block and both Finished", () => {
      const clientFinished = decryptedFinished(seen.clientFinished, "client");
      const expected = finishedVerifyData(seen.masterSecret, "client", sha256(seen.untilKeyExchange));
      assert.equal(toHex(clientFinished), `1400000c${toHex(expected)}`);

      const before = concatBytes([seen.untilKeyExchange, clientFinished, seen.beforeServerFinished]);
      const serverFinished = decryptedFinished(seen.serverFinished, "server");
      const answer = finishedVerifyData(seen.masterSecret, "server", sha256(before));
      assert.equal(toHex(serverFinished), `1400000c${toHex(answer)}`);
    });
  });
}
