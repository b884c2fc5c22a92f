/**
 * Every collection of the host: what a document holds, which of its members are typed columns and indexes, and how much it must
 * survive. Ids of managed objects, alarms, events and operations come from `Store.nextIds` and are unique over all tenants.
 *
 * `custom` holds what users named (fragments, free properties) apart from our own members, so that no user's name can collide
 * with one of ours. `details` holds members that one part of the host alone reads. `...Words` are the words of a text in lower
 * case, for full text search.
 *
 * Durability: what is rare and never said again is `full` - inventory, registrations, operations, and also events and alarms, since
 * a device raises or clears an alarm once. What is frequent and followed by a newer value is `normal`: measurements, last values,
 * raw payloads, value history.
 */
import type { CollectionSpec, Document, IndexSpec, JsonObject } from "./collection.ts";

/** An index on fields, ascending. */
export const by = (...fields: readonly string[]): IndexSpec => ({ keys: fields.map(field => [field, 1] as const) });
const uniqueBy = (...fields: readonly string[]): IndexSpec => ({ ...by(...fields), unique: true });

/** A key from parts that may hold any character: `,` and `~` are escaped, so that different parts give different keys. */
export function keyOf(first: string, ...more: readonly string[]): string {
  let key = escapePart(first);
  for (const part of more) key += `,${escapePart(part)}`;
  return key;
}

const escapePart = (part: string): string =>
  part.includes("~") || part.includes(",") ? part.replaceAll("~", "~0").replaceAll(",", "~1") : part;

export interface CounterDocument extends Document {
  /** First number of the sequence that is not reserved. `_id`: its name. */
  readonly next: number;
}
export const COUNTERS: CollectionSpec<CounterDocument> = {
  name: "counters",
  fields: { next: "int" },
  required: ["next"],
  indexes: [],
  durability: "full",
};

export interface ManagedObjectDocument extends Document {
  readonly tenant: string;
  readonly type?: string;
  readonly name?: string;
  readonly owner?: string;
  readonly typeWords?: readonly string[];
  readonly nameWords?: readonly string[];
  readonly ownerWords?: readonly string[];
  readonly creationTime: number;
  readonly lastUpdated: number;
  readonly custom: JsonObject;
}
export const MANAGED_OBJECTS: CollectionSpec<ManagedObjectDocument> = {
  name: "managedObjects",
  fields: {
    tenant: "string",
    type: "string",
    name: "string",
    owner: "string",
    typeWords: "strings",
    nameWords: "strings",
    ownerWords: "strings",
    creationTime: "time",
    lastUpdated: "time",
  },
  required: ["tenant", "creationTime", "lastUpdated"],
  coarse: ["tenant", "type", "owner"],
  indexes: [by("tenant", "_id"), by("tenant", "type", "_id"), by("tenant", "owner", "_id"), by("tenant", "name")],
  durability: "full",
};

/** One parent and child. `_id`: `keyOf(kind, parent, child)`. */
export interface ChildReferenceDocument extends Document {
  readonly tenant: string;
  readonly kind: "childDevices" | "childAssets" | "childAdditions";
  readonly parent: string;
  readonly child: string;
}
export const CHILD_REFERENCES: CollectionSpec<ChildReferenceDocument> = {
  name: "childReferences",
  fields: { tenant: "string", kind: "string", parent: "string", child: "string" },
  required: ["tenant", "kind", "parent", "child"],
  coarse: ["kind"],
  indexes: [by("parent", "kind", "_id"), by("child", "kind", "_id")],
  durability: "full",
};

/** `_id`: `keyOf(tenant, type, externalId)`, which makes the pair unique per tenant. */
export interface ExternalIdDocument extends Document {
  readonly tenant: string;
  readonly type: string;
  readonly externalId: string;
  readonly managedObject: string;
  readonly words: readonly string[];
}
export const EXTERNAL_IDS: CollectionSpec<ExternalIdDocument> = {
  name: "externalIds",
  fields: { tenant: "string", type: "string", externalId: "string", managedObject: "string", words: "strings" },
  required: ["tenant", "type", "externalId", "managedObject", "words"],
  indexes: [by("managedObject", "_id")],
  durability: "full",
};

