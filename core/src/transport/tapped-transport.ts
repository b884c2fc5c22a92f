/** A transport that shows its datagrams, those of secured peers decrypted, to somebody who looks on. */
import type { Peer, Transport } from "./transport.ts";

export interface Tap {
  /** Asked before each datagram, so that nothing is spent while nobody looks. */
  readonly isActive: boolean;
  /** @param bytes valid during the call only. Must not throw */
  passed(direction: "fromDevice" | "toDevice", bytes: Uint8Array, peer: Peer): void;
}

/** What comes is shown before it is handled, what goes before it is sent. */
export function tapTransport(transport: Transport, tap: Tap): Transport {
  return {
    scheme: transport.scheme,
    local: transport.local,
    counters: transport.counters,
    start(onDatagram, events) {
      transport.start((bytes, peer) => {
        if (tap.isActive) tap.passed("fromDevice", bytes, peer);
        onDatagram(bytes, peer);
      }, events);
    },
    send(bytes, peer) {
      if (tap.isActive) tap.passed("toDevice", bytes, peer);
      transport.send(bytes, peer);
    },
    peerAt: transport.peerAt,
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}
