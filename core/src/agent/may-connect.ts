/** Which peers a device may be: what they proved against how its connection is secured. Pure. */
import type { PeerIdentity } from "../transport/transport.ts";
import type { ConnectionSecurity } from "./device-accounts.ts";

/** As much of a connection's security as is not secret. */
export type ConnectionRule = Pick<ConnectionSecurity, "mode" | "pskIdentity">;

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
      // LwM2M Transport 1.1.1 section 5.2.3: the name of the client is its endpoint.
      return (
        identity?.kind === "x509" && (identity.commonName === endpoint || identity.subjectAltNames.includes(endpoint))
      );
    case "DISABLED":
      return false;
  }
}
