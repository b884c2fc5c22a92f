/**
 * Mutated handshake and record datagrams into a DTLS transport that has live sessions, from strangers, from those sessions' own
 * addresses and into handshakes under way. Must hold: no exception comes out, nothing grows without bound, nothing stalls the loop, and
 * each live session goes on: all that it said in between is delivered once, in its order, and nothing that nobody said.
 */
import { decodeUtf8, EMPTY_BYTES, encodeUtf8 } from "@mooring/core/internal/base/bytes.ts";
import { createManualClock, type ManualClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { createSeededRandom, type Random } from "@mooring/core/internal/base/random.ts";
import { type DtlsOptions, type DtlsTransport, openDtlsTransport } from "@mooring/core/internal/transport/dtls/dtls.ts";
import type { DatagramHandler, Peer, Transport } from "@mooring/core/internal/transport/transport.ts";
import type { ClientSession } from "../simulator/dtls/client-options.ts";
import { createDtlsClient, type DtlsClient } from "../simulator/dtls/dtls-client.ts";
import { mutate } from "./dtls-datagrams.ts";
import { boundsBroken, createRunMeter, createStallMeter, heapFigure } from "./measure.ts";
import type { FuzzOptions, FuzzResult } from "./run.ts";

const BATCH = 200;
const BATCH_MS = 200;
const LIVE_SESSIONS = 20;
const ATTACKERS = 40;
/** Handshakes that attackers begin in one batch. */
const ATTACKS = 4;
/** Good datagrams of both kinds that mutations start from. */
const CORPUS = 256;
const KEY = encodeUtf8("0123456789abcdef");
const SUITES = [0xc0a8, 0xc0a4, 0x00a8, 0x00ae, 0xd003] as const;

const OPTIONS: DtlsOptions = {
  cbc: true,
  cidLength: 2,
  retransmissionTimeoutMs: 1000,
  maxRetransmissionTimeoutMs: 8000,
  maxRetransmissions: 3,
  maxRecordBytes: 1024,
  maxHandshakeDatagramBytes: 1280,
  maxHandshakeMessageBytes: 8192,
  maxHandshakes: 200,
  handshakeRate: { perSecond: 500, burst: 500 },
  handshakeRatePerAddress: { perSecond: 100, burst: 100 },
  maxSessions: 300,
  maxLiveSessions: 100,
  sleepAfterMs: 3000,
  sessionLifetimeMs: 3_600_000,
  // Muted sources reach little: most of the run is about what the others reach.
  muteAfter: { perSecond: 2, burst: 10 },
  muteMs: 500,
};

interface Tap extends Transport {
  deliver: DatagramHandler;
  readonly answers: Map<string, (bytes: Uint8Array) => void>;
}

const peerAt = (address: string, port: number): Peer => ({ key: `udp:${address}:${port}`, address, port });

/** A transport without a network: what the server sends reaches the client of that address, if there is one. */
function createTap(): Tap {
  const answers: Tap["answers"] = new Map();
  const tap: Tap = {
    scheme: "coap",
    local: { address: "192.0.2.1", port: 5684 },
    counters: { received: 0, sent: 0, sendFailed: 0, dropped: 0 },
    answers,
    deliver: () => {},
    start(onDatagram) {
      tap.deliver = onDatagram;
    },
    send(bytes, peer) {
      const answer = answers.get(peer.key);
      if (answer) queueMicrotask(() => answer(bytes));
    },
    peerAt,
    [Symbol.asyncDispose]: async () => {},
  };
  return tap;
}

/** Good datagrams, the latest ones. */
function createCorpus(random: Random): { add(bytes: Uint8Array): void; pick(): Uint8Array } {
  const kept: Uint8Array[] = [];
  let at = 0;
  return {
    add(bytes) {
      kept[at++ % CORPUS] = Uint8Array.from(bytes);
    },
    pick: () => kept[random.int(kept.length)]!,
  };
}

/** A peer with a live session that says numbers, and what became of them. */
interface Speaker {
  readonly source: Peer;
  readonly client: DtlsClient;
  said: number;
  readonly heard: number[];
  readonly answered: string[];
}

interface Attacker {
  readonly source: Peer;
  readonly client: DtlsClient;
  /** Of its datagrams, unchanged. */
  latest: Uint8Array;
}

export async function fuzzDtls({ count, seed }: FuzzOptions): Promise<FuzzResult> {
  const random = createSeededRandom(seed);
  const clock: ManualClock = createManualClock();
  const tap = createTap();
  const corpus = createCorpus(random);
  const stalls = createStallMeter();
  const failures = new Set<string>();
  const speakers = new Map<string, Speaker>();
  const attackers: Attacker[] = [];
  let resumable: ClientSession | undefined;
  let thrown = 0;

  const dtls: DtlsTransport = await openDtlsTransport({
    below: tap,
    clock,
    random: createSeededRandom(seed + 1),
    log: silentLog,
    options: OPTIONS,
    credentials: {
      pskKey: async identity => (identity === "unknown" ? undefined : KEY),
      serverCertificate: () => undefined,
      clientCertificate: async () => undefined,
    },
  });
  dtls.start((bytes, peer) => {
    const identity = peer.identity?.kind === "psk" ? peer.identity.identity : "";
    const speaker = speakers.get(identity);
    if (!speaker) return;
    speaker.heard.push(Number(decodeUtf8(bytes)));
    dtls.send(bytes, peer);
  });

  const deliver = (bytes: Uint8Array, source: Peer): void =>
    stalls.measure(() => {
      try {
        tap.deliver(bytes, source);
      } catch (error) {
        thrown++;
        failures.add(`exception out of the datagram handler: ${error}`);
      }
    });

  async function openSpeaker(n: number): Promise<void> {
    const source = peerAt(`198.51.100.${n}`, 5683);
    const answered: string[] = [];
    const client = createDtlsClient({
      clock,
      random: createSeededRandom(seed + 1000 + n),
      psk: { identity: `speaker ${n}`, key: KEY },
      suites: [SUITES[n % SUITES.length]!],
      ...(n % 2 === 0 && { cid: Uint8Array.of(n) }),
      send(bytes) {
        corpus.add(bytes);
        queueMicrotask(() => deliver(bytes, source));
      },
      onData: bytes => void answered.push(decodeUtf8(bytes) ?? ""),
    });
    tap.answers.set(source.key, client.receive);
    speakers.set(`speaker ${n}`, { source, client, said: 0, heard: [], answered });
    await client.connect();
  }

  /** A handshake whose datagrams are mutated now and then: some go far, some become sessions that go on so. */
  function attack(): void {
    const source = peerAt(`203.0.113.${random.int(200)}`, 1024 + random.int(2000));
    const mutatedShare = random.fraction() * 0.5;
    const client = createDtlsClient({
      clock,
      random,
      psk: { identity: random.fraction() < 0.2 ? "unknown" : `attacker ${random.int(100)}`, key: KEY },
      suites: [SUITES[random.int(SUITES.length)]!],
      ...(random.fraction() < 0.5 && { cid: random.bytes(random.int(9)) }),
      ...(resumable && random.fraction() < 0.3 && { session: resumable }),
      maxRetransmissions: 1,
      faults: random.fraction() < 0.3 ? { helloFragmentBytes: 60 + random.int(60) } : {},
      send(bytes) {
        corpus.add(bytes);
        attacker.latest = bytes;
        const sent = random.fraction() < mutatedShare ? mutate(bytes, corpus.pick(), random) : bytes;
        queueMicrotask(() => deliver(sent, source));
      },
      onData: () => {},
    });
    const attacker: Attacker = { source, client, latest: EMPTY_BYTES };
    tap.answers.set(source.key, client.receive);
    attackers.push(attacker);
    if (attackers.length > ATTACKERS) tap.answers.delete(attackers.shift()!.source.key);
    void client
      .connect()
      .then(({ session }) => (resumable = session))
      .catch(() => {});
  }

  /** What one of them sent last, changed, from where it is; or anything from anywhere. */
  function nextDatagram(): readonly [bytes: Uint8Array, source: Peer] {
    const kind = random.fraction();
    const { source, latest } = attackers[random.int(attackers.length)]!;
    if (kind < 0.4 && latest.length > 0) return [mutate(latest, corpus.pick(), random), source];
    const bytes = mutate(corpus.pick(), corpus.pick(), random);
    if (kind < 0.7) return [bytes, [...speakers.values()][random.int(speakers.size)]!.source];
    return [bytes, peerAt(`203.${random.int(256)}.${random.int(256)}.${random.int(256)}`, 1 + random.int(65_535))];
  }

  function talk(): void {
    for (const speaker of speakers.values()) {
      if (random.fraction() < 0.1) speaker.client.send(encodeUtf8(String(speaker.said++)));
    }
    for (const { client } of attackers) {
      if (client.isConnected && random.fraction() < 0.2) client.send(random.bytes(1 + random.int(40)));
    }
    for (let n = 0; n < ATTACKS; n++) attack();
  }

  for (let n = 0; n < LIVE_SESSIONS; n++) await openSpeaker(n);
  await clock.advance(0);

  const run = createRunMeter(count);
  for (let done = 0; done < count; done += BATCH) {
    talk();
    await clock.advance(0);
    for (let i = Math.min(BATCH, count - done); i > 0; i--) deliver(...nextDatagram());
    await clock.advance(BATCH_MS);
    const { live, sleeping } = dtls.sessions;
    if (live + sleeping > OPTIONS.maxSessions) failures.add(`${live + sleeping} sessions`);
    run.after(done);
  }
  const { seconds, growth } = run.end();

  for (const speaker of speakers.values()) speaker.client.send(encodeUtf8(String(speaker.said++)));
  for (let turn = 0; turn < 20; turn++) await clock.advance(0);
  for (const [name, { said, heard, answered }] of speakers) {
    const expected = Array.from({ length: said }, (_, n) => n);
    if (heard.join() !== expected.join())
      failures.add(`${name} said ${said}, ${heard.length} were heard: ${heard.slice(-5)}`);
    if (answered.length !== said) failures.add(`${name} had ${answered.length} answers to ${said}`);
  }
  const figures = { ...dtls.dtls };
  await dtls[Symbol.asyncDispose]();
  await clock.advance(3_600_000);
  if (clock.pending > 0) failures.add(`${clock.pending} timers are left`);

  const summary = [
    `${count} datagrams in ${seconds.toFixed(1)} s`,
    `${thrown} exceptions`,
    `longest ${stalls.maxMs.toFixed(1)} ms`,
    heapFigure(growth),
    ...Object.entries(figures).map(([name, value]) => `${name} ${value}`),
  ].join(", ");
  return { summary, failures: [...failures, ...boundsBroken("datagram", stalls.maxMs, growth)] };
}
