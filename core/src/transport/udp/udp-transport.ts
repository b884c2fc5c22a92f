/** Datagrams over UDP (node:dgram), IPv4 and IPv6, without identity. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIP, SocketAddress } from "node:net";
import { MooringError, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { DatagramHandler, Peer, Transport, TransportCounters } from "../transport.ts";
import { createPeerCache } from "./peer-cache.ts";

export interface UdpOptions {
  /** IPv4 or IPv6 literal to bind; `::` takes both. */
  readonly host: string;
  /** 0..65535; 0 takes a free one. */
  readonly port: number;
  /** Several processes share the port, the kernel spreads the peers over them (Linux SO_REUSEPORT). Default false. */
  readonly reusePort?: boolean;
  /** Kernel buffers, each direction; less where the system allows less. Default 4 MiB: with the usual 208 KiB a burst of 250 datagrams is lost. */
  readonly bufferBytes?: number;
  /** Peers whose values are kept for their next datagram. Default 200,000. */
  readonly maxPeers?: number;
  /** Source ports whose datagrams are dropped: other services would answer our answers. Port 0 always is. */
  readonly ignoredPorts?: readonly number[];
  readonly log: Log;
}

const DEFAULT_BUFFER_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_PEERS = 200_000;

/** IPv4 peers of a socket that takes both come with this prefix (RFC 4291 section 2.5.5.2). */
const MAPPED_PREFIX = "::ffff:";

/** The kernel refuses sizes above its limit; halves until it takes one. */
function enlarge(set: (bytes: number) => void, bytes: number): void {
  for (let size = bytes; size >= 64 * 1024; size /= 2) {
    try {
      set(size);
      return;
    } catch {
      // the next smaller size
    }
  }
}

/** Addresses are literals here, so they are looked up at once instead of through the resolver's thread pool. */
const literalLookup = (
  address: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void => callback(null, address, isIP(address));

function openSocket(options: UdpOptions): Socket {
  const { host, reusePort = false } = options;
  const family = isIP(host);
  if (family === 0) {
    throw new MooringError("CONFIG_INVALID", `host must be an IPv4 or IPv6 address, not ${host}`, { host });
  }
  return createSocket({ type: family === 6 ? "udp6" : "udp4", reusePort, lookup: literalLookup as never });
}

async function bind(socket: Socket, { host, port }: UdpOptions): Promise<void> {
  try {
    const listening = once(socket, "listening"); // first: an address that needs no lookup is bound at once
    socket.bind({ address: host, port, exclusive: true });
    await listening;
  } catch (cause) {
    socket.close();
    throw new MooringError(
      "CONFIG_INVALID",
      `UDP ${host} port ${port} cannot be used: ${messageOf(cause)}`,
      { host, port },
      { cause },
    );
  }
}

/** Canonical form, in which the kernel also gives it; undefined for what is no address. */
function canonicalAddress(address: string): string | undefined {
  const family = isIP(address);
  if (family === 0) return undefined;
  if (family === 4 || address.includes("%")) return address;
  return new SocketAddress({ address, family: "ipv6" }).address;
}

/**
 * Binds the socket. Nothing is delivered before `start`.
 * @throws MooringError CONFIG_INVALID where address or port cannot be used
 */
export async function openUdpTransport(options: UdpOptions): Promise<Transport> {
  const { log, bufferBytes = DEFAULT_BUFFER_BYTES } = options;
  const socket = openSocket(options);
  await bind(socket, options);
  enlarge(size => socket.setRecvBufferSize(size), bufferBytes);
  enlarge(size => socket.setSendBufferSize(size), bufferBytes);
  const local = socket.address();
  const dual = local.family === "IPv6";
  const peers = createPeerCache(options.maxPeers ?? DEFAULT_MAX_PEERS);
  const counters: TransportCounters = { received: 0, sent: 0, sendFailed: 0, dropped: 0 };
  // Port 0 means that no answer is expected (RFC 768), and sending there is an error.
  const ignored = new Set([0, ...(options.ignoredPorts ?? [])]);
  let open = true;

  const countFailure = (error: unknown): void => {
    counters.sendFailed++;
    log.debug("udp.send.failed", { reason: messageOf(error) });
  };
  const onSent = (error: Error | null): void => {
    if (error) countFailure(error);
  };
  socket.on("error", countFailure);

  const unmapped = (address: string): string =>
    dual && address.startsWith(MAPPED_PREFIX) && address.includes(".") ? address.slice(MAPPED_PREFIX.length) : address;
  const mapped = (address: string): string => (dual && !address.includes(":") ? MAPPED_PREFIX + address : address);

  return {
    scheme: "coap",
    local: { address: local.address, port: local.port },
    counters,
    start(onDatagram: DatagramHandler) {
      socket.on("message", (bytes, { address, port }) => {
        if (ignored.has(port)) {
          counters.dropped++;
          return;
        }
        counters.received++;
        onDatagram(bytes, peers.at(unmapped(address), port));
      });
    },
    send(bytes, peer) {
      if (!open) {
        counters.sendFailed++;
        return;
      }
      try {
        // The socket may keep the bytes until the kernel has room, and the caller uses its array again.
        const copy = Buffer.allocUnsafe(bytes.length);
        copy.set(bytes);
        socket.send(copy, peer.port, mapped(peer.address), onSent);
        counters.sent++;
      } catch (error) {
        countFailure(error);
      }
    },
    peerAt(address, port): Peer | undefined {
      const literal = canonicalAddress(address);
      if (literal === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
      return peers.at(unmapped(literal), port);
    },
    async [Symbol.asyncDispose]() {
      if (!open) return;
      open = false;
      await new Promise<void>(resolve => socket.close(() => resolve()));
    },
  };
}
