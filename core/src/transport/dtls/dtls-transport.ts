/** The DTLS transport: datagrams to handshakes and sessions, and back. The way of a datagram begins at `onDatagram`. */
import { type BucketRate, createTokenBuckets } from "../../base/token-bucket.ts";
import type { DatagramHandler, Peer, PeerEvents, TransportCounters } from "../transport.ts";
import { capacityOf } from "./connection-ids.ts";
import type { DtlsCounters, DtlsOptions, DtlsParts, DtlsTransport } from "./dtls.ts";
import type { HandshakeFailure } from "./handshake.ts";
import { createHandshakes } from "./handshakes.ts";
import { createHelloVerifier } from "./hello-verifier.ts";
import { createMute } from "./mute.ts";
import { CONTENT, type RecordView, readRecords } from "./records.ts";
import { cidKey, type Session } from "./session.ts";
import type { Refusal } from "./session-input.ts";
import { createSessions } from "./sessions.ts";
import { createTransientStore, NO_JOURNAL } from "./transient-sessions.ts";

/** Failures of a handshake that count as a bad record of its source: what a peer with wrong credentials repeats without end. */
const BAD_HANDSHAKES: readonly HandshakeFailure[] = [
  "unknown-identity",
  "not-authentic",
  "certificate-refused",
  "malformed",
  "too-large",
];

/** Log lines about failed handshakes: enough to see what is wrong with a device, too few to fill a disk from outside. */
const FAILURE_LINES: BucketRate = { perSecond: 2, burst: 100 };

/** Of one datagram; a flight has fewer, and what it costs to find out that records are forged is bounded. */
const MAX_RECORDS = 64;

const noCounters = (): DtlsCounters => ({
  helloVerifyRequests: 0,
  handshakesBegun: 0,
  handshakesDone: 0,
  handshakesResumed: 0,
  handshakesFailed: 0,
  handshakesRefused: 0,
  recordsReceived: 0,
  recordsSent: 0,
  malformed: 0,
  unknownSession: 0,
  notAuthentic: 0,
  replayed: 0,
  muted: 0,
  addressChanges: 0,
  superseded: 0,
  evicted: 0,
  woken: 0,
});

/** No more than Connection IDs of that length can tell apart. */
function withinCapacity(options: DtlsOptions): DtlsOptions {
  const capacity = capacityOf(options.cidLength);
  return {
    ...options,
    maxSessions: Math.min(options.maxSessions, capacity),
    maxHandshakes: Math.min(options.maxHandshakes, capacity),
  };
}

const isAt = (session: Session, { key, address, port }: Peer): boolean =>
  session.live ? session.live.source.key === key : session.port === port && session.address === address;

/**
 * @throws MooringError STORE_FAILED: stored sessions cannot be read
 */
