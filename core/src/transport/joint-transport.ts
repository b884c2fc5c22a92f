/** A server's ports as one transport: what is sent goes out where its peer came in. */
import type { DatagramHandler, Peer, PeerEvents, Transport, TransportCounters } from "./transport.ts";

/** Peers of a secured transport are known by their key (see {@link Peer.key}). */
export const DTLS_KEY = "dtls:";

const isSecured = (peer: Peer): boolean => peer.key.startsWith(DTLS_KEY);

/**
 * @param plain   says where the joint transport listens
 * @param secured its peers' keys begin with {@link DTLS_KEY}
 */
export function joinTransports(plain: Transport, secured: Transport): Transport {
  const both = [plain, secured];
  const sum = (name: keyof TransportCounters): number =>
    both.reduce((total, { counters }) => total + counters[name], 0);
  return {
    scheme: plain.scheme,
    local: plain.local,
    counters: {
      get received() {
        return sum("received");
      },
      get sent() {
        return sum("sent");
      },
      get sendFailed() {
        return sum("sendFailed");
      },
      get dropped() {
        return sum("dropped");
      },
    },
    start(onDatagram: DatagramHandler, events?: PeerEvents) {
      for (const transport of both) transport.start(onDatagram, events);
    },
    send: (bytes, peer) => (isSecured(peer) ? secured : plain).send(bytes, peer),
    peerAt: (address, port) => plain.peerAt(address, port),
    async [Symbol.asyncDispose]() {
      await Promise.all(both.map(transport => transport[Symbol.asyncDispose]()));
    },
  };
}
