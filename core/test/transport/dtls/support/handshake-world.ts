/** A server's handshakes and our DTLS client with a network between them that loses, repeats, reorders and lies. */
import type { X509Certificate } from "node:crypto";
import { certificate, certificateCredentials } from "../../../../../test/simulator/dtls/certificates.ts";
import type { ClientEstablished } from "../../../../../test/simulator/dtls/client-handshake.ts";
import { type DtlsClientOptions, HandshakeRefused } from "../../../../../test/simulator/dtls/client-options.ts";
import { createDtlsClient, type DtlsClient } from "../../../../../test/simulator/dtls/dtls-client.ts";
import { concatBytes, encodeUtf8, fromHex, toHex } from "../../../../src/base/bytes.ts";
import { createManualClock, type ManualClock } from "../../../../src/base/clock.ts";
import { silentLog } from "../../../../src/base/log.ts";
import { createSeededRandom } from "../../../../src/base/random.ts";
import type { Credentials, DtlsOptions } from "../../../../src/transport/dtls/dtls.ts";
import type {
  Established,
  HandshakeFailure,
  ServerHandshake,
  SessionParameters,
} from "../../../../src/transport/dtls/handshake.ts";
import { createHelloVerifier } from "../../../../src/transport/dtls/hello-verifier.ts";
import { CONTENT, type RecordView, readRecords } from "../../../../src/transport/dtls/records.ts";
import type { ServerCertificate } from "../../../../src/transport/dtls/server-certificate.ts";
import { createServerHandshake } from "../../../../src/transport/dtls/server-handshake.ts";
import { type Conditions, createMemoryNetwork } from "../../../../src/transport/memory/memory-transport.ts";
import type { Peer } from "../../../../src/transport/transport.ts";

export const PSK = { identity: "device", key: fromHex("00112233445566778899aabbccddeeff") };

export const OPTIONS: DtlsOptions = {
  cbc: true,
  cidLength: 3,
  retransmissionTimeoutMs: 2000,
  maxRetransmissionTimeoutMs: 60_000,
  maxRetransmissions: 4,
  maxRecordBytes: 4096,
  maxHandshakeDatagramBytes: 1200,
  maxHandshakeMessageBytes: 16_384,
  maxHandshakes: 100,
  handshakeRate: { perSecond: 1000, burst: 1000 },
  handshakeRatePerAddress: { perSecond: 1000, burst: 1000 },
  maxSessions: 100,
  maxLiveSessions: 100,
  sleepAfterMs: 1000,
  sessionLifetimeMs: 1000,
  muteAfter: { perSecond: 1000, burst: 1000 },
  muteMs: 1000,
};

export function serverCertificate(): ServerCertificate {
  const { chain, privateKey } = certificateCredentials("server", "ca");
  const leaf = certificate("server");
  return { chain, privateKey, subjectPublicKeyInfo: leaf.publicKey.export({ type: "spki", format: "der" }) };
}

/** Knows one key, the devices of one CA, and the raw key of device-2. */
export function testCredentials(): Credentials {
  const authority = certificate("ca").publicKey;
  const rawKey = certificate("device-2").publicKey.export({ type: "spki", format: "der" });
  return {
    pskKey: async identity => (identity === PSK.identity ? PSK.key : undefined),
    serverCertificate: () => serverCertificate(),
    async clientCertificate(chain: readonly X509Certificate[]) {
      const [leaf] = chain;
      const commonName = leaf!.subject.replace("CN=", "");
      return leaf!.verify(authority) ? { kind: "x509", commonName, subjectAltNames: [] } : undefined;
    },
    rawPublicKey: async publicKey => (rawKey.equals(publicKey) ? { kind: "rpk", publicKey } : undefined),
  };
}

export type Outcome =
  | { readonly kind: "done"; readonly established: Established; readonly atMs: number }
  | { readonly kind: "failed"; readonly reason: HandshakeFailure; readonly atMs: number };

