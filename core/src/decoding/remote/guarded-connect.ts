/**
 * Connections to decoder services. A name is resolved when the connection is made, what comes out is looked at, and the socket
 * goes to those very addresses: a name that means another address a moment later gains nothing (DNS rebinding).
 */
import { lookup as systemLookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import type { buildConnector } from "undici";
import type { Clock } from "../../base/clock.ts";
import { MooringError, messageOf } from "../../base/errors.ts";
import { notPublic } from "./address-guard.ts";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a name. Rejects where it has none. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export const systemResolve: Resolve = hostname => systemLookup(hostname, { all: true });

/** One look-up of a name at a time, however many connections wait for it: each of the system's takes a thread while it lasts. */
export function sharedResolve(resolve: Resolve): Resolve {
  const underWay = new Map<string, ReturnType<Resolve>>();
  return hostname => {
    const known = underWay.get(hostname);
    if (known) return known;
    const looking = resolve(hostname).finally(() => underWay.delete(hostname));
    underWay.set(hostname, looking);
    return looking;
  };
}

/** No connection came about. */
export interface NoConnection {
  /** `address`: it is not to be connected to. `unreachable`: it does not take connections. */
  readonly reason: "address" | "unreachable";
}

const noConnection = (reason: NoConnection["reason"], message: string, cause?: unknown): MooringError =>
  new MooringError("DECODER_UNAVAILABLE", message, { reason }, { cause });

/** One that is not public spoils all: nobody gives such a name to a public service. */
function refusal(hostname: string, addresses: readonly ResolvedAddress[]): MooringError | undefined {
  for (const { address } of addresses) {
    const kind = notPublic(address);
    if (kind === undefined) continue;
    const what = address === hostname ? `${hostname} is ${kind}` : `${hostname} is ${address}, ${kind}`;
    return noConnection("address", `${what}, which decoding.allowedOrigins does not name`);
  }
  return undefined;
}

export interface GuardedConnectParts {
  readonly resolve: Resolve;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** The operator has named the origin: its addresses may be any. */
  readonly isAllowed: boolean;
}

/**
 * For undici's `connect`. Every failure is a MooringError DECODER_UNAVAILABLE with details {@link NoConnection}.
 * @param build undici's own
 */
export function guardedConnect(
  build: typeof buildConnector,
  { resolve, clock, timeoutMs, isAllowed }: GuardedConnectParts,
): buildConnector.connector {
  const lookup: LookupFunction = (hostname, { all, family }, callback) => {
    void resolve(hostname).then(
      found => {
        const addresses = found.filter(({ family: own }) => !family || own === Number(String(family).slice(-1)));
        const [first] = addresses;
        const refused = isAllowed ? undefined : refusal(hostname, addresses);
        if (refused || !first) callback(refused ?? noConnection("unreachable", `${hostname} has no address`), "", 0);
        else if (all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(noConnection("unreachable", messageOf(error), error), "", 0),
    );
  };
  const connect = build({ lookup, timeout: 0 });
  return (options, callback) => {
    const hostname = options.hostname.replace(/^\[|\]$/g, "");
    // A literal is never looked up.
    const family = isIP(hostname);
    const refused = family === 0 || isAllowed ? undefined : refusal(hostname, [{ address: hostname, family }]);
    if (refused) return void callback(refused, null);
    // The connector gives the socket back, which its type does not say.
    const socket = connect({ ...options, hostname }, (error, connected) => {
      timer[Symbol.dispose]();
      if (!error) return callback(null, connected!);
      callback(error instanceof MooringError ? error : noConnection("unreachable", messageOf(error), error), null);
    }) as unknown as { destroy(error: Error): void };
    const timer = clock.after(timeoutMs, () =>
      socket.destroy(noConnection("unreachable", `no connection within ${timeoutMs} ms`)),
    );
  };
}
