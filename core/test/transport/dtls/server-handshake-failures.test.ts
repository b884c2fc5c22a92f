import { assert } from "chai";
import { certificateCredentials, rawKeyCredentials } from "../../../../test/simulator/dtls/certificates.ts";
import type { DtlsClientOptions } from "../../../../test/simulator/dtls/client-options.ts";
import { fromHex } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { writeAlert } from "../../../src/transport/dtls/alert.ts";
import { SIGNATURE_ALGORITHM } from "../../../src/transport/dtls/extensions.ts";
import { HANDSHAKE, readFragments, writeFragment } from "../../../src/transport/dtls/handshake-message.ts";
import { CONTENT, RECORD_HEADER_BYTES, readRecords, writePlainRecord } from "../../../src/transport/dtls/records.ts";
import { createHandshakeWorld, type HandshakeWorld, PSK } from "./support/handshake-world.ts";
import { createScriptedClient } from "./support/scripted-client.ts";

const reasons = (world: HandshakeWorld): string[] =>
  world.outcomes.map(outcome => (outcome.kind === "failed" ? outcome.reason : "done"));
const STRANGER = { identity: "stranger", key: PSK.key };
const WRONG_KEY = { identity: PSK.identity, key: fromHex("ff") };
const DEVICE = { certificate: certificateCredentials("device-1") };

/** A record of epoch 1 as anybody could make one up. */
const forgedRecord = (sequence = 0): Uint8Array => {
  const record = writePlainRecord(CONTENT.handshake, sequence, new Uint8Array(40).fill(0x5a));
  record[4] = 1;
  return record;
};

