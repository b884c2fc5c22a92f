/** Records to peers: each under a sequence number that was reserved before, so that no nonce is used twice. */
import { concatBytes } from "../../base/bytes.ts";
import type { Transport, TransportCounters } from "../transport.ts";
import type { DtlsCounters } from "./dtls.ts";
import { CONTENT } from "./records.ts";
import { isClosed, type LiveSession, type Session } from "./session.ts";
import { BLOCK } from "./session-keeper.ts";
import type { WaitingRoom } from "./waiting-room.ts";

const MAX_OUTBOX = 16;

export interface SessionOutputParts {
  readonly below: Pick<Transport, "send">;
  readonly counters: DtlsCounters;
  /** Of application data. */
  readonly traffic: TransportCounters;
  readonly room: WaitingRoom;
  /** Asks for the next numbers. */
  reserve(session: Session): void;
  /** @returns false: no room */
  wake(session: Session, then: (live: LiveSession) => void): boolean;
}

export interface SessionOutput {
  /** Application data, one record. Waits for numbers and for the session to wake; the bytes may be reused after the call. */
  send(session: Session, bytes: Uint8Array): void;
  /** A record of this layer. Sent at once or not at all: the peer asks again. */
  answer(session: Session, live: LiveSession, type: number, content: Uint8Array): void;
  /** Our last flight again, for a client that repeats its own (RFC 6347 section 4.2.4). */
  repeatFlight(session: Session, live: LiveSession): void;
  /** There are numbers again. */
  resume(session: Session): void;
}

export function createSessionOutput(parts: SessionOutputParts): SessionOutput {
  const { below, counters, traffic, room } = parts;

  function seal(session: Session, live: LiveSession, type: number, content: Uint8Array): Uint8Array {
    const record = live.protection.server.seal(type, 1, session.next++, live.clientCid, content);
    counters.recordsSent++;
    // Not before it is stored: there would be nothing to raise.
    if (session.reserved - session.next <= BLOCK / 2 && !live.held) parts.reserve(session);
    return record;
  }

  const transmit = (session: Session, live: LiveSession, type: number, content: Uint8Array): void =>
    below.send(seal(session, live, type, content), live.source);

  function queue(session: Session, live: LiveSession, bytes: Uint8Array): void {
    live.outbox ??= [];
    if (live.outbox.length >= MAX_OUTBOX || !room.enter()) traffic.sendFailed++;
    else live.outbox.push(Uint8Array.from(bytes));
    parts.reserve(session);
  }

  function sendLive(session: Session, live: LiveSession, bytes: Uint8Array): void {
    if (bytes.length === 0 || bytes.length > live.maxPlaintextBytes) traffic.sendFailed++;
    else if (live.outbox || session.next >= session.reserved) queue(session, live, bytes);
    else {
      traffic.sent++;
      transmit(session, live, CONTENT.applicationData, bytes);
    }
  }

  return {
    send(session, bytes) {
      if (session.live) {
        sendLive(session, session.live, bytes);
        return;
      }
      const copy = Uint8Array.from(bytes);
      if (isClosed(session) || !parts.wake(session, live => sendLive(session, live, copy))) {
        traffic.sendFailed++;
      }
    },
    answer(session, live, type, content) {
      if (session.next < session.reserved) transmit(session, live, type, content);
    },
    repeatFlight(session, live) {
      const { lastFlight } = live;
      if (lastFlight.length === 0 || session.next + lastFlight.length > session.reserved) return;
      const records = lastFlight.map(({ type, epoch, content }) =>
        epoch === 0 ? content : seal(session, live, type, content),
      );
      below.send(concatBytes(records), live.source);
    },
    resume(session) {
      const { live } = session;
      const waiting = live?.outbox;
      if (!live || !waiting) return;
      live.outbox = undefined;
      room.leave(waiting.length);
      for (const bytes of waiting) sendLive(session, live, bytes);
    },
  };
}
