/** Who a peer proved to be, as one text from which the identity comes back. Pure. */
import { fromHex, toHex } from "../../base/bytes.ts";
import type { PeerIdentity } from "../transport.ts";

/**
 * `psk:<identity>`, `rpk:<key in hexadecimal>`, `x509:["<common name>","<subject alternative name>"...]`. The whole text says who it is:
 * each name of a certificate may have been vouched for by another authority, so that one of them alone is not the same peer.
 */
export function principalOf(identity: PeerIdentity): string {
  switch (identity.kind) {
    case "psk":
      return `psk:${identity.identity}`;
    case "rpk":
      return `rpk:${toHex(identity.publicKey)}`;
    case "x509":
      return `x509:${JSON.stringify([identity.commonName, ...identity.subjectAltNames])}`;
  }
}

/** @param principal of {@link principalOf} */
export function identityOf(principal: string): PeerIdentity {
  const at = principal.indexOf(":");
  const text = principal.slice(at + 1);
  switch (principal.slice(0, at)) {
    case "psk":
      return { kind: "psk", identity: text };
    case "rpk":
      return { kind: "rpk", publicKey: fromHex(text) };
    default: {
      const [commonName = "", ...subjectAltNames] = JSON.parse(text) as string[];
      return { kind: "x509", commonName, subjectAltNames };
    }
  }
}
