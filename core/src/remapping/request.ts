/** What a body asks of a plan. */
import { MooringError } from "../base/errors.ts";
import { compileSchema } from "../base/schema.ts";
import { requireId } from "../platform/body.ts";
import { parseTime } from "../platform/time.ts";
import type { RemappingRequest } from "./remapping.ts";

interface Body {
  readonly deviceId: unknown;
  readonly protocol: unknown;
  readonly dateFrom?: string;
  readonly dateTo?: string;
  readonly plan?: string;
}

const check = compileSchema<Body>({
  type: "object",
  properties: {
    deviceId: {},
    protocol: {},
    dateFrom: { type: "string" },
    dateTo: { type: "string" },
    plan: { type: "string" },
  },
  required: ["deviceId", "protocol"],
  additionalProperties: false,
});

const LARGEST_ID = 65_534;

/**
 * @param objectId of the path
 * @param body     `{deviceId, protocol, dateFrom?, dateTo?, plan?}`, unchecked; times in ISO 8601
 * @throws MooringError VALIDATION {field, rule}
 */
export function readRequest(objectId: string, body: unknown): RemappingRequest & { readonly plan: string | undefined } {
  if (!/^\d{1,5}$/.test(objectId) || Number(objectId) > LARGEST_ID) {
    throw new MooringError("VALIDATION", `"${objectId}" is no object`, {
      field: "objectId",
      rule: `must be 0 to ${LARGEST_ID}`,
    });
  }
  const { deviceId, protocol, dateFrom, dateTo, plan } = check(body);
  return {
    objectId: Number(objectId),
    deviceId: requireId(deviceId, "deviceId"),
    protocol,
    ...(dateFrom !== undefined && { fromMs: parseTime(dateFrom, "dateFrom") }),
    ...(dateTo !== undefined && { toMs: parseTime(dateTo, "dateTo") }),
    plan,
  };
}
