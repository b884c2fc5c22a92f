/** From the Authorization header to a user (platform API 3.1; RFC 7617). */
import type { Next } from "koa";
import { decodeUtf8 } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";
import type { Tenants } from "../tenants/tenants.ts";
import type { RestContext } from "./context.ts";

export interface BasicCredentials {
  readonly tenant: string | undefined;
  readonly userName: string;
  readonly password: string;
}

/**
 * `Basic base64("<tenant>/<user>:<password>")`: the tenant ends at the first `/` of the user part, the user at the first `:`.
 * UTF-8, else Latin-1 as old clients send it. Undefined for anything else.
 */
function parseBasic(header: string): BasicCredentials | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/_=-]+) *$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  const text = decodeUtf8(bytes) ?? bytes.toString("latin1");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  const user = text.slice(0, colon);
  const slash = user.indexOf("/");
  return {
    tenant: slash < 0 ? undefined : user.slice(0, slash),
    userName: user.slice(slash + 1),
    password: text.slice(colon + 1),
  };
}

/** With `UseXBasic: true` browsers show no password dialog of their own (platform API 2.1). */
export function challenge(useXBasic: string): string {
  const scheme = useXBasic.toLowerCase() === "true" ? "XBasic" : "Basic";
  return `${scheme} realm="Mooring", charset="UTF-8"`;
}

/** Everything behind this has a user. */
export function authenticated(tenants: Pick<Tenants, "authenticate">) {
  return async (ctx: RestContext, next: Next): Promise<void> => {
    const credentials = parseBasic(ctx.get("Authorization"));
    if (!credentials) throw new MooringError("UNAUTHORIZED", "Full authentication is required to access this resource");
    const address = ctx.req.socket.remoteAddress ?? "";
    const user = await tenants.authenticate({ ...credentials, address });
    Object.assign(ctx.state, { user });
    await next();
  };
}
