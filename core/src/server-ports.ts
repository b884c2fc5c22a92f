/** The ports of a server: plain and secured, joined as the transport of its one CoAP endpoint. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "./base/clock.ts";
import type { Log } from "./base/log.ts";
import type { Random } from "./base/random.ts";
import type { SecretBox } from "./base/secret-box.ts";
import type { Config } from "./config/schema.ts";
import type { Store } from "./store/store.ts";
import {
  type Credentials,
  type DtlsOptions,
  type DtlsTransport,
  type FailedHandshake,
  openDtlsTransport,
} from "./transport/dtls/dtls.ts";
import { openSequenceJournal } from "./transport/dtls/sequence-journal.ts";
import { createSessionStore } from "./transport/dtls/session-store.ts";
import { joinTransports } from "./transport/joint-transport.ts";
import type { Transport } from "./transport/transport.ts";
import { openUdpTransport } from "./transport/udp/udp-transport.ts";

/** Fits every path without being cut on the way (RFC 7252 section 4.6). */
const HANDSHAKE_DATAGRAM_BYTES = 1152;
/** Certificates with their chains. */
const HANDSHAKE_MESSAGE_BYTES = 32 * 1024;
const BAD_RECORDS = { perSecond: 10, burst: 100 } as const;
/** Below DTLS few are remembered: sessions have peers of their own, and of strangers nothing is to stay. */
export const SECURED_MAX_PEERS = 1000;

function dtlsOptions({ dtls }: Config): DtlsOptions {
  const { handshakesPerSecond, handshakesPerSecondPerAddress, sessionLifetimeSeconds, muteSeconds, ...options } = dtls;
  return {
    ...options,
    maxHandshakeDatagramBytes: HANDSHAKE_DATAGRAM_BYTES,
    maxHandshakeMessageBytes: HANDSHAKE_MESSAGE_BYTES,
    handshakeRate: { perSecond: handshakesPerSecond, burst: handshakesPerSecond },
    handshakeRatePerAddress: { perSecond: handshakesPerSecondPerAddress, burst: handshakesPerSecondPerAddress },
    sessionLifetimeMs: sessionLifetimeSeconds * 1000,
    muteAfter: BAD_RECORDS,
    muteMs: muteSeconds * 1000,
  };
}

/** Bound, not yet listened to. */
export interface Sockets {
  readonly plain: Transport;
  readonly secured: Transport;
}

export interface SocketAddresses {
  readonly host: string;
  readonly port: number;
  readonly securedPort: number;
}

/** @throws MooringError CONFIG_INVALID where an address or port cannot be used */
export async function bindSockets(
  { host, port, securedPort }: SocketAddresses,
  { coap }: Config,
  log: Log,
  opened: AsyncDisposableStack,
): Promise<Sockets> {
  const { ignoredSrcPorts: ignoredPorts, maxPeers } = coap;
  const bind = async (of: number, most: number): Promise<Transport> =>
    opened.use(await openUdpTransport({ host, port: of, ignoredPorts, maxPeers: most, log }));
  const secured = Math.min(maxPeers, SECURED_MAX_PEERS);
  return { plain: await bind(port, maxPeers), secured: await bind(securedPort, secured) };
}

export interface PortsParts {
  /** Name of the server among those of the host; its sessions are kept under it. */
  readonly name: "server" | "bootstrap";
  readonly sockets: Sockets;
  readonly credentials: Credentials;
  readonly config: Config;
  readonly store: Store;
  readonly box: SecretBox;
  readonly node: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** See `DtlsParts.onFailed`. */
  readonly onFailed: ((failure: FailedHandshake) => void) | undefined;
}

export interface Ports {
  readonly plain: Transport;
  readonly secured: DtlsTransport;
  /** Both. */
  readonly transport: Transport;
}

/**
 * Takes up the sessions of an earlier process.
 * @throws MooringError STORE_FAILED
 */
export async function openPorts(parts: PortsParts, opened: AsyncDisposableStack): Promise<Ports> {
  const { name, sockets, credentials, config, store, box, node, clock, random, log, onFailed } = parts;
  // The embedded store has made it; with another store it may be missing.
  mkdirSync(config.data.dir, { recursive: true });
  const secured = opened.use(
    await openDtlsTransport({
      below: sockets.secured,
      clock,
      random,
      log,
      credentials,
      options: dtlsOptions(config),
      ...(onFailed && { onFailed }),
      kept: {
        store: createSessionStore({ store, box, node, server: name, log }),
        journal: openSequenceJournal(join(config.data.dir, `dtls-${name}.journal`)),
      },
    }),
  );
  return { plain: sockets.plain, secured, transport: joinTransports(sockets.plain, secured) };
}
