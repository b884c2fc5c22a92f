/** Keeps the store up with the sessions: new ones, ended ones, numbers to send under, and now and then where each one is. */
import { type Clock, every } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { SequenceJournal, SessionStore, StoredSession } from "./dtls.ts";
import { MAX_SEQUENCE } from "./records.ts";
import { type Session, sessionId } from "./session.ts";
import { createStoreLane } from "./store-lane.ts";

/** Sequence numbers reserved at a time: one write for so many records, and at most so many never used after a crash. */
export const BLOCK = 1024;
const SAVE_PERIOD_MS = 10_000;
const UPDATES_PER_WRITE = 1000;

export interface SessionKeeperParts {
  readonly store: SessionStore;
  readonly journal: SequenceJournal;
  readonly clock: Clock;
  readonly log: Log;
  onStored(session: Session): void;
  /** It could not be stored, however often it was tried. */
  onLost(session: Session): void;
  /** There are numbers again. */
  onReserved(session: Session): void;
}

export interface SessionKeeper extends AsyncDisposable {
  /** @param stored the same session, as it is now */
  insert(session: Session, stored: StoredSession): void;
  /** Asks for the next block, once for each session at a time. */
  reserve(session: Session): void;
  /** What is stored of it is to be brought up to date within some seconds. */
  touch(session: Session): void;
  /** The same, at once. */
  update(session: Session): void;
  delete(session: Session): void;
  /** Resolves when the deletions asked for so far are stored, or the store failed and they will be tried again. */
  deletionsTried(): Promise<void>;
  /** Resolves when the session is stored, or the store failed and it will be tried again. */
  insertionTried(session: Session): Promise<void>;
  /** Sessions not stored yet. */
  readonly inserting: number;
}

const changesOf = (session: Session) => ({
  id: sessionId(session),
  address: session.address,
  port: session.port,
  received: session.received,
  reserved: session.reserved,
  seenAtMs: session.seenAtMs,
});

export function createSessionKeeper(parts: SessionKeeperParts): SessionKeeper {
  const { store, journal, clock, log } = parts;
  const inserting = new Map<Session, "wanted" | "ended">();
  let dirty = new Set<Session>();

  interface Insert {
    readonly session: Session;
    readonly stored: StoredSession;
  }
  const insertLane = createStoreLane<Insert>({
    clock,
    log,
    name: "insert",
    store: batch => store.insert(batch.map(({ stored }) => stored)),
    stored: batch => settle(batch, parts.onStored),
    lost: batch => settle(batch, parts.onLost),
  });
  /** A session that ended while it was being stored is deleted behind it: whether a failed insert took effect, nobody knows. */
  function settle(batch: readonly Insert[], then: (session: Session) => void): void {
    for (const { session } of batch) {
      const fate = inserting.get(session);
      inserting.delete(session);
      if (fate === "wanted") then(session);
      else deleteLane.push(sessionId(session));
    }
  }

  const updateLane = createStoreLane<{ readonly session: Session; readonly reserved: number }>({
    clock,
    log,
    name: "update",
    store: batch => store.update(batch.map(({ session, reserved }) => ({ ...changesOf(session), reserved }))),
    stored(batch) {
      for (const { session, reserved } of batch) {
        session.reserved = Math.max(session.reserved, reserved);
        if (session.live) session.live.isReserving = false;
        parts.onReserved(session);
      }
    },
  });

  const deleteLane = createStoreLane<string>({
    clock,
    log,
    name: "delete",
    store: ids => store.delete(ids),
  });

  async function saveDirty(): Promise<void> {
    if (dirty.size === 0) return;
    const saved = dirty;
    dirty = new Set();
    journal.split();
    try {
      const changes = Array.from(saved, changesOf);
      for (let at = 0; at < changes.length; at += UPDATES_PER_WRITE) {
        await store.update(changes.slice(at, at + UPDATES_PER_WRITE));
      }
      journal.clear();
    } catch (error) {
      // The journal keeps what was not stored.
      for (const session of saved) dirty.add(session);
      throw error;
    }
  }
  /** One after the other: what clears the journal must be what it was split for. */
  let saving: Promise<void> = Promise.resolve();
  function save(): Promise<void> {
    const saved = saving.then(saveDirty);
    saving = saved.catch(() => {});
    return saved;
  }
  const onSaveFailed = (error: unknown): void =>
    log.warn("dtls.store.failed", { what: "save", count: dirty.size, reason: messageOf(error) });
  const timer = every(clock, SAVE_PERIOD_MS, save, onSaveFailed);

  return {
    insert(session, stored) {
      inserting.set(session, "wanted");
      insertLane.push({ session, stored });
    },
    reserve(session) {
      if (!session.live || session.live.isReserving || session.reserved >= MAX_SEQUENCE) return;
      session.live.isReserving = true;
      updateLane.push({ session, reserved: Math.min(session.reserved + BLOCK, MAX_SEQUENCE) });
    },
    touch: session => void dirty.add(session),
    update: session => updateLane.push({ session, reserved: session.reserved }),
    delete(session) {
      dirty.delete(session);
      if (inserting.has(session)) inserting.set(session, "ended");
      else deleteLane.push(sessionId(session));
    },
    async deletionsTried() {
      await insertLane.tried();
      await deleteLane.tried();
    },
    async insertionTried(session) {
      if (inserting.has(session)) await insertLane.tried();
    },
    get inserting() {
      return inserting.size;
    },
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]();
      await insertLane.close();
      await Promise.all([updateLane.close(), deleteLane.close()]);
      await save().catch(onSaveFailed);
    },
  };
}
