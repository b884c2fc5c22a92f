/** Live registrations as people see them (agent specification 18, `v1/registration`; the form of the answer is ours). */
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Lwm2mServer } from "../lwm2m/server/lwm2m-server.ts";
import type { Page, PageRequest } from "../platform/platform.ts";
import { addressText } from "./lifecycle-events.ts";

export interface RegistrationSummary {
  readonly registrationId: string;
  readonly endpoint: string;
  readonly deviceId: string;
  /** `192.0.2.1:5683` */
  readonly address: string;
  /** How the device proved who it is. */
  readonly securityMode: "NO_SEC" | "PSK" | "X509" | "RPK";
  readonly lwm2mVersion: string;
  readonly bindingMode: string;
  readonly queueMode: boolean;
  /** Whether a request would be sent now rather than wait. */
  readonly awake: boolean;
  /** Seconds; 0: without end. */
  readonly lifetime: number;
  /** ISO 8601; `expires` is without the grace time, and absent for a registration without end. */
  readonly registered: string;
  readonly lastSeen: string;
  readonly expires?: string;
  readonly objectLinks: readonly string[];
}

const MODES = { psk: "PSK", x509: "X509", rpk: "RPK" } as const;
/** The last instant that an ISO date of four digits can say. */
const LAST_MS = Date.UTC(9999, 11, 31);
const isoTime = (ms: number): string => new Date(Math.min(ms, LAST_MS)).toISOString();

function summaryOf(
  { registrations, isReachable }: Pick<Lwm2mServer, "registrations" | "isReachable">,
  registration: Registration,
): RegistrationSummary {
  const { id, endpoint, deviceId, peer, version, binding, queueMode, lifetimeSeconds } = registration;
  const renewedMs = registrations.lastRenewedMs(id) ?? registration.updatedAtMs;
  return {
    registrationId: id,
    endpoint,
    deviceId,
    address: addressText(peer),
    securityMode: peer.identity ? MODES[peer.identity.kind] : "NO_SEC",
    lwm2mVersion: version,
    bindingMode: binding,
    queueMode,
    awake: isReachable(registration),
    lifetime: lifetimeSeconds,
    registered: isoTime(registration.registeredAtMs),
    lastSeen: isoTime(registrations.lastSeenMs(id) ?? registration.updatedAtMs),
    ...(lifetimeSeconds > 0 && { expires: isoTime(renewedMs + lifetimeSeconds * 1000) }),
    objectLinks: registration.objectLinks.map(({ path }) => `/${path.join("/")}`),
  };
}

/** In the order of endpoints. */
export function listRegistrations(
  server: Pick<Lwm2mServer, "registrations" | "isReachable">,
  tenant: string,
  { currentPage, pageSize, withTotal }: PageRequest,
): Page<RegistrationSummary> {
  const all = [...server.registrations.all()].filter(registration => registration.tenant === tenant);
  all.sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1));
  const items = all
    .slice((currentPage - 1) * pageSize, currentPage * pageSize)
    .map(registration => summaryOf(server, registration));
  return { items, ...(withTotal && { total: all.length }) };
}
