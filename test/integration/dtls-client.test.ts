/** Our DTLS client and the transport against each other, over sockets: every suite, every way of being, every refusal. */
import type { X509Certificate } from "node:crypto";
import { SUITES } from "@mooring/core/internal/transport/dtls/suites.ts";
import { assert } from "chai";
import { type DtlsResponder, openDtlsResponder } from "../harness/dtls-responder.ts";
import { eventually } from "../harness/eventually.ts";
import { registerBytes } from "../interop/dtls/dtls-peer.ts";
import { certificate, certificateCredentials, rawKeyCredentials } from "../simulator/dtls/certificates.ts";
import type { HandshakeRefused } from "../simulator/dtls/client-options.ts";
import { connectDtls, type UdpDtlsClient, type UdpDtlsOptions } from "../simulator/dtls/connect.ts";

type Options = Omit<UdpDtlsOptions, "serverPort" | "onData">;

const psk = { identity: "dev", key: Buffer.from("a-key-for-clients") };
const x509 = certificateCredentials("device-1");
const trust = { authorities: [certificate("ca")], name: "localhost" };

const commonName = ({ subject }: X509Certificate): string => subject.replace("CN=", "");

describe("simulator/dtls, against the transport", () => {
  let server: DtlsResponder;
  let answers: Buffer[];
  const opened: UdpDtlsClient[] = [];

  before(async () => {
    server = await openDtlsResponder({
      pskKey: async identity => (identity === psk.identity ? psk.key : undefined),
      clientCertificate: async ([leaf]) =>
        leaf!.verify(trust.authorities[0]!.publicKey)
          ? { kind: "x509", commonName: commonName(leaf!), subjectAltNames: [] }
          : undefined,
      rawPublicKey: async publicKey => ({ kind: "rpk", publicKey }),
    });
  });
  beforeEach(() => {
    answers = [];
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
  });
  after(() => server[Symbol.asyncDispose]());

  const connect = async (options: Options): Promise<UdpDtlsClient> => {
    const connection = await connectDtls({
      ...options,
      serverPort: server.port,
      retransmissionTimeoutMs: 300,
      onData: bytes => void answers.push(Buffer.from(bytes)),
    });
    opened.push(connection);
    return connection;
  };
  /** Sends so many requests and waits for as many answers. */
  const exchange = async ({ client }: UdpDtlsClient, count = 1): Promise<void> => {
    const had = answers.length;
    client.sendTogether(Array.from({ length: count }, () => registerBytes("dev").request));
    await eventually(() => (answers.length === had + count ? true : undefined), { what: `${count} answers` });
  };
  const refused = async (options: Options): Promise<HandshakeRefused> =>
    connect(options).then(
      () => assert.fail("accepted"),
      (error: HandshakeRefused) => error,
    );

  for (const { id, name, keyExchange, isCbc } of SUITES) {
    if (isCbc) continue;
    it(`${name}`, async () => {
      const own = keyExchange === "ecdhe_ecdsa" ? { certificate: x509, trust } : { psk };
      const connection = await connect({ ...own, suites: [id] });
      assert.deepInclude(connection.established.session, { suite: id, extendedMasterSecret: true });
      await exchange(connection);
    });
  }

  for (const [group, name] of [
    [23, "secp256r1"],
    [24, "secp384r1"],
    [29, "x25519"],
  ] as const) {
    it(`a share in ${name} (RFC 8422)`, async () => {
      await exchange(await connect({ psk, suites: [0xd001], groups: [group] }));
    });
  }

  for (const length of [0, 1, 8, 255]) {
    it(`a Connection ID of ${length} bytes, and another port in mid-session (RFC 9146)`, async () => {
      const connection = await connect({ psk, cid: Buffer.alloc(length, 7) });
      assert.isTrue(connection.established.cidAgreed);
      assert.lengthOf(connection.established.serverCid, 3);
      await exchange(connection);
      await connection.pipe.rebind();
      await exchange(connection, 2);
    });
  }

  it("without Connection ID, and without extended master secret", async () => {
    const { established } = await connect({ psk, extendedMasterSecret: false });
    assert.deepInclude(established, { cidAgreed: false });
    assert.isFalse(established.session.extendedMasterSecret);
  });

  it("goes on with its session, by a Connection ID that it had not before (RFC 5246 section 7.3)", async () => {
    const first = await connect({ psk });
    await exchange(first);
    const { session } = first.established;
    const second = await connect({ psk, session, cid: Uint8Array.of(1, 2) });
    assert.deepInclude(second.established, { resumed: true, cidAgreed: true });
    await exchange(second);
  });

  it("a session without extended master secret is not gone on with (RFC 7627 section 5.3)", async () => {
    const { session } = (await connect({ psk, extendedMasterSecret: false })).established;
    const { established } = await connect({ psk, session });
    assert.isFalse(established.resumed);
  });

  it("a record size limit of 64 bytes, and the host tells its own (RFC 8449)", async () => {
    const connection = await connect({ certificate: x509, trust, recordSizeLimit: 64 });
    assert.equal(connection.established.recordSizeLimit, 4096);
    await exchange(connection);
  });

  for (const [what, faults] of [
    ["a ClientHello in fragments of 80 bytes", { helloFragmentBytes: 80 }],
    ["every record in a datagram of its own", { separateDatagrams: true }],
  ] as const) {
    it(what, async () => {
      await exchange(await connect({ certificate: x509, trust, faults }));
    });
  }

  it("datagrams of 120 bytes, its certificate in fragments (RFC 6347 section 4.2.3)", async () => {
    await exchange(await connect({ certificate: x509, trust, maxDatagramBytes: 120 }));
  });

  it("certificates on P-384, and raw public keys (RFC 7250)", async () => {
    await exchange(await connect({ certificate: certificateCredentials("device-p384"), trust }));
    await exchange(await connect({ rawKey: rawKeyCredentials("device-1") }));
  });

  for (const [what, options, alert] of [
    ["a wrong key", { psk: { ...psk, key: Buffer.from("another") } }, "decryptError"],
    ["an unknown identity", { psk: { ...psk, identity: "nobody" } }, "decryptError"],
    ["a wrong Finished", { psk, faults: { wrongFinished: true } }, "decryptError"],
    ["a certificate of a stranger", { certificate: certificateCredentials("device-stranger"), trust }, undefined],
    ["no suite in common", { psk, suites: [0x00ae] }, "handshakeFailure"],
  ] as const) {
    it(`${what} is told by an alert`, async () => {
      const { reason, alert: told } = await refused(options);
      assert.equal(reason, "alert");
      if (alert) assert.equal(told, alert);
    });
  }

  it("OMA 403: refuses a server whose certificate is for another name", async () => {
    const { reason, message } = await refused({ certificate: x509, trust: { ...trust, name: "other.example" } });
    assert.equal(reason, "server-refused");
    assert.include(message, "other.example");
  });

  it("gives up where nobody answers", async () => {
    const { reason } = await connectDtls({
      psk,
      // Port 9 discards what comes.
      ...{ serverPort: 9, retransmissionTimeoutMs: 10, maxRetransmissions: 2 },
    }).then(
      () => assert.fail("connected"),
      (error: HandshakeRefused) => error,
    );
    assert.equal(reason, "timeout");
  });
});
