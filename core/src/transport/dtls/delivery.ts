/**
 * The last step up: records of one turn of the event loop are written to the journal together, then delivered. A process that is
 * killed has delivered nothing that it would take a second time.
 */
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { createTokenBuckets } from "../../base/token-bucket.ts";
import type { DatagramHandler, Peer } from "../transport.ts";
import type { SequenceJournal } from "./dtls.ts";
import { type Session, sessionId } from "./session.ts";

interface Taken {
  readonly session: Session;
  readonly peer: Peer;
  readonly content: Uint8Array | undefined;
}

export interface Delivery {
  /** @param content what goes up; undefined: the record was for this layer. It is kept until it is delivered. */
  push(session: Session, peer: Peer, content?: Uint8Array): void;
  /** At once what waits for the end of the turn. */
  flush(): void;
}

export interface DeliveryParts {
  readonly journal: SequenceJournal;
  readonly clock: Clock;
  readonly log: Log;
  readonly deliver: DatagramHandler;
  /** The journal holds more of the session than the store now. */
  journalled(session: Session): void;
  /** So many records were not delivered, since the journal could not be written; their senders repeat them. */
  dropped(count: number): void;
}

/** While the disk is full. */
const FAILURE_LINES = { perSecond: 1, burst: 5 };

export function createDelivery({ journal, clock, log, deliver, journalled, dropped }: DeliveryParts): Delivery {
  const failureLines = createTokenBuckets(clock, FAILURE_LINES);
  let taken: Taken[] = [];

  function flush(): void {
    const batch = taken;
    taken = [];
    const sessions = new Set<Session>();
    for (const { session } of batch) sessions.add(session);
    try {
      journal.append(Array.from(sessions, session => ({ id: sessionId(session), received: session.received })));
    } catch (error) {
      if (failureLines.take("") === 0) {
        log.error("dtls.journal.failed", { records: batch.length, reason: messageOf(error) });
      }
      dropped(batch.length);
      return;
    }
    for (const session of sessions) journalled(session);
    for (const { peer, content } of batch) if (content) deliver(content, peer);
  }

  return {
    push(session, peer, content) {
      if (taken.push({ session, peer, content }) === 1) setImmediate(flush);
    },
    flush,
  };
}
