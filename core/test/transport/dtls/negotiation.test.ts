import { assert } from "chai";
import { EMPTY_BYTES } from "../../../src/base/bytes.ts";
import { type ClientHello, EMPTY_RENEGOTIATION_INFO_SCSV } from "../../../src/transport/dtls/client-hello.ts";
import type { ClientExtensions } from "../../../src/transport/dtls/extensions.ts";
import type { SessionParameters } from "../../../src/transport/dtls/handshake.ts";
import {
  maxPlaintextOf,
  mayResume,
  negotiate,
  type ProofParts,
  signalsRenegotiation,
} from "../../../src/transport/dtls/negotiation.ts";
import { answerExtensions } from "../../../src/transport/dtls/server-flight.ts";
import { settleTerms } from "../../../src/transport/dtls/session-terms.ts";
import { findSuite } from "../../../src/transport/dtls/suites.ts";
import { serverCertificate } from "./support/handshake-world.ts";

const OPTIONS = { cbc: true, cidLength: 3, maxRecordBytes: 4096 };
const SESSION_ID = new Uint8Array(32).fill(8);
const CERTIFICATE = serverCertificate();
const WITH_CERTIFICATES: ProofParts = { certificate: () => CERTIFICATE, rawPublicKeys: true };
const NAMED = serverCertificate();
const WITH_NAMES: ProofParts = { ...WITH_CERTIFICATES, certificate: name => (name ? NAMED : CERTIFICATE) };
const ECDSA = { signatureAlgorithms: [0x0403] };

const helloWith = (extensions: ClientExtensions, suites: readonly number[] = [0xc0a8]): ClientHello => ({
  version: 0xfefd,
  random: new Uint8Array(32),
  sessionId: SESSION_ID,
  cookie: EMPTY_BYTES,
  suites,
  compressionMethods: [0],
  extensions,
});

const SESSION: SessionParameters = {
  suite: 0xc0a8,
  masterSecret: new Uint8Array(48),
  clientRandom: new Uint8Array(32),
  serverRandom: new Uint8Array(32),
  extendedMasterSecret: true,
  encryptThenMac: false,
  identity: { kind: "psk", identity: "device" },
  resumptionId: SESSION_ID,
  clientCid: EMPTY_BYTES,
  serverCid: undefined,
  maxPlaintextBytes: 4096,
};

describe("dtls/negotiation", () => {
  it("RFC 7627 5.3: a session without extended master secret is not resumed", () => {
    const hello = helloWith({ extendedMasterSecret: true });
    assert.isTrue(mayResume(hello, SESSION, OPTIONS));
    assert.isFalse(mayResume(hello, { ...SESSION, extendedMasterSecret: false }, OPTIONS));
  });

  it("a session is resumed under its own ID only", () =>
    assert.isFalse(
      mayResume(helloWith({ extendedMasterSecret: true }), { ...SESSION, resumptionId: EMPTY_BYTES }, OPTIONS),
    ));

  it("a session of a suite that is switched off by now is not resumed", () => {
    const hello = helloWith({ extendedMasterSecret: true }, [0x00ae]);
    const session = { ...SESSION, suite: 0x00ae };
    assert.isTrue(mayResume(hello, session, OPTIONS));
    assert.isFalse(mayResume(hello, session, { ...OPTIONS, cbc: false }));
  });

  it("RFC 5746 3.6: both signs of secure renegotiation count", () => {
    assert.isFalse(signalsRenegotiation(helloWith({})));
    assert.isTrue(signalsRenegotiation(helloWith({ renegotiationInfo: EMPTY_BYTES })));
    assert.isTrue(signalsRenegotiation(helloWith({}, [0xc0a8, EMPTY_RENEGOTIATION_INFO_SCSV])));
  });

  const LIMITS: readonly [ClientExtensions, number][] = [
    [{}, 4096],
    [{ maxFragmentLength: 1 }, 512],
    [{ maxFragmentLength: 4 }, 4096],
    [{ recordSizeLimit: 64 }, 64],
    [{ recordSizeLimit: 16_385 }, 4096],
    [{ recordSizeLimit: 300, maxFragmentLength: 2 }, 300],
  ];
  for (const [extensions, bytes] of LIMITS) {
    it(`RFC 8449 5, RFC 6066 4: ${JSON.stringify(extensions)} means ${bytes} bytes`, () =>
      assert.equal(maxPlaintextOf(helloWith(extensions), 4096), bytes));
  }

  it("RFC 5246 7.4.1.4.1: who names no signature algorithms means SHA-1, so certificates are out", () => {
    assert.throws(() => negotiate(helloWith({}, [0xc0ae]), OPTIONS, WITH_CERTIFICATES), /no cipher suite/);
    assert.equal(negotiate(helloWith({}, [0xc0ae, 0xc0a8]), OPTIONS, WITH_CERTIFICATES).suite.id, 0xc0a8);
  });

  it("RFC 7250 4.2: the client's order of certificate types counts, where both sides have them", () => {
    const hello = helloWith({ ...ECDSA, clientCertificateTypes: [2, 0], serverCertificateTypes: [1, 0, 2] }, [0xc0ae]);
    const both = negotiate(hello, OPTIONS, WITH_CERTIFICATES).proof!;
    assert.deepEqual([both.clientType, both.serverType], [2, 0]);
    const chains = negotiate(hello, OPTIONS, { ...WITH_CERTIFICATES, rawPublicKeys: false }).proof!;
    assert.deepEqual([chains.clientType, chains.serverType], [0, 0]);
  });

  it("the server's certificate is looked up only for a client that offers a suite with one", () => {
    const parts = { ...WITH_CERTIFICATES, certificate: () => assert.fail("looked up") };
    assert.isUndefined(negotiate(helloWith(ECDSA), OPTIONS, parts).proof);
  });
});

