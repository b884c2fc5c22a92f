/** A session with one peer, as it is in memory: a few hundred bytes asleep, with its keys when it is live. */
import { fromHex } from "../../base/bytes.ts";
import type { Random } from "../../base/random.ts";
import { DTLS_KEY } from "../joint-transport.ts";
import type { Peer } from "../transport.ts";
import { deriveProtection } from "./derive-protection.ts";
import type { StoredSessionHead } from "./dtls.ts";
import type { Established, LastFlightRecord, SessionParameters } from "./handshake.ts";
import type { PlainRecord, ProtectionPair } from "./protection.ts";
import { createReplayWindow, type ReplayWindow } from "./replay-window.ts";

/** A Connection ID as a key of a map: a number where it fits, which takes no memory of its own. */
export type CidKey = number | string;
export const NO_CID = -1;
/** A number of the Session ID of the handshake (RFC 5246 section 7.4.1.2); whoever finds by it compares the whole. */
export type ResumptionKey = number;
export const NO_RESUMPTION = -1;

/** Small numbers stand in the object itself: nothing here is larger than 31 bits as a rule, but `seenAtMs`. */
export interface Session {
  /** `dtls:<id>` */
  readonly key: string;
  /** See principal.ts. */
  readonly principal: string;
  readonly resumption: ResumptionKey;
  /** That the peer puts into its records; {@link NO_CID}: it is found by its address. */
  cid: CidKey;
  address: string;
  /** 0: closed by the peer, and only to be resumed. */
  port: number;
  /** Highest sequence number taken. */
  received: number;
  /** The next to send, below `reserved`. */
  next: number;
  /** Stored: a process that comes after this one sends from here on. */
  reserved: number;
  /** Last authentic record, ms since the epoch. */
  seenAtMs: number;
  /** Undefined: asleep, or closed. */
  live: LiveSession | undefined;
}

export interface LiveSession {
  readonly protection: ProtectionPair;
  readonly window: ReplayWindow;
  /** In records to the peer; empty: none. */
  readonly clientCid: Uint8Array;
  readonly maxPlaintextBytes: number;
  /** As told above; another value for each address. */
  peer: Peer;
  /** Where `peer` is, for the transport below. */
  source: Peer;
  /** Authentic records that wait for the session to be stored; undefined: it is. */
  held: PlainRecord[] | undefined;
  /** What waits for sequence numbers; undefined: nothing. */
  outbox: Uint8Array[] | undefined;
  isReserving: boolean;
  /** For a client that repeats its own, until its first data shows that it has ours. */
  lastFlight: readonly LastFlightRecord[];
  /** When a record was last answered by this layer, ms of the monotonic clock: such answers are few. */
  answeredAtMs: number;
}

export const sessionId = ({ key }: Session): string => key.slice(DTLS_KEY.length);
export const isClosed = ({ port }: Session): boolean => port === 0;
export const hasCid = ({ cid }: Session): boolean => cid !== NO_CID;

const NUMBER_CID_BYTES = 6;

export function cidKey(cid: Uint8Array): CidKey {
  if (cid.length === 0) return NO_CID;
  if (cid.length > NUMBER_CID_BYTES) return String.fromCharCode(...cid);
  let key = 0;
  for (const byte of cid) key = key * 256 + byte;
  return key;
}

/** The same of hexadecimal digits; quicker than by way of the bytes, of which there may be a hundred thousand at a start. */
const cidKeyOfHex = (text: string): CidKey =>
  text.length > 0 && text.length <= 2 * NUMBER_CID_BYTES ? Number.parseInt(text, 16) : cidKey(fromHex(text));
const resumptionKeyOfHex = (text: string): ResumptionKey =>
  text.length < 8 ? NO_RESUMPTION : Number.parseInt(text.slice(0, 8), 16) >>> 1;

export const resumptionKey = (id: Uint8Array): ResumptionKey =>
  id.length < 4 ? NO_RESUMPTION : ((id[0]! << 24) | (id[1]! << 16) | (id[2]! << 8) | id[3]!) >>> 1;

/** @param source where the peer is now */
export function peerOf(session: Session, parameters: SessionParameters, source: Peer): Peer {
  return { key: session.key, address: source.address, port: source.port, identity: parameters.identity };
}

interface LiveParts {
  readonly parameters: SessionParameters;
  readonly protection: ProtectionPair;
  readonly source: Peer;
  readonly stored: boolean;
  readonly lastFlight: readonly LastFlightRecord[];
}

function createLive(session: Session, { parameters, protection, source, stored, lastFlight }: LiveParts): LiveSession {
  return {
    protection,
    window: createReplayWindow(session.received),
    clientCid: parameters.clientCid,
    maxPlaintextBytes: parameters.maxPlaintextBytes,
    peer: peerOf(session, parameters, source),
    source,
    held: stored ? undefined : [],
    outbox: undefined,
    isReserving: false,
    lastFlight,
    answeredAtMs: Number.NEGATIVE_INFINITY,
  };
}

export interface NewSession {
  /** 16 hexadecimal digits. */
  readonly id: string;
  readonly principal: string;
  readonly source: Peer;
  readonly nowMs: number;
  /** Sequence numbers that are stored with it. */
  readonly block: number;
}

export function createSession(
  { id, principal, source, nowMs, block }: NewSession,
  { parameters, protection, nextSequence, receivedSequence, lastFlight }: Established,
): Session {
  const session: Session = {
    key: DTLS_KEY + id,
    principal,
    resumption: resumptionKey(parameters.resumptionId),
    cid: cidKey(parameters.serverCid ?? new Uint8Array(0)),
    address: source.address,
    port: source.port,
    received: receivedSequence,
    next: nextSequence,
    reserved: nextSequence + block,
    seenAtMs: nowMs,
    live: undefined,
  };
  session.live = createLive(session, { parameters, protection, source, stored: false, lastFlight });
  return session;
}

/** A session of an earlier process, asleep: what it sends begins where that one's numbers end. */
export function restoreSession(head: StoredSessionHead, journalled: number): Session {
  return {
    key: DTLS_KEY + head.id,
    principal: head.principal,
    resumption: resumptionKeyOfHex(head.resumptionId),
    cid: head.port === 0 ? NO_CID : cidKeyOfHex(head.cid),
    address: head.address,
    port: head.port,
    received: Math.max(head.received, journalled),
    next: head.reserved,
    reserved: head.reserved,
    seenAtMs: head.seenAtMs,
    live: undefined,
  };
}

/** Gives a sleeping session its keys back. Records at or below the highest taken are refused from now on. */
export function wakeSession(
  session: Session,
  parameters: SessionParameters,
  source: Peer,
  random: Random,
): LiveSession {
  const protection = deriveProtection(parameters, random);
  session.live = createLive(session, { parameters, protection, source, stored: true, lastFlight: [] });
  return session.live;
}

/** Whether nothing is lost with its keys. */
export const maySleep = ({ held, outbox, isReserving }: LiveSession): boolean =>
  held === undefined && outbox === undefined && !isReserving;