describe("dtls/server-handshake refuses", () => {
  for (const suites of [[0xc0a8], [0x00a8], [0x00ae], [0xd005]]) {
    it(`RFC 4279 2: a wrong key and an unknown identity alike, and soon (suite ${suites[0]!.toString(16)})`, async () => {
      const seen = [];
      for (const psk of [WRONG_KEY, STRANGER, { identity: "device\ufffd", key: PSK.key }]) {
        const world = createHandshakeWorld();
        const { alert } = await world.refused({ psk, suites });
        const [outcome] = world.outcomes;
        seen.push([alert, outcome!.atMs, world.fromServer.map(({ length }) => length)]);
        assert.deepEqual(reasons(world), [psk === WRONG_KEY ? "not-authentic" : "unknown-identity"]);
        assert.equal(world.clock.pending, 0);
      }
      assert.equal(seen[0]![0], "decryptError");
      assert.isAtMost(seen[0]![1] as number, 500);
      assert.deepEqual(seen[1], seen[0]);
      assert.deepEqual(seen[2], seen[0]);
    });
  }

  it("RFC 4279 2: an identity whose look-up fails, as an unknown one", async () => {
    const world = createHandshakeWorld({ credentials: { pskKey: () => Promise.reject(new Error("store")) } });
    assert.equal((await world.refused({ psk: PSK })).alert, "decryptError");
    assert.deepEqual(reasons(world), ["unknown-identity"]);
  });

  it("RFC 5246 7.4.9: a Finished that is authentic and wrong, at once", async () => {
    const world = createHandshakeWorld();
    const { alert } = await world.refused({ psk: PSK, faults: { wrongFinished: true } });
    assert.equal(alert, "decryptError");
    assert.deepEqual(reasons(world), ["not-authentic"]);
  });

  const CERTIFICATES: readonly [string, DtlsClientOptions, alert: string][] = [
    ["RFC 5246 7.4.6: no certificate", { suites: [0xc0ae] }, "handshakeFailure"],
    [
      "a certificate of another authority",
      { certificate: certificateCredentials("device-stranger") },
      "certificateUnknown",
    ],
    [
      "RFC 5246 7.4.8: a CertificateVerify of another key",
      { certificate: { ...DEVICE.certificate, privateKey: certificateCredentials("device-2").privateKey } },
      "decryptError",
    ],
    [
      "a certificate that is none",
      { certificate: { ...DEVICE.certificate, chain: [fromHex("3000")] } },
      "badCertificate",
    ],
    [
      "a chain without end",
      { certificate: { ...DEVICE.certificate, chain: Array(9).fill(DEVICE.certificate.chain[0]) } },
      "badCertificate",
    ],
    ["RFC 7250: a raw public key that is not known", { rawKey: rawKeyCredentials("device-1") }, "certificateUnknown"],
  ];
  for (const [what, options, alert] of CERTIFICATES) {
    it(what, async () => {
      const world = createHandshakeWorld();
      assert.equal((await world.refused(options)).alert, alert);
      assert.deepEqual(reasons(world), ["certificate-refused"]);
      assert.equal(world.clock.pending, 0);
    });
  }

  it("a certificate whose key was not proved is not looked up", async () => {
    let lookUps = 0;
    const clientCertificate = async () => void lookUps++;
    const world = createHandshakeWorld({
      credentials: { clientCertificate: clientCertificate as () => Promise<undefined> },
    });
    const { privateKey } = certificateCredentials("device-2");
    await world.refused({ certificate: { ...DEVICE.certificate, privateKey } });
    assert.equal(lookUps, 0);
    await createHandshakeWorld({
      credentials: { clientCertificate: clientCertificate as () => Promise<undefined> },
    }).refused(DEVICE);
    assert.equal(lookUps, 1);
  });

  const NOTHING_IN_COMMON: readonly [string, DtlsClientOptions, Parameters<typeof createHandshakeWorld>[0]][] = [
    ["no suite of ours", { psk: PSK, suites: [0x1301, 0xc09c] }, {}],
    ["CBC where it is switched off", { psk: PSK, suites: [0x00ae] }, { options: { cbc: false } }],
    ["certificates where the server has none", DEVICE, { credentials: { serverCertificate: () => undefined } }],
    ["a curve that the server's certificate is not on", { ...DEVICE, groups: [29] }, {}],
    ["groups of which none is ours", { psk: PSK, suites: [0xd001], groups: [25] }, {}],
  ];
  for (const [what, options, parts] of NOTHING_IN_COMMON) {
    it(`RFC 5246 7.2.2: ${what}: handshake_failure`, async () => {
      const world = createHandshakeWorld(parts);
      assert.equal((await world.refused(options)).alert, "handshakeFailure");
      assert.deepEqual(reasons(world), ["no-common-parameters"]);
    });
  }

  it("RFC 7250 4.2: forms of certificates of which none is ours: unsupported_certificate", async () => {
    const world = createHandshakeWorld();
    const client = createScriptedClient(world);
    const signatureAlgorithms = [SIGNATURE_ALGORITHM.ecdsaSecp256r1Sha256];
    await client.hello({ suites: [0xc0ae], extensions: { signatureAlgorithms, clientCertificateTypes: [1] } });
    assert.deepEqual(client.alerts(), ["unsupportedCertificate"]);
  });

  const HELLOS: readonly [string, Parameters<ReturnType<typeof createScriptedClient>["hello"]>[0], string][] = [
    ["RFC 6347 4.1: DTLS 1.0 alone", { version: 0xfeff }, "protocolVersion"],
    ["RFC 5246 7.4.1.2: no null compression", { compressionMethods: [1] }, "illegalParameter"],
    [
      "RFC 5746 3.6: renegotiation_info of a renegotiation",
      { extensions: { renegotiationInfo: new Uint8Array(12) } },
      "handshakeFailure",
    ],
    ["RFC 8422 5.1.2: compressed points only", { extensions: { pointFormats: [1] } }, "illegalParameter"],
    ["RFC 8449 4: a record size limit below 64", { extensions: { recordSizeLimit: 10 } }, "illegalParameter"],
  ];
  for (const [what, hello, alert] of HELLOS) {
    it(what, async () => {
      const world = createHandshakeWorld();
      const client = createScriptedClient(world);
      await client.hello(hello);
      assert.deepEqual(client.alerts(), [alert]);
      assert.equal(world.underWay, 0);
      assert.equal(world.clock.pending, 0);
    });
  }
});

