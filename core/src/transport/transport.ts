/**
 * What every transport looks like from above: whole datagrams to and from peers. `udp/` binds a socket, `memory/` joins
 * endpoints inside one process and loses, repeats and reorders on demand, `dtls/` puts sessions over either of them.
 */

/** Who proved what to the transport. Absent over plain UDP. */
export type PeerIdentity =
  | { readonly kind: "psk"; readonly identity: string }
  | { readonly kind: "x509"; readonly commonName: string; readonly subjectAltNames: readonly string[] }
  | { readonly kind: "rpk"; readonly publicKey: Uint8Array };

/** One other end. Values with the same `key` are the same peer; upper layers key their state on it, never on the address. */
export interface Peer {
  /** `udp:192.0.2.1:5683`, `dtls:<session>`, unique within the transport. */
  readonly key: string;
  /** IPv4 or IPv6 literal from which the last datagram came. */
  readonly address: string;
  /** 1..65535 */
  readonly port: number;
  readonly identity?: PeerIdentity;
}

/** @param bytes valid during the call only: copy what must outlive it */
export type DatagramHandler = (bytes: Uint8Array, peer: Peer) => void;

/** What a transport with sessions tells of its peers. */
export interface PeerEvents {
  /**
   * `to` has proved to be who `from` was, in a newer session; `from` is gone. What is open with the one goes on with the other.
   * Told before the first datagram of `to`.
   */
  superseded(from: Peer, to: Peer): void;
}

export interface TransportCounters {
  received: number;
  sent: number;
  /** Sends that the network refused, and datagrams dropped before anything looked at them, by reason. */
  sendFailed: number;
  dropped: number;
}

export interface Transport extends AsyncDisposable {
  readonly scheme: "coap" | "coaps";
  /** Where it listens; the port is the real one where 0 was asked for. */
  readonly local: { readonly address: string; readonly port: number };
  readonly counters: Readonly<TransportCounters>;
  /** Begins to deliver. Called once; neither the handler nor an event throws into the transport. */
  start(onDatagram: DatagramHandler, events?: PeerEvents): void;
  /** Sends and forgets: a failure is counted, never thrown. The bytes may be reused after the call. */
  send(bytes: Uint8Array, peer: Peer): void;
  /** The peer at an address, for a transport that needs no handshake; undefined where none can be made up. */
  peerAt(address: string, port: number): Peer | undefined;
}