export interface AlarmDocument extends Document {
  readonly tenant: string;
  readonly source: string;
  readonly type: string;
  readonly text: string;
  readonly severity: "CRITICAL" | "MAJOR" | "MINOR" | "WARNING";
  readonly status: "ACTIVE" | "ACKNOWLEDGED" | "CLEARED";
  readonly time: number;
  readonly firstOccurrenceTime: number;
  readonly creationTime: number;
  readonly lastUpdated: number;
  readonly count: number;
  /** {@link openAlarmKey} while ACTIVE or ACKNOWLEDGED, {@link clearedAlarmKey} afterwards: one open alarm per source and type. */
  readonly activeKey: string;
  readonly custom: JsonObject;
}
export const openAlarmKey = (source: string, type: string): string => keyOf("A", source, type);
export const clearedAlarmKey = (alarmId: string): string => keyOf("C", alarmId);
export const ALARMS: CollectionSpec<AlarmDocument> = {
  name: "alarms",
  fields: {
    tenant: "string",
    source: "string",
    type: "string",
    severity: "string",
    status: "string",
    time: "time",
    creationTime: "time",
    lastUpdated: "time",
    count: "int",
    activeKey: "string",
  },
  required: [
    "tenant",
    "source",
    "type",
    "severity",
    "status",
    "time",
    "creationTime",
    "lastUpdated",
    "count",
    "activeKey",
  ],
  coarse: ["tenant", "status"],
  indexes: [uniqueBy("activeKey"), by("source", "time"), by("tenant", "status", "time"), by("tenant", "time")],
  durability: "full",
};

export interface EventDocument extends Document {
  readonly tenant: string;
  readonly source: string;
  readonly type: string;
  readonly text: string;
  readonly time: number;
  readonly creationTime: number;
  readonly lastUpdated: number;
  readonly custom: JsonObject;
}
export const EVENTS: CollectionSpec<EventDocument> = {
  name: "events",
  fields: {
    tenant: "string",
    source: "string",
    type: "string",
    time: "time",
    creationTime: "time",
    lastUpdated: "time",
  },
  required: ["tenant", "source", "type", "time", "creationTime", "lastUpdated"],
  coarse: ["tenant", "type"],
  indexes: [by("source", "time"), by("tenant", "time"), by("tenant", "type", "time")],
  durability: "full",
};

export interface OperationDocument extends Document {
  readonly tenant: string;
  readonly deviceId: string;
  readonly status: "PENDING" | "EXECUTING" | "SUCCESSFUL" | "FAILED";
  readonly creationTime: number;
  readonly lastUpdated: number;
  readonly description?: string;
  readonly failureReason?: string;
  readonly bulkOperationId?: number;
  readonly custom: JsonObject;
  /** Progress of a running operation, for the part that runs it. */
  readonly details?: JsonObject;
}
export const OPERATIONS: CollectionSpec<OperationDocument> = {
  name: "operations",
  fields: {
    tenant: "string",
    deviceId: "string",
    status: "string",
    creationTime: "time",
    lastUpdated: "time",
    bulkOperationId: "int",
  },
  required: ["tenant", "deviceId", "status", "creationTime", "lastUpdated"],
  coarse: ["tenant", "status"],
  indexes: [
    by("deviceId", "status", "_id"),
    by("tenant", "_id"),
    by("tenant", "status", "_id"),
    by("bulkOperationId", "_id"),
  ],
  durability: "full",
};

