/** The accounts of a device: with the bootstrap server, and with the servers that bootstrap gives it (agent specification 2, 3.3, 4.2). */

export type ConnectionMode = "NO_SEC" | "PSK" | "X509" | "DISABLED";

/** Value of /0/x/15 (agent specification 3.3). */
export const CERTIFICATE_USAGES = [
  "CA_CONSTRAINT",
  "SERVICE_CERTIFICATE_CONSTRAINT",
  "TRUST_ANCHOR_ASSERTION",
  "DOMAIN_ISSUER_CERTIFICATE",
] as const;
export type CertificateUsage = (typeof CERTIFICATE_USAGES)[number];

/** How one connection is secured. Keys are in the clear here: values of this kind stay inside the agent. */
export interface ConnectionSecurity {
  readonly mode: ConnectionMode;
  readonly pskIdentity?: string;
  /** 1..64 bytes. */
  readonly pskKey?: Uint8Array;
  /** Written to the device in bootstrap: PEM as it was given. */
  readonly clientCertificate?: string;
  readonly clientPrivateKey?: string;
  readonly certificateUsage?: CertificateUsage;
  /** Name of a server certificate of the tenant (agent specification 2), or a key itself in the early form. */
  readonly serverCertificate?: string;
}

/** A server account that bootstrap writes. The first one of a device is what it was registered with. */
export interface ServerSettings {
  /** Of this account within the device: `0` for the first one. */
  readonly id: string;
  readonly uri: string | undefined;
  /** 1..65534 */
  readonly shortServerId: number;
  /** Undefined: the host's default. */
  readonly lifetimeSeconds: number | undefined;
  readonly minimumPeriodSeconds: number | undefined;
  readonly maximumPeriodSeconds: number | undefined;
  readonly disableTimeoutSeconds: number | undefined;
  readonly storeNotifications: boolean | undefined;
  readonly binding: "U" | "UQ" | undefined;
  readonly security: ConnectionSecurity;
}

/** A server account of which nothing was said. */
export const UNSET_SERVER: Omit<ServerSettings, "id"> = {
  uri: undefined,
  shortServerId: 1,
  lifetimeSeconds: undefined,
  minimumPeriodSeconds: undefined,
  maximumPeriodSeconds: undefined,
  disableTimeoutSeconds: undefined,
  storeNotifications: undefined,
  binding: undefined,
  security: { mode: "NO_SEC" },
};

/** All that the host knows about how a device connects. */
export interface DeviceAccounts {
  readonly endpoint: string;
  readonly tenant: string;
  readonly deviceId: string;
  readonly bootstrap: ConnectionSecurity;
  readonly bootstrapShortServerId: number;
  /** First instance of /0 that is written. */
  readonly securityInstanceOffset: number;
  /** Whether the bootstrap account is written too. */
  readonly generateBootstrapServer: boolean;
  /** At least one. */
  readonly servers: readonly ServerSettings[];
}

export type Connection = "server" | "bootstrap";

/**
 * Reads and changes accounts. What is not secret of the first server, the offset and the short ids are top-level fragments of the managed
 * object and count as they stand there (agent specification 4.1); everything else is in the device's record, keys sealed.
 */
export interface DeviceAccountStore {
  /** Undefined: no such device, or one that is being made or removed. */
  find(endpoint: string): Promise<DeviceAccounts | undefined>;
  findByDevice(tenant: string, deviceId: string): Promise<DeviceAccounts | undefined>;
  /** By PSK identity of a connection, unique over all tenants. */
  findByPsk(connection: Connection, identity: string): Promise<DeviceAccounts | undefined>;
  /**
   * Stores what `change` returns, in place (agent specification 20, check 26).
   * @throws MooringError NOT_FOUND, DUPLICATE for a PSK identity of another device, VALIDATION naming the field
   */
  change(
    tenant: string,
    deviceId: string,
    change: (accounts: DeviceAccounts) => DeviceAccounts,
  ): Promise<DeviceAccounts>;
}
