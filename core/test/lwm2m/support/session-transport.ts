/** What `lwm2m` sees of a transport with sessions: a peer is its session, wherever it comes from, until it makes a new one. */
import type { DatagramHandler, Peer, PeerEvents, Transport } from "../../../src/transport/transport.ts";

export interface SessionTransport extends Transport {
  /**
   * The device whose PSK identity this is makes a new session, from where it was last.
   * @param told false: the old one is not known any more, as after its eviction
   */
  renew(identity: string, told?: boolean): void;
}

/** @param below its peers carry PSK identities; a datagram of an identity belongs to the one session that it has */
export function withSessions(below: Transport): SessionTransport {
  const numbers = new Map<string, number>();
  /** By session key; only those that are alive. */
  const peers = new Map<string, Peer>();
  let events: PeerEvents | undefined;

  const identityOf = ({ identity }: Peer): string => (identity?.kind === "psk" ? identity.identity : "");
  const keyFor = (identity: string): string => `dtls:${identity}-${numbers.get(identity) ?? 1}`;

  function sessionOf(from: Peer): Peer {
    if (!from.identity) return from;
    const key = keyFor(identityOf(from));
    const known = peers.get(key);
    if (known?.address === from.address && known.port === from.port) return known;
    const peer = { ...from, key };
    peers.set(key, peer);
    return peer;
  }

  return {
    ...below,
    start(onDatagram: DatagramHandler, given) {
      events = given;
      below.start((bytes, from) => onDatagram(bytes, sessionOf(from)));
    },
    send(bytes, peer) {
      const live = peer.identity ? peers.get(peer.key) : peer;
      const to = live && below.peerAt(live.address, live.port);
      if (to) below.send(bytes, to);
    },
    renew(identity, told = true) {
      const from = peers.get(keyFor(identity));
      numbers.set(identity, (numbers.get(identity) ?? 1) + 1);
      if (!from) return;
      peers.delete(from.key);
      const to = { ...from, key: keyFor(identity) };
      peers.set(to.key, to);
      if (told) events?.superseded(from, to);
    },
  };
}
