/** Where a device finds a server, as bootstrap writes it (/0/x/0). */
import { MooringError } from "../base/errors.ts";
import type { ConnectionMode } from "./device-accounts.ts";

const MAX_URI_LENGTH = 255;
const ANY_SCHEME = ["coap:", "coaps:"];
/** A connection that is switched off may be switched on again in any mode. */
const SCHEMES: Readonly<Record<ConnectionMode, readonly string[]>> = {
  NO_SEC: ["coap:"],
  PSK: ["coaps:"],
  X509: ["coaps:"],
  DISABLED: ANY_SCHEME,
};

const refuse = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** @throws MooringError VALIDATION: no `coap(s)://host[:port]`, or not of the mode (RFC 7252 section 6) */
export function checkServerUri(field: string, uri: string, mode: ConnectionMode): void {
  const parsed = uri.length <= MAX_URI_LENGTH && URL.canParse(uri) ? new URL(uri) : undefined;
  if (!parsed || !ANY_SCHEME.includes(parsed.protocol) || parsed.hostname === "") {
    throw refuse(field, "must be a URI such as coap://lwm2m.example.com:5783");
  }
  if (parsed.username || parsed.password || parsed.hash) throw refuse(field, "must name a host and a port only");
  const schemes = SCHEMES[mode];
  if (!schemes.includes(parsed.protocol)) throw refuse(field, `must begin with ${schemes[0]}// for ${mode}`);
}
