/**
 * DTLS 1.2 (RFC 6347) as a transport over another one: what it needs from outside, and what it is made of.
 *
 * The way of a datagram: `below` -> records.ts (RFC 6347 section 4.1, RFC 9146) -> a session found by Connection ID or address
 * -> its protection and replay window -> CoAP. Handshake records of strangers go through hello-verifier.ts, which keeps nothing of
 * them, to a server handshake, which becomes a session when the peer's Finished is verified.
 */
import type { X509Certificate } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type { BucketRate } from "../../base/token-bucket.ts";
import type { PeerIdentity, Transport } from "../transport.ts";
import type { HandshakeFailure } from "./handshake.ts";
import type { ServerCertificate } from "./server-certificate.ts";

/** Who may come, asked during handshakes. Look-ups may take their time; nothing here tells a peer why it was refused. */
export interface Credentials {
  /** Key of a PSK identity (RFC 4279), 1..64 bytes; undefined: not known. A rejection ends the handshake as an unknown identity does. */
  pskKey(identity: string): Promise<Uint8Array | undefined>;
  /** For the name that the client asked for (RFC 6066 section 3) or none; undefined: no suite with certificates is offered. */
  serverCertificate(serverName: string | undefined): ServerCertificate | undefined;
  /** @param chain leaf first, at least one. @returns undefined where it is not to be trusted */
  clientCertificate(chain: readonly X509Certificate[]): Promise<Extract<PeerIdentity, { kind: "x509" }> | undefined>;
  /** @param publicKey SubjectPublicKeyInfo in DER (RFC 7250). Absent: raw public keys are not accepted. */
  rawPublicKey?(publicKey: Uint8Array): Promise<Extract<PeerIdentity, { kind: "rpk" }> | undefined>;
}

export interface DtlsOptions {
  /** Suites with CBC (00AE, C023), for old devices. */
  readonly cbc: boolean;
  /** Bytes of the Connection ID that peers are asked to send, 0..20; 0: none (RFC 9146). */
  readonly cidLength: number;
  /** First retransmission of a flight; doubles up to the longest (RFC 6347 section 4.2.4.1). */
  readonly retransmissionTimeoutMs: number;
  readonly maxRetransmissionTimeoutMs: number;
  readonly maxRetransmissions: number;
  /** Largest plaintext of one record of ours, and what the peer is told (RFC 8449), 512..16384. */
  readonly maxRecordBytes: number;
  /** Largest datagram of a handshake flight; retransmissions are cut smaller. */
  readonly maxHandshakeDatagramBytes: number;
  /** Largest handshake message put together from fragments; of all of a handshake. */
  readonly maxHandshakeMessageBytes: number;
  /** Handshakes past their cookie that are under way. */
  readonly maxHandshakes: number;
  /** Handshakes begun: in all, and from one source address (network-of.ts). */
  readonly handshakeRate: BucketRate;
  readonly handshakeRatePerAddress: BucketRate;
  /** Sessions, live and asleep; the longest silent one goes first. No more than a quarter of all Connection IDs of that length, as with handshakes. */
  readonly maxSessions: number;
  /** Sessions with their keys; above it, and after this silence, they sleep in the store, or without one as mere parameters in memory. */
  readonly maxLiveSessions: number;
  readonly sleepAfterMs: number;
  /** How long a silent session is kept, and may be resumed. */
  readonly sessionLifetimeMs: number;
  /** Records from one address that are not authentic, until it is muted, and for how long. */
  readonly muteAfter: BucketRate;
  readonly muteMs: number;
}

