import { assert } from "chai";
import {
  certificate,
  certificateCredentials,
  rawKeyCredentials,
} from "../../../../test/simulator/dtls/certificates.ts";
import type { DtlsClientOptions } from "../../../../test/simulator/dtls/client-options.ts";
import { GROUP } from "../../../src/transport/dtls/extensions.ts";
import { readRecords } from "../../../src/transport/dtls/records.ts";
import { findSuite, SUITES } from "../../../src/transport/dtls/suites.ts";
import type { PeerIdentity } from "../../../src/transport/transport.ts";
import { createHandshakeWorld, type HandshakeWorld, PSK, serverCertificate } from "./support/handshake-world.ts";

const CID = Uint8Array.of(1, 2, 3, 4);

/** Credentials of a client that can do the suite. */
const clientFor = (suite: number): DtlsClientOptions =>
  findSuite(suite)!.keyExchange === "ecdhe_ecdsa"
    ? { suites: [suite], certificate: certificateCredentials("device-1") }
    : { suites: [suite], psk: PSK };

const identityOf = (suite: number): PeerIdentity =>
  findSuite(suite)!.keyExchange === "ecdhe_ecdsa"
    ? { kind: "x509", commonName: "x509-device-1", subjectAltNames: [] }
    : { kind: "psk", identity: PSK.identity };

/** Both sides read what the other one sends. */
async function assertTalks(world: HandshakeWorld, client: { send(bytes: Uint8Array): void }): Promise<void> {
  client.send(Buffer.from("up"));
  world.sendToClient("down");
  await world.clock.advance(0);
  assert.deepEqual([world.readByServer, world.readByClient], [["up"], ["down"]]);
}

