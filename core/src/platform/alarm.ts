/** Alarms: what a body may say, the stored form, and the two writes of an alarm's life (platform API 9). */
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import type { JsonObject, Update } from "../store/collection.ts";
import { ALARMS, type AlarmDocument, clearedAlarmKey, openAlarmKey } from "../store/collections/platform.ts";
import { updateOp, type WriteOp } from "../store/store.ts";
import { asObject, fragmentsOf, invalid, toJson } from "./body.ts";
import { changesNothing, fragmentChanges } from "./merge.ts";
import { OCCURRENCE_PROPERTIES, type OccurrenceBody, readOccurrence } from "./occurrence.ts";
import type { Alarm, AlarmStatus, Fragments, Severity } from "./platform.ts";

export const SEVERITIES: readonly Severity[] = ["CRITICAL", "MAJOR", "MINOR", "WARNING"];
export const ALARM_STATUSES: readonly AlarmStatus[] = ["ACTIVE", "ACKNOWLEDGED", "CLEARED"];

const OWN = new Set([
  "id",
  "self",
  "source",
  "type",
  "text",
  "severity",
  "status",
  "time",
  "firstOccurrenceTime",
  "count",
  "creationTime",
  "lastUpdated",
]);

const NEW_ALARM_SCHEMA: JsonSchema = {
  type: "object",
  required: ["source", "type", "text", "severity", "time"],
  properties: {
    ...OCCURRENCE_PROPERTIES,
    text: { type: "string" },
    severity: { type: "string", enum: SEVERITIES },
    status: { type: "string", enum: ALARM_STATUSES },
  },
};

const ALARM_CHANGE_SCHEMA: JsonSchema = {
  type: "object",
  properties: {
    text: { type: "string" },
    severity: { type: "string", enum: SEVERITIES },
    status: { type: "string", enum: ALARM_STATUSES },
  },
};

interface AlarmBody extends OccurrenceBody {
  readonly text: string;
  readonly severity: Severity;
  readonly status?: AlarmStatus;
}
const checkBody = compileSchema<AlarmBody>(NEW_ALARM_SCHEMA);
const checkChange = compileSchema<Partial<Pick<AlarmBody, "text" | "severity" | "status">>>(ALARM_CHANGE_SCHEMA);

/** An occurrence, as REST, the mapping or the agent reports it. */
export interface NewAlarm {
  readonly sourceId: string;
  readonly type: string;
  readonly text: string;
  readonly severity: Severity;
  readonly status: AlarmStatus;
  readonly timeMs: number;
  readonly fragments: Fragments;
}

/** @throws MooringError VALIDATION */
export function parseAlarm(body: unknown): NewAlarm {
  const checked = checkBody(body);
  const { text, severity, status = "ACTIVE" } = checked;
  return { ...readOccurrence(checked, OWN), text, severity, status };
}

export const toAlarm = (document: AlarmDocument): Alarm => ({
  id: document._id,
  sourceId: document.source,
  type: document.type,
  text: document.text,
  severity: document.severity,
  status: document.status,
  timeMs: document.time,
  firstOccurrenceTimeMs: document.firstOccurrenceTime,
  count: document.count,
  creationTimeMs: document.creationTime,
  lastUpdatedMs: document.lastUpdated,
  fragments: document.custom,
});

/** The document of a first occurrence. */
export function newAlarmDocument(tenant: string, id: string, alarm: NewAlarm, nowMs: number): AlarmDocument {
  const { sourceId, type, text, severity, status, timeMs, fragments } = alarm;
  return {
    _id: id,
    tenant,
    source: sourceId,
    type,
    text,
    severity,
    status,
    time: timeMs,
    firstOccurrenceTime: timeMs,
    creationTime: nowMs,
    lastUpdated: nowMs,
    count: 1,
    activeKey: status === "CLEARED" ? clearedAlarmKey(id) : openAlarmKey(sourceId, type),
    custom: toJson(fragments) as JsonObject,
  };
}