/** A session as it is kept: what a new process needs to go on with it. Times in ms since the epoch. */
export interface StoredSession {
  /** Of the peer: `dtls:<id>`. 16 hexadecimal digits. */
  readonly id: string;
  /** Where the peer was last; `address` and `port` of its last authentic, newest record. */
  readonly address: string;
  /** 0: the peer has closed the session, and may only resume it (RFC 5246 section 7.2.1). */
  readonly port: number;
  /** Connection ID that the peer puts into its records, hexadecimal; empty: it is found by its address. */
  readonly cid: string;
  /** Who the peer is, as one text: a newer session of it replaces this one. */
  readonly principal: string;
  /** Session ID of the handshake (RFC 5246 section 7.4.1.2), hexadecimal; empty: cannot be resumed. */
  readonly resumptionId: string;
  /** Highest sequence number taken of the peer, as of the time of storing. */
  readonly received: number;
  /** Every sequence number below this may have been sent; a new process sends from here on. */
  readonly reserved: number;
  readonly createdAtMs: number;
  readonly seenAtMs: number;
  /** Keys, Connection ID of the peer, identity and parameters; see session-secrets.ts. Never written down unsealed. */
  readonly secrets: Uint8Array;
}

/** What the index of sessions needs of each; the secrets stay in the store until the session wakes. */
export type StoredSessionHead = Omit<StoredSession, "secrets">;

/** Changes of stored sessions. Each resolves when stored. */
export interface SessionStore {
  /** Heads of all sessions of this port and node. */
  heads(): Promise<StoredSessionHead[]>;
  find(id: string): Promise<StoredSession | undefined>;
  insert(sessions: readonly StoredSession[]): Promise<void>;
  /** Moves the members on that change with traffic; `received` and `reserved` never down, whatever the order of writing. */
  update(
    heads: readonly Pick<StoredSessionHead, "id" | "address" | "port" | "received" | "reserved" | "seenAtMs">[],
  ): Promise<void>;
  delete(ids: readonly string[]): Promise<void>;
}

/**
 * Sequence numbers taken of peers, in a file that is written before their records are delivered: with it a process that was killed
 * leaves no record that could be taken twice. Synchronous; only what is since the last {@link SessionStore.update}.
 */
export interface SequenceJournal {
  /** Entries of an earlier process, the latest of each session. Called once, first. */
  read(): ReadonlyMap<string, number>;
  /** @throws MooringError STORE_FAILED: some of them may be written */
  append(entries: readonly { readonly id: string; readonly received: number }[]): void;
  /** Begins a new part, unless the one before is not cleared yet. */
  split(): void;
  /** Everything before the last part is stored elsewhere now. */
  clear(): void;
  close(): void;
}

export interface DtlsCounters {
  helloVerifyRequests: number;
  handshakesBegun: number;
  handshakesDone: number;
  handshakesResumed: number;
  handshakesFailed: number;
  /** Begun handshakes and hellos refused for want of room or tokens. */
  handshakesRefused: number;
  recordsReceived: number;
  recordsSent: number;
  /** Dropped without an answer: no record, of no session, not authentic, repeated, from a muted address. */
  malformed: number;
  unknownSession: number;
  notAuthentic: number;
  replayed: number;
  muted: number;
  addressChanges: number;
  superseded: number;
  evicted: number;
  woken: number;
}

export interface DtlsTransport extends Transport {
  readonly dtls: Readonly<DtlsCounters>;
  /** Those that their peers have closed, and may resume, are neither. */
  readonly sessions: { readonly live: number; readonly sleeping: number };
  /**
   * Ends the sessions of principals that may not come any more: close_notify to those that are live, and gone from the store when it
   * resolves, or as soon as the store works again. Handshakes that are under way do not become such sessions.
   */
  endSessions(isEnded: (identity: PeerIdentity) => boolean): Promise<number>;
}

export interface FailedHandshake {
  readonly reason: HandshakeFailure;
  /** PSK identity that the client named; undefined where it did not come so far. */
  readonly identity: string | undefined;
  readonly address: string;
  readonly port: number;
}

export interface DtlsParts {
  /** Closed with the DTLS transport. */
  readonly below: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly credentials: Credentials;
  readonly options: DtlsOptions;
  /** Absent: sessions live as long as the process. */
  readonly kept?: { readonly store: SessionStore; readonly journal: SequenceJournal };
  /** A handshake has failed. Must not throw. */
  onFailed?(failure: FailedHandshake): void;
}

export { openDtlsTransport } from "./dtls-transport.ts";