/** What the host knows of an endpoint before it registers: security, settings, its managed object. `_id`: endpoint. */
export interface DeviceDocument extends Document {
  readonly tenant: string;
  readonly managedObject: string;
  readonly securityMode: string;
  /** {@link pskIdentityKey} of what the device comes with over DTLS, else {@link noIdentityKey}: unique over all tenants. */
  readonly serverIdentity: string;
  readonly bootstrapIdentity: string;
  /** Its accounts have changed, what shows of them elsewhere has not yet. */
  readonly settling?: boolean;
  readonly details: JsonObject;
}
const NO_IDENTITY = "none,";
export const pskIdentityKey = (identity: string): string => keyOf("psk", identity);
export const noIdentityKey = (endpoint: string): string => NO_IDENTITY + endpoint;
export const DEVICES: CollectionSpec<DeviceDocument> = {
  name: "devices",
  fields: {
    tenant: "string",
    managedObject: "string",
    securityMode: "string",
    serverIdentity: "string",
    bootstrapIdentity: "string",
    settling: "bool",
  },
  required: ["tenant", "managedObject", "securityMode"],
  filled: { serverIdentity: NO_IDENTITY, bootstrapIdentity: NO_IDENTITY },
  coarse: ["tenant"],
  indexes: [
    by("tenant", "_id"),
    by("managedObject"),
    by("settling"),
    uniqueBy("serverIdentity"),
    uniqueBy("bootstrapIdentity"),
  ],
  durability: "full",
};

/** A live registration. `_id`: endpoint, so that there is one at most. */
export interface RegistrationDocument extends Document {
  readonly tenant: string;
  readonly managedObject: string;
  readonly registrationId: string;
  /** The node that owns it. */
  readonly node: string;
  readonly registeredAt: number;
  readonly updatedAt: number;
  /** End of lifetime and grace. */
  readonly expireAt: number;
  readonly details: JsonObject;
}
export const REGISTRATIONS: CollectionSpec<RegistrationDocument> = {
  name: "registrations",
  fields: {
    tenant: "string",
    managedObject: "string",
    registrationId: "string",
    node: "string",
    registeredAt: "time",
    updatedAt: "time",
    expireAt: "time",
  },
  required: ["tenant", "managedObject", "registrationId", "node", "registeredAt", "updatedAt", "expireAt"],
  coarse: ["node"],
  indexes: [uniqueBy("registrationId"), by("managedObject"), by("expireAt"), by("node", "_id")],
  durability: "full",
};

/** A live observation. `_id`: `keyOf(endpoint, path)`, one per path. */
export interface ObservationDocument extends Document {
  readonly tenant: string;
  readonly endpoint: string;
  readonly path: string;
  readonly registrationId: string;
  readonly node: string;
  /** Lower-case hexadecimal. */
  readonly token: string;
  readonly createdAt: number;
  readonly details: JsonObject;
}
export const OBSERVATIONS: CollectionSpec<ObservationDocument> = {
  name: "observations",
  fields: {
    tenant: "string",
    endpoint: "string",
    path: "string",
    registrationId: "string",
    node: "string",
    token: "string",
    createdAt: "time",
  },
  required: ["tenant", "endpoint", "path", "registrationId", "node", "token", "createdAt"],
  coarse: ["node"],
  indexes: [by("endpoint", "_id"), by("node", "_id")],
  durability: "full",
};

/** The last known values of an object instance. `_id`: `keyOf(managedObject, object, instance)`. */
export interface LastValuesDocument extends Document {
  readonly tenant: string;
  readonly managedObject: string;
  readonly object: number;
  readonly instance: number;
  /** Of the newest value. */
  readonly time: number;
  /** By resource id: what is one value. */
  readonly values?: JsonObject;
  /** By resource id: what has instances, by instance id. Kept apart, so that one form can follow the other. */
  readonly instances?: JsonObject;
}
export const LAST_VALUES: CollectionSpec<LastValuesDocument> = {
  name: "lastValues",
  fields: { tenant: "string", managedObject: "string", object: "int", instance: "int", time: "time" },
  required: ["tenant", "managedObject", "object", "instance", "time"],
  indexes: [by("managedObject", "_id")],
  durability: "normal",
};

