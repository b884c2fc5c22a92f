/** What REST speaks of: inventory, identity, alarms, events, operations, binaries. Measurements are series (`store/series.ts`). */
import type { CollectionSpec, Document, JsonObject } from "../collection.ts";
import { by, keyOf, uniqueBy } from "./keys.ts";

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
