/** One {@link Peer} per address for as long as it is in use, so that a datagram of a known peer allocates none. */
import type { Peer } from "../transport.ts";

export interface PeerCache {
  at(address: string, port: number): Peer;
  readonly size: number;
}

/**
 * Two generations: what is used moves to the young one; when that is full, the old one with all that was not used meanwhile goes.
 * @param maxPeers bound for both together
 */
export function createPeerCache(maxPeers: number): PeerCache {
  const generation = Math.max(1, Math.floor(maxPeers / 2));
  let young = new Map<string, Peer>();
  let old = new Map<string, Peer>();

  const keep = (key: string, peer: Peer): Peer => {
    if (young.size >= generation) {
      old = young;
      young = new Map();
    }
    young.set(key, peer);
    return peer;
  };

  return {
    at(address, port) {
      const key = `udp:${address}:${port}`;
      const known = young.get(key);
      if (known) return known;
      const older = old.get(key);
      if (older) {
        old.delete(key);
        return keep(key, older);
      }
      return keep(key, { key, address, port });
    },
    get size() {
      return young.size + old.size;
    },
  };
}