/** Bytes for a decoder, kept before the device is acknowledged. `_id` names the notification, so that a repeat stores once. */
export interface RawPayloadDocument extends Document {
  readonly tenant: string;
  readonly managedObject: string;
  readonly endpoint: string;
  readonly path: string;
  readonly time: number;
  readonly bytes: Uint8Array;
  readonly decoder: string;
  readonly decoderVersion?: string;
  readonly status: "PENDING" | "IN_PROGRESS" | "ERROR" | "DONE";
  /** Calls of its decoder that failed or ended it; from zero when it comes again. */
  readonly attempts: number;
  /** PENDING after a failed call: not to be tried again before. */
  readonly notBefore?: number;
  readonly details: JsonObject;
}
export const RAW_PAYLOADS: CollectionSpec<RawPayloadDocument> = {
  name: "rawPayloads",
  fields: {
    tenant: "string",
    managedObject: "string",
    endpoint: "string",
    path: "string",
    time: "time",
    bytes: "bytes",
    decoder: "string",
    status: "string",
    attempts: "int",
    notBefore: "time",
  },
  required: ["tenant", "managedObject", "endpoint", "path", "time", "decoder", "status", "attempts"],
  coarse: ["status", "tenant", "decoder"],
  indexes: [by("status", "tenant", "decoder", "time", "notBefore"), by("managedObject", "time"), by("time")],
  durability: "normal",
};

/** A stretch of kept payloads that is decoded again. `_id`: a number, ascending. Its progress is stored with what it stores. */
export interface RedecodeDocument extends Document {
  readonly tenant: string;
  readonly decoder: string;
  readonly state: "RUNNING" | "DONE" | "CANCELLED" | "FAILED";
  /** The node that runs it. */
  readonly node: string;
  readonly creationTime: number;
  readonly details: JsonObject;
}
export const REDECODES: CollectionSpec<RedecodeDocument> = {
  name: "redecodes",
  fields: { tenant: "string", decoder: "string", state: "string", node: "string", creationTime: "time" },
  required: ["tenant", "decoder", "state", "node", "creationTime"],
  coarse: ["tenant", "state", "node"],
  indexes: [by("tenant", "decoder", "_id"), by("node", "state", "_id")],
  durability: "normal",
};

/** `_id`: the tenant's name. */
export interface TenantDocument extends Document {
  readonly creationTime: number;
  readonly details: JsonObject;
}
export const TENANTS: CollectionSpec<TenantDocument> = {
  name: "tenants",
  fields: { creationTime: "time" },
  required: ["creationTime"],
  indexes: [],
  durability: "full",
};

/** `_id`: `keyOf(tenant, userName)`. */
export interface UserDocument extends Document {
  readonly tenant: string;
  readonly userName: string;
  readonly enabled: boolean;
  readonly isDevice: boolean;
  readonly roles: readonly string[];
  /** Never leaves the host. */
  readonly passwordHash: string;
  readonly creationTime: number;
  readonly details: JsonObject;
}
export const USERS: CollectionSpec<UserDocument> = {
  name: "users",
  fields: {
    tenant: "string",
    userName: "string",
    enabled: "bool",
    isDevice: "bool",
    roles: "strings",
    creationTime: "time",
  },
  required: ["tenant", "userName", "enabled", "isDevice", "roles", "creationTime"],
  coarse: ["tenant", "isDevice"],
  indexes: [by("tenant", "isDevice", "userName")],
  durability: "full",
};

/** One option of a tenant (platform API 15). `_id`: `keyOf(tenant, category, key)`. */
export interface TenantOptionDocument extends Document {
  readonly tenant: string;
  readonly category: string;
  readonly key: string;
  /** Sealed where `sealed`. */
  readonly value: string;
  readonly sealed: boolean;
}
export const TENANT_OPTIONS: CollectionSpec<TenantOptionDocument> = {
  name: "tenantOptions",
  fields: { tenant: "string", category: "string", key: "string", sealed: "bool" },
  required: ["tenant", "category", "key", "sealed"],
  coarse: ["tenant"],
  indexes: [by("tenant", "category", "_id")],
  durability: "full",
};

/** A certificate whose devices a tenant trusts. `_id`: `keyOf(tenant, fingerprint)`. */
export interface TrustedCertificateDocument extends Document {
  readonly tenant: string;
  readonly name: string;
  readonly status: "ENABLED" | "DISABLED";
  readonly autoRegistrationEnabled: boolean;
  readonly pem: string;
}
export const TRUSTED_CERTIFICATES: CollectionSpec<TrustedCertificateDocument> = {
  name: "trustedCertificates",
  fields: { tenant: "string", status: "string" },
  required: ["tenant", "status"],
  coarse: ["tenant"],
  indexes: [by("tenant", "_id")],
  durability: "full",
};

