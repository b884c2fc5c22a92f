/** Values of resources, as everything above the codecs sees them. */
import type { Lwm2mPath } from "./path.ts";

/** LwM2M Core 1.1.1 appendix C; the names are those of the stored device protocols (agent specification 7.1). */
export const RESOURCE_TYPES = [
  "STRING",
  "INTEGER",
  "UNSIGNED_INTEGER",
  "FLOAT",
  "BOOLEAN",
  "OPAQUE",
  "TIME",
  "OBJECTLINK",
  "CORELINK",
] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

export interface ObjectLinkValue {
  readonly objectId: number;
  readonly instanceId: number;
}

/**
 * What a value of each type is here:
 * STRING, CORELINK: string. INTEGER, UNSIGNED_INTEGER: number while it is a safe integer, else bigint (64 bits).
 * FLOAT: number. BOOLEAN: boolean. OPAQUE: Uint8Array. TIME: seconds since 1970-01-01 UTC, as INTEGER. OBJECTLINK: ObjectLinkValue.
 */
export type ScalarValue = string | number | bigint | boolean | Uint8Array | ObjectLinkValue;

/** One resource (three ids) or resource instance (four ids) with its typed value. */
export interface ResourceValue {
  readonly path: Lwm2mPath;
  readonly type: ResourceType;
  readonly value: ScalarValue;
  /** The value's own time in ms since the epoch, where the payload carried one (SenML). */
  readonly atMs?: number;
}

export const isObjectLink = (value: ScalarValue): value is ObjectLinkValue =>
  typeof value === "object" && !(value instanceof Uint8Array);
