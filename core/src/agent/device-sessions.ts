/** Secure sessions of devices that may not come any more. */
import type { PeerIdentity } from "../transport/transport.ts";
import type { Connection } from "./device-accounts.ts";
import type { DeviceRecords } from "./device-records.ts";
import { type ConnectionRule, endsWith } from "./may-connect.ts";

export interface DeviceSessionsParts {
  readonly records: Pick<DeviceRecords, "endpointsOf">;
  /** Absent: there is no secure transport. */
  readonly endSessions:
    | ((connection: Connection, isEnded: (identity: PeerIdentity) => boolean) => Promise<void>)
    | undefined;
}

export interface DeviceSessions {
  /** @param rule how the device was to come */
  end(connection: Connection, endpoint: string, rule: ConnectionRule): Promise<void>;
  /** Those that were opened by certificates, of the tenant's devices alone: whom its authorities vouch for is asked anew. */
  endCertified(tenant: string): Promise<void>;
}

export function createDeviceSessions({ records, endSessions }: DeviceSessionsParts): DeviceSessions {
  return {
    async end(connection, endpoint, rule) {
      await endSessions?.(connection, identity => endsWith(endpoint, rule, identity));
    },
    async endCertified(tenant) {
      const endpoints = await records.endpointsOf(tenant);
      const isEnded = (identity: PeerIdentity): boolean =>
        identity.kind === "x509" &&
        [identity.commonName, ...identity.subjectAltNames].some(name => endpoints.has(name));
      for (const connection of ["server", "bootstrap"] as const) await endSessions?.(connection, isEnded);
    },
  };
}
