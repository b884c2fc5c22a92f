/** Records of peers that have a session: which are taken, and what follows from each. */
import type { Clock } from "../../base/clock.ts";
import type { Peer } from "../transport.ts";
import { ALERT, readAlert, writeAlert } from "./alert.ts";
import type { Delivery } from "./delivery.ts";
import type { DtlsCounters } from "./dtls.ts";
import { HANDSHAKE } from "./handshake-message.ts";
import type { PlainRecord } from "./protection.ts";
import { CONTENT, type RecordView } from "./records.ts";
import { accept, isFresh } from "./replay-window.ts";
import { hasCid, type LiveSession, type Session } from "./session.ts";
import type { SessionOutput } from "./session-output.ts";
import type { WaitingRoom } from "./waiting-room.ts";

const MAX_HELD = 16;
/** Shortest time between two answers of this layer to one peer: a repeated flight, a refused renegotiation. */
const ANSWER_PERIOD_MS = 200;

/** Why a record was not taken; `full`: authentic, but there is no room for it to wait. */
export type Refusal = "replayed" | "notAuthentic" | "full";

export interface SessionInputParts {
  readonly clock: Clock;
  readonly counters: DtlsCounters;
  readonly output: SessionOutput;
  readonly delivery: Delivery;
  readonly room: WaitingRoom;
  /** The peer has another address from now on. */
  move(session: Session, live: LiveSession, source: Peer): void;
  /** The peer has closed the session. */
  close(session: Session, live: LiveSession): void;
  /** The peer has ended the session with a fatal alert. */
  end(session: Session): void;
}

export interface SessionInput {
  /** A record of epoch 1. @returns undefined: it was taken */
  receive(session: Session, live: LiveSession, record: RecordView, source: Peer): Refusal | undefined;
  /** The session is stored now: what it holds goes its way. */
  release(session: Session, live: LiveSession): void;
}

export function createSessionInput(parts: SessionInputParts): SessionInput {
  const { clock, counters, output, delivery, room } = parts;

  /** @returns whether it is the newest so far */
  function mark(session: Session, live: LiveSession, sequence: number): boolean {
    const isNewest = accept(live.window, sequence);
    session.received = live.window.newest;
    session.seenAtMs = clock.now();
    return isNewest;
  }

  function mayAnswer(live: LiveSession): boolean {
    const nowMs = clock.monotonic();
    if (nowMs - live.answeredAtMs < ANSWER_PERIOD_MS) return false;
    live.answeredAtMs = nowMs;
    return true;
  }

  function onAlert(session: Session, live: LiveSession, content: Uint8Array): void {
    const alert = readAlert(content);
    if (!alert) counters.malformed++;
    else if (alert.description === ALERT.closeNotify) {
      // RFC 5246 section 7.2.1: the other side answers with one of its own and closes down at once.
      output.answer(session, live, CONTENT.alert, writeAlert("closeNotify"));
      parts.close(session, live);
    } else if (alert.fatal) parts.end(session);
  }

  function onHandshake(session: Session, live: LiveSession, [type]: Uint8Array): void {
    const isRepeated = type === HANDSHAKE.finished;
    const isRenegotiation = type === HANDSHAKE.clientHello;
    if ((!isRepeated && !isRenegotiation) || !mayAnswer(live)) return;
    if (isRepeated) output.repeatFlight(session, live);
    else output.answer(session, live, CONTENT.alert, writeAlert("noRenegotiation")); // RFC 5246 section 7.2.2
  }

  function take(session: Session, live: LiveSession, { type, content }: PlainRecord): void {
    if (type === CONTENT.applicationData) {
      if (live.lastFlight.length > 0) live.lastFlight = [];
      delivery.push(session, live.peer, content);
      return;
    }
    delivery.push(session, live.peer);
    if (type === CONTENT.alert) onAlert(session, live, content);
    else if (type === CONTENT.handshake) onHandshake(session, live, content);
    else counters.malformed++;
  }

  function hold(held: PlainRecord[], plain: PlainRecord): Refusal | undefined {
    if (held.length >= MAX_HELD || !room.enter()) return "full";
    held.push(plain);
    return undefined;
  }

  return {
    receive(session, live, record, source) {
      // Once agreed on, a Connection ID stands in every record (RFC 9146 section 3).
      if ((record.type === CONTENT.cid) !== hasCid(session)) return "notAuthentic";
      if (!isFresh(live.window, record.sequence)) return "replayed";
      // What is not authentic is dropped without an answer and ends nothing (RFC 6347 section 4.1.2.7).
      const plain = live.protection.client.open(record);
      if (!plain) return "notAuthentic";
      const isNewest = mark(session, live, record.sequence);
      // Authentic and newer than all before it: only then is its address the peer's (RFC 9146 section 6).
      if (isNewest && hasCid(session) && source.key !== live.source.key) parts.move(session, live, source);
      if (live.held) return hold(live.held, plain);
      take(session, live, plain);
      return undefined;
    },
    release(session, live) {
      const held = live.held ?? [];
      live.held = undefined;
      room.leave(held.length);
      for (const plain of held) if (session.live === live) take(session, live, plain);
    },
  };
}
