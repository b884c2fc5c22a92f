import { assert } from "chai";
import { fromHex } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import type { SessionParameters } from "../../../src/transport/dtls/handshake.ts";
import { identityOf, principalOf } from "../../../src/transport/dtls/principal.ts";
import { readSessionSecrets, writeSessionSecrets } from "../../../src/transport/dtls/session-secrets.ts";
import type { PeerIdentity } from "../../../src/transport/transport.ts";

const random = createSeededRandom(1);

const PARAMETERS: SessionParameters = {
  suite: 0xc0a8,
  masterSecret: random.bytes(48),
  clientRandom: random.bytes(32),
  serverRandom: random.bytes(32),
  extendedMasterSecret: true,
  encryptThenMac: false,
  identity: { kind: "psk", identity: "urn:imei:490154203237518" },
  resumptionId: random.bytes(32),
  clientCid: random.bytes(6),
  serverCid: random.bytes(3),
  maxPlaintextBytes: 16_384,
};

const IDENTITIES: readonly PeerIdentity[] = [
  { kind: "psk", identity: "urn:a" },
  { kind: "psk", identity: "" },
  { kind: "psk", identity: "x509:[ä\n" },
  { kind: "x509", commonName: 'a,"b', subjectAltNames: [] },
  { kind: "x509", commonName: "", subjectAltNames: ["urn:b", "c"] },
  { kind: "rpk", publicKey: fromHex("3059301306072a8648ce3d0201") },
];

describe("transport/dtls/session-secrets", () => {
  it("come back as they were, for every kind of session", () => {
    const many: Partial<SessionParameters>[] = [
      {},
      { extendedMasterSecret: false, encryptThenMac: true },
      { serverCid: undefined, clientCid: new Uint8Array(0), resumptionId: new Uint8Array(0) },
      { serverCid: new Uint8Array(0), clientCid: random.bytes(255), maxPlaintextBytes: 64 },
      ...IDENTITIES.map(identity => ({ identity })),
    ];
    for (const changed of many) {
      const parameters = { ...PARAMETERS, ...changed };
      assert.deepEqual(readSessionSecrets(writeSessionSecrets(parameters)), parameters);
    }
  });

  it("of another form, cut or with something behind them are not read", () => {
    const bytes = writeSessionSecrets(PARAMETERS);
    assert.isUndefined(readSessionSecrets(Uint8Array.of(2, ...bytes.subarray(1))));
    assert.isUndefined(readSessionSecrets(Uint8Array.of(...bytes, 0)));
    for (let length = 0; length < bytes.length; length++) {
      assert.isUndefined(readSessionSecrets(bytes.subarray(0, length)), `${length} bytes`);
    }
  });
});

describe("transport/dtls/principal", () => {
  it("a text for each identity, and the identity from the text", () => {
    for (const identity of IDENTITIES) assert.deepEqual(identityOf(principalOf(identity)), identity);
    assert.equal(new Set(IDENTITIES.map(principalOf)).size, IDENTITIES.length);
  });
});
