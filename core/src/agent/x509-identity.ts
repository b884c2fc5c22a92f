/** Which devices a chain of certificates proves to be (agent specification 2). */
import type { X509Certificate } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { PeerIdentity } from "../transport/transport.ts";
import { type Certificate, readCertificate } from "../x509/certificate.ts";
import { validatePath } from "../x509/path-validation.ts";
import type { DeviceAccountStore, DeviceAccounts } from "./device-accounts.ts";

export type X509Identity = Extract<PeerIdentity, { kind: "x509" }>;

export interface X509IdentityParts {
  readonly accounts: Pick<DeviceAccountStore, "find">;
  readonly clock: Clock;
  readonly log: Log;
  /** Certificates that the tenant trusts. */
  anchors(tenant: string): Promise<readonly Certificate[]>;
}

/** Each is looked up before anything is proved. */
const MOST_NAMES = 8;

const namesOf = ({ commonName, uris, dnsNames }: Certificate): string[] =>
  [...new Set([commonName, ...uris, ...dnsNames].filter(name => name !== undefined && name !== ""))] as string[];

const usesCertificates = ({ bootstrap, servers }: DeviceAccounts): boolean =>
  [bootstrap, ...servers.map(({ security }) => security)].some(({ mode }) => mode === "X509");

/**
 * The names of an identity are endpoints of devices whose own tenant trusts the chain, no others: a CA that one tenant trusts
 * names no device of another one, and a common name that many devices share ("Some Product") names nobody. The first of them stands
 * as `commonName`, also where it was an alternative name.
 * @returns a function that gives undefined where the chain proves nothing
 */
export function createX509Identity(
  parts: X509IdentityParts,
): (chain: readonly X509Certificate[]) => Promise<X509Identity | undefined> {
  const { accounts, clock, log } = parts;

  async function isTrusted({ tenant, endpoint }: DeviceAccounts, chain: readonly Certificate[]): Promise<boolean> {
    try {
      validatePath(chain, await parts.anchors(tenant), { nowMs: clock.now(), purpose: "clientAuth" });
      return true;
    } catch (error) {
      if (!isFailure(error, "CERTIFICATE_INVALID")) throw error;
      log.info("certificate.refused", { tenant, endpoint, reason: error.message });
      return false;
    }
  }

  async function provenNames(chain: readonly Certificate[]): Promise<string[]> {
    const names = namesOf(chain[0]!);
    if (names.length > MOST_NAMES) {
      log.debug("certificate.refused", { reason: `more than ${MOST_NAMES} names` });
      return [];
    }
    const trusted = new Map<string, Promise<boolean>>();
    const proven: string[] = [];
    for (const name of names) {
      const device = await accounts.find(name);
      if (!device || !usesCertificates(device)) continue;
      const answer = trusted.get(device.tenant) ?? isTrusted(device, chain);
      trusted.set(device.tenant, answer);
      if (await answer) proven.push(name);
    }
    return proven;
  }

  return async presented => {
    let chain: Certificate[];
    try {
      chain = presented.map(readCertificate);
    } catch (error) {
      log.debug("certificate.refused", { reason: messageOf(error) });
      return undefined;
    }
    const [commonName, ...subjectAltNames] = chain.length === 0 ? [] : await provenNames(chain);
    return commonName === undefined ? undefined : { kind: "x509", commonName, subjectAltNames };
  };
}
