/** Bodies of requests about decoders, checked. */
import { fromHex } from "../../base/bytes.ts";
import { compileSchema } from "../../base/schema.ts";
import { VECTOR_DEFAULTS } from "../../contract/decoder-vector.ts";
import { parsePath } from "../../lwm2m/path.ts";
import { RESOURCE_TYPES, type ResourceType } from "../../lwm2m/resource-value.ts";
import { invalid } from "../../platform/body.ts";
import { parseTime } from "../../platform/time.ts";

const version = { type: "string", minLength: 1, maxLength: 64 } as const;

export interface TestRequest {
  readonly version?: string;
  readonly value: Uint8Array;
  readonly resourcePath: string;
  readonly resourceType: ResourceType;
  /** ISO 8601; absent: now. */
  readonly receivedAt?: string;
  /** A device whose fragments the decoder sees. */
  readonly sourceDeviceId?: string;
}

interface TestBody {
  readonly version?: string;
  readonly value: string;
  readonly args?: { readonly resourcePath?: string };
  readonly resourceType?: ResourceType;
  readonly receivedAt?: string;
  readonly sourceDeviceId?: string;
}

/** Of a payload, in hexadecimal digits: more than any sandbox takes. */
const LONGEST_VALUE = 2 * 1024 * 1024;

const checkTest = compileSchema<TestBody>({
  type: "object",
  required: ["value"],
  additionalProperties: false,
  properties: {
    version,
    value: {
      type: "string",
      maxLength: LONGEST_VALUE,
      pattern: "^([0-9a-fA-F]{2})*$",
      patternRule: "must be bytes in hexadecimal, two digits each",
    },
    args: {
      type: "object",
      additionalProperties: false,
      properties: { resourcePath: { type: "string", maxLength: 64 } },
    },
    resourceType: { enum: RESOURCE_TYPES },
    receivedAt: { type: "string" },
    sourceDeviceId: { type: "string", pattern: "^\\d{1,30}$", patternRule: "must be the id of a managed object" },
  },
});

function checkResourcePath(path: string): void {
  try {
    if (parsePath(path).length >= 3) return;
  } catch {
    // Said below, with the name that the member has here.
  }
  throw invalid("args.resourcePath", "must be the path of a resource, as /33456/0/123");
}

/** @throws MooringError VALIDATION with `details {field, rule}` */
export function readTestRequest(body: unknown): TestRequest {
  const { value, args = {}, resourceType = VECTOR_DEFAULTS.resourceType, ...rest } = checkTest(body);
  const { resourcePath = VECTOR_DEFAULTS.resourcePath } = args;
  checkResourcePath(resourcePath);
  if (rest.receivedAt !== undefined) parseTime(rest.receivedAt, "receivedAt");
  return { ...rest, value: fromHex(value), resourcePath, resourceType };
}

export interface ActivateRequest {
  /** Absent: the staged one. */
  readonly version?: string;
  /** Whatever its report says. */
  readonly force?: boolean;
  /** In percent, instead of the host's limit. */
  readonly maxDifferent?: number;
}

/** @throws MooringError VALIDATION with `details {field, rule}` */
export const readActivateRequest = compileSchema<ActivateRequest>({
  type: "object",
  additionalProperties: false,
  properties: {
    version,
    force: { type: "boolean" },
    maxDifferent: { type: "number", minimum: 0, maximum: 100 },
  },
});

/** Which of the kept payloads: the newest ones of a stretch of time. */
export interface RecordedRequest {
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly limit: number;
}

export interface StageRequest {
  readonly version: string;
  readonly recorded?: RecordedRequest;
}

interface StageBody {
  readonly version: string;
  readonly recorded?: {
    readonly days?: number;
    readonly dateFrom?: string;
    readonly dateTo?: string;
    readonly limit?: number;
  };
}

const USUAL_RECORDED = 10_000;
const MOST_RECORDED = 1_000_000;
const DAY_MS = 86_400_000;

const checkStage = compileSchema<StageBody>({
  type: "object",
  required: ["version"],
  additionalProperties: false,
  properties: {
    version,
    recorded: {
      type: "object",
      additionalProperties: false,
      properties: {
        days: { type: "number", exclusiveMinimum: 0, maximum: 3650 },
        dateFrom: { type: "string" },
        dateTo: { type: "string" },
        limit: { type: "integer", minimum: 1, maximum: MOST_RECORDED },
      },
    },
  },
});

/** @throws MooringError VALIDATION with `details {field, rule}` */
export function readStageRequest(body: unknown, nowMs: number): StageRequest {
  const { version: staged, recorded } = checkStage(body);
  if (!recorded) return { version: staged };
  const { days, dateFrom, dateTo, limit = USUAL_RECORDED } = recorded;
  if (days !== undefined && dateFrom !== undefined) throw invalid("recorded", "must have either days or dateFrom");
  const toMs = dateTo === undefined ? undefined : parseTime(dateTo, "recorded.dateTo");
  const fromMs = dateFrom === undefined ? undefined : parseTime(dateFrom, "recorded.dateFrom");
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) {
    throw invalid("recorded.dateTo", "must not lie before dateFrom");
  }
  const first = days === undefined ? fromMs : (toMs ?? nowMs) - Math.round(days * DAY_MS);
  return {
    version: staged,
    recorded: { ...(first !== undefined && { fromMs: first }), ...(toMs !== undefined && { toMs }), limit },
  };
}
