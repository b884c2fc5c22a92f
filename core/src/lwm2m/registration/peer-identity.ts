/** Who a peer proved to be, compared and indexed as one text. Pure. */
import { toHex } from "../../base/bytes.ts";
import type { Peer, PeerIdentity } from "../../transport/transport.ts";

/**
 * The same text for the same identity, another one for any other. A certificate counts by all of its names: each may be of another
 * tenant, who trusts other authorities, and whoever proved one of them must not speak for the others.
 */
export function identityKey(identity: PeerIdentity): string {
  switch (identity.kind) {
    case "psk":
      return `psk:${identity.identity}`;
    case "x509":
      return `x509:${JSON.stringify([identity.commonName, ...identity.subjectAltNames])}`;
    case "rpk":
      return `rpk:${toHex(identity.publicKey)}`;
  }
}

/**
 * The endpoint that an identity stands for where the device names none itself. A certificate with several names must come with one:
 * anybody can register the name of a product, and must not get the devices that have it in their certificates.
 */
export function provenEndpoint(identity: PeerIdentity): string | undefined {
  if (identity.kind === "psk") return identity.identity;
  return identity.kind === "x509" && identity.subjectAltNames.length === 0 ? identity.commonName : undefined;
}

export const sameIdentity = (a: PeerIdentity, b: PeerIdentity): boolean => a === b || identityKey(a) === identityKey(b);

/** Whether two peers have proved the same, if it is nothing. */
export const sameProof = (a: Peer, b: Peer): boolean =>
  a.identity && b.identity ? sameIdentity(a.identity, b.identity) : a.identity === b.identity;

/** Whether two values of one peer tell of the same place. */
export const sameAddress = (a: Peer, b: Peer): boolean => a === b || (a.address === b.address && a.port === b.port);
