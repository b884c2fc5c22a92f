import { MooringError } from "../../../../src/base/errors.ts";
import type { SequenceJournal, SessionStore, StoredSession } from "../../../../src/transport/dtls/dtls.ts";

/** What outlives a transport that is dropped without being disposed of, and fails where a test says so. */
export interface KeptSessions {
  readonly store: SessionStore;
  readonly journal: SequenceJournal;
  readonly stored: ReadonlyMap<string, StoredSession>;
  readonly failing: Set<keyof SessionStore | "append">;
  /** Calls of that kind do not end until it is called again. */
  hold(call: keyof SessionStore): () => void;
  /** Store and journal as one process has them: nothing of it arrives any more once it is dead. */
  asSeenWhile(isAlive: () => boolean): { readonly store: SessionStore; readonly journal: SequenceJournal };
}

const never = <T>(): Promise<T> => new Promise(() => {});

export function createKeptSessions(): KeptSessions {
  const stored = new Map<string, StoredSession>();
  const failing: KeptSessions["failing"] = new Set();
  const held = new Map<keyof SessionStore, Promise<void>>();
  let written: [id: string, received: number][][] = [[], []];

  const entering = async (call: keyof SessionStore): Promise<void> => {
    await held.get(call);
    if (failing.has(call)) throw new MooringError("STORE_FAILED", `${call} is broken`);
  };

  const store: SessionStore = {
    async heads() {
      await entering("heads");
      return Array.from(stored.values(), ({ secrets, ...head }) => head);
    },
    async find(id) {
      await entering("find");
      return stored.get(id);
    },
    async insert(sessions) {
      await entering("insert");
      for (const session of sessions) if (!stored.has(session.id)) stored.set(session.id, session);
    },
    async update(heads) {
      await entering("update");
      for (const head of heads) {
        const known = stored.get(head.id);
        if (!known) continue;
        const received = Math.max(known.received, head.received);
        const reserved = Math.max(known.reserved, head.reserved);
        stored.set(head.id, { ...known, ...head, received, reserved });
      }
    },
    async delete(ids) {
      await entering("delete");
      for (const id of ids) stored.delete(id);
    },
  };

  const journal: SequenceJournal = {
    read() {
      const latest = new Map<string, number>();
      for (const [id, received] of written.flat()) latest.set(id, Math.max(received, latest.get(id) ?? -1));
      return latest;
    },
    append(entries) {
      if (failing.has("append")) throw new MooringError("STORE_FAILED", "append is broken");
      for (const { id, received } of entries) written[0]!.push([id, received]);
    },
    split() {
      if (written[1]!.length === 0) written = [[], written[0]!];
    },
    clear() {
      written[1] = [];
    },
    close() {},
  };

  return {
    store,
    journal,
    asSeenWhile: isAlive => ({
      store: {
        heads: () => (isAlive() ? store.heads() : never()),
        find: id => (isAlive() ? store.find(id) : never()),
        insert: sessions => (isAlive() ? store.insert(sessions) : never()),
        update: heads => (isAlive() ? store.update(heads) : never()),
        delete: ids => (isAlive() ? store.delete(ids) : never()),
      },
      journal: {
        read: journal.read,
        append: entries => isAlive() && journal.append(entries),
        split: () => isAlive() && journal.split(),
        clear: () => isAlive() && journal.clear(),
        close() {},
      },
    }),
    stored,
    failing,
    hold(call) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(call, promise);
      return () => {
        held.delete(call);
        resolve();
      };
    },
  };
}
