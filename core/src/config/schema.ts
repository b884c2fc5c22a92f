/**
 * Every option with default, unit, range and source. File key and argument `<group>.<name>`, environment
 * `MOORING_<GROUP>_<NAME>`, unless `short` gives a name of its own; `agent` lists the LwM2M agent's property names.
 */
import type { Option } from "./option.ts";

const DAY_S = 86_400;
const MIB = 2 ** 20;

const port = (value: number, description: string, agent: readonly string[] = []) =>
  ({ type: "integer", default: value, minimum: 0, maximum: 65_535, description, agent }) as const;

const timeMs = (value: number, description: string, agent: readonly string[] = [], minimum = 1) =>
  ({ type: "integer", default: value, minimum, maximum: 7 * DAY_S * 1000, unit: "ms", description, agent }) as const;

const count = (value: number, maximum: number, description: string, agent: readonly string[] = [], minimum = 1) =>
  ({ type: "integer", default: value, minimum, maximum, description, agent }) as const;

const bytes = (value: number, maximum: number, description: string) =>
  ({ type: "integer", default: value, minimum: 1024, maximum, unit: "bytes", description }) as const;

/** Parts of a minute are allowed. */
const minutes = (value: number, description: string, agent: readonly string[] = []) =>
  ({
    type: "number",
    default: value,
    minimum: 0.001,
    maximum: 7 * 1440,
    unit: "minutes",
    description,
    agent,
  }) as const;

const flag = (value: boolean, description: string, agent: readonly string[] = []) =>
  ({ type: "boolean", default: value, description, agent }) as const;

/** Sockets for datagrams are bound without a resolver. */
const literal = (value: string, description: string, agent: readonly string[] = []) =>
  ({
    type: "text",
    default: value,
    pattern: /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?)$/,
    rule: "must be an IPv4 or IPv6 address",
    description,
    agent,
  }) as const;

const address = (value: string, description: string, agent: readonly string[] = []) =>
  ({
    type: "text",
    default: value,
    pattern: /^[A-Za-z0-9.:_%-]+$/,
    rule: "must be an IP address or a host name",
    description,
    agent,
  }) as const;

/** Names of an option of the DTLS library that the original is built on; the older one counts where both are given (names.ts). */
const dtlsProperty = (name: string): readonly string[] => [
  `eclipse.californium.scandium.dtlsConnector.${name}`,
  `californium3.properties.DTLS.${name}`,
];

