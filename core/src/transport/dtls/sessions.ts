/** The sessions of a transport from their handshake to their end: joins table, store, input, output, sleep. */
import { EMPTY_BYTES, equalBytes, toHex } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { DTLS_KEY } from "../joint-transport.ts";
import type { Peer, PeerEvents, PeerIdentity, Transport, TransportCounters } from "../transport.ts";
import { type AlertName, writeAlert } from "./alert.ts";
import { createDelivery } from "./delivery.ts";
import type {
  DtlsCounters,
  DtlsOptions,
  SequenceJournal,
  SessionStore,
  StoredSession,
  StoredSessionHead,
} from "./dtls.ts";
import type { Established, SessionParameters } from "./handshake.ts";
import { identityOf, principalOf } from "./principal.ts";
import { CONTENT, copyRecord, type RecordView } from "./records.ts";
import {
  createSession,
  isClosed,
  type LiveSession,
  NO_RESUMPTION,
  restoreSession,
  type Session,
  sessionId,
  wakeSession,
} from "./session.ts";
import { createSessionInput, type Refusal } from "./session-input.ts";
import { BLOCK, createSessionKeeper } from "./session-keeper.ts";
import { createSessionOutput } from "./session-output.ts";
import { readSessionSecrets, writeSessionSecrets } from "./session-secrets.ts";
import { createSessionTable, type SessionTable } from "./session-table.ts";
import { createSessionWaker } from "./session-waker.ts";
import { createSleepers } from "./sleepers.ts";
import { createWaitingRoom } from "./waiting-room.ts";

const ID_BYTES = 8;
/** Records that wait for the store, of all sessions: some megabytes. */
const MAX_WAITING_RECORDS = 8192;

export interface SessionsParts {
  readonly below: Pick<Transport, "send" | "peerAt">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly options: Pick<
    DtlsOptions,
    "cidLength" | "maxSessions" | "maxLiveSessions" | "sleepAfterMs" | "sessionLifetimeMs"
  >;
  readonly store: SessionStore;
  readonly journal: SequenceJournal;
  readonly counters: DtlsCounters;
  /** Of application data. */
  readonly traffic: TransportCounters;
  deliver(bytes: Uint8Array, peer: Peer): void;
  superseded: PeerEvents["superseded"];
  /** A record that was given to {@link Sessions.receive} was not taken; told within that call or later. */
  refused(refusal: Refusal, record: RecordView, source: Peer): void;
}

export interface Sessions extends AsyncDisposable {
  readonly table: SessionTable;
  /** Sessions whose handshakes are done, and that are not stored yet. */
  readonly inserting: number;
  /** What an earlier process left, all asleep. */
  restore(heads: readonly StoredSessionHead[], journalled: ReadonlyMap<string, number>): void;
  establish(established: Established, source: Peer): void;
  /** A record of epoch 1. */
  receive(session: Session, record: RecordView, source: Peer): void;
  send(bytes: Uint8Array, peer: Peer): void;
  /** What the session of that Session ID was made with; undefined: there is none, or it is not stored yet. */
  findResumable(id: Uint8Array): Promise<SessionParameters | undefined>;
  endSessions(isEnded: (identity: PeerIdentity) => boolean): Promise<number>;
}

