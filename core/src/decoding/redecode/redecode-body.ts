/** What a request may say of decoding again, and of dead letters, checked. */
import { compileSchema, type JsonSchema } from "../../base/schema.ts";
import { formatPath, parsePath } from "../../lwm2m/path.ts";
import { invalid, requireId } from "../../platform/body.ts";
import { parseTime } from "../../platform/time.ts";
import type { PayloadSelection } from "./payload-selection.ts";

export interface NewRedecode {
  /** Absent: the one in force. */
  readonly version?: string;
  readonly selection: PayloadSelection;
  readonly apply: boolean;
}

export interface DeadLetterRequest {
  readonly version?: string;
  readonly selection: PayloadSelection;
}

const MOST_IDS = 1000;
const MOST_PAYLOADS = 1_000_000_000;

const text: JsonSchema = { type: "string", minLength: 1, maxLength: 255 };
const id: JsonSchema = { type: ["string", "integer"] };
const strict = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: "object",
  additionalProperties: false,
  properties,
});
const SELECTION = { dateFrom: text, dateTo: text, deviceId: id, path: text };

interface SelectionBody {
  readonly dateFrom?: string;
  readonly dateTo?: string;
  readonly deviceId?: string | number;
  readonly path?: string;
}

const checkRedecode = compileSchema<
  SelectionBody & {
    readonly version?: string;
    readonly status?: readonly ("DONE" | "ERROR")[];
    readonly limit?: number;
    readonly apply?: boolean;
  }
>(
  strict({
    ...SELECTION,
    version: text,
    status: { type: "array", minItems: 1, uniqueItems: true, items: { type: "string", enum: ["DONE", "ERROR"] } },
    limit: { type: "integer", minimum: 1, maximum: MOST_PAYLOADS },
    apply: { type: "boolean" },
  }),
);

const checkDeadLetters = compileSchema<
  SelectionBody & { readonly version?: string; readonly ids?: readonly string[]; readonly reason?: string }
>(
  strict({
    ...SELECTION,
    version: text,
    ids: { type: "array", minItems: 1, maxItems: MOST_IDS, items: text },
    reason: text,
  }),
);

function readPath(text: string): string {
  const path = parsePath(text);
  if (path.length < 3) throw invalid("path", "must name a resource or a resource instance, as /33456/0/123");
  return formatPath(path);
}

function readSelection({ dateFrom, dateTo, deviceId, path }: SelectionBody): Omit<PayloadSelection, "statuses"> {
  const fromMs = dateFrom === undefined ? undefined : parseTime(dateFrom, "dateFrom");
  const toMs = dateTo === undefined ? undefined : parseTime(dateTo, "dateTo");
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs)
    throw invalid("dateFrom", "must not be after dateTo");
  return {
    ...(fromMs !== undefined && { fromMs }),
    ...(toMs !== undefined && { toMs }),
    ...(deviceId !== undefined && { deviceId: requireId(deviceId, "deviceId") }),
    ...(path !== undefined && { path: readPath(path) }),
  };
}

/** @throws MooringError VALIDATION naming member and rule, PATH_INVALID */
export function readRedecode(body: unknown): NewRedecode {
  const { version, status = ["DONE", "ERROR"], limit, apply = false, ...stretch } = checkRedecode(body);
  const selection = { ...readSelection(stretch), statuses: status, ...(limit !== undefined && { limit }) };
  return { selection, apply, ...(version !== undefined && { version }) };
}

/**
 * `{ids?, deviceId?, path?, reason?, dateFrom?, dateTo?, version?}`; what is not said does not narrow.
 * @throws MooringError VALIDATION, PATH_INVALID
 */
export function readDeadLetters(body: unknown): DeadLetterRequest {
  const { version, ids, reason, ...stretch } = checkDeadLetters(body);
  const selection = {
    ...readSelection(stretch),
    statuses: ["ERROR"] as const,
    ...(ids !== undefined && { ids: [...new Set(ids)] }),
    ...(reason !== undefined && { reason }),
  };
  return { selection, ...(version !== undefined && { version }) };
}
