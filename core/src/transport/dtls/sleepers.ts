/** Which sessions leave memory, and which are forgotten: by their silence. */
import { type Clock, every } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { DtlsOptions } from "./dtls.ts";
import { createLongestSilent } from "./longest-silent.ts";
import { maySleep, type Session } from "./session.ts";
import type { SessionTable } from "./session-table.ts";

const MAX_SLEEP_PERIOD_MS = 10_000;
const MAX_EXPIRY_PERIOD_MS = 60_000;

export interface SleepersParts {
  readonly table: SessionTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: Pick<DtlsOptions, "maxSessions" | "maxLiveSessions" | "sleepAfterMs" | "sessionLifetimeMs">;
  /** It has been silent for too long, or too many others have not. */
  forget(session: Session): void;
}

export interface Sleepers extends Disposable {
  /** Room for one more live session. */
  makeLiveRoom(): void;
  /** Room for one more session. */
  makeRoom(): void;
}

export function createSleepers({ table, clock, log, options, forget }: SleepersParts): Sleepers {
  const { maxSessions, maxLiveSessions, sleepAfterMs, sessionLifetimeMs } = options;
  const isDrowsy = (session: Session): boolean => session.live !== undefined && maySleep(session.live);
  function* drowsy(): Iterable<Session> {
    for (const session of table.live()) if (isDrowsy(session)) yield session;
  }
  const longestLive = createLongestSilent(drowsy, isDrowsy);
  const longest = createLongestSilent(table.all, table.has);

  function sleepSilent(): void {
    const latestMs = clock.now() - sleepAfterMs;
    for (const session of drowsy()) if (session.seenAtMs <= latestMs) table.sleep(session);
  }

  function forgetSilent(): void {
    const latestMs = clock.now() - sessionLifetimeMs;
    for (const session of table.all()) if (session.seenAtMs <= latestMs) forget(session);
  }

  const onError = (error: unknown): void => log.error("dtls.sessions.failed", { reason: messageOf(error) });
  const timers = [
    every(clock, Math.min(MAX_SLEEP_PERIOD_MS, sleepAfterMs / 4), sleepSilent, onError),
    every(clock, Math.min(MAX_EXPIRY_PERIOD_MS, sessionLifetimeMs / 4), forgetSilent, onError),
  ];

  return {
    makeLiveRoom() {
      while (table.liveCount >= maxLiveSessions) {
        const session = longestLive.take();
        if (!session) return;
        table.sleep(session);
      }
    },
    makeRoom() {
      while (table.size >= maxSessions) {
        const session = longest.take();
        if (!session) return;
        forget(session);
      }
    },
    [Symbol.dispose]() {
      for (const timer of timers) timer[Symbol.dispose]();
    },
  };
}
