/** Certificates of handshakes: what the server proves itself with, and whom the certificates of devices prove to be. */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { TenantOptions } from "../tenants/tenant-options.ts";
import { MANAGEMENT_TENANT } from "../tenants/tenants.ts";
import type { TrustedCertificates } from "../tenants/trusted-certificates.ts";
import type { Credentials } from "../transport/dtls/dtls.ts";
import type { ServerCertificate } from "../transport/dtls/server-certificate.ts";
import type { DeviceAccountStore } from "./device-accounts.ts";
import {
  AGENT_CATEGORY,
  checkServerCertificates,
  DEFAULT_CERTIFICATE,
  DTLS_CERTIFICATES,
  FIRMWARE_CERTIFICATE,
  isFor,
  type NamedServerCertificate,
  readServerCertificates,
} from "./server-certificates.ts";
import { createX509Identity } from "./x509-identity.ts";

export interface CertificatesParts {
  readonly options: TenantOptions;
  readonly trusted: Pick<TrustedCertificates, "anchors">;
  readonly accounts: Pick<DeviceAccountStore, "find">;
  /** Its options count after those of the management tenant. */
  readonly firstTenant: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Certificates extends Pick<Credentials, "serverCertificate" | "clientCertificate"> {
  /** Names of the server certificates in force, in order. */
  serverCertificateNames(): readonly string[];
  /** A server certificate as it is written to devices (/0/x/4): DER of the leaf. */
  serverCertificateDer(name: string): Uint8Array | undefined;
  /** Whether there is a certificate for firmware over HTTPS that devices have reason to trust. */
  readonly hasFirmwareCertificate: boolean;
  /** Tells the certificate for firmware over HTTPS, now and whenever the options are stored anew; undefined: none is given. Called once. */
  followFirmware(use: (certificate: ServerCertificate | undefined) => void): void;
}

type InForce = ReadonlyMap<string, NamedServerCertificate>;

/** Reads the server certificates and from then on follows the options. */
export async function createCertificates(parts: CertificatesParts): Promise<Certificates> {
  const { options, trusted, accounts, clock, log } = parts;
  const sources = [...new Set([MANAGEMENT_TENANT, parts.firstTenant])];

  async function readSource(
    tenant: string,
  ): Promise<readonly [dtls: NamedServerCertificate[], firmware: NamedServerCertificate[]]> {
    const unreadable = new Set<string>();
    const values = await options.reveal(tenant, AGENT_CATEGORY, unreadable);
    for (const option of unreadable) log.error("certificate.option-unreadable", { tenant, option });
    const broken = (name: string, reason: string) => log.error("certificate.not-usable", { tenant, name, reason });
    return [
      readServerCertificates(DTLS_CERTIFICATES, values, broken),
      readServerCertificates(FIRMWARE_CERTIFICATE, values, broken),
    ];
  }

  async function read(): Promise<InForce> {
    const bySource = await Promise.all(sources.map(readSource));
    firmware = bySource.flatMap(([, forFirmware]) => forFirmware)[0]?.certificate;
    useFirmware(firmware);
    const found = bySource.flatMap(([forDtls]) => forDtls);
    const inForce = new Map<string, NamedServerCertificate>();
    for (const each of found) if (!inForce.has(each.name)) inForce.set(each.name, each);
    for (const { name, leaf } of inForce.values()) {
      if (leaf.notAfterMs < clock.now()) log.warn("certificate.server-expired", { name });
    }
    return new Map([...inForce].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  let firmware: ServerCertificate | undefined;
  let useFirmware: (certificate: ServerCertificate | undefined) => void = () => {};
  options.own(AGENT_CATEGORY, {
    check: (values, changed) => checkServerCertificates(values, changed, clock.now()),
    async changed(tenant) {
      if (sources.includes(tenant)) inForce = await read();
    },
  });
  let inForce = await read();

  return {
    serverCertificate(serverName) {
      const usual = inForce.get(DEFAULT_CERTIFICATE);
      if (serverName === undefined || (usual && isFor(usual, serverName))) return usual?.certificate;
      return ([...inForce.values()].find(each => isFor(each, serverName)) ?? usual)?.certificate;
    },
    clientCertificate: createX509Identity({ accounts, clock, log, anchors: trusted.anchors }),
    serverCertificateNames: () => [...inForce.keys()],
    serverCertificateDer: name => inForce.get(name)?.leaf.der,
    get hasFirmwareCertificate() {
      return firmware !== undefined;
    },
    followFirmware(use) {
      useFirmware = use;
      use(firmware);
    },
  };
}