export function createSessions(parts: SessionsParts): Sessions {
  const { below, clock, random, log, options, store, journal, counters, traffic } = parts;
  const table = createSessionTable(below.peerAt);
  const room = createWaitingRoom(MAX_WAITING_RECORDS);

  const keeper = createSessionKeeper({
    store,
    journal,
    clock,
    log,
    onStored,
    onLost(session) {
      log.error("dtls.session.lost", { session: session.key });
      end(session, "internalError");
    },
    onReserved: session => output.resume(session),
  });
  const waker = createSessionWaker({
    store,
    clock,
    log,
    wake(session, parameters) {
      const source = table.has(session) ? below.peerAt(session.address, session.port) : undefined;
      if (!source || isClosed(session)) return undefined;
      sleepers.makeLiveRoom();
      const live = wakeSession(session, parameters, source, random);
      table.wake(session, live);
      counters.woken++;
      return live;
    },
    onLost(session) {
      log.warn("dtls.session.unreadable", { session: session.key });
      end(session);
    },
  });
  const output = createSessionOutput({
    below,
    counters,
    traffic,
    room,
    reserve: keeper.reserve,
    wake: waker.wake,
  });
  const delivery = createDelivery({
    journal,
    clock,
    log,
    deliver: parts.deliver,
    journalled: session => table.has(session) && keeper.touch(session),
    dropped: count => void (traffic.dropped += count),
  });
  const input = createSessionInput({
    clock,
    counters,
    output,
    delivery,
    room,
    move(session, live, source) {
      table.move(session, source);
      live.peer = { ...live.peer, address: source.address, port: source.port };
      counters.addressChanges++;
    },
    close,
    end: session => end(session),
  });
  const sleepers = createSleepers({
    table,
    clock,
    log,
    options,
    forget(session) {
      counters.evicted++;
      end(session);
    },
  });

  function leaveRoom({ live }: Session): void {
    if (live) room.leave((live.held?.length ?? 0) + (live.outbox?.length ?? 0));
  }

  /** @param alert that the peer is told, where the session is live */
  function end(session: Session, alert?: AlertName): void {
    if (!table.has(session)) return;
    if (session.live && alert) output.answer(session, session.live, CONTENT.alert, writeAlert(alert));
    leaveRoom(session);
    table.remove(session);
    keeper.delete(session);
  }

  /** A session that was closed in the right way may be resumed (RFC 5246 section 7.2.1); nothing is sent or taken under its keys. */
  function close(session: Session): void {
    if (session.resumption === NO_RESUMPTION) {
      end(session);
      return;
    }
    leaveRoom(session);
    table.close(session);
    keeper.update(session);
  }

  const lastPeerOf = ({ key, address, port, live, principal }: Session): Peer =>
    live?.peer ?? { key, address, port, identity: identityOf(principal) };

  /** The session takes the place of an older one of its principal, and delivers what it held. */
  function onStored(session: Session): void {
    const { live } = session;
    if (!live) return;
    const before = table.settle(session);
    if (before) {
      counters.superseded++;
      delivery.flush(); // what is taken of the older one goes first
      parts.superseded(lastPeerOf(before), live.peer);
      end(before);
    }
    input.release(session, live);
  }

  function freshId(): string {
    for (;;) {
      const id = toHex(random.bytes(ID_BYTES));
      if (!table.find(DTLS_KEY + id)) return id;
    }
  }

  const storedOf = (session: Session, parameters: SessionParameters): StoredSession => ({
    id: sessionId(session),
    address: session.address,
    port: session.port,
    cid: toHex(parameters.serverCid ?? EMPTY_BYTES),
    principal: session.principal,
    resumptionId: toHex(parameters.resumptionId),
    received: session.received,
    reserved: session.reserved,
    createdAtMs: session.seenAtMs,
    seenAtMs: session.seenAtMs,
    secrets: writeSessionSecrets(parameters),
  });

  function establish(established: Established, source: Peer): void {
    const { parameters, resumed } = established;
    const principal = principalOf(parameters.identity);
    sleepers.makeRoom();
    sleepers.makeLiveRoom();
    const session = createSession({ id: freshId(), principal, source, nowMs: clock.now(), block: BLOCK }, established);
    const displaced = table.add(session);
    // One of the same principal is superseded once this one is stored.
    if (displaced && displaced.principal !== principal) end(displaced);
    keeper.insert(session, storedOf(session, parameters));
    log.debug("dtls.session.established", {
      session: session.key,
      address: source.address,
      port: source.port,
      resumed,
    });
  }

  function receiveLive(session: Session, live: LiveSession, record: RecordView, source: Peer): void {
    const refusal = input.receive(session, live, record, source);
    if (refusal) parts.refused(refusal, record, source);
  }

  return {
    table,
    get inserting() {
      return keeper.inserting;
    },
    restore(heads, journalled) {
      const latestMs = clock.now() - options.sessionLifetimeMs;
      for (const head of heads.toSorted((a, b) => a.createdAtMs - b.createdAtMs)) {
        const session = restoreSession(head, journalled.get(head.id) ?? -1);
        const isFound = head.cid.length === 0 || head.cid.length === 2 * options.cidLength || isClosed(session);
        if (!isFound || head.seenAtMs <= latestMs) {
          keeper.delete(session);
          continue;
        }
        const displaced = table.add(session);
        const before = table.settle(session);
        for (const older of [displaced, before]) if (older) end(older);
        if (session.received > head.received) keeper.touch(session);
      }
    },
    establish,
    receive(session, record, source) {
      if (session.live) receiveLive(session, session.live, record, source);
      else if (record.sequence <= session.received) parts.refused("replayed", record, source);
      else {
        const copy = copyRecord(record);
        const waits = waker.wake(session, live => receiveLive(session, live, copy, source));
        if (!waits) parts.refused("full", record, source);
      }
    },
    send(bytes, peer) {
      const session = table.find(peer.key);
      if (session) output.send(session, bytes);
      else traffic.sendFailed++;
    },
    async findResumable(id) {
      const session = table.findResumption(id);
      // A client may be back before its session is in the store.
      if (session) await keeper.insertionTried(session);
      const stored = session && (await store.find(sessionId(session)));
      const parameters = stored && readSessionSecrets(stored.secrets);
      return parameters && equalBytes(parameters.resumptionId, id) ? parameters : undefined;
    },
    async endSessions(isEnded) {
      const ended = Array.from(table.all()).filter(({ principal }) => isEnded(identityOf(principal)));
      for (const session of ended) end(session, "closeNotify");
      await keeper.deletionsTried();
      return ended.length;
    },
    async [Symbol.asyncDispose]() {
      sleepers[Symbol.dispose]();
      delivery.flush();
      await keeper[Symbol.asyncDispose]();
      journal.close();
    },
  };
}
