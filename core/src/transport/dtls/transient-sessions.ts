/** Where sessions are kept when there is no store: as long as the process. */
import type { SequenceJournal, SessionStore, StoredSession } from "./dtls.ts";

export function createTransientStore(): SessionStore {
  const sessions = new Map<string, StoredSession>();
  return {
    heads: async () => [],
    find: async id => sessions.get(id),
    async insert(added) {
      for (const session of added) sessions.set(session.id, session);
    },
    async update(heads) {
      for (const head of heads) {
        const known = sessions.get(head.id);
        if (known) sessions.set(head.id, { ...known, ...head });
      }
    },
    async delete(ids) {
      for (const id of ids) sessions.delete(id);
    },
  };
}

/** No process comes after this one that could take a record twice. */
export const NO_JOURNAL: SequenceJournal = {
  read: () => new Map(),
  append() {},
  split() {},
  clear() {},
  close() {},
};
