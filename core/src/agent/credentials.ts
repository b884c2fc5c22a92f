/** Whom the secure ports let in: pre-shared keys of the devices' accounts, certificates of the tenants. */
import type { Credentials } from "../transport/dtls/dtls.ts";
import type { Connection, DeviceAccountStore } from "./device-accounts.ts";
import { isPskIdentity } from "./psk.ts";

export interface CredentialSources {
  readonly accounts: Pick<DeviceAccountStore, "findByPsk">;
  readonly certificates: Pick<Credentials, "serverCertificate" | "clientCertificate">;
}

/**
 * @param connection of which port: identities of the two are apart from each other. A device comes to the LwM2M server with the first
 *                   of its server accounts.
 */
export function createCredentials(connection: Connection, { accounts, certificates }: CredentialSources): Credentials {
  return {
    async pskKey(identity) {
      const device = isPskIdentity(identity) ? await accounts.findByPsk(connection, identity) : undefined;
      const security = connection === "server" ? device?.servers[0]?.security : device?.bootstrap;
      return security?.mode === "PSK" ? security.pskKey : undefined;
    },
    serverCertificate: certificates.serverCertificate,
    clientCertificate: certificates.clientCertificate,
  };
}