/**
 * The bytes of one upload, or of one that is being received; the newest of a managed object counts. `_id`: a number, ascending.
 * `uploading`: its chunks come; `complete`: all of them are there, what follows from it may not be; `stored`: nothing is left to do.
 */
export interface BinaryDocument extends Document {
  readonly tenant: string;
  /** Absent while it is `uploading`. */
  readonly managedObject?: string;
  readonly state: "uploading" | "complete" | "stored";
  /** The node that receives it. */
  readonly node: string;
  readonly contentType?: string;
  readonly length?: number;
  /** Lower-case hexadecimal. */
  readonly sha256?: string;
}
export const BINARIES: CollectionSpec<BinaryDocument> = {
  name: "binaries",
  fields: { tenant: "string", managedObject: "string", state: "string", node: "string" },
  required: ["tenant", "state", "node"],
  coarse: ["tenant", "state", "node"],
  indexes: [by("managedObject", "_id"), by("node", "state", "_id")],
  durability: "full",
};

/** One piece of a binary. `_id`: `keyOf(binary, number)`, 0 the first. */
export interface BinaryChunkDocument extends Document {
  readonly binary: string;
  readonly bytes: Uint8Array;
}
export const BINARY_CHUNKS: CollectionSpec<BinaryChunkDocument> = {
  name: "binaryChunks",
  fields: { binary: "string", bytes: "bytes" },
  required: ["binary", "bytes"],
  indexes: [by("binary", "_id")],
  durability: "full",
};

/** Firmware that one device may fetch for one operation. `_id`: the token, a secret between host and device. */
export interface FirmwareDownloadDocument extends Document {
  readonly tenant: string;
  readonly deviceId: string;
  readonly operation: string;
  /** Managed object of the binary, and which bytes of it. */
  readonly binary: string;
  readonly content: string;
  /** End of the furthest byte that was handed out; behind by some seconds. */
  readonly reached: number;
}
export const FIRMWARE_DOWNLOADS: CollectionSpec<FirmwareDownloadDocument> = {
  name: "firmwareDownloads",
  fields: { tenant: "string", deviceId: "string", operation: "string" },
  required: ["tenant", "deviceId", "operation"],
  coarse: ["tenant"],
  indexes: [uniqueBy("operation")],
  durability: "full",
};

/** How far a package has come that goes out block by block. `_id`: the operation. Written before each block; may be some blocks behind after power loss. */
export interface FirmwarePositionDocument extends Document {
  readonly deviceId: string;
  /** Which bytes. */
  readonly content: string;
  /** Position of the transfer, as `coap/endpoint.ts` has it. */
  readonly details: JsonObject;
}
export const FIRMWARE_POSITIONS: CollectionSpec<FirmwarePositionDocument> = {
  name: "firmwarePositions",
  fields: { deviceId: "string", content: "string" },
  required: ["deviceId", "content"],
  indexes: [by("deviceId", "_id")],
  durability: "normal",
};

/** A firmware campaign. `PREPARING`: its devices are being written. */
export interface CampaignDocument extends Document {
  readonly tenant: string;
  readonly state: "PREPARING" | "CREATED" | "RUNNING" | "PAUSED" | "HALTED" | "COMPLETED" | "CANCELLED";
  /** The node that runs it. */
  readonly node: string;
  readonly creationTime: number;
  readonly details: JsonObject;
}
export const CAMPAIGNS: CollectionSpec<CampaignDocument> = {
  name: "campaigns",
  fields: { tenant: "string", state: "string", node: "string", creationTime: "time" },
  required: ["tenant", "state", "node", "creationTime"],
  coarse: ["tenant", "state", "node"],
  indexes: [by("tenant", "_id"), by("node", "state", "_id")],
  durability: "full",
};

