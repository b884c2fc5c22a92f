/** Sessions as stored documents, their secrets sealed. */

import { isFailure } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { SecretBox } from "../../base/secret-box.ts";
import { DTLS_SESSIONS, type DtlsSessionDocument } from "../../store/collections/devices.ts";
import { type Store, updateOp } from "../../store/store.ts";
import type { SessionStore, StoredSession, StoredSessionHead } from "./dtls.ts";

const PAGE = 5000;

export interface SessionStoreParts {
  readonly store: Store;
  readonly box: SecretBox;
  readonly log: Log;
  /** Owner of the sessions, and which of its servers they are with: no other opens them. */
  readonly node: string;
  readonly server: DtlsSessionDocument["server"];
}

/** A sealed secret opens for the session that it is of, nowhere else. */
const contextOf = (id: string): string => `dtls-sessions/${id}`;

const headOf = (document: DtlsSessionDocument): StoredSessionHead => ({
  id: document._id,
  address: document.address,
  port: document.port,
  cid: document.cid,
  principal: document.principal,
  resumptionId: document.resumptionId,
  received: document.received,
  reserved: document.reserved,
  createdAtMs: document.createdAt,
  seenAtMs: document.seenAt,
});

export function createSessionStore({ store, box, log, node, server }: SessionStoreParts): SessionStore {
  const collection = store.collection(DTLS_SESSIONS);

  const documentOf = (session: StoredSession): DtlsSessionDocument => ({
    _id: session.id,
    node,
    server,
    address: session.address,
    port: session.port,
    cid: session.cid,
    principal: session.principal,
    resumptionId: session.resumptionId,
    received: session.received,
    reserved: session.reserved,
    createdAt: session.createdAtMs,
    seenAt: session.seenAtMs,
    secrets: box.seal(session.secrets, contextOf(session.id)),
  });

  /** @returns undefined where the secret key is another one than when it was stored: the peer makes a new session */
  function opened(document: DtlsSessionDocument): StoredSession | undefined {
    try {
      return { ...headOf(document), secrets: box.open(document.secrets, contextOf(document._id)) };
    } catch (error) {
      if (!isFailure(error, "SECRET_UNREADABLE")) throw error;
      log.warn("dtls.session.secret.unreadable", { session: document._id });
      return undefined;
    }
  }

  return {
    async heads() {
      const heads: StoredSessionHead[] = [];
      for await (const document of collection.stream({ node, server }, { pageSize: PAGE }))
        heads.push(headOf(document));
      return heads;
    },
    async find(id) {
      const document = await collection.findOne({ _id: id });
      return document && opened(document);
    },
    async insert(sessions) {
      await collection.insertMany(sessions.map(documentOf));
    },
    async update(heads) {
      const ops = heads.map(({ id, address, port, received, reserved, seenAtMs }) =>
        updateOp(
          DTLS_SESSIONS,
          { _id: id },
          { $set: { address, port, seenAt: seenAtMs }, $max: { received, reserved } },
        ),
      );
      if (ops.length > 0) await store.write(ops);
    },
    async delete(ids) {
      if (ids.length > 0) await collection.deleteMany({ _id: { $in: ids } });
    },
  };
}
