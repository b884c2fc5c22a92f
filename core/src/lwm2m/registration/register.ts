/** Register: request and admitted device to a registration. Pure. */
import { MooringError } from "../../base/errors.ts";
import type { Peer } from "../../transport/transport.ts";
import type { RegistrationLinks } from "../codecs/link-format.ts";
import type { RegistrationQuery } from "../wire/registration-query.ts";
import type { AdmittedDevice } from "./device-settings.ts";
import { provenEndpoint } from "./peer-identity.ts";
import type { Registration } from "./registration.ts";

/** Lifetime where the device names none (LwM2M Core 1.1.1 section 6.2.1, table 6.2.1-1). */
const DEFAULT_LIFETIME_SECONDS = 86_400;

/**
 * The endpoint name: [ep], or what the device proved to the transport, which it may then leave out (LwM2M Core 1.1.1 section 6.2.1).
 * @throws MooringError QUERY_INVALID
 */
export function endpointOf(query: RegistrationQuery, peer: Peer): string {
  if (query.endpoint !== undefined) return query.endpoint;
  const proven = peer.identity && provenEndpoint(peer.identity);
  if (proven !== undefined) return proven;
  throw new MooringError("QUERY_INVALID", "query ep (endpoint name) is missing", { key: "ep" });
}

export interface NewRegistration {
  readonly id: string;
  readonly endpoint: string;
  readonly query: RegistrationQuery;
  readonly links: RegistrationLinks;
  readonly device: AdmittedDevice;
  readonly peer: Peer;
  readonly nowMs: number;
}

export function newRegistration({ id, endpoint, query, links, device, peer, nowMs }: NewRegistration): Registration {
  return {
    id,
    endpoint,
    tenant: device.tenant,
    deviceId: device.deviceId,
    peer,
    version: query.version ?? "1.0",
    lifetimeSeconds: query.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS,
    binding: query.binding ?? "U",
    queueMode: query.queueMode ?? false,
    awakeTimeMs: query.awakeTimeMs,
    objectLinks: links.objectLinks,
    contentFormats: links.contentFormats,
    rootPath: links.rootPath,
    settings: device.settings,
    registeredAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}