/** A device of a campaign. `_id`: `keyOf(campaign, device)`. */
export interface CampaignDeviceDocument extends Document {
  readonly tenant: string;
  readonly campaign: string;
  readonly device: string;
  /** 0 the first. */
  readonly wave: number;
  /** `SENDING`: `operation` may not be made yet; under that id it is, once. */
  readonly state: "WAITING" | "SENDING" | "SENT" | "RETRYING" | "SUCCESSFUL" | "FAILED";
  readonly operation?: string;
  readonly attempts: number;
  /** When it is tried again. */
  readonly dueAt?: number;
  readonly reason?: string;
}
export const CAMPAIGN_DEVICES: CollectionSpec<CampaignDeviceDocument> = {
  name: "campaignDevices",
  fields: {
    tenant: "string",
    campaign: "string",
    device: "string",
    wave: "int",
    state: "string",
    operation: "string",
    attempts: "int",
    dueAt: "time",
  },
  required: ["tenant", "campaign", "device", "wave", "state", "attempts"],
  coarse: ["tenant", "state", "wave"],
  indexes: [by("campaign", "state", "wave", "_id"), by("campaign", "_id"), by("operation"), by("device")],
  durability: "full",
};

/** A decoder as its owner has it: which version is in force. `_id`: `keyOf(tenant, key)`. */
export interface DecoderDocument extends Document {
  readonly tenant: string;
  readonly key: string;
  /** Absent: what the owner would have without a decoder of its own. */
  readonly active?: string;
  readonly staged?: string;
  readonly lastUpdated: number;
  readonly details: JsonObject;
}
export const DECODERS: CollectionSpec<DecoderDocument> = {
  name: "decoders",
  fields: { tenant: "string", key: "string", active: "string", staged: "string", lastUpdated: "time" },
  required: ["tenant", "key", "lastUpdated"],
  coarse: ["tenant"],
  indexes: [by("tenant", "key")],
  durability: "full",
};

/** An uploaded version. `_id`: `keyOf(tenant, key, version)`, taken for ever: a deleted one stays without its source. */
export interface DecoderVersionDocument extends Document {
  readonly tenant: string;
  readonly key: string;
  readonly version: string;
  /** Names its source. */
  readonly checksum: string;
  readonly creationTime: number;
  readonly deletedAt?: number;
  readonly details: JsonObject;
}
export const DECODER_VERSIONS: CollectionSpec<DecoderVersionDocument> = {
  name: "decoderVersions",
  fields: {
    tenant: "string",
    key: "string",
    version: "string",
    checksum: "string",
    creationTime: "time",
    deletedAt: "time",
  },
  required: ["tenant", "key", "version", "checksum", "creationTime"],
  coarse: ["tenant"],
  indexes: [by("tenant", "key", "creationTime")],
  durability: "full",
};

/** What a version runs. `_id`: `keyOf(tenant, checksum)`. Apart from it, so that versions are listed without their texts. */
export interface DecoderSourceDocument extends Document {
  readonly tenant: string;
  readonly source: string;
}
export const DECODER_SOURCES: CollectionSpec<DecoderSourceDocument> = {
  name: "decoderSources",
  fields: { tenant: "string" },
  required: ["tenant"],
  indexes: [],
  durability: "full",
};

/** What a staged version made of payloads beside the one in force. `_id`: `keyOf(tenant, key, version)`. Some seconds behind. */
export interface ShadowReportDocument extends Document {
  readonly tenant: string;
  readonly key: string;
  readonly version: string;
  readonly details: JsonObject;
}
export const SHADOW_REPORTS: CollectionSpec<ShadowReportDocument> = {
  name: "shadowReports",
  fields: { tenant: "string", key: "string", version: "string" },
  required: ["tenant", "key", "version"],
  coarse: ["tenant"],
  indexes: [by("tenant", "key")],
  durability: "normal",
};

/** A DTLS session (`transport/dtls`). `_id`: its id, 16 hexadecimal digits. */
export interface DtlsSessionDocument extends Document {
  /** The node that owns it, and which of its servers: keys of the index. */
  readonly node: string;
  readonly server: "server" | "bootstrap";
  readonly address: string;
  readonly port: number;
  readonly cid: string;
  readonly principal: string;
  readonly resumptionId: string;
  /** Sequence numbers: highest taken, and end of those that may have been sent. */
  readonly received: number;
  readonly reserved: number;
  readonly createdAt: number;
  readonly seenAt: number;
  /** Sealed. */
  readonly secrets: string;
}
export const DTLS_SESSIONS: CollectionSpec<DtlsSessionDocument> = {
  name: "dtlsSessions",
  fields: {
    node: "string",
    server: "string",
    address: "string",
    port: "int",
    cid: "string",
    principal: "string",
    resumptionId: "string",
    received: "int",
    reserved: "int",
    createdAt: "time",
    seenAt: "time",
    secrets: "string",
  },
  required: ["node", "server"],
  coarse: ["node", "server"],
  indexes: [by("node", "server", "_id")],
  durability: "full",
};