export interface WorldOptions {
  readonly options?: Partial<DtlsOptions>;
  readonly credentials?: Partial<Credentials>;
  readonly conditions?: Conditions;
  readonly seed?: number;
}

/** What a datagram becomes on its way: none, itself, others. */
export type Tamper = (datagram: Uint8Array, index: number) => readonly Uint8Array[];

export interface HandshakeWorld {
  readonly clock: ManualClock;
  /** Of the server's handshakes, in order of their end. */
  readonly outcomes: Outcome[];
  /** Session ID to session; what a server would keep. */
  kept: Map<string, SessionParameters>;
  /** Datagrams of each side as they were sent. */
  readonly fromServer: Uint8Array[];
  readonly fromClient: Uint8Array[];
  /** Application data that each side read. */
  readonly readByServer: string[];
  readonly readByClient: string[];
  /** Handshakes under way at the server. */
  readonly underWay: number;
  tamperToServer: Tamper;
  tamperToClient: Tamper;
  /** A client that goes its way as time is moved on. */
  start(options: DtlsClientOptions): { readonly client: DtlsClient; readonly connecting: Promise<ClientEstablished> };
  /** Runs a client until it has a session or has failed. @throws HandshakeRefused */
  connect(options: DtlsClientOptions): Promise<ClientEstablished & { readonly client: DtlsClient }>;
  /** Runs a client that does not get a session. @returns why; fails where it does */
  refused(options: DtlsClientOptions): Promise<HandshakeRefused>;
  /** A datagram to the server as if the client had sent it. */
  inject(datagram: Uint8Array): void;
  /** The only outcome. */
  done(): Established;
  /** Application data to the client of the only session. */
  sendToClient(text: string): void;
}

const SERVER = ["192.0.2.1", 5684] as const;
const CLIENT = ["192.0.2.2", 40_000] as const;
/** More than all repetitions of both sides together take. */
const LONGEST_MS = 7_200_000;

interface Session {
  readonly established: Established;
  nextSequence: number;
}

