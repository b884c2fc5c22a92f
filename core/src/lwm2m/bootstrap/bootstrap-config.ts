/** What a bootstrap server writes to one device (LwM2M Core 1.1.1 section 6.1, appendix E.1 and E.2). Plain data. */
import type { Lwm2mPath } from "../path.ts";
import type { DeviceSettings } from "../registration/device-settings.ts";

/** Security Mode, /0/x/2. */
export type SecurityMode = "PSK" | "RPK" | "X509" | "NO_SEC";

/**
 * An instance of the Security Object. Keys as they are written: PSK bytes, DER. Absent members are not written, but for keys that the
 * mode has no use for: those are written empty where the device takes that.
 */
export interface SecurityAccount {
  readonly instance: number;
  /** /0/x/0: `coap(s)://host:port`. */
  readonly uri: string;
  /** /0/x/1 */
  readonly isBootstrap: boolean;
  readonly mode: SecurityMode;
  /** /0/x/3: PSK identity in UTF-8, certificate or public key of the device. */
  readonly publicKeyOrIdentity?: Uint8Array;
  /** /0/x/4: certificate or public key of the server. */
  readonly serverPublicKey?: Uint8Array;
  /** /0/x/5: PSK, private key (PKCS#8). */
  readonly secretKey?: Uint8Array;
  /** /0/x/10, 1..65534; not for a bootstrap account. */
  readonly shortServerId?: number;
  /** /0/x/15, LwM2M 1.1. */
  readonly certificateUsage?: 0 | 1 | 2 | 3;
}

/** An instance of the Server Object. */
export interface ServerAccount {
  readonly instance: number;
  /** /1/x/0 */
  readonly shortServerId: number;
  /** /1/x/1 */
  readonly lifetimeSeconds: number;
  /** /1/x/2, /1/x/3 */
  readonly minimumPeriodSeconds?: number;
  readonly maximumPeriodSeconds?: number;
  /** /1/x/5 */
  readonly disableTimeoutSeconds?: number;
  /** /1/x/6 */
  readonly storing?: boolean;
  /** /1/x/7 */
  readonly binding: string;
}

/** An instance of the Access Control Object (/2), where configured. */
export interface AccessControl {
  readonly instance: number;
  readonly objectId: number;
  readonly objectInstance: number;
  /** Short Server ID to access bits: 1 Read and Observe, 2 Write, 4 Execute, 8 Delete, 16 Create. */
  readonly rights: Readonly<Record<number, number>>;
  readonly ownerShortServerId: number;
}

export interface BootstrapConfig {
  readonly endpoint: string;
  readonly tenant: string;
  readonly deviceId: string;
  readonly security: readonly SecurityAccount[];
  readonly servers: readonly ServerAccount[];
  readonly accessControl: readonly AccessControl[];
  /** Deleted first, in order; default `/0`, then `/1`. Empty: nothing is deleted (real devices, row B2). */
  readonly deletes: readonly Lwm2mPath[];
  /** Whether `/0` is discovered first, so that the device's own bootstrap account is not written over. Default true. */
  readonly discover: boolean;
  /** Read back before the Finish, and their answers kept in the report (OMA 8). */
  readonly readBack: readonly Lwm2mPath[];
  /** Content-Format of writes for a device that names none. Undefined: TLV. */
  readonly contentFormat: number | undefined;
  /** Whole-exchange limit of one request, ms. Undefined: the host's. */
  readonly requestTimeoutMs: number | undefined;
  /** Only carried, for whoever is told of the session. */
  readonly logLevel?: DeviceSettings["logLevel"];
}