/** Selects the open alarm of a source and type: there is one at most. */
export const openAlarmFilter = (sourceId: string, type: string): { readonly activeKey: string } => ({
  activeKey: openAlarmKey(sourceId, type),
});

/**
 * A further occurrence counts the open alarm up and moves its time, everything else of it stays; without an open one this
 * occurrence makes it (platform API 9.2). To be run as an upsert on {@link openAlarmFilter}.
 */
export function raiseUpdate(tenant: string, id: string, alarm: NewAlarm, nowMs: number): Update<AlarmDocument> {
  const {
    activeKey: _filter,
    time,
    lastUpdated,
    count: _counted,
    ...first
  } = newAlarmDocument(tenant, id, alarm, nowMs);
  return { $inc: { count: 1 }, $set: { time, lastUpdated }, $setOnInsert: first };
}

/** @param uniqueKey used once: frees the source and type for the next alarm */
export function clearUpdate(uniqueKey: string, nowMs: number): Update<AlarmDocument> {
  return { $set: { status: "CLEARED", activeKey: clearedAlarmKey(uniqueKey), lastUpdated: nowMs } };
}

/**
 * Raises an alarm of a device, or counts the open one up: one write without a read. For ACTIVE and ACKNOWLEDGED.
 * @param id for a new alarm; never used before
 */
function alarmRaiseOp(tenant: string, id: string, alarm: NewAlarm, nowMs: number): WriteOp {
  return updateOp(ALARMS, openAlarmFilter(alarm.sourceId, alarm.type), raiseUpdate(tenant, id, alarm, nowMs), {
    upsert: true,
  });
}

/** Makes an alarm of a device where none of its type is open; one that is open stays as it is. @param id never used before */
export function newAlarmOp(tenant: string, id: string, alarm: NewAlarm, nowMs: number): WriteOp {
  const { activeKey: _, ...first } = newAlarmDocument(tenant, id, alarm, nowMs);
  return updateOp<AlarmDocument>(
    ALARMS,
    openAlarmFilter(alarm.sourceId, alarm.type),
    { $setOnInsert: first },
    { upsert: true },
  );
}

/**
 * Clears the open alarm of that source and type, if there is one.
 * @param uniqueKey never used before, as an id is
 */
export function alarmClearOp(sourceId: string, type: string, uniqueKey: string, nowMs: number): WriteOp {
  return updateOp(ALARMS, openAlarmFilter(sourceId, type), clearUpdate(uniqueKey, nowMs));
}

/** The write for an occurrence, by its status: CLEARED clears and makes none. */
export function alarmOp(tenant: string, id: string, alarm: NewAlarm, nowMs: number): WriteOp {
  return alarm.status === "CLEARED"
    ? alarmClearOp(alarm.sourceId, alarm.type, id, nowMs)
    : alarmRaiseOp(tenant, id, alarm, nowMs);
}

/** The status that a change of many alarms sets. @throws MooringError VALIDATION */
export function requireStatus(body: Fragments): AlarmStatus {
  const { status } = checkChange(asObject(body));
  if (status === undefined) throw invalid("status", "is missing");
  return status;
}

/**
 * A PUT as an update; undefined where it would leave the alarm as it is. Members other than text, severity, status and
 * fragments are ignored (platform API 4.2, 9.3).
 * @throws MooringError VALIDATION
 */
export function alarmChange(before: AlarmDocument, body: Fragments, nowMs: number): Update<AlarmDocument> | undefined {
  const { text = before.text, severity = before.severity, status = before.status } = checkChange(asObject(body));
  const fragments = fragmentsOf(body, OWN);
  const same = text === before.text && severity === before.severity && status === before.status;
  if (same && changesNothing(before.custom, fragments)) return undefined;
  const { $set, $unset } = fragmentChanges(fragments);
  const activeKey = status === "CLEARED" ? clearedAlarmKey(before._id) : openAlarmKey(before.source, before.type);
  const key = status === before.status ? {} : { status, activeKey };
  return { $set: { ...$set, text, severity, ...key, lastUpdated: nowMs }, $unset };
}
