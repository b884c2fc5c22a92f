import { assert } from "chai";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { isFailure } from "../../../src/base/errors.ts";
import { readClientHello, readHelloStart, writeClientHello } from "../../../src/transport/dtls/client-hello.ts";
import { readServerHello } from "../../../src/transport/dtls/server-hello.ts";
import { OPENSSL_CLIENT_HELLO, OPENSSL_SERVER_HELLO, VECTORS } from "./support/handshake-vectors.ts";

/** Runs a reader over bytes that may be anything. @returns whether they were taken; anything thrown but our refusal is a failure */
function isTaken(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!isFailure(error, "HANDSHAKE_INVALID")) throw error;
    assert.isString(error.details["alert"]);
    return false;
  }
}

/** Extensions that we do not know are not written again. */
const DROPS_EXTENSIONS = ["ClientHello", "ServerHello"];

describe("dtls/handshake codecs", () => {
  for (const { name, body, read, again } of VECTORS) {
    if (!DROPS_EXTENSIONS.includes(name))
      it(`${name}: reads and writes the same bytes`, () => assert.equal(toHex(again(body)), toHex(body)));

    it(`${name}: what is written is read as the same`, () => assert.deepEqual(read(again(body)), read(body)));

    it(`${name}: cut short at each byte it is refused`, () => {
      for (let length = 0; length < body.length; length++) {
        const isWhole = isTaken(() => read(body.subarray(0, length)));
        // RFC 5246 section 7.4.1.2: a hello may end before its extensions.
        const mayEnd = DROPS_EXTENSIONS.includes(name) && readEnd(name, body) === length;
        assert.equal(isWhole, mayEnd, `${length} of ${body.length} bytes`);
      }
    });

    it(`${name}: a byte more is refused`, () =>
      assert.isFalse(isTaken(() => read(concatBytes([body, Uint8Array.of(0)])))));

    it(`${name}: with each byte changed it is read or refused, nothing else`, () => {
      for (let at = 0; at < body.length; at++) {
        for (const bits of [0x01, 0x10, 0x80, 0xff]) {
          const changed = Uint8Array.from(body);
          changed[at]! ^= bits;
          isTaken(() => read(changed));
        }
      }
    });
  }

  it("ClientHello of OpenSSL: says what it says", () => {
    const hello = readClientHello(fromHex(OPENSSL_CLIENT_HELLO));
    assert.equal(hello.version, 0xfefd);
    assert.equal(toHex(hello.random.subarray(0, 4)), "d6ef3075");
    assert.equal(hello.sessionId.length, 0);
    assert.equal(toHex(hello.cookie), "7166a7cc377917a9b0daee7b6b194fbf6388ac8f");
    assert.deepEqual(hello.suites, [0xc0ae, 0x00ff]);
    assert.deepEqual(hello.compressionMethods, [0]);
    const { signatureAlgorithms, ...others } = hello.extensions;
    assert.deepEqual(others, {
      serverName: "example.org",
      pointFormats: [0, 1, 2],
      supportedGroups: [29, 23, 30, 25, 24],
      encryptThenMac: true,
      extendedMasterSecret: true,
    });
    assert.deepEqual(signatureAlgorithms!.slice(0, 3), [0x0403, 0x0503, 0x0603]);
  });

  it("ServerHello of OpenSSL: says what it says", () => {
    const { suite, compressionMethod, sessionId, extensions } = readServerHello(fromHex(OPENSSL_SERVER_HELLO));
    assert.deepEqual([suite, compressionMethod, sessionId.length], [0xc0ae, 0, 0]);
    const { renegotiationInfo, ...others } = extensions;
    assert.equal(renegotiationInfo!.length, 0);
    assert.deepEqual(others, { pointFormats: [0, 1, 2], extendedMasterSecret: true });
  });

  it("RFC 6347 4.2.1: the start of a ClientHello is read without the rest", () => {
    const body = fromHex(OPENSSL_CLIENT_HELLO);
    const start = readHelloStart(body.subarray(0, 2 + 32 + 1 + 21));
    assert.equal(toHex(start.cookie), "7166a7cc377917a9b0daee7b6b194fbf6388ac8f");
    assert.isFalse(isTaken(() => readHelloStart(body.subarray(0, 2 + 32 + 1 + 20))));
  });

  it("RFC 5246 7.4.1.2: a hello without extensions is one", () => {
    const body = fromHex(OPENSSL_CLIENT_HELLO);
    assert.deepEqual(readClientHello(body.subarray(0, readEnd("ClientHello", body))).extensions, {});
  });

  it("RFC 5246 7.4.1.2: session_id of more than 32 bytes, an odd list of suites, no suites: decode_error", () => {
    const hello = { ...readClientHello(fromHex(OPENSSL_CLIENT_HELLO)), extensions: {} };
    assert.throws(() => readClientHello(writeClientHello({ ...hello, sessionId: new Uint8Array(33) })), /session_id/);
    assert.throws(() => readClientHello(writeClientHello({ ...hello, suites: [] })), /cipher_suites/);
    assert.throws(() => readClientHello(writeClientHello({ ...hello, compressionMethods: [] })), /compression_methods/);
  });
});

/** Where the extensions of a hello begin. */
function readEnd(name: string, body: Uint8Array): number {
  return name === "ClientHello" ? body.length - 0x6c - 2 : body.length - 0x15 - 2;
}