export async function openDtlsTransport(parts: DtlsParts): Promise<DtlsTransport> {
  const { below, clock, random, log, credentials } = parts;
  const options = withinCapacity(parts.options);
  const { store, journal } = parts.kept ?? { store: createTransientStore(), journal: NO_JOURNAL };
  const counters = noCounters();
  const traffic: TransportCounters = { received: 0, sent: 0, sendFailed: 0, dropped: 0 };
  let onDecrypted: DatagramHandler = () => {};
  let events: PeerEvents | undefined;
  let isClosed = false;

  const sessions = createSessions({
    below,
    clock,
    random,
    log,
    options,
    store,
    journal,
    counters,
    traffic,
    deliver(bytes, peer) {
      if (isClosed) return;
      traffic.received++;
      onDecrypted(bytes, peer);
    },
    superseded: (from, to) => events?.superseded(from, to),
    refused: onRefused,
  });
  const { table } = sessions;
  const failureLines = createTokenBuckets(clock, FAILURE_LINES);
  const mute = createMute(clock, options.muteAfter, options.muteMs);
  const handshakes = createHandshakes({
    below,
    clock,
    random,
    log,
    credentials,
    options,
    counters,
    verifier: createHelloVerifier({ clock, random }),
    resumable: { find: sessions.findResumable },
    isCidInUse: cid => table.findCid(cid) !== undefined,
    isKnown: ({ address }, id) => table.knowsAddress(address) || table.findResumption(id) !== undefined,
    finishing: () => sessions.inserting,
    established(established, source) {
      counters.handshakesDone++;
      if (established.resumed) counters.handshakesResumed++;
      sessions.establish(established, source);
    },
    failed(reason, source, identity) {
      counters.handshakesFailed++;
      parts.onFailed?.({ reason, identity, address: source.address, port: source.port });
      if (BAD_HANDSHAKES.includes(reason)) charge(source);
      if (failureLines.take("") > 0) return;
      log.info("dtls.handshake.failed", { address: source.address, port: source.port, reason });
    },
  });

  /** See mute.ts for whom nothing is held against. */
  function charge(source: Peer): void {
    if (!table.isHome(source) && !handshakes.has(source)) mute.charge(source.key);
  }

  /**
   * Where a peer makes a new handshake, its records of epoch 1 may be of the old session or of the new one (RFC 6347 section 4.2.8):
   * what the one refuses is for the other.
   */
  function onRefused(refusal: Refusal, record: RecordView, source: Peer): void {
    if (record.type !== CONTENT.cid && handshakes.receiveProtected(record, source)) return;
    if (refusal === "full") traffic.dropped++;
    else counters[refusal]++;
    if (refusal === "notAuthentic") charge(source);
  }

  /** A record of epoch 1, of the session that it names (RFC 9146 section 4), or of the one at its address. */
  function onProtectedRecord(record: RecordView, source: Peer, isMuted: boolean): void {
    const isNamed = record.type === CONTENT.cid;
    const session = isNamed ? table.findCid(cidKey(record.cid)) : table.findSource(source);
    if (session && isMuted && !isAt(session, source)) counters.muted++;
    else if (session) sessions.receive(session, record, source);
    else if (!handshakes.receiveProtected(record, source)) counters.unknownSession++;
  }

  /** @returns whether the source was asked for its cookie */
  function onPlainRecord(record: RecordView, source: Peer, isMuted: boolean): boolean {
    const taken =
      record.type === CONTENT.applicationData ? "malformed" : handshakes.receivePlain(record, source, !isMuted);
    if (taken === "muted") counters.muted++;
    else if (taken === "unknown") counters.unknownSession++;
    else if (taken === "malformed") {
      counters.malformed++;
      charge(source);
    }
    return taken === "asked";
  }

  /** Nothing in a datagram is answered or ends anything but what is said here and below: the rest is dropped and counted (RFC 6347 section 4.1.2.7). */
  function onDatagram(datagram: Uint8Array, source: Peer): void {
    if (isClosed) return;
    const isMuted = mute.isMuted(source.key);
    const { records, malformed } = readRecords(datagram, options.cidLength);
    for (const record of records.slice(0, MAX_RECORDS)) {
      counters.recordsReceived++;
      if (record.epoch === 0) {
        // One answer to a datagram: its source is not proved, and may be somebody who is to be flooded (RFC 6347 section 4.2.1).
        if (onPlainRecord(record, source, isMuted)) break;
      } else if (record.epoch === 1) onProtectedRecord(record, source, isMuted);
      else counters.unknownSession++;
    }
    if (malformed || records.length > MAX_RECORDS) {
      counters.malformed++;
      charge(source);
    }
  }

  sessions.restore(await store.heads(), journal.read());

  return {
    scheme: "coaps",
    local: below.local,
    dtls: counters,
    counters: {
      get received() {
        return traffic.received;
      },
      get sent() {
        return traffic.sent;
      },
      get sendFailed() {
        return traffic.sendFailed + below.counters.sendFailed;
      },
      get dropped() {
        return traffic.dropped + below.counters.dropped;
      },
    },
    sessions: {
      get live() {
        return table.liveCount;
      },
      get sleeping() {
        return table.size - table.liveCount - table.closedCount;
      },
    },
    start(onDatagramAbove, eventsAbove) {
      onDecrypted = onDatagramAbove;
      events = eventsAbove;
      below.start(onDatagram);
    },
    send(bytes, peer) {
      if (isClosed) traffic.sendFailed++;
      else sessions.send(bytes, peer);
    },
    peerAt: () => undefined,
    async endSessions(isEnded) {
      handshakes.withdraw(isEnded);
      return sessions.endSessions(isEnded);
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      handshakes[Symbol.dispose]();
      await sessions[Symbol.asyncDispose]();
      await below[Symbol.asyncDispose]();
    },
  };
}
