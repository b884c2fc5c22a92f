/** Sleeping sessions back into memory: few look-ups at a time, and little that waits for them. */
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { createTokenBuckets } from "../../base/token-bucket.ts";
import type { SessionStore } from "./dtls.ts";
import type { SessionParameters } from "./handshake.ts";
import { type LiveSession, type Session, sessionId } from "./session.ts";
import { readSessionSecrets } from "./session-secrets.ts";

const MAX_LOOK_UPS = 64;
/** Forged records may name any session (RFC 9146 section 8): what they can fill is bounded. */
const MAX_WAITING_SESSIONS = 4096;
const MAX_WAITING_PER_SESSION = 8;
/** While the store fails. */
const FAILURE_LINES = { perSecond: 1, burst: 5 };

export interface SessionWakerParts {
  readonly store: Pick<SessionStore, "find">;
  readonly clock: Clock;
  readonly log: Log;
  /** @returns undefined: it has ended meanwhile */
  wake(session: Session, parameters: SessionParameters): LiveSession | undefined;
  /** It is not in the store any more, or cannot be read. */
  onLost(session: Session): void;
}

type Waiting = (live: LiveSession) => void;

export interface SessionWaker {
  /** Runs `then` once the session is live; what waits for one that cannot be woken is dropped. @returns false: no room, nothing will run */
  wake(session: Session, then: Waiting): boolean;
}

export function createSessionWaker(parts: SessionWakerParts): SessionWaker {
  const waiting = new Map<Session, Waiting[]>();
  const queue: Session[] = [];
  const failureLines = createTokenBuckets(parts.clock, FAILURE_LINES);
  let lookUps = 0;

  async function findParameters(session: Session): Promise<SessionParameters | undefined> {
    const stored = await parts.store.find(sessionId(session));
    return stored && readSessionSecrets(stored.secrets);
  }

  function finish(session: Session, parameters: SessionParameters | undefined): void {
    const live = session.live ?? (parameters && parts.wake(session, parameters));
    const runs = waiting.get(session);
    waiting.delete(session);
    if (live) for (const run of runs ?? []) run(live);
    else if (!parameters) parts.onLost(session);
  }

  async function lookUp(session: Session): Promise<void> {
    lookUps++;
    try {
      finish(session, await findParameters(session));
    } catch (error) {
      // The store may answer the next time: the session stays.
      waiting.delete(session);
      if (failureLines.take("") === 0) {
        parts.log.warn("dtls.session.wake.failed", { session: session.key, reason: messageOf(error) });
      }
    }
    lookUps--;
    pump();
  }

  function pump(): void {
    while (lookUps < MAX_LOOK_UPS) {
      const session = queue.shift();
      if (!session) return;
      void lookUp(session);
    }
  }

  return {
    wake(session, then) {
      const runs = waiting.get(session);
      if (runs) return runs.length < MAX_WAITING_PER_SESSION && runs.push(then) > 0;
      if (waiting.size >= MAX_WAITING_SESSIONS) return false;
      waiting.set(session, [then]);
      queue.push(session);
      pump();
      return true;
    },
  };
}