/** A plugin that is not to be active, of the whole host. `_id`: its name. */
export interface PluginStateDocument extends Document {
  readonly at: "DISABLED" | "STOPPED";
  readonly fault?: string;
  readonly changeTime: number;
}
export const PLUGIN_STATES: CollectionSpec<PluginStateDocument> = {
  name: "pluginStates",
  fields: { changeTime: "time" },
  indexes: [],
  durability: "full",
};
/**
 * What one message of a device said, before mapping (`mapping/value-history.ts`). `_id`: day and time of receipt, device and message,
 * so that a device's day is one range and what is old lies at the beginning.
 */
export interface ValueHistoryDocument extends Document {
  /** JSON. */
  readonly message: string;
}
export const VALUE_HISTORY: CollectionSpec<ValueHistoryDocument> = {
  name: "valueHistory",
  fields: { message: "string" },
  required: ["message"],
  indexes: [],
  clustered: true,
  durability: "normal",
};
const DAY_MS = 86_400_000;
const DAY_DIGITS = 6;
const MS_DIGITS = 8;
/** Before the ids of all rows of a day. */
export const historyDay = (atMs: number): string => String(Math.floor(atMs / DAY_MS)).padStart(DAY_DIGITS, "0");
/** The day in an id of a row. */
export const historyDayOf = (id: string): string => id.slice(0, DAY_DIGITS);
/** Before the ids of a device's rows of that day. */
export const historyPrefix = (day: string, deviceId: string): string => `${day}/${deviceId}/`;
/** Before the ids of a device's rows of that very time: an id is this, `/`, and the message's key. */
export const historyPlace = (deviceId: string, atMs: number): string =>
  historyPrefix(historyDay(atMs), deviceId) + String(atMs % DAY_MS).padStart(MS_DIGITS, "0");
/** Ids of a device's rows between two times of one day, both inclusive. */
export const historyRange = (
  deviceId: string,
  fromMs: number,
  toMs: number,
): { readonly $gte: string; readonly $lt: string } => ({
  $gte: historyPlace(deviceId, fromMs),
  $lt: historyPrefix(historyDay(toMs), deviceId) + String((toMs % DAY_MS) + 1).padStart(MS_DIGITS, "0"),
});
/** Time of receipt, device and message key of an id. */
export function readHistoryId(id: string): readonly [receivedAtMs: number, deviceId: string, messageKey: string] {
  const [day, deviceId, ms, ...key] = id.split("/");
  return [Number(day) * DAY_MS + Number(ms), deviceId!, key.join("/")];
}

/** What a store is opened with unless told otherwise; the store adds those of its series. */
export const COLLECTIONS: readonly CollectionSpec[] = [
  COUNTERS,
  MANAGED_OBJECTS,
  CHILD_REFERENCES,
  EXTERNAL_IDS,
  ALARMS,
  EVENTS,
  OPERATIONS,
  DEVICES,
  REGISTRATIONS,
  OBSERVATIONS,
  LAST_VALUES,
  RAW_PAYLOADS,
  REDECODES,
  TENANTS,
  USERS,
  TENANT_OPTIONS,
  TRUSTED_CERTIFICATES,
  BINARIES,
  BINARY_CHUNKS,
  FIRMWARE_DOWNLOADS,
  FIRMWARE_POSITIONS,
  CAMPAIGNS,
  CAMPAIGN_DEVICES,
  DECODERS,
  DECODER_VERSIONS,
  DECODER_SOURCES,
  SHADOW_REPORTS,
  DTLS_SESSIONS,
  PLUGIN_STATES,
  VALUE_HISTORY,
];
