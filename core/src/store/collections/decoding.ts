/** Payloads for decoders, and decoders with their versions. */
import type { CollectionSpec, Document, JsonObject } from "../collection.ts";
import { by } from "./keys.ts";

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
  concludes: 1,
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
  concludes: 2,
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
