/** Transports joined inside one process, with a network between them that loses, repeats, delays and reorders on demand. */
import type { Clock } from "../../base/clock.ts";
import { MooringError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import type { DatagramHandler, Peer, PeerIdentity, Transport, TransportCounters } from "../transport.ts";

/** What happens to datagrams of one direction. All default to nothing: delivered once, in order, at once. */
export interface Conditions {
  /** Share that is lost, 0..1. */
  readonly loss?: number;
  /** Share that arrives twice, 0..1. */
  readonly duplication?: number;
  /** Least and greatest time on the way in ms; datagrams overtake each other where these differ. */
  readonly delayMs?: readonly [least: number, greatest: number];
}

export interface MemoryTransportOptions {
  /** Default `coap`. */
  readonly scheme?: "coap" | "coaps";
  /** Who the peers of this transport are told that it is. */
  readonly identity?: PeerIdentity;
}

export interface MemoryNetwork {
  /** @throws MooringError CONFIG_INVALID where address and port are taken */
  open(address: string, port: number, options?: MemoryTransportOptions): Transport;
  /** For all datagrams of the network. */
  setConditions(conditions: Conditions): void;
  /** For datagrams from one address and port, whoever they go to; before those of the network. */
  setConditionsFrom(address: string, port: number, conditions: Conditions): void;
  readonly counters: Readonly<{ delivered: number; lost: number; duplicated: number; undeliverable: number }>;
}

export interface MemoryNetworkParts {
  /** Moves datagrams that are delayed; undelayed ones arrive in the next microtask. */
  readonly clock: Clock;
  readonly random: Random;
}

interface Node {
  readonly self: Peer;
  readonly counters: TransportCounters;
  onDatagram: DatagramHandler | undefined;
}

const keyOf = (address: string, port: number): string => `memory:${address}:${port}`;

export function createMemoryNetwork({ clock, random }: MemoryNetworkParts): MemoryNetwork {
  const nodes = new Map<string, Node>();
  const conditionsFrom = new Map<string, Conditions>();
  let everywhere: Conditions = {};
  const counters = { delivered: 0, lost: 0, duplicated: 0, undeliverable: 0 };

  const deliver = (bytes: Uint8Array, from: Peer, to: Peer): void => {
    const node = nodes.get(to.key);
    if (!node?.onDatagram) {
      counters.undeliverable++;
      return;
    }
    counters.delivered++;
    node.counters.received++;
    node.onDatagram(bytes, from);
  };

  const carry = (bytes: Uint8Array, from: Peer, to: Peer, { delayMs }: Conditions): void => {
    if (!delayMs) {
      queueMicrotask(() => deliver(bytes, from, to));
      return;
    }
    const [least, greatest] = delayMs;
    clock.after(least + random.fraction() * (greatest - least), () => deliver(bytes, from, to));
  };

  const happens = (share: number | undefined): boolean => share !== undefined && share > 0 && random.fraction() < share;

  const post = (bytes: Uint8Array, from: Peer, to: Peer): void => {
    const conditions = conditionsFrom.get(from.key) ?? everywhere;
    if (happens(conditions.loss)) {
      counters.lost++;
      return;
    }
    const copy = Uint8Array.from(bytes);
    carry(copy, from, to, conditions);
    if (happens(conditions.duplication)) {
      counters.duplicated++;
      carry(Uint8Array.from(copy), from, to, conditions);
    }
  };

  return {
    counters,
    setConditions(conditions) {
      everywhere = conditions;
    },
    setConditionsFrom: (address, port, conditions) => void conditionsFrom.set(keyOf(address, port), conditions),
    open(address, port, { scheme = "coap", identity } = {}) {
      const key = keyOf(address, port);
      if (nodes.has(key)) throw new MooringError("CONFIG_INVALID", `${key} is taken`, { address, port });
      const self: Peer = { key, address, port, ...(identity ? { identity } : {}) };
      const node: Node = { self, counters: { received: 0, sent: 0, sendFailed: 0, dropped: 0 }, onDatagram: undefined };
      nodes.set(key, node);
      return {
        scheme,
        local: { address, port },
        counters: node.counters,
        start(onDatagram) {
          node.onDatagram = onDatagram;
        },
        send(bytes, peer) {
          if (nodes.get(key) !== node) {
            node.counters.sendFailed++;
            return;
          }
          node.counters.sent++;
          post(bytes, self, peer);
        },
        peerAt: (peerAddress, peerPort) =>
          nodes.get(keyOf(peerAddress, peerPort))?.self ?? {
            key: keyOf(peerAddress, peerPort),
            address: peerAddress,
            port: peerPort,
          },
        async [Symbol.asyncDispose]() {
          nodes.delete(key);
        },
      };
    },
  };
}
