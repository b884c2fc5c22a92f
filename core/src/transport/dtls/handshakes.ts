/**
 * Handshakes under way, one for each source (address and port) at most, and who may begin one. Each takes as long as many Updates, so
 * in a herd they begin in turns, and what devices with sessions send goes between.
 */
import { setImmediate as roundOver } from "node:timers/promises";
import { equalBytes } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { createTurnGate } from "../../base/turn-gate.ts";
import type { Peer, PeerIdentity, Transport } from "../transport.ts";
import { writeAlert } from "./alert.ts";
import { freshCid } from "./connection-ids.ts";
import type { Credentials, DtlsCounters, DtlsOptions } from "./dtls.ts";
import type {
  Established,
  FirstHello,
  HandshakeFailure,
  HelloVerifier,
  ResumableSessions,
  ServerHandshake,
  VerifiedHello,
} from "./handshake.ts";
import { createHandshakeAdmission } from "./handshake-admission.ts";
import { CONTENT, copyRecord, type RecordView } from "./records.ts";
import { createServerHandshake } from "./server-handshake.ts";
import { type CidKey, cidKey, NO_CID } from "./session.ts";
import { createWithdrawals } from "./withdrawals.ts";

export interface HandshakesParts {
  readonly below: Pick<Transport, "send" | "counters">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly credentials: Credentials;
  readonly options: DtlsOptions;
  readonly verifier: HelloVerifier;
  readonly resumable: ResumableSessions;
  readonly counters: DtlsCounters;
  /** Whether a session has this Connection ID. */
  isCidInUse(cid: CidKey): boolean;
  /** Whether the peer comes before strangers. */
  isKnown(source: Peer, sessionId: Uint8Array): boolean;
  /** Handshakes that are done, and hold room all the same until their sessions are stored. */
  readonly finishing: () => number;
  established(established: Established, source: Peer): void;
  /** @param identity that it named, where it came so far with a pre-shared key */
  failed(reason: HandshakeFailure, source: Peer, identity?: string): void;
}

export interface Handshakes extends Disposable {
  readonly size: number;
  has(source: Peer): boolean;
  /**
   * A record of epoch 0.
   * @param mayBegin whether a hello of a source without a handshake is looked at
   * @returns `asked`: a hello without its cookie was answered
   */
  receivePlain(record: RecordView, source: Peer, mayBegin: boolean): "taken" | "asked" | "muted" | "unknown";
  /** A record of epoch 1. @returns false: there is no handshake for it */
  receiveProtected(record: RecordView, source: Peer): boolean;
  /** No handshake that is under way now becomes a session of such a peer: it may have looked up what counts no more. */
  withdraw(isEnded: (identity: PeerIdentity) => boolean): void;
}

interface UnderWay {
  readonly source: Peer;
  /** Of the client: another one is another handshake. */
  readonly random: Uint8Array;
  /** Undefined until its turn has come and it is made, and when it has ended before that. */
  handshake: ServerHandshake | undefined;
  cid: CidKey;
  hasEnded: boolean;
  /** How many withdrawals there had been when it began; what it looks up later follows them. */
  readonly withdrawnBefore: number;
}

