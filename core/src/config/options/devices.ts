/** What is done with devices: bootstrap, registrations, operations, mapping, firmware, what is kept of them. */
import type { Options } from "../option.ts";
import { address, bytes, count, DAY_S, flag, literal, MIB, port, timeMs } from "./forms.ts";

export const bootstrap = {
  coapPort: port(5683, "UDP port of the bootstrap server; 0 takes any free one", [
    "eclipse.californium.bootstrap.coap.port",
  ]),
  coapsPort: port(5684, "UDP port of the bootstrap server over DTLS; 0 takes any free one", [
    "eclipse.californium.bootstrap.coaps.port",
  ]),
  host: literal("0.0.0.0", "Address that the bootstrap server listens on", [
    "eclipse.californium.bootstrap.coap.host",
    "eclipse.californium.bootstrap.coaps.host",
  ]),
  lifetimeSeconds: {
    type: "integer",
    default: 432_000,
    minimum: 1,
    maximum: 2 ** 31 - 1,
    unit: "s",
    description: "Registration Lifetime written to a device without one of its own",
    agent: ["bootstrap.device.lifetime.default"],
  },
  maxSessions: count(10_000, 1_000_000, "Bootstrap sessions at once; above it 5.03"),
  requestTimeoutMs: timeMs(93_000, "Limit of one request of a bootstrap session (MAX_TRANSMIT_WAIT)"),
  contentFormat: {
    type: "text",
    default: "TLV",
    values: ["TLV", "SENML_CBOR", "SENML_JSON"],
    description: "Format of what is written to a device that names none (pct)",
  },
} as const satisfies Options;

export const registration = {
  followAddress: {
    type: "text",
    default: "same-ip",
    values: ["same-ip", "never"],
    description: "Whether an unsecured device may go on from another port of its address",
  },
  gracePeriodSeconds: {
    type: "integer",
    default: 14_400,
    minimum: 0,
    maximum: 365 * DAY_S,
    unit: "s",
    description: "How long a registration outlives its Lifetime",
    agent: ["C8Y.lwm2m.gracePeriodOfRegistrationLifetime"],
  },
  awakeTimeMs: timeMs(
    0,
    "How long a device is reachable after a message; 0: always",
    ["C8Y.lwm2m.client_awake_time"],
    0,
  ),
  manageAvailability: flag(true, "Whether the required interval of a device follows its Lifetime", [
    "c8y.lwm2m.autoManageAvailabilityRequiredInterval",
  ]),
  maxPending: count(50, 10_000, "Pending operations started after a registration or update", [
    "C8Y.lwm2m.postReg.maxPendingOperationExecutions",
  ]),
} as const satisfies Options;

export const operations = {
  requestTimeoutMs: timeMs(180_000, "Limit of one request to a device that sets none", ["C8Y.lwm2mRequestTimeout"]),
  minRequestTimeoutMs: timeMs(10_000, "Shortest limit that a device may set", ["C8Y.lwm2mMinRequestTimeout"]),
  maxRequestTimeoutMs: timeMs(600_000, "Longest limit that a device may set", ["C8Y.lwm2mMaxRequestTimeout"]),
  executionTimeoutMs: timeMs(600_000, "Limit of a whole operation once it runs", [
    "c8y.lwm2m.opexec.executionTimeoutMils",
  ]),
  queueSize: count(1000, 100_000, "Operations that wait for one device; a further one fails", [
    "c8y.lwm2m.opexec.maxOperationQueueSizePerDevice",
  ]),
  failStarved: flag(true, "Whether operations that are EXECUTING for too long end FAILED", [
    "C8Y.lwm2m.failStarvedOperation.enable",
  ]),
  starvedAfterHours: {
    ...count(48, 8760, "For how long an operation may be EXECUTING", ["C8Y.lwm2m.operationMaxAgeHours"]),
    unit: "hours",
  },
  starvedCheckMs: timeMs(
    DAY_S * 1000,
    "Pause between two looks for operations that are EXECUTING for too long",
    ["C8Y.lwm2m.failStarvedOperation.fixedDelay"],
    1000,
  ),
  legacyBinary: flag(false, "Whether results show opaque values as [12, 32] instead of hexadecimal digits", [
    "C8Y.lwm2m.operation.legacyBinarySerialization",
  ]),
  supportDeprecatedContentFormat: flag(true, "Whether the Content-Formats 1542 and 1543 of early devices are spoken", [
    "C8Y.lwm2m.supportDeprecatedContentFormat",
  ]),
} as const satisfies Options;

export const recording = {
  maxBytesPerDevice: bytes(4 * MIB, 256 * MIB, "Messages kept of a device that is being recorded"),
  maxDevices: count(20, 1000, "Devices of which a recording is kept"),
  maxMinutes: { ...count(1440, 30 * 1440, "Longest recording"), unit: "min" },
} as const satisfies Options;

export const deviceProtocols = {
  setDefault: flag(true, "Whether the standard objects get their mappings at the first start", [
    "C8Y.objectmappings.setdefault",
  ]),
  lenientOctal: flag(false, "Reads a text such as -029 as decimal instead of refusing it"),
} as const satisfies Options;

export const bulk = {
  maxPending: count(20, 1000, "Bulk files that wait", ["c8y.lwm2m.bulkoperation.maxSizeOfPendingOperations"]),
} as const satisfies Options;

export const connector = {
  lockTimeoutMs: timeMs(900_000, "How long a command of the connector device waits for those before it", [
    "C8Y.lwm2m.connector.tenantLockTimeout",
  ]),
} as const satisfies Options;

export const history = {
  retentionDays: {
    type: "integer",
    default: 7,
    minimum: 0,
    maximum: 90,
    unit: "days",
    description: "How long the values of devices are kept as they came, to map them once more; 0: not at all",
  },
  devices: {
    type: "text",
    default: "marked",
    values: ["marked", "all"],
    description: "Devices whose values are kept: all, or those with keepValueHistory: true on their managed object",
  },
  maxPlanMessages: count(50_000, 1_000_000, "Messages that one plan of another mapping covers"),
} as const satisfies Options;

export const firmware = {
  address: address("127.0.0.1", "Name or address at which devices fetch firmware, over CoAP and HTTP", [
    "C8Y.lwm2m.fwupdate.address",
  ]),
  host: literal("0.0.0.0", "Address that firmware over HTTP and HTTPS is served on"),
  httpPort: port(8773, "TCP port of firmware over HTTP; 0 takes any free one", ["C8Y.lwm2m.fwupdate.httpPort"]),
  httpsPort: port(8774, "TCP port of firmware over HTTPS; 0 takes any free one", ["C8Y.lwm2m.fwupdate.httpsPort"]),
  maxConnections: count(1000, 100_000, "Connections to each of these two ports"),
  fetchFrom: {
    type: "text",
    default: "same-ip",
    values: ["same-ip", "anywhere"],
    description: "Whether a device that proves nothing may fetch over CoAP from another address than its own",
  },
  blockSzx: count(5, 6, "Largest block exponent of firmware over CoAP, 2^(n+4) bytes (RFC 7959 section 2.2)", [], 0),
} as const satisfies Options;