describe("dtls/server-handshake", () => {
  for (const { id, name } of SUITES) {
    for (const cid of [undefined, CID]) {
      it(`${name}, ${cid ? "with" : "without"} Connection ID`, async () => {
        const world = createHandshakeWorld();
        const { client, resumed } = await world.connect({ ...clientFor(id), cid });
        const { parameters, resumed: resumedHere, ...rest } = world.done();
        assert.deepEqual([resumed, resumedHere], [false, false]);
        assert.equal(parameters.suite, id);
        assert.deepEqual(parameters.identity, identityOf(id));
        assert.isTrue(parameters.extendedMasterSecret);
        assert.equal(parameters.encryptThenMac, findSuite(id)!.isCbc);
        assert.equal(parameters.resumptionId.length, 32);
        assert.deepEqual(parameters.clientCid, cid ?? new Uint8Array(0));
        assert.equal(parameters.serverCid?.length, cid ? 3 : undefined);
        assert.deepEqual([rest.nextSequence, rest.receivedSequence, rest.lastFlight.length], [1, 0, 2]);
        await assertTalks(world, client);
      });
    }
  }

  for (const group of [GROUP.secp256r1, GROUP.secp384r1, GROUP.x25519]) {
    it(`RFC 8422 5.1.1: group ${group}, with a key and with certificates`, async () => {
      for (const suite of [0xd001, 0xc02b]) {
        // The certificate's own curve has to be among the groups.
        const groups = suite === 0xd001 ? [group] : [group, GROUP.secp256r1];
        const world = createHandshakeWorld();
        const { client } = await world.connect({ ...clientFor(suite), groups });
        await assertTalks(world, client);
      }
    });
  }

  it("RFC 7627 5.3: without extended master secret there is a session, and it cannot be resumed", async () => {
    const world = createHandshakeWorld();
    const { client, session } = await world.connect({ psk: PSK, extendedMasterSecret: false });
    assert.isFalse(world.done().parameters.extendedMasterSecret);
    assert.equal(world.done().parameters.resumptionId.length, 0);
    assert.equal(session.id.length, 0);
    await assertTalks(world, client);
  });

  it("RFC 7366: without encrypt-then-MAC CBC goes on with MAC-then-encrypt", async () => {
    const world = createHandshakeWorld();
    const { client } = await world.connect({ ...clientFor(0x00ae), encryptThenMac: false });
    assert.isFalse(world.done().parameters.encryptThenMac);
    await assertTalks(world, client);
  });

  it("RFC 7250: raw public keys on both sides", async () => {
    const world = createHandshakeWorld();
    const serverKey = serverCertificate().subjectPublicKeyInfo;
    const { client } = await world.connect({ rawKey: { ...rawKeyCredentials("device-2"), serverKey } });
    const publicKey = certificate("device-2").publicKey.export({ type: "spki", format: "der" });
    const { identity } = world.done().parameters;
    assert.equal(identity.kind, "rpk");
    assert.isTrue(publicKey.equals((identity as Extract<PeerIdentity, { kind: "rpk" }>).publicKey));
    await assertTalks(world, client);
  });

  it("RFC 5246 7.4.6: a key on P-384", async () => {
    const world = createHandshakeWorld();
    await world.connect({ certificate: certificateCredentials("device-p384") });
    assert.deepEqual(world.done().parameters.identity, {
      kind: "x509",
      commonName: "x509-device-p384",
      subjectAltNames: [],
    });
  });

  it("RFC 6066 3: the server's certificate is chosen by the name that the client asks for", async () => {
    const asked: (string | undefined)[] = [];
    const world = createHandshakeWorld({
      credentials: {
        serverCertificate(name) {
          asked.push(name);
          return serverCertificate();
        },
      },
    });
    const trust = { authorities: [certificate("ca")], name: "localhost" };
    await world.connect({ certificate: certificateCredentials("device-1"), serverName: "localhost", trust });
    assert.include(asked, "localhost");
  });

  it("RFC 8449: each side says how large its records may be", async () => {
    const world = createHandshakeWorld();
    const { recordSizeLimit } = await world.connect({ psk: PSK, recordSizeLimit: 300 });
    assert.equal(recordSizeLimit, 4096);
    assert.equal(world.done().parameters.maxPlaintextBytes, 300);
  });

  it("RFC 6066 4: the handshake itself keeps to the size of records that was agreed on", async () => {
    const world = createHandshakeWorld();
    await world.connect({ certificate: certificateCredentials("device-1"), recordSizeLimit: 300 });
    const records = world.fromServer.flatMap(datagram => readRecords(datagram, 0).records);
    assert.isAbove(records.length, 8);
    for (const { fragment } of records) assert.isAtMost(fragment.length, 300);
  });

  it("RFC 9146 3: a client's Connection ID may have any length", async () => {
    for (const length of [0, 1, 20, 254, 255]) {
      const world = createHandshakeWorld();
      const { client } = await world.connect({ psk: PSK, cid: new Uint8Array(length).fill(9) });
      assert.equal(world.done().parameters.clientCid.length, length);
      assert.equal(world.done().parameters.serverCid?.length, 3);
      await assertTalks(world, client);
    }
  });

  it("RFC 9146 3: none is agreed on where the server has it switched off", async () => {
    const world = createHandshakeWorld({ options: { cidLength: 0 } });
    const { cidAgreed } = await world.connect({ psk: PSK, cid: CID });
    assert.isFalse(cidAgreed);
    assert.isUndefined(world.done().parameters.serverCid);
    assert.equal(world.done().parameters.clientCid.length, 0);
  });

  it("prefers its own order: Diffie-Hellman before none, long tags before short, CBC last", async () => {
    const world = createHandshakeWorld();
    await world.connect({ psk: PSK, suites: [0x00ae, 0xc0a8, 0xc0a4, 0xd003] });
    assert.equal(world.done().parameters.suite, 0xd003);
  });

  it("goes on when a key comes late; what the client sent meanwhile waits", async () => {
    let give: (key: Uint8Array) => void = () => {};
    const world = createHandshakeWorld({
      credentials: { pskKey: () => new Promise(resolve => (give = resolve)) },
    });
    const connecting = world.connect({ psk: PSK });
    await world.clock.advance(5000);
    assert.equal(world.underWay, 1);
    give(PSK.key);
    const { client } = await connecting;
    await assertTalks(world, client);
  });

  it("RFC 6347 4.2.1: the ServerHello has the record sequence number of the hello that brought the cookie", async () => {
    const world = createHandshakeWorld();
    await world.connect({ psk: PSK });
    const [verifyRequest, serverHello] = world.fromServer;
    assert.deepEqual([...verifyRequest!.subarray(3, 11)], [0, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual([...serverHello!.subarray(3, 11)], [0, 0, 0, 0, 0, 0, 0, 1]);
  });
});

describe("dtls/server-handshake resumption", () => {
  const CASES: readonly [string, DtlsClientOptions][] = [
    ["PSK", { psk: PSK, suites: [0xc0a8] }],
    ["certificates", { certificate: certificateCredentials("device-1"), suites: [0xc0ae] }],
    ["CBC", { psk: PSK, suites: [0x00ae] }],
  ];
  for (const [name, options] of CASES) {
    it(`RFC 5246 7.3: a session with ${name} goes on without a key exchange`, async () => {
      const world = createHandshakeWorld();
      const first = await world.connect({ ...options, cid: CID, recordSizeLimit: 300 });
      const before = world.done().parameters;
      const again = createHandshakeWorld({
        seed: 2,
        credentials: { pskKey: () => assert.fail("no key is looked up"), clientCertificate: () => assert.fail() },
      });
      again.kept = world.kept;
      const { client, resumed } = await again.connect({ ...options, cid: Uint8Array.of(7), session: first.session });
      assert.isTrue(resumed);
      const { parameters, resumed: resumedHere, lastFlight, nextSequence, receivedSequence } = again.done();
      assert.isTrue(resumedHere);
      assert.deepEqual([lastFlight.length, nextSequence, receivedSequence], [0, 1, 0]);
      assert.deepEqual(parameters.identity, before.identity);
      assert.deepEqual(parameters.masterSecret, before.masterSecret);
      assert.deepEqual(parameters.resumptionId, before.resumptionId);
      assert.notDeepEqual(parameters.serverRandom, before.serverRandom);
      // RFC 9146 section 3, RFC 8449 section 4: agreed on anew.
      assert.deepEqual([...parameters.clientCid], [7]);
      assert.notDeepEqual(parameters.serverCid, before.serverCid);
      assert.equal(parameters.maxPlaintextBytes, 4095);
      await assertTalks(again, client);
    });
  }

  /** A server that has the session, and the options of a client that asks for it with `change`. */
  async function resumeWith(change: Partial<DtlsClientOptions>, options: DtlsClientOptions = { psk: PSK }) {
    const world = createHandshakeWorld();
    const { session } = await world.connect(options);
    const again = createHandshakeWorld({ seed: 2 });
    again.kept = world.kept;
    return { again, options: { ...options, session, ...change } };
  }

  it("resumption that skips verification: without a Finished of the client there is no session", async () => {
    const { again, options } = await resumeWith({ faults: { noFinished: true } });
    const { client } = await again.connect(options);
    client.send(Buffer.from("too early"));
    await again.clock.advance(300_000);
    assert.deepEqual(
      again.outcomes.map(one => one.kind === "failed" && one.reason),
      ["timeout"],
    );
    assert.isEmpty(again.readByServer);
  });

  it("resumption that skips verification: who has the ID alone gets no session", async () => {
    const { again, options } = await resumeWith({});
    await again.refused({ ...options, session: { ...options.session, masterSecret: new Uint8Array(48) } });
    await again.clock.advance(300_000);
    assert.notInclude(
      again.outcomes.map(({ kind }) => kind),
      "done",
    );
  });

  it("RFC 5246 7.4.9: a wrong verify_data ends a resumption", async () => {
    const { again, options } = await resumeWith({ faults: { wrongFinished: true } });
    await again.connect(options);
    await again.clock.advance(1000);
    assert.deepInclude(again.outcomes[0], { kind: "failed", reason: "not-authentic" });
  });

  it("RFC 5246 7.4.1.2: a session of another suite than those offered is not resumed", async () => {
    const { again, options } = await resumeWith({ suites: [0xc0a4] }, { psk: PSK, suites: [0xc0a8] });
    assert.isFalse((await again.connect(options)).resumed);
    assert.equal(again.done().parameters.suite, 0xc0a4);
  });

  it("RFC 7627 5.3: a resumption that leaves the extended master secret out is aborted", async () => {
    const { again, options } = await resumeWith({ extendedMasterSecret: false });
    assert.equal((await again.refused(options)).alert, "handshakeFailure");
    assert.deepInclude(again.outcomes[0], { kind: "failed", reason: "no-common-parameters" });
  });

  it("RFC 7366 3: another agreement on the MAC means a full handshake", async () => {
    const { again, options } = await resumeWith({ encryptThenMac: false }, { psk: PSK, suites: [0x00ae] });
    assert.isFalse((await again.connect(options)).resumed);
  });

  it("a session that is not known any more means a full handshake with a new ID", async () => {
    const { again, options } = await resumeWith({});
    again.kept = new Map();
    assert.isFalse((await again.connect(options)).resumed);
    assert.notDeepEqual(again.done().parameters.resumptionId, options.session.id);
  });
});