describe("dtls/server-handshake is not misled", () => {
  async function afterHello() {
    const world = createHandshakeWorld();
    const client = createScriptedClient(world);
    await client.hello();
    const settle = () => world.clock.advance(0);
    return { world, client, settle };
  }

  it("the script of a good client ends in a session", async () => {
    const { world, client, settle } = await afterHello();
    client.keyExchange();
    client.changeCipherSpec();
    client.finished();
    await settle();
    assert.deepEqual(reasons(world), ["done"]);
  });

  it("CVE-2014-0224: ChangeCipherSpec before the key exchange switches to nothing", async () => {
    const { world, client, settle } = await afterHello();
    client.changeCipherSpec();
    client.finished(new Uint8Array(48));
    client.finished(new Uint8Array(0));
    await world.clock.advance(1000);
    assert.isEmpty(world.outcomes);
    assert.isEmpty(client.alerts());
    client.keyExchange();
    client.finished();
    await settle();
    assert.deepEqual(reasons(world), ["done"]);
  });

  it("RFC 5246 7.4.9: a Finished in epoch 0 is none, even with the right verify_data", async () => {
    const { world, client, settle } = await afterHello();
    client.keyExchange();
    client.changeCipherSpec();
    await settle();
    client.finishedInPlaintext();
    await world.clock.advance(1000);
    assert.isEmpty(world.outcomes);
    client.finished();
    await settle();
    assert.deepEqual(reasons(world), ["done"]);
  });

  it("RFC 5246 7.1: a Finished without ChangeCipherSpec waits for it", async () => {
    const { world, client, settle } = await afterHello();
    client.keyExchange();
    client.finished();
    await settle();
    assert.isEmpty(world.outcomes);
    client.changeCipherSpec();
    await settle();
    assert.deepEqual(reasons(world), ["done"]);
  });

  it("RFC 6347 4.2.2: after a gap in message_seq nothing is taken", async () => {
    const { world, client } = await afterHello();
    client.sequence++;
    client.keyExchange();
    client.changeCipherSpec();
    client.finished();
    await world.clock.advance(1000);
    assert.isEmpty(world.outcomes);
    await world.clock.advance(300_000);
    assert.deepEqual(reasons(world), ["timeout"]);
    assert.isEmpty(client.alerts());
  });

  it("an early Finished that overtook the key exchange is kept for it", async () => {
    const { world, client, settle } = await afterHello();
    // As the client makes them, the key exchange comes before; on the way it is last.
    const inject = world.inject;
    const held: Uint8Array[] = [];
    world.inject = datagram => void held.push(datagram);
    client.keyExchange();
    client.changeCipherSpec();
    client.finished();
    for (const datagram of held.reverse()) inject(datagram);
    await settle();
    assert.deepEqual(reasons(world), ["done"]);
  });

  const UNEXPECTED: readonly [string, number, Uint8Array][] = [
    ["a certificate in a handshake with a key", HANDSHAKE.certificate, fromHex("000000")],
    ["CertificateVerify before the key exchange", HANDSHAKE.certificateVerify, fromHex("04030000")],
    ["a message that only servers send", HANDSHAKE.serverHelloDone, new Uint8Array(0)],
    ["a type that is not known", 99, new Uint8Array(3)],
    ["another ClientHello with the next message_seq", HANDSHAKE.clientHello, new Uint8Array(40)],
  ];
  for (const [what, type, body] of UNEXPECTED) {
    it(`RFC 5246 7.4: ${what}: unexpected_message`, async () => {
      const { world, client, settle } = await afterHello();
      client.say(type, body);
      await settle();
      assert.deepEqual(client.alerts(), ["unexpectedMessage"]);
      assert.deepEqual(reasons(world), ["malformed"]);
    });
  }

  it("RFC 8422 5.11: a point that is not on the curve: illegal_parameter", async () => {
    const world = createHandshakeWorld();
    const client = createScriptedClient(world);
    await client.hello({ suites: [0xd001], extensions: { supportedGroups: [23] } });
    client.say(HANDSHAKE.clientKeyExchange, fromHex(`0001644104${"11".repeat(64)}`));
    await world.clock.advance(0);
    assert.deepEqual(client.alerts(), ["illegalParameter"]);
  });

  it("an unchecked 24-bit length: 16 MB announced by a fragment end the handshake, and cost nothing", async () => {
    const { world, client, settle } = await afterHello();
    const fragment = { type: HANDSHAKE.clientKeyExchange, sequence: 2, length: 0xffffff, offset: 0 };
    const before = process.memoryUsage().arrayBuffers;
    client.plain(CONTENT.handshake, writeFragment({ ...fragment, body: new Uint8Array(10) }));
    await settle();
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 1_000_000);
    assert.deepEqual(reasons(world), ["too-large"]);
    assert.deepEqual(client.alerts(), ["handshakeFailure"]);
  });

  it("RFC 6347 4.1.2.7: records that hold no fragments are dropped", async () => {
    const { world, client, settle } = await afterHello();
    client.plain(CONTENT.handshake, fromHex("10"));
    client.plain(CONTENT.changeCipherSpec, fromHex("0101"));
    client.plain(CONTENT.changeCipherSpec, fromHex("02"));
    client.plain(CONTENT.alert, fromHex("0909"));
    client.plain(CONTENT.applicationData, fromHex("00"));
    client.keyExchange();
    client.finished();
    await world.clock.advance(1000);
    assert.isEmpty(world.outcomes);
    client.changeCipherSpec();
    await settle();
    assert.deepEqual(reasons(world), ["done"]);
  });

  it("a forged record of epoch 1 does not end a handshake whose Finished is on its way", async () => {
    const { world, client, settle } = await afterHello();
    world.inject(forgedRecord());
    client.keyExchange();
    client.changeCipherSpec();
    await settle();
    for (let i = 0; i < 20; i++) world.inject(forgedRecord(i));
    await world.clock.advance(150);
    assert.isEmpty(world.outcomes);
    client.finished();
    await settle();
    assert.deepEqual(reasons(world), ["done"]);
  });

  it("a flood of forged records before the keys does not push the Finished out", async () => {
    const { world, client, settle } = await afterHello();
    for (let i = 0; i < 100; i++) world.inject(forgedRecord(i));
    client.changeCipherSpec();
    const inject = world.inject;
    const held: Uint8Array[] = [];
    world.inject = datagram => void held.push(datagram);
    client.keyExchange();
    world.inject = inject;
    client.finished();
    world.inject(held[0]!);
    await settle();
    assert.deepEqual(reasons(world), ["done"]);
  });

  it("a forged alert in plaintext does not end a handshake that goes on", async () => {
    const { world, client, settle } = await afterHello();
    client.plain(CONTENT.alert, writeAlert("handshakeFailure"));
    await world.clock.advance(1500);
    assert.isEmpty(world.outcomes);
    client.keyExchange();
    client.changeCipherSpec();
    await world.clock.advance(1900);
    client.finished();
    await settle();
    assert.deepEqual(reasons(world), ["done"]);
  });

  it("an alert of a client that has gone ends its handshake", async () => {
    const { world, client } = await afterHello();
    client.plain(CONTENT.alert, writeAlert("badCertificate"));
    await world.clock.advance(2000);
    assert.deepEqual(reasons(world), ["alert"]);
    assert.isEmpty(client.alerts());
    assert.equal(world.clock.pending, 0);
  });

  it("RFC 5246 7.2: an alert under the keys ends the handshake at once", async () => {
    const { world, client, settle } = await afterHello();
    client.keyExchange();
    client.changeCipherSpec();
    client.sealed(CONTENT.alert, writeAlert("decryptError"));
    await settle();
    assert.deepEqual(reasons(world), ["alert"]);
  });

  it("early application data is left to be repeated", async () => {
    const { world, client, settle } = await afterHello();
    client.keyExchange();
    client.changeCipherSpec();
    client.sealed(CONTENT.applicationData, fromHex("00"));
    await settle();
    assert.isEmpty(world.outcomes);
    client.finished();
    await settle();
    const [outcome] = world.outcomes;
    assert.equal(outcome?.kind === "done" && outcome.established.receivedSequence, 1);
  });

  it("what is authentic ends the doubt that a forged record began", async () => {
    const { world, client, settle } = await afterHello();
    client.keyExchange();
    client.changeCipherSpec();
    await settle();
    world.inject(forgedRecord());
    client.sealed(CONTENT.applicationData, fromHex("00"));
    await world.clock.advance(1000);
    assert.isEmpty(world.outcomes);
    client.finished();
    await settle();
    assert.deepEqual(reasons(world), ["done"]);
  });

  it("RFC 9146 3: with a Connection ID agreed on, a record without it or with another one is none, and no sign of a wrong key", async () => {
    const world = createHandshakeWorld();
    world.tamperToServer = datagram => {
      const { fragment, type, cid } = readRecords(datagram, 3).records.at(-1)!;
      if (type !== CONTENT.cid || world.clock.monotonic() > 1000) return [datagram];
      const other = Uint8Array.from(datagram);
      const cidAt = datagram.length - fragment.length - 2 - cid.length;
      other[cidAt]! ^= 1;
      return [forgedRecord(0), other];
    };
    await world.connect({ psk: PSK, cid: Uint8Array.of(1) });
    assert.deepEqual(reasons(world), ["done"]);
    assert.isAbove(world.outcomes[0]!.atMs, 1000);
  });
});

