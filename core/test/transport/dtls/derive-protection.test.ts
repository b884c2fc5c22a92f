import { AssertionError } from "node:assert";
import { createHmac, createSecretKey } from "node:crypto";
import { assert } from "chai";
import { concatBytes, EMPTY_BYTES, encodeUtf8, toHex } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { createAeadProtection } from "../../../src/transport/dtls/aead-protection.ts";
import { createCbcProtection } from "../../../src/transport/dtls/cbc-protection.ts";
import { deriveProtection, type ProtectionParameters } from "../../../src/transport/dtls/derive-protection.ts";
import { CONTENT, readRecords } from "../../../src/transport/dtls/records.ts";
import { SUITES } from "../../../src/transport/dtls/suites.ts";
import { parametersOf, recordOf } from "./support/protection-parameters.ts";

const random = createSeededRandom(5246);

/** The first four blocks of P_SHA256, spelled out (RFC 5246 sections 5 and 6.3). */
function keyBlock({ masterSecret, clientRandom, serverRandom }: ProtectionParameters): Uint8Array {
  const hmac = (data: Uint8Array) => createHmac("sha256", masterSecret).update(data).digest();
  const seed = concatBytes([encodeUtf8("key expansion"), serverRandom, clientRandom]);
  const a1 = hmac(seed);
  const a2 = hmac(a1);
  const a3 = hmac(a2);
  return concatBytes([a1, a2, a3, hmac(a3)].map(a => hmac(concatBytes([a, seed]))));
}

describe("transport/dtls/derive-protection", () => {
  it("RFC 5246 section 6.3: keys and salts of AEAD suites stand in the key block, the client's first", () => {
    const parameters = parametersOf(0xc0a8);
    const block = keyBlock(parameters);
    const pair = deriveProtection(parameters, random);
    for (const [side, keyAt, saltAt] of [
      ["client", 0, 32],
      ["server", 16, 36],
    ] as const) {
      const key = createSecretKey(block.subarray(keyAt, keyAt + 16));
      const salt = Buffer.from(block).readInt32BE(saltAt);
      const expected = createAeadProtection({ cipher: "aes-128-ccm", tagBytes: 8, key, salt }, 0);
      const sealed = pair[side].seal(CONTENT.applicationData, 1, 3, EMPTY_BYTES, encodeUtf8("up"));
      assert.equal(toHex(sealed), toHex(expected.seal(CONTENT.applicationData, 1, 3, EMPTY_BYTES, encodeUtf8("up"))));
    }
  });

  it("RFC 5246 section 6.3: MAC keys of CBC suites come first in it, and there is no salt", () => {
    const parameters = parametersOf(0x00ae);
    const block = keyBlock(parameters);
    const pair = deriveProtection(parameters, random);
    for (const [side, macAt, keyAt] of [
      ["client", 0, 64],
      ["server", 32, 80],
    ] as const) {
      const macKey = createSecretKey(block.subarray(macAt, macAt + 32));
      const key = createSecretKey(block.subarray(keyAt, keyAt + 16));
      const expected = createCbcProtection({ key, macKey }, false, 0, random);
      const sealed = pair[side].seal(CONTENT.applicationData, 1, 3, EMPTY_BYTES, encodeUtf8("up"));
      assert.equal(toHex(expected.open(recordOf(sealed))!.content), toHex(encodeUtf8("up")));
    }
  });

  for (const suite of SUITES) {
    for (const encryptThenMac of suite.isCbc ? [false, true] : [false]) {
      for (const cidLength of [0, 1, 3, 20]) {
        const name = `${suite.name}${encryptThenMac ? ", encrypt-then-MAC" : ""}, Connection ID of ${cidLength} bytes`;
        it(`${name}: both directions, each with its own keys`, () => {
          const parameters = parametersOf(suite.id, cidLength, encryptThenMac);
          // Two sides derive on their own.
          const [ours, theirs] = [deriveProtection(parameters, random), deriveProtection(parameters, random)];
          for (const [from, cid] of [
            ["client", parameters.serverCid ?? EMPTY_BYTES],
            ["server", parameters.clientCid],
          ] as const) {
            for (const length of [0, 1, 15, 16, 64, 1300]) {
              const content = random.bytes(length);
              const sealed = theirs[from].seal(CONTENT.applicationData, 1, length, cid, content);
              assert.isAtMost(sealed.length, length + theirs[from].overhead);
              const record = recordOf(sealed, cidLength);
              assert.equal(toHex(record.cid), toHex(cid));
              assert.deepEqual(ours[from].open(record)?.type, CONTENT.applicationData);
              assert.equal(toHex(ours[from].open(record)!.content), toHex(content));
              assert.isUndefined(ours[from === "client" ? "server" : "client"].open(record));
            }
          }
        });

        it(`${name}: the overhead is what the worst length costs`, () => {
          const parameters = parametersOf(suite.id, cidLength, encryptThenMac);
          const { server } = deriveProtection(parameters, random);
          const costs = Array.from(
            { length: 32 },
            (_, length) => server.seal(23, 1, length, parameters.clientCid, new Uint8Array(length)).length - length,
          );
          assert.equal(Math.max(...costs), server.overhead);
        });
      }
    }
  }

  it("RFC 9146 section 3: each direction counts the Connection ID of its receiver", () => {
    const both = { ...parametersOf(0xc0a8), serverCid: new Uint8Array(3), clientCid: new Uint8Array(20) };
    const pair = deriveProtection(both, random);
    const none = deriveProtection({ ...both, serverCid: EMPTY_BYTES, clientCid: EMPTY_BYTES }, random);
    assert.equal(pair.client.overhead - none.client.overhead, 3 + 1);
    assert.equal(pair.server.overhead - none.server.overhead, 20 + 1);
  });

  it("records of several directions, types and lengths in one datagram", () => {
    const parameters = parametersOf(0xc0a8, 3);
    const { client } = deriveProtection(parameters, random);
    const contents = [random.bytes(16), random.bytes(2), random.bytes(500)];
    const datagram = concatBytes(
      contents.map((content, i) => client.seal(21 + i, 1, i, parameters.serverCid!, content)),
    );
    const { records, malformed } = readRecords(datagram, 3);
    assert.isFalse(malformed);
    const opened = records.map(record => client.open(record)!);
    assert.deepEqual(
      opened.map(({ type, content }) => [type, toHex(content)]),
      contents.map((content, i) => [21 + i, toHex(content)]),
    );
  });

  it("a suite outside the table is a mistake of ours, and loud", () => {
    assert.throws(() => deriveProtection(parametersOf(0x002f), random), AssertionError);
  });

  it("fuzz: random changes of records never throw and open nothing", () => {
    for (const suite of SUITES) {
      const parameters = parametersOf(suite.id, 3, true);
      const { client } = deriveProtection(parameters, random);
      const sealed = client.seal(23, 1, 1, parameters.serverCid!, random.bytes(40));
      for (let round = 0; round < 500; round++) {
        const datagram = Uint8Array.from(sealed);
        for (let i = 1 + random.int(3); i > 0; i--) datagram[random.int(datagram.length)]! ^= 1 + random.int(255);
        if (toHex(datagram) === toHex(sealed)) continue;
        for (const record of readRecords(datagram, 3).records) assert.isUndefined(client.open(record));
      }
    }
  });
});
