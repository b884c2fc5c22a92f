/** What others write: plugins and decoders. */
import type { Options } from "../option.ts";
import { bytes, count, flag, MIB, minutes, timeMs } from "./forms.ts";

export const streaming = {
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
} as const satisfies Options;

export const plugins = {
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
} as const satisfies Options;

export const sandbox = {
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
} as const satisfies Options;

export const decoding = {
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
  unavailableDelayMinutes: minutes(10, "Pause of a decoder service that cannot be reached, and the longest of others", [
    "C8Y.lwm2m.decoder.serviceUnavailabilityDelayInMinutes",
  ]),
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
    description: "Share of payloads that a staged version may decode otherwise, or not at all, and still be activated",
  },
} as const satisfies Options;
