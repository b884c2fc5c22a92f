/** What a DTLS client is made of, and how it ends. */
import type { KeyObject, X509Certificate } from "node:crypto";
import type { Clock } from "@mooring/core/internal/base/clock.ts";
import type { Random } from "@mooring/core/internal/base/random.ts";

export interface PskCredentials {
  readonly identity: string;
  readonly key: Uint8Array;
}

export interface CertificateCredentials {
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly privateKey: KeyObject;
}

/** Whom the client takes for its server; absent: anyone who proves to have the key it shows. */
export interface ServerTrust {
  readonly authorities: readonly X509Certificate[];
  /** DNS name or address that the certificate must be for. */
  readonly name: string;
}

export interface RawKeyCredentials {
  readonly privateKey: KeyObject;
  /** Of the server, SubjectPublicKeyInfo in DER; absent: any. */
  readonly serverKey?: Uint8Array;
}

/** What a later handshake may go on with (RFC 5246 section 7.3). */
export interface ClientSession {
  readonly id: Uint8Array;
  readonly suite: number;
  readonly masterSecret: Uint8Array;
  readonly extendedMasterSecret: boolean;
}

/** Misbehaviour that tests ask for. */
export interface ClientFaults {
  /** Cuts each ClientHello into fragments with at most so many bytes of it, a datagram each. */
  readonly helloFragmentBytes?: number;
  /** verify_data of the client's Finished with a bit flipped. */
  readonly wrongFinished?: boolean;
  /** Leaves the Finished out. */
  readonly noFinished?: boolean;
  /** Every record in a datagram of its own. */
  readonly separateDatagrams?: boolean;
}

export interface DtlsClientOptions {
  /** One of the three, or none: the handshake fails at the server. */
  readonly psk?: PskCredentials;
  readonly certificate?: CertificateCredentials;
  readonly rawKey?: RawKeyCredentials;
  readonly trust?: ServerTrust;
  /** Asked for by name (RFC 6066 section 3). */
  readonly serverName?: string;
  /** As on the wire, in order of preference; default: what fits the credentials. */
  readonly suites?: readonly number[];
  /** Values of GROUP; default P-256 and P-384. */
  readonly groups?: readonly number[];
  /** Connection ID that the server is to put into its records, 0..255 bytes; undefined: the extension is not sent (RFC 9146). */
  readonly cid?: Uint8Array | undefined;
  /** RFC 7627; default true. */
  readonly extendedMasterSecret?: boolean;
  /** RFC 7366; default true. */
  readonly encryptThenMac?: boolean;
  /** Plaintext bytes of a record that it takes (RFC 8449). */
  readonly recordSizeLimit?: number;
  /** Goes on with this one if the server still has it. */
  readonly session?: ClientSession;
  /** First retransmission of a flight; doubles each time (RFC 6347 section 4.2.4.1). Default 1000. */
  readonly retransmissionTimeoutMs?: number;
  /** Default 5. */
  readonly maxRetransmissions?: number;
  /** Default 1280. */
  readonly maxDatagramBytes?: number;
  readonly faults?: ClientFaults;
}

export interface DtlsClientParts extends DtlsClientOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Carries a datagram to the server. */
  send(datagram: Uint8Array): void;
  /** Application data of one record. The bytes are valid during the call. */
  onData(bytes: Uint8Array): void;
  /** Called once, for a session that was established: `closed` by either side, or the name of the server's alert. */
  onEnd?(why: string): void;
}

export type ClientFailure = "timeout" | "alert" | "server-refused" | "malformed" | "closed";

/** Why a handshake did not become a session. */
export class HandshakeRefused extends Error {
  override readonly name = "HandshakeRefused";
  readonly reason: ClientFailure;
  /** Of the server, where it sent one. */
  readonly alert: string | undefined;

  constructor(reason: ClientFailure, message: string, alert?: string) {
    super(message);
    this.reason = reason;
    this.alert = alert;
  }
}

export const PSK_SUITES = [0xc0a8, 0xc0a4, 0x00a8] as const;
export const ECDSA_SUITES = [0xc0ae, 0xc02b] as const;
