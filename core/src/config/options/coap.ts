/** CoAP towards devices: sockets, times, and how many are let in at once. */
import type { Options } from "../option.ts";
import { bytes, count, literal, MIB, port, timeMs } from "./forms.ts";

export const coap = {
  host: literal("0.0.0.0", "Address that the LwM2M server listens on", ["eclipse.californium.coap.host"]),
  port: port(5783, "UDP port of the LwM2M server; 0 takes any free one", ["eclipse.californium.coap.port"]),
  codec: {
    type: "text",
    default: "builtin",
    values: ["builtin", "coap-packet"],
    description: "Message codec; the second one is an independent implementation, slower",
  },
  maxBodyBytes: bytes(MIB, 64 * MIB, "Largest body put together from blocks, either direction (RFC 7959)"),
  maxTransfersPerPeer: count(4, 64, "Unfinished incoming transfers of one peer"),
  maxTransfers: count(10_000, 1_000_000, "Unfinished incoming transfers of all peers"),
  maxTransferBytes: bytes(64 * MIB, 4096 * MIB, "Bytes held by unfinished incoming transfers of all peers"),
  maxPeers: count(250_000, 5_000_000, "Peers with state; the longest silent one goes first"),
  maxRequestsInFlight: count(10_000, 1_000_000, "Requests whose handlers run at once; above it 5.03"),
  blockSzx: count(6, 6, "Preferred block size exponent, 2^(n+4) bytes (RFC 7959 section 2.2)", [], 0),
  ignoredSrcPorts: {
    type: "integers",
    default: [53, 137, 123, 520, 5353, 17, 19, 389, 514, 161, 162, 67, 68],
    minimum: 0,
    maximum: 65_535,
    description: "Source ports whose datagrams are dropped: reflection from other services (agent specification 2)",
    agent: ["c8y.coap.security.settings.ignoredSrcPorts"],
  },
} as const satisfies Options;

export const coaps = {
  port: port(5784, "UDP port of the LwM2M server over DTLS; 0 takes any free one", ["eclipse.californium.coaps.port"]),
} as const satisfies Options;

export const transmission = {
  ackTimeoutMs: timeMs(2000, "ACK_TIMEOUT (RFC 7252 section 4.8)", ["californium3.properties.COAP.ACK_TIMEOUT"], 100),
  ackRandomFactor: {
    type: "number",
    default: 1.5,
    minimum: 1,
    maximum: 4,
    description: "ACK_RANDOM_FACTOR (RFC 7252 section 4.8)",
    agent: ["californium3.properties.COAP.ACK_INIT_RANDOM"],
  },
  maxRetransmit: count(
    4,
    20,
    "MAX_RETRANSMIT (RFC 7252 section 4.8)",
    ["californium3.properties.COAP.MAX_RETRANSMIT"],
    0,
  ),
  nstart: count(1, 16, "NSTART: open exchanges with one peer (RFC 7252 section 4.7)"),
  maxLatencyMs: timeMs(100_000, "MAX_LATENCY: longest way of a datagram (RFC 7252 section 4.8.2)"),
  emptyAckAfterMs: timeMs(1000, "When a request whose answer takes longer gets its empty acknowledgement"),
  separateResponseMs: timeMs(60_000, "Longest wait for a separate response after its empty acknowledgement"),
} as const satisfies Options;

export const admission = {
  registersPerSecond: count(2000, 1_000_000, "Registers admitted in a second, in all; above it 5.03 with Max-Age"),
  registersPerSecondPerTenant: count(2000, 1_000_000, "Registers admitted in a second of one tenant"),
  registersPerSecondPerAddress: count(
    500,
    1_000_000,
    "Registers without a proven identity admitted in a second from one address: many may share it",
  ),
  bootstrapsPerSecond: count(500, 1_000_000, "Bootstrap sessions begun in a second, in all"),
} as const satisfies Options;
