/** Every session of a transport, and the ways to find it. */
import type { Peer } from "../transport.ts";
import {
  type CidKey,
  hasCid,
  isClosed,
  type LiveSession,
  NO_CID,
  NO_RESUMPTION,
  resumptionKey,
  type Session,
} from "./session.ts";

export interface SessionTable {
  /** In no order; sessions may be removed meanwhile. */
  all(): Iterable<Session>;
  live(): Iterable<Session>;
  readonly size: number;
  readonly liveCount: number;
  readonly closedCount: number;
  /** A session that is new here, live or asleep. @returns one without a Connection ID whose address it took: nothing reaches that any more */
  add(session: Session): Session | undefined;
  remove(session: Session): void;
  has(session: Session): boolean;
  find(key: string): Session | undefined;
  findCid(cid: CidKey): Session | undefined;
  /** The session without a Connection ID whose peer is at `source`. */
  findSource(source: Peer): Session | undefined;
  /** Whether a peer with a session is at `source`: one that is live, or without a Connection ID. */
  isHome(source: Peer): boolean;
  findResumption(id: Uint8Array): Session | undefined;
  /** Whether a session's peer was last seen at this address, whatever its port. */
  knowsAddress(address: string): boolean;
  /** Makes the session the one of its principal. @returns the one that was */
  settle(session: Session): Session | undefined;
  wake(session: Session, live: LiveSession): void;
  sleep(session: Session): void;
  move(session: Session, source: Peer): void;
  /** The peer has closed it: it may only be resumed. */
  close(session: Session): void;
}

/** @param sourceAt of the transport below: the peer at an address */
export function createSessionTable(sourceAt: (address: string, port: number) => Peer | undefined): SessionTable {
  const byKey = new Map<string, Session>();
  const byCid = new Map<CidKey, Session>();
  /** Those without a Connection ID. */
  const bySource = new Map<string, Session>();
  /** Live ones with a Connection ID: where their peers are, which finds nothing. */
  const homes = new Map<string, Session>();
  const byResumption = new Map<number, Session>();
  const byPrincipal = new Map<string, Session>();
  const live = new Set<Session>();
  /** How many sessions each address has. */
  const addresses = new Map<string, number>();
  let closedCount = 0;

  function dropWhereIs<K>(map: Map<K, Session>, key: K, session: Session): void {
    if (map.get(key) === session) map.delete(key);
  }

  const sourceOf = (session: Session): Peer | undefined =>
    session.live?.source ?? (isClosed(session) ? undefined : sourceAt(session.address, session.port));

  function countAddress(address: string, by: 1 | -1): void {
    const count = (addresses.get(address) ?? 0) + by;
    if (count > 0) addresses.set(address, count);
    else addresses.delete(address);
  }

  /** @returns the session without a Connection ID that was there */
  function enterSource(session: Session): Session | undefined {
    if (hasCid(session) && !session.live) return undefined;
    const source = sourceOf(session);
    if (!source) return undefined;
    const sources = hasCid(session) ? homes : bySource;
    const before = sources.get(source.key);
    sources.set(source.key, session);
    return sources === bySource && before !== session ? before : undefined;
  }

  function leaveSource(session: Session): void {
    const source = sourceOf(session);
    if (source) dropWhereIs(hasCid(session) ? homes : bySource, source.key, session);
  }

  return {
    all: () => byKey.values(),
    live: () => live,
    get size() {
      return byKey.size;
    },
    get liveCount() {
      return live.size;
    },
    get closedCount() {
      return closedCount;
    },
    add(session) {
      byKey.set(session.key, session);
      if (hasCid(session)) byCid.set(session.cid, session);
      if (session.resumption !== NO_RESUMPTION) byResumption.set(session.resumption, session);
      if (session.live) live.add(session);
      if (isClosed(session)) closedCount++;
      countAddress(session.address, 1);
      return enterSource(session);
    },
    remove(session) {
      if (!byKey.delete(session.key)) return;
      dropWhereIs(byCid, session.cid, session);
      dropWhereIs(byResumption, session.resumption, session);
      dropWhereIs(byPrincipal, session.principal, session);
      leaveSource(session);
      countAddress(session.address, -1);
      live.delete(session);
      if (isClosed(session)) closedCount--;
      session.live = undefined;
    },
    has: session => byKey.get(session.key) === session,
    find: key => byKey.get(key),
    findCid: cid => byCid.get(cid),
    findSource: ({ key }) => bySource.get(key),
    isHome: ({ key }) => homes.has(key) || bySource.has(key),
    findResumption: id => byResumption.get(resumptionKey(id)),
    knowsAddress: address => addresses.has(address),
    settle(session) {
      const before = byPrincipal.get(session.principal);
      byPrincipal.set(session.principal, session);
      return before === session ? undefined : before;
    },
    wake(session, woken) {
      session.live = woken;
      live.add(session);
      if (hasCid(session)) enterSource(session);
    },
    sleep(session) {
      if (hasCid(session)) leaveSource(session);
      live.delete(session);
      session.live = undefined;
    },
    move(session, source) {
      leaveSource(session);
      countAddress(session.address, -1);
      session.address = source.address;
      session.port = source.port;
      if (session.live) session.live.source = source;
      countAddress(session.address, 1);
      enterSource(session);
    },
    close(session) {
      leaveSource(session);
      dropWhereIs(byCid, session.cid, session);
      live.delete(session);
      session.live = undefined;
      session.cid = NO_CID;
      session.port = 0;
      closedCount++;
    },
  };
}