const ROUNDS = 60;

describe("dtls/server-handshake under changed bytes", () => {
  for (const [name, options] of [
    ["PSK", { psk: PSK }],
    ["certificates", DEVICE],
  ] as const) {
    it(`${name}: whatever byte of a record changes, the handshake ends or goes on, and nothing is thrown`, async () => {
      const random = createSeededRandom(11);
      for (let round = 0; round < ROUNDS; round++) {
        const world = createHandshakeWorld({ seed: round });
        world.tamperToServer = (datagram, index) => {
          if (index === 0) return [datagram];
          const changed = Uint8Array.from(datagram);
          const at = RECORD_HEADER_BYTES + random.int(datagram.length - RECORD_HEADER_BYTES);
          changed[at] = random.int(256);
          return round % 3 === 0 ? [changed, datagram] : [changed];
        };
        const { connecting } = world.start({ ...options, maxRetransmissions: 2 });
        const settled = connecting.then(
          () => {},
          () => {},
        );
        await world.clock.advance(120_000);
        await settled;
        assert.equal(world.underWay, 0, `round ${round}`);
        assert.isAtMost(world.outcomes.length, 3);
      }
    });
  }

  it("fragments of a hello that the server put together are the hello", async () => {
    for (const helloFragmentBytes of [53, 56, 64, 80]) {
      const world = createHandshakeWorld();
      await world.connect({ psk: PSK, cid: Uint8Array.of(1, 2), faults: { helloFragmentBytes } });
      assert.deepEqual(reasons(world), ["done"]);
      const offsets = world.fromClient.flatMap(datagram => {
        const [record] = readRecords(datagram, 3).records;
        return record!.epoch === 0 && record!.type === CONTENT.handshake
          ? readFragments(record!.fragment).map(({ offset }) => offset)
          : [];
      });
      if (helloFragmentBytes < 64) assert.isAbove(Math.max(...offsets), 0);
    }
  });
});