describe("dtls/server-flight extensions", () => {
  const answer = (hello: ClientHello, change: object = {}) => {
    const answers = { withGroup: false, encryptThenMac: false, serverCid: undefined, maxRecordBytes: 4096 };
    const answered = answerExtensions(hello, { ...answers, ...change });
    return Object.fromEntries(Object.entries(answered).filter(([, value]) => value !== undefined));
  };
  const EVERYTHING: ClientExtensions = {
    serverName: "a.example",
    maxFragmentLength: 2,
    supportedGroups: [23],
    pointFormats: [0],
    ...ECDSA,
    clientCertificateTypes: [2, 0],
    serverCertificateTypes: [0],
    encryptThenMac: true,
    extendedMasterSecret: true,
    connectionId: EMPTY_BYTES,
    renegotiationInfo: EMPTY_BYTES,
  };

  it("RFC 5246 7.4.1.4: who says nothing is answered nothing", () => assert.deepEqual(answer(helloWith({})), {}));

  it("RFC 5746 3.6: the signalling suite alone is answered with the extension", () =>
    assert.deepEqual(answer(helloWith({}, [EMPTY_RENEGOTIATION_INFO_SCSV])), { renegotiationInfo: EMPTY_BYTES }));

  it("with a key nothing is said of certificates and curves", () =>
    assert.deepEqual(answer(helloWith(EVERYTHING)), {
      maxFragmentLength: 2,
      extendedMasterSecret: true,
      renegotiationInfo: EMPTY_BYTES,
    }));

  it("with certificates everything is answered", () => {
    const hello = helloWith(EVERYTHING, [0xc0ae]);
    const { proof, suite } = negotiate(hello, OPTIONS, WITH_NAMES);
    const serverCid = Uint8Array.of(1, 2, 3);
    assert.deepEqual(
      answer(hello, { withGroup: suite.keyExchange !== "psk", proof, serverCid, encryptThenMac: true }),
      {
        serverName: true,
        clientCertificateType: 2,
        serverCertificateType: 0,
        maxFragmentLength: 2,
        pointFormats: [0],
        encryptThenMac: true,
        extendedMasterSecret: true,
        connectionId: serverCid,
        renegotiationInfo: EMPTY_BYTES,
      },
    );
  });

  it("RFC 6066 3: a name that made no difference is not answered", () => {
    const hello = helloWith({ ...ECDSA, serverName: "a.example" }, [0xc0ae]);
    for (const [parts, serverName] of [
      [WITH_NAMES, true],
      [WITH_CERTIFICATES, undefined],
    ] as const) {
      const { proof } = negotiate(hello, OPTIONS, parts);
      assert.equal(answer(hello, { withGroup: true, proof })["serverName"], serverName);
    }
  });

  it("RFC 8449 5: record_size_limit is answered instead of max_fragment_length", () =>
    assert.deepEqual(answer(helloWith({ recordSizeLimit: 100, maxFragmentLength: 1 })), { recordSizeLimit: 4096 }));
});

describe("dtls/session-terms", () => {
  const own = {
    suite: findSuite(0xc0a8)!,
    encryptThenMac: false,
    serverRandom: new Uint8Array(32),
    resumptionId: EMPTY_BYTES,
    serverCid: Uint8Array.of(1, 2, 3),
    maxRecordBytes: 4096,
  };

  it("keep nothing of the hello's bytes in memory", () => {
    const bytes = new Uint8Array(1000);
    const hello = { ...helloWith({ connectionId: bytes.subarray(40, 44) }), random: bytes.subarray(2, 34) };
    const { clientRandom, clientCid } = settleTerms(hello, own);
    assert.deepEqual([clientRandom.buffer.byteLength, clientCid.buffer.byteLength], [32, 4]);
  });

  it("RFC 9146 4: the type inside a record with Connection ID counts as its content", () => {
    assert.equal(settleTerms(helloWith({ connectionId: Uint8Array.of(1) }), own).maxPlaintextBytes, 4095);
    assert.equal(settleTerms(helloWith({ connectionId: EMPTY_BYTES }), own).maxPlaintextBytes, 4096);
  });
});
