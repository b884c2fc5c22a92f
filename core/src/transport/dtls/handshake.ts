/** A server's handshake with one peer: what goes in, what comes out (RFC 6347 section 4.2). */
import type { KeyObject } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type { PeerIdentity } from "../transport.ts";
import type { HelloStart } from "./client-hello.ts";
import type { Credentials, DtlsOptions } from "./dtls.ts";
import type { ProtectionPair } from "./protection.ts";
import type { RecordView } from "./records.ts";

/** What both sides agreed on: all that the keys of a session follow from, and what it may be resumed with. Plain data. */
export interface SessionParameters {
  /** Suite as on the wire, such as 0xc0a8. */
  readonly suite: number;
  /** 48 bytes. */
  readonly masterSecret: Uint8Array;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
  /** RFC 7627; a session without it is not resumed. */
  readonly extendedMasterSecret: boolean;
  /** RFC 7366; only with CBC. */
  readonly encryptThenMac: boolean;
  readonly identity: PeerIdentity;
  /** Session ID given to the client, 32 bytes, or empty. */
  readonly resumptionId: Uint8Array;
  /** Connection ID in records to the client; empty: none. */
  readonly clientCid: Uint8Array;
  /** Connection ID in records of the client; undefined: not agreed, records come without. */
  readonly serverCid: Uint8Array | undefined;
  /** Most bytes of plaintext in one record to the client (RFC 8449, RFC 6066 section 4). */
  readonly maxPlaintextBytes: number;
}

export interface Established {
  readonly parameters: SessionParameters;
  readonly protection: ProtectionPair;
  /** Epoch 1 sequence numbers: the next that we send, and the highest that the client used. */
  readonly nextSequence: number;
  readonly receivedSequence: number;
  readonly resumed: boolean;
  /**
   * Our last flight, for a client that repeats its own: plaintext records, sealed anew each time with fresh sequence numbers; epoch 0
   * records come whole. Empty where the client spoke last (resumption).
   */
  readonly lastFlight: readonly LastFlightRecord[];
}

export interface LastFlightRecord {
  readonly type: number;
  readonly epoch: 0 | 1;
  readonly content: Uint8Array;
}

/** Why a handshake ended without a session; never told to the peer beyond its alert. */
export type HandshakeFailure =
  | "timeout"
  | "unknown-identity"
  | "not-authentic"
  | "no-common-parameters"
  | "certificate-refused"
  | "malformed"
  | "too-large"
  | "alert"
  | "superseded"
  /** The peer was let in by what counts no more. */
  | "withdrawn"
  | "closed";

/** Sessions that a ClientHello may go on with. */
export interface ResumableSessions {
  /** @param id Session ID of the client, 1..32 bytes. Undefined: full handshake. */
  find(id: Uint8Array): Promise<SessionParameters | undefined>;
}

/** What a handshake begins with. */
export interface FirstHello {
  /** The first fragment that brought the cookie; the same handshake takes the other ones. */
  readonly record: RecordView;
  /** Handshake message_seq of the hello, 1 after a HelloVerifyRequest. */
  readonly messageSequence: number;
}

/** A ClientHello whose cookie came back: only now may anything be kept of the peer. */
export interface VerifiedHello extends FirstHello {
  /** Views on the record. */
  readonly start: HelloStart;
}

export interface HelloVerifier {
  /**
   * Looks at an epoch 0 handshake record of a peer without a handshake. Keeps nothing (RFC 6347 section 4.2.1).
   * @param client address and port as one text: the cookie is good for it alone
   */
  look(
    record: RecordView,
    client: string,
  ):
    | { readonly kind: "verify"; readonly reply: Uint8Array }
    | { readonly kind: "verified"; readonly hello: VerifiedHello }
    | { readonly kind: "ignored" };
}

export interface ServerHandshakeParts {
  readonly hello: FirstHello;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly credentials: Credentials;
  readonly options: DtlsOptions;
  readonly resumable: ResumableSessions;
  /** A fresh Connection ID of ours, `options.cidLength` bytes, not in use. */
  newCid(): Uint8Array;
  /** A whole datagram to the peer. */
  send(datagram: Uint8Array): void;
  /** Called once, for the one or the other; nothing is sent or kept afterwards. */
  done(established: Established): void;
  /** @param identity that the client named, where it came so far with a pre-shared key */
  failed(reason: HandshakeFailure, identity?: string): void;
}

export interface ServerHandshake extends Disposable {
  /** A record of the peer, epoch 0 or 1, with or without Connection ID, in any order; the bytes are valid during the call only. Never throws. */
  receive(record: RecordView): void;
}

/** Secret of the cookies; a verifier takes two, so that they can change. */
export type CookieKey = KeyObject;
