/** DTLS, and the key that secrets are stored under. */
import type { Options } from "../option.ts";
import { count, DAY_S, dtlsProperty, flag, timeMs } from "./forms.ts";

export const dtls = {
  cbc: flag(false, "Whether the suites with CBC are offered, for old devices (00AE, C023)"),
  cidLength: {
    ...count(
      3,
      20,
      "Length of the Connection ID that devices are asked to send; 0: none (RFC 9146)",
      dtlsProperty("CONNECTION_ID_LENGTH"),
      0,
    ),
    unit: "bytes",
  },
  retransmissionTimeoutMs: timeMs(
    2000,
    "First retransmission of a handshake flight (RFC 6347 section 4.2.4.1)",
    dtlsProperty("RETRANSMISSION_TIMEOUT"),
    100,
  ),
  maxRetransmissionTimeoutMs: timeMs(
    60_000,
    "Longest pause between two retransmissions of a flight",
    dtlsProperty("MAX_RETRANSMISSION_TIMEOUT"),
    100,
  ),
  maxRetransmissions: count(4, 20, "Retransmissions of a flight", dtlsProperty("MAX_RETRANSMISSIONS"), 0),
  maxRecordBytes: {
    type: "integer",
    default: 4096,
    minimum: 512,
    maximum: 16_384,
    unit: "bytes",
    description: "Largest plaintext of one record that devices may send (RFC 8449)",
  },
  maxHandshakes: count(5000, 100_000, "Handshakes under way past their cookie"),
  handshakesPerSecond: count(2000, 100_000, "Handshakes begun in a second, in all"),
  handshakesPerSecondPerAddress: count(
    500,
    100_000,
    "Handshakes begun in a second from one address: many may share it",
  ),
  maxSessions: count(150_000, 5_000_000, "Sessions kept, live and asleep; the longest silent one goes first", [
    ...dtlsProperty("MAX_CONNECTIONS"),
  ]),
  maxLiveSessions: count(20_000, 5_000_000, "Sessions kept in memory; the others sleep in the store"),
  sleepAfterMs: timeMs(600_000, "Silence after which a session sleeps in the store", [], 1000),
  sessionLifetimeSeconds: {
    type: "integer",
    default: 30 * DAY_S,
    minimum: 60,
    maximum: 3650 * DAY_S,
    unit: "s",
    description: "How long a silent session is kept and may be resumed",
  },
  muteSeconds: {
    type: "integer",
    default: 30,
    minimum: 1,
    maximum: DAY_S,
    unit: "s",
    description: "How long an address that sends many bad records is not listened to",
  },
} as const satisfies Options;

export const secrets = {
  key: {
    type: "text",
    short: "secretKey",
    pattern: /^.{16,1024}$/su,
    rule: "must have 16 to 1024 characters: 64 hexadecimal digits, 32 bytes in base64, or a phrase",
    secret: true,
    description: "Key that secrets are stored under; without one and without a file the first start makes a file",
  },
  keyFile: {
    type: "text",
    short: "secretKeyFile",
    pattern: /^.{1,4096}$/su,
    rule: "must be the name of a file",
    description: "File that holds that key; default secret.key in data.dir",
  },
} as const satisfies Options;
