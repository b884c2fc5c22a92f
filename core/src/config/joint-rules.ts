/** Rules that join two options. */
import type { Config } from "./schema.ts";

const UDP_PORTS: readonly { readonly option: string; of(config: Config): number }[] = [
  { option: "coap.port", of: ({ coap }) => coap.port },
  { option: "coaps.port", of: ({ coaps }) => coaps.port },
  { option: "bootstrap.coapPort", of: ({ bootstrap }) => bootstrap.coapPort },
  { option: "bootstrap.coapsPort", of: ({ bootstrap }) => bootstrap.coapsPort },
];

const TCP_PORTS: typeof UDP_PORTS = [
  { option: "http.port", of: ({ http }) => http.port },
  { option: "firmware.httpPort", of: ({ firmware }) => firmware.httpPort },
  { option: "firmware.httpsPort", of: ({ firmware }) => firmware.httpsPort },
];

export const JOINT_RULES: readonly {
  readonly option: string;
  readonly rule: string;
  holds(config: Config): boolean;
}[] = [
  {
    option: "operations.requestTimeoutMs",
    rule: "must lie between operations.minRequestTimeoutMs and operations.maxRequestTimeoutMs",
    holds: ({ operations: { minRequestTimeoutMs: least, requestTimeoutMs: usual, maxRequestTimeoutMs: most } }) =>
      least <= usual && usual <= most,
  },
  {
    option: "transmission.emptyAckAfterMs",
    rule: "must be less than transmission.ackTimeoutMs",
    holds: ({ transmission }) => transmission.emptyAckAfterMs < transmission.ackTimeoutMs,
  },
  {
    option: "dtls.retransmissionTimeoutMs",
    rule: "must be at most dtls.maxRetransmissionTimeoutMs",
    holds: ({ dtls }) => dtls.retransmissionTimeoutMs <= dtls.maxRetransmissionTimeoutMs,
  },
  ...[UDP_PORTS, TCP_PORTS].flatMap(ports =>
    ports.flatMap((one, at) =>
      ports.slice(at + 1).map(other => ({
        option: other.option,
        rule: `must differ from ${one.option}`,
        holds: (config: Config) => one.of(config) === 0 || one.of(config) !== other.of(config),
      })),
    ),
  ),
];
