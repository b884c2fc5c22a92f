/** Which peers a device may be: what they proved against how its connection is secured. Pure. */
import type { PeerIdentity } from "../transport/transport.ts";
import type { ConnectionSecurity } from "./device-accounts.ts";

/** As much of a connection's security as is not secret. */
export type ConnectionRule = Pick<ConnectionSecurity, "mode" | "pskIdentity">;

/** LwM2M Transport 1.1.1 section 5.2.3: the name of the client is its endpoint. */
const isNamed = (endpoint: string, { commonName, subjectAltNames }: Extract<PeerIdentity, { kind: "x509" }>): boolean =>
  commonName === endpoint || subjectAltNames.includes(endpoint);

/**
 * A device that was given keys is not served without them, nor with others, nor the other way round.
 * @param identity what the transport says that the peer proved; absent over plain UDP. The names of a certificate are those that the
 *                 tenant of `endpoint` trusts.
 */
export function mayConnect(endpoint: string, rule: ConnectionRule, identity: PeerIdentity | undefined): boolean {
  switch (rule.mode) {
    case "NO_SEC":
      return identity === undefined;
    case "PSK":
      return identity?.kind === "psk" && rule.pskIdentity !== undefined && identity.identity === rule.pskIdentity;
    case "X509":
      return identity?.kind === "x509" && isNamed(endpoint, identity);
    case "DISABLED":
      return false;
  }
}

/**
 * Whether a session of this identity ends with the device, or with its being secured otherwise. A certificate that names the device opens
 * a port even where the device is to come there in another way; once the endpoint is another tenant's it would be let in.
 */
export function endsWith(endpoint: string, { pskIdentity }: ConnectionRule, identity: PeerIdentity): boolean {
  if (identity.kind === "psk") return identity.identity === pskIdentity;
  return identity.kind === "x509" && isNamed(endpoint, identity);
}