export const OPTIONS = {
  http: {
    host: address("127.0.0.1", "Address that the REST API listens on; 0.0.0.0 for all"),
    port: port(8068, "TCP port of the REST API; 0 takes any free one", ["server.port"]),
    maxBodyBytes: bytes(MIB, 64 * MIB, "Largest JSON body"),
    maxUploadBytes: bytes(10 * MIB, 256 * MIB, "Largest uploaded file: bulk CSV, DDF"),
    maxBinaryBytes: bytes(50 * MIB, 1024 * MIB, "Largest binary, such as a firmware"),
    publicHealth: flag(true, "Whether the health of the agent is shown without a login", [
      "c8y.lwm2m.rest.publicHealthEndpoint",
    ]),
  },
  coap: {
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
  },
  coaps: {
    port: port(5784, "UDP port of the LwM2M server over DTLS; 0 takes any free one", [
      "eclipse.californium.coaps.port",
    ]),
  },
  bootstrap: {
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
  },
  dtls: {
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
  },
  admission: {
    registersPerSecond: count(2000, 1_000_000, "Registers admitted in a second, in all; above it 5.03 with Max-Age"),
    registersPerSecondPerTenant: count(2000, 1_000_000, "Registers admitted in a second of one tenant"),
    registersPerSecondPerAddress: count(
      500,
      1_000_000,
      "Registers without a proven identity admitted in a second from one address: many may share it",
    ),
    bootstrapsPerSecond: count(500, 1_000_000, "Bootstrap sessions begun in a second, in all"),
  },
  secrets: {
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
  },
  transmission: {
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
  },
  registration: {
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
  },
  operations: {
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
    supportDeprecatedContentFormat: flag(
      true,
      "Whether the Content-Formats 1542 and 1543 of early devices are spoken",
      ["C8Y.lwm2m.supportDeprecatedContentFormat"],
    ),
  },
  recording: {
    maxBytesPerDevice: bytes(4 * MIB, 256 * MIB, "Messages kept of a device that is being recorded"),
    maxDevices: count(20, 1000, "Devices of which a recording is kept"),
    maxMinutes: { ...count(1440, 30 * 1440, "Longest recording"), unit: "min" },
  },
  deviceProtocols: {
    setDefault: flag(true, "Whether the standard objects get their mappings at the first start", [
      "C8Y.objectmappings.setdefault",
    ]),
    lenientOctal: flag(false, "Reads a text such as -029 as decimal instead of refusing it"),
  },
  streaming: {
    mqttUrl: {
      type: "text",
      pattern: /^(?:mqtts?|tcp|ssl|wss?):\/\/[^\s]+$/,
      rule: "must be an URL such as mqtt://host:1883 or mqtts://user:password@host",
      secret: true,
      description: "Broker that data of devices are published to, topic lwm2m/data (agent specification 16.4)",
      agent: ["C8Y.mqtt.messaging.service.url"],
    },
    webhookUrl: {
      type: "text",
      pattern: /^https?:\/\/[^\s/@]+(?:\/\S*)?$/,
      rule: "must be an http:// or https:// URL; user and password go into streaming.webhookAuthorization",
      secret: true,
      description: "Where data of devices are posted to, as JSON arrays",
    },
    webhookAuthorization: {
      type: "text",
      pattern: /^[\x21-\x7e](?:[\x20-\x7e]{0,4094}[\x21-\x7e])?$/,
      rule: "must be a value for the header Authorization: printable ASCII, at most 4096 characters",
      secret: true,
      description: "Header Authorization of what is posted",
    },
    tenants: {
      type: "text",
      pattern: /^(?:\*|[a-z][a-z0-9]{0,31}(?:,[a-z][a-z0-9]{0,31})*)$/,
      rule: "must be tenants with commas between them, or *",
      description: "Tenants whose data are published; none by default",
      agent: ["C8Y.mqtt.messaging.service.enabledForTenants"],
    },
    requestTimeoutMs: timeMs(10_000, "Limit of one request, and of one batch to the broker", [], 100),
    maxQueueBytes: bytes(16 * MIB, 4096 * MIB, "Data that wait for one target; above it the oldest are dropped"),
    maxMessageBytes: bytes(MIB / 4, 64 * MIB, "Largest message; data of one device are parted above it"),
  },
  plugins: {
    dir: {
      type: "text",
      description:
        "Folder whose folders with a mooring-plugin.json are plugins; without it plugins in the data directory",
    },
    packages: {
      type: "texts",
      default: [],
      pattern: /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]{0,213}$/,
      rule: "must be names of npm packages",
      description: "Installed npm packages that are plugins",
    },
    paths: {
      type: "texts",
      default: [],
      pattern: /^[^\0]{1,4096}$/,
      rule: "must be paths of folders",
      description: "Folders of one plugin each",
    },
    options: {
      type: "object",
      default: {},
      description: 'Options of plugins by name: {"acme": {"scale": 2}}',
    },
  },
  bulk: {
    maxPending: count(20, 1000, "Bulk files that wait", ["c8y.lwm2m.bulkoperation.maxSizeOfPendingOperations"]),
  },
  connector: {
    lockTimeoutMs: timeMs(900_000, "How long a command of the connector device waits for those before it", [
      "C8Y.lwm2m.connector.tenantLockTimeout",
    ]),
  },
  sandbox: {
    engine: {
      type: "text",
      default: "auto",
      values: ["auto", "isolated-vm", "quickjs"],
      description: "What runs decoders; auto takes isolated-vm where it is built for, else QuickJS, which is slower",
    },
    hosts: count(0, 64, "Processes that run decoders; 0: one for each core but one, at most 4", [], 0),
    partnerCpuPercent: {
      ...count(10, 100, "What the decoders of one partner may use of a core while those of others wait"),
      unit: "%",
    },
    decodeMs: timeMs(50, "Limit of one decode"),
    isolateMemoryMb: { ...count(16, 128, "Memory of one decoder", [], 8), unit: "MB" },
    queuedPerDecoder: count(1000, 100_000, "Decodes that wait for one decoder"),
  },
  decoding: {
    maxQueued: count(10_000, 1_000_000, "Decodes of one tenant that wait for one decoder; more wait in the store", [
      "C8Y.lwm2m.decoder.maxQueueSizeOfDecoderEvents",
    ]),
    sweepMs: timeMs(10_000, "Pause between two looks for payloads that wait in the store", [
      "C8Y.lwm2m.decoder.execution.fixedDelay",
    ]),
    maxRetries: count(
      6,
      1000,
      "Further calls of a decoder service after one that failed, before a payload is given up",
      ["C8Y.lwm2m.decoder.maxRetries"],
      0,
    ),
    retryDelayMinutes: minutes(10, "Wait before a payload whose call failed is tried again", [
      "C8Y.lwm2m.decoder.retryDelayMinutes",
    ]),
    unavailableDelayMinutes: minutes(
      10,
      "Pause of a decoder service that cannot be reached, and the longest of others",
      ["C8Y.lwm2m.decoder.serviceUnavailabilityDelayInMinutes"],
    ),
    callMs: timeMs(2000, "Limit of one call of a decoder service, its whole answer included"),
    allowedOrigins: {
      type: "texts",
      default: [],
      pattern: /^https?:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/,
      rule: "must be origins such as http://10.0.0.7:8080, in lower case",
      description: "Decoder services that may have private and loopback addresses",
    },
    services: {
      type: "object",
      default: {},
      description:
        'Decoder services by key: {"acme": {"url": "http://10.0.0.7:8080", "name": "ACME", "headers": {...}, "tenants": ["t1"]}}',
    },
    rawRetentionDays: {
      type: "integer",
      default: 30,
      minimum: 1,
      maximum: 3650,
      unit: "days",
      description: "How long raw payloads are kept, decoded or not",
    },
    requireSignature: flag(false, "Whether only decoders are taken that one of `decoding.trustedKeys` has signed"),
    trustedKeys: {
      type: "text",
      pattern: /^[A-Za-z0-9+/]{59}=(,[A-Za-z0-9+/]{59}=)*$/,
      rule: "must be Ed25519 public keys (SubjectPublicKeyInfo, base64), separated by commas",
      description: "Public keys whose signatures of decoders are known",
    },
    maxDifferentPercent: {
      type: "number",
      default: 0,
      minimum: 0,
      maximum: 100,
      unit: "%",
      description:
        "Share of payloads that a staged version may decode otherwise, or not at all, and still be activated",
    },
  },
  history: {
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
  },
  firmware: {
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
  },
  data: {
    dir: { type: "text", default: "./data", description: "Directory of the embedded store; made when missing" },
  },
  store: {
    engine: {
      type: "text",
      short: "store",
      default: "sqlite",
      pattern: /^(?:sqlite$|mongodb(?:\+srv)?:\/\/.)/,
      rule: "must be sqlite or a mongodb:// URL",
      secret: true,
      description: "The embedded store, or the URL of a MongoDB database",
    },
    cachedObjects: count(100_000, 10_000_000, "Managed objects kept in memory: best as many as there are devices"),
  },
  tenant: {
    id: {
      type: "text",
      short: "tenant",
      default: "t1",
      pattern: /^[a-z][a-z0-9]{0,31}$/,
      rule: "must be up to 32 lower-case letters and digits, a letter first",
      description: "First tenant",
    },
  },
  admin: {
    user: {
      type: "text",
      default: "admin",
      pattern: /^[^\s:/\\]{1,64}$/,
      rule: "must be up to 64 characters without blanks, colon and slash",
      description: "Administrator of the first tenant",
    },
    password: {
      type: "text",
      pattern: /^.{8,256}$/su,
      rule: "must have 8 to 256 characters",
      secret: true,
      description: "Password of that administrator; without one the first start makes and prints one",
    },
  },
  log: {
    level: {
      type: "text",
      default: "info",
      values: ["debug", "info", "warn", "error", "silent"],
      description: "Least important lines that are written",
    },
  },
  demo: {
    enabled: { ...flag(false, "Starts simulated devices"), short: "demo" },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Option>>>>;

/** Groups that a plugin of the same name is given beside `plugins.options.<name>`; all others are none of a plugin's business. */
export const PLUGIN_GROUPS = ["streaming"] as const satisfies readonly (keyof typeof OPTIONS)[];

type ValueOf<O> = O extends { readonly type: "integer" | "number" }
  ? number
  : O extends { readonly type: "boolean" }
    ? boolean
    : O extends { readonly type: "integers" }
      ? readonly number[]
      : O extends { readonly type: "texts" }
        ? readonly string[]
        : O extends { readonly type: "object" }
          ? Readonly<Record<string, unknown>>
          : O extends { readonly values: readonly (infer Word)[] }
            ? Word
            : O extends { readonly default: string }
              ? string
              : string | undefined;

/** Checked and deeply frozen: `config.http.port`. */
export type Config = {
  readonly [Group in keyof typeof OPTIONS]: {
    readonly [Name in keyof (typeof OPTIONS)[Group]]: ValueOf<(typeof OPTIONS)[Group][Name]>;
  };
};

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

/** Rules that join two options. */
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

/**
 * Properties of the LwM2M agent that may be given and that change nothing here, each with the reason
 * (agent specification 19). A name that ends in `.` stands for all below it.
 */
export const AGENT_PROPERTIES_WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  "C8Y.baseUrl": "the platform is in the same process",
  "C8Y.forceInitialHost": "the platform is in the same process",
  "C8Y.bootstrap.": "the platform is in the same process",
  "C8Y.httpClient.pool.": "the platform is in the same process",
  "C8Y.event.retry.": "the platform is in the same process",
  "C8Y.lwm2m.sinks.": "values are stored before the device is answered",
  "c8y.lwm2m.sinks.": "values are stored before the device is answered",
  "C8Y.coapThreadCount": "there is one event loop",
  "c8y.lwm2m.opexec.executorCorePoolSize": "there is one event loop",
  "c8y.lwm2m.opexec.executorMaxPoolSize": "there is one event loop",
  "c8y.lwm2m.decoderexec.": "there is one event loop",
  "c8y.lwm2m.bulkoperation.executorCorePoolSize": "there is one event loop",
  "c8y.lwm2m.bulkoperation.executorMaxPoolSize": "there is one event loop",
  "c8y.lwm2m.bulkoperation.maxAwaitTerminationSeconds": "there is one event loop",
  "C8Y.objectmappings.fetch.fixedDelay": "changes of mappings are seen at once",
  "C8Y.lwm2m.hazelcast.": "there is no cluster of that kind",
  "eclipse.leshan.cluster.c8y.tenant": "there is no cluster of that kind",
  "C8Y.lwm2m.clustertenant.": "there is no cluster of that kind",
  "C8Y.lwm2m.additionalGracePeriodForAsyncRegMigration": "there is nothing to migrate",
  "C8Y.lwm2mEventLoggingEnabled": "the log level of each device decides",
  "californium3.properties.COAP.MAX_ACK_TIMEOUT": "the wait doubles with each retransmission (RFC 7252 section 4.2)",
  "californium3.properties.COAP.ACK_TIMEOUT_SCALE": "the wait doubles with each retransmission (RFC 7252 section 4.2)",
  "C8Y.lwm2m.deduplicateObservationPaths": "a path is observed once, however many mappings ask for it",
  "C8Y.lwm2m.decoder.processEventForMonths": "raw payloads are kept apart from events (decoding.rawRetentionDays)",
  "C8Y.lwm2m.realtimeDisabledTenants": "operations reach the agent within the process",
  "c8y.lwm2m.opexec.realtimeSubscriptionTtl": "operations reach the agent within the process",
  "c8y.lwm2m.opexec.realtimeSubscriptionTtlExtension": "operations reach the agent within the process",
  "c8y.lwm2m.notification.": "operations reach the agent within the process",
};