export function createHandshakeWorld(parts: WorldOptions = {}): HandshakeWorld {
  const clock = createManualClock();
  const random = createSeededRandom(parts.seed ?? 1);
  const network = createMemoryNetwork({ clock, random });
  if (parts.conditions) network.setConditions(parts.conditions);
  const options = { ...OPTIONS, ...parts.options };
  const credentials = { ...testCredentials(), ...parts.credentials };
  const server = network.open(...SERVER);
  const clientEnd = network.open(...CLIENT);
  const verifier = createHelloVerifier({ clock, random });
  const handshakes = new Map<string, ServerHandshake>();
  const sessions = new Map<string, Session>();
  let client: DtlsClient | undefined;

  const world: HandshakeWorld = {
    clock,
    outcomes: [],
    kept: new Map(),
    fromServer: [],
    fromClient: [],
    readByServer: [],
    readByClient: [],
    get underWay() {
      return handshakes.size;
    },
    tamperToServer: datagram => [datagram],
    tamperToClient: datagram => [datagram],
    start(clientOptions) {
      const started = createDtlsClient({
        retransmissionTimeoutMs: 1500,
        maxRetransmissions: 8,
        ...clientOptions,
        clock,
        random,
        send: fromClient,
        onData: bytes => world.readByClient.push(new TextDecoder().decode(bytes)),
      });
      client = started;
      return { client: started, connecting: started.connect() };
    },
    async connect(clientOptions) {
      const { client: started, connecting } = world.start(clientOptions);
      return { ...(await settled(connecting)), client: started };
    },
    async refused(clientOptions) {
      const refusal: unknown = await world.connect(clientOptions).then(
        () => undefined,
        error => error,
      );
      if (!(refusal instanceof HandshakeRefused)) throw refusal ?? new Error("the client has a session");
      return refusal;
    },
    inject: datagram => clientEnd.send(datagram, serverPeer),
    done() {
      const [outcome] = world.outcomes;
      if (outcome?.kind !== "done") throw new Error(`no session: ${JSON.stringify(outcome)}`);
      return outcome.established;
    },
    sendToClient(text) {
      const session = sessions.get(sourceOf(clientPeer))!;
      sendSealed(session, CONTENT.applicationData, encodeUtf8(text));
    },
  };
  const serverPeer = clientEnd.peerAt(...SERVER)!;
  const clientPeer = server.peerAt(...CLIENT)!;
  const sourceOf = ({ address, port }: Peer): string => `${address}:${port}`;

  function fromClient(datagram: Uint8Array): void {
    const index = world.fromClient.push(Uint8Array.from(datagram)) - 1;
    for (const each of world.tamperToServer(datagram, index)) clientEnd.send(each, serverPeer);
  }

  function fromServer(datagram: Uint8Array): void {
    const index = world.fromServer.push(Uint8Array.from(datagram)) - 1;
    for (const each of world.tamperToClient(datagram, index)) server.send(each, clientPeer);
  }

  function sendSealed(session: Session, type: number, content: Uint8Array): void {
    const { parameters, protection } = session.established;
    fromServer(protection.server.seal(type, 1, session.nextSequence++, parameters.clientCid, content));
  }

  function begin(record: RecordView, source: string): void {
    const look = verifier.look(record, source);
    if (look.kind === "verify") fromServer(look.reply);
    if (look.kind !== "verified") return;
    let ended = false;
    const end = (): void => {
      ended = true;
      handshakes.delete(source);
    };
    const handshake = createServerHandshake({
      hello: look.hello,
      clock,
      random,
      log: silentLog,
      credentials,
      options,
      resumable: { find: async id => world.kept.get(toHex(id)) },
      newCid: () => random.bytes(options.cidLength),
      send: fromServer,
      done(established) {
        end();
        world.outcomes.push({ kind: "done", established, atMs: clock.monotonic() });
        sessions.set(source, { established, nextSequence: established.nextSequence });
        const { resumptionId } = established.parameters;
        if (resumptionId.length > 0) world.kept.set(toHex(resumptionId), established.parameters);
      },
      failed(reason) {
        end();
        world.outcomes.push({ kind: "failed", reason, atMs: clock.monotonic() });
      },
    });
    if (!ended) handshakes.set(source, handshake);
  }

  /** The last flight again, as a session does it for a client that repeats its own (RFC 6347 section 4.2.4). */
  function repeatLastFlight(session: Session): void {
    const { lastFlight, protection, parameters } = session.established;
    const records = lastFlight.map(({ type, epoch, content }) =>
      epoch === 0 ? content : protection.server.seal(type, 1, session.nextSequence++, parameters.clientCid, content),
    );
    if (records.length > 0) fromServer(concatBytes(records));
  }

  function onSessionRecord(session: Session, record: RecordView): void {
    if (record.epoch !== 1) return;
    const plain = session.established.protection.client.open(record);
    if (plain?.type === CONTENT.handshake) repeatLastFlight(session);
    if (plain?.type === CONTENT.applicationData) world.readByServer.push(new TextDecoder().decode(plain.content));
  }

  server.start((datagram, peer) => {
    const source = sourceOf(peer);
    for (const record of readRecords(datagram, options.cidLength).records) {
      const handshake = handshakes.get(source);
      const session = sessions.get(source);
      if (handshake) handshake.receive(record);
      else if (session) onSessionRecord(session, record);
      else begin(record, source);
    }
    // Views on a datagram are good during the call only.
    datagram.fill(0xee);
  });
  clientEnd.start(datagram => client?.receive(datagram));

  async function settled<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    // In small steps first, so that time has hardly gone on when a handshake without losses is done.
    for (let ms = 0, step = 500; ms < LONGEST_MS && !isSettled; ms += step, step *= 1.1) await clock.advance(step);
    if (!isSettled) throw new Error("the client has not come to an end");
    return await promise;
  }

  return world;
}
