/** Who a peer proved to be, compared and indexed as one text. Pure. */
import { toHex } from "../../base/bytes.ts";
import type { Peer, PeerIdentity } from "../../transport/transport.ts";

/** The same text for the same identity, another one for any other. A certificate counts by its common name: it may be renewed. */
export function identityKey(identity: PeerIdentity): string {
  switch (identity.kind) {
    case "psk":
      return `psk:${identity.identity}`;
    case "x509":
      return `x509:${identity.commonName}`;
    case "rpk":
      return `rpk:${toHex(identity.publicKey)}`;
  }
}

export const sameIdentity = (a: PeerIdentity, b: PeerIdentity): boolean => a === b || identityKey(a) === identityKey(b);

/** Whether two peers have proved the same, if it is nothing. */
export const sameProof = (a: Peer, b: Peer): boolean =>
  a.identity && b.identity ? sameIdentity(a.identity, b.identity) : a.identity === b.identity;

/** Whether two values of one peer tell of the same place. */
export const sameAddress = (a: Peer, b: Peer): boolean => a === b || (a.address === b.address && a.port === b.port);