export function createHandshakes(parts: HandshakesParts): Handshakes {
  const { below, clock, options, counters, verifier } = parts;
  const admission = createHandshakeAdmission(clock, options);
  const turns = createTurnGate({ received: () => below.counters.received });
  const bySource = new Map<string, UnderWay>();
  const cids = new Map<CidKey, UnderWay>();
  const withdrawals = createWithdrawals(() => bySource.values().next().value?.withdrawnBefore);

  function forget(underWay: UnderWay): void {
    underWay.hasEnded = true;
    bySource.delete(underWay.source.key);
    cids.delete(underWay.cid);
    withdrawals.trim();
  }

  function cancel(underWay: UnderWay): void {
    forget(underWay);
    underWay.handshake?.[Symbol.dispose]();
  }

  function newCid(underWay: UnderWay): Uint8Array {
    const cid = freshCid(parts.random, options.cidLength, key => cids.has(key) || parts.isCidInUse(key));
    underWay.cid = cidKey(cid);
    if (underWay.cid !== NO_CID) cids.set(underWay.cid, underWay);
    return cid;
  }

  /** The peer has our Finished already: it is told as one whose session ends. */
  function refuse({ protection, parameters, nextSequence }: Established, source: Peer): void {
    const goodbye = writeAlert("closeNotify");
    below.send(protection.server.seal(CONTENT.alert, 1, nextSequence, parameters.clientCid, goodbye), source);
    parts.failed("withdrawn", source);
  }

  function enter(source: Peer, random: Uint8Array): UnderWay {
    const underWay: UnderWay = {
      source,
      random: Uint8Array.from(random),
      handshake: undefined,
      cid: NO_CID,
      hasEnded: false,
      withdrawnBefore: withdrawals.count,
    };
    bySource.set(source.key, underWay);
    counters.handshakesBegun++;
    return underWay;
  }

  function begin(hello: FirstHello, underWay: UnderWay): void {
    const { source } = underWay;
    underWay.handshake = createServerHandshake({
      hello,
      clock,
      random: parts.random,
      log: parts.log,
      credentials: parts.credentials,
      options,
      resumable: parts.resumable,
      newCid: () => newCid(underWay),
      send: datagram => below.send(datagram, source),
      done(established) {
        if (underWay.hasEnded) return;
        const isWithdrawn = withdrawals.concern(established.parameters.identity, underWay.withdrawnBefore);
        forget(underWay);
        if (isWithdrawn) refuse(established, source);
        else parts.established(established, source);
      },
      failed(reason, identity) {
        if (underWay.hasEnded) return;
        forget(underWay);
        parts.failed(reason, source, identity);
      },
    });
  }

  /** The cookie is right, so the peer is where it says. An attacker elsewhere cannot end the handshake of another. */
  function onVerified(hello: VerifiedHello, source: Peer): void {
    const { random, sessionId } = hello.start;
    const before = bySource.get(source.key);
    if (before && equalBytes(before.random, random)) {
      before.handshake?.receive(hello.record);
      return;
    }
    const isKnown = parts.isKnown(source, sessionId);
    if (!admission.admit(source.address, bySource.size + parts.finishing(), isKnown)) {
      counters.handshakesRefused++;
      return;
    }
    if (before) {
      cancel(before);
      parts.failed("superseded", source);
    }
    const underWay = enter(source, random);
    const kept = { record: copyRecord(hello.record), messageSequence: hello.messageSequence };
    void turns.run(isKnown ? "known" : "stranger", async () => {
      if (!underWay.hasEnded) begin(kept, underWay);
      await roundOver();
    });
  }

  return {
    get size() {
      return bySource.size;
    },
    has: ({ key }) => bySource.has(key),
    receivePlain(record, source, mayBegin) {
      const underWay = bySource.get(source.key);
      if (!underWay && !mayBegin) return "muted";
      if (record.type === CONTENT.handshake) {
        const looked = verifier.look(record, source.key);
        if (looked.kind === "verified") {
          onVerified(looked.hello, source);
          return "taken";
        }
        if (looked.kind === "verify") {
          counters.helloVerifyRequests++;
          below.send(looked.reply, source);
          return "asked";
        }
      }
      underWay?.handshake?.receive(record);
      return underWay ? "taken" : "unknown";
    },
    receiveProtected(record, source) {
      const underWay = record.type === CONTENT.cid ? cids.get(cidKey(record.cid)) : bySource.get(source.key);
      if (underWay?.source.key !== source.key) return false;
      underWay.handshake?.receive(record);
      return true;
    },
    withdraw: withdrawals.add,
    [Symbol.dispose]() {
      for (const underWay of [...bySource.values()]) cancel(underWay);
    },
  };
}
