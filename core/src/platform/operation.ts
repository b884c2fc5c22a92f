/** Operations: what a body may say, the stored form, and what a change becomes (platform API 11). */
import { MooringError } from "../base/errors.ts";
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import type { JsonObject, Update } from "../store/collection.ts";
import type { OperationDocument } from "../store/collections/platform.ts";
import { asObject, fragmentsOf, requireId, withoutNull } from "./body.ts";
import { fragmentChanges } from "./merge.ts";
import type { Fragments, Operation, OperationStatus } from "./platform.ts";

export const OPERATION_STATUSES: readonly OperationStatus[] = ["PENDING", "EXECUTING", "SUCCESSFUL", "FAILED"];

const OWN = new Set([
  "id",
  "self",
  "deviceId",
  "deviceName",
  "deviceExternalIDs",
  "status",
  "creationTime",
  "lastUpdated",
  "description",
  "failureReason",
  "bulkOperationId",
]);

const NEW_OPERATION_SCHEMA: JsonSchema = {
  type: "object",
  required: ["deviceId"],
  properties: {
    deviceId: { type: ["string", "integer"], description: "Id of the managed object" },
    description: { type: ["string", "null"] },
    bulkOperationId: { type: ["integer", "null"] },
  },
};

const OPERATION_CHANGE_SCHEMA: JsonSchema = {
  type: "object",
  required: ["status"],
  properties: {
    status: { type: "string", enum: OPERATION_STATUSES },
    failureReason: { type: ["string", "null"] },
    description: { type: ["string", "null"] },
  },
};

interface OperationBody {
  readonly deviceId: unknown;
  readonly description?: string | null;
  readonly bulkOperationId?: number | null;
}
const checkBody = compileSchema<OperationBody>(NEW_OPERATION_SCHEMA);
const checkChange = compileSchema<{
  readonly status: OperationStatus;
  readonly failureReason?: string | null;
  readonly description?: string | null;
}>(OPERATION_CHANGE_SCHEMA);

/** @throws MooringError VALIDATION */
export function newOperationDocument(tenant: string, id: string, body: unknown, nowMs: number): OperationDocument {
  const { deviceId, description, bulkOperationId } = checkBody(body);
  return {
    _id: id,
    tenant,
    deviceId: requireId(deviceId, "deviceId"),
    status: "PENDING",
    creationTime: nowMs,
    lastUpdated: nowMs,
    ...(typeof description === "string" ? { description } : {}),
    ...(typeof bulkOperationId === "number" ? { bulkOperationId } : {}),
    custom: withoutNull(fragmentsOf(asObject(body), OWN)),
  };
}

export function toOperation(document: OperationDocument, deviceName: string | undefined): Operation {
  const { description, bulkOperationId, failureReason, details } = document;
  return {
    id: document._id,
    deviceId: document.deviceId,
    ...(deviceName === undefined ? {} : { deviceName }),
    status: document.status,
    creationTimeMs: document.creationTime,
    lastUpdatedMs: document.lastUpdated,
    ...(failureReason === undefined ? {} : { failureReason }),
    fragments: {
      ...(description === undefined ? {} : { description }),
      ...(bulkOperationId === undefined ? {} : { bulkOperationId }),
      ...document.custom,
    },
    ...(details === undefined ? {} : { details }),
  };
}

type TextMember = "description" | "failureReason";
const TEXT_MEMBERS: readonly TextMember[] = ["description", "failureReason"];

/**
 * `status` is demanded, in the platform's own words (platform API 11.1).
 * @param details null removes them. @throws MooringError VALIDATION
 */
export function operationChange(
  body: Fragments,
  nowMs: number,
  details?: JsonObject | null,
): Update<OperationDocument> {
  if (asObject(body)["status"] === undefined) {
    throw new MooringError("VALIDATION", "Following mandatory fields should be included: status", {
      field: "status",
      rule: "is missing",
    });
  }
  const checked = checkChange(body);
  const texts = TEXT_MEMBERS.filter(member => checked[member] !== undefined);
  const present = texts.filter(member => checked[member] !== null);
  const absent = texts.filter(member => checked[member] === null);
  const { $set, $unset } = fragmentChanges(fragmentsOf(body, OWN));
  return {
    $set: {
      ...$set,
      ...Object.fromEntries(present.map(member => [member, checked[member]])),
      status: checked.status,
      lastUpdated: nowMs,
      ...(details ? { details } : {}),
    },
    $unset: {
      ...$unset,
      ...Object.fromEntries(absent.map(member => [member, true])),
      ...(details === null ? { details: true as const } : {}),
    },
  };
}
