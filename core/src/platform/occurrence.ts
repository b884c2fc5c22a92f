/** What bodies of measurements, events and alarms have in common: what they are about, of which type, when, and fragments. */
import type { JsonSchema } from "../base/schema.ts";
import type { JsonObject } from "../store/collection.ts";
import { asObject, fragmentsOf, requireId, withoutNull } from "./body.ts";
import { parseTime } from "./time.ts";

export interface OccurrenceBody {
  /** `{"id": "4711"}`; an id may come as a number (platform API 2.2). */
  readonly source: { readonly id: unknown };
  readonly type: string;
  readonly time: string;
}

export const OCCURRENCE_PROPERTIES: Readonly<Record<keyof OccurrenceBody, JsonSchema>> = {
  source: {
    type: "object",
    required: ["id"],
    properties: { id: { type: ["string", "integer"], description: "Id of the managed object" } },
  },
  type: { type: "string", minLength: 1 },
  time: { type: "string", description: "ISO 8601 with a zone" },
};

export interface Occurrence {
  readonly sourceId: string;
  readonly type: string;
  readonly timeMs: number;
  readonly fragments: JsonObject;
}

/**
 * @param body checked already
 * @param own  names of members that are no fragments
 * @throws MooringError VALIDATION for an id or a time that is none
 */
export function readOccurrence(body: OccurrenceBody, own: ReadonlySet<string>): Occurrence {
  return {
    sourceId: requireId(body.source.id, "source.id"),
    type: body.type,
    timeMs: parseTime(body.time, "time"),
    fragments: withoutNull(fragmentsOf(asObject(body), own)),
  };
}
