/** Absolute URLs, as the caller sees this host (platform API 2.2). */
import type { IncomingHttpHeaders } from "node:http";

const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** The first of a comma-separated forwarding header: the proxy nearest to the caller. */
const first = (header: string | readonly string[] | undefined): string =>
  (typeof header === "string" ? header : (header?.[0] ?? "")).split(",", 1)[0]!.trim();

/**
 * `http://host:port` of a request. Forwarding headers win over Host; a host that is none is not repeated to anybody.
 * @param fallbackHost used where the request names no usable host
 */
export function requestOrigin(headers: IncomingHttpHeaders, encrypted: boolean, fallbackHost: string): string {
  const forwardedProtocol = first(headers["x-forwarded-proto"]).toLowerCase();
  const protocol =
    forwardedProtocol === "http" || forwardedProtocol === "https" ? forwardedProtocol : encrypted ? "https" : "http";
  const host = [first(headers["x-forwarded-host"]), headers.host ?? ""].find(name => HOST.test(name));
  return `${protocol}://${host ?? fallbackHost}`;
}

export interface Links {
  readonly origin: string;
  managedObject(id: string): string;
  binary(id: string): string;
  externalIds(managedObjectId: string): string;
  externalId(type: string, externalId: string): string;
  measurement(id: string): string;
  alarm(id: string): string;
  event(id: string): string;
  operation(id: string): string;
}

/** Keeps what clients paste into paths readable: `urn:imei:49` stays as it is, blanks and `%`, `?`, `#` are escaped. */
const pathSegment = (text: string): string => encodeURIComponent(text).replaceAll("%3A", ":").replaceAll("%40", "@");

export function createLinks(origin: string): Links {
  const below = (path: string) => (id: string) => `${origin}${path}/${id}`;
  return {
    origin,
    managedObject: below("/inventory/managedObjects"),
    binary: below("/inventory/binaries"),
    externalIds: id => `${origin}/identity/globalIds/${id}/externalIds`,
    externalId: (type, externalId) =>
      `${origin}/identity/externalIds/${pathSegment(type)}/${pathSegment(externalId).replaceAll("%2F", "/")}`,
    measurement: below("/measurement/measurements"),
    alarm: below("/alarm/alarms"),
    event: below("/event/events"),
    operation: below("/devicecontrol/operations"),
  };
}
