/** A decoder's result to effects (agent specification 9.3). Pure. */
import type { Effect, SeriesValue } from "../contract/action.ts";
import type { DecodedAlarm, DecodedEvent, DecodedMeasurement, DecoderResult } from "../contract/decoder.ts";
import { parsePath } from "../lwm2m/path.ts";
import { parseTime } from "../platform/time.ts";

/** What of the device may go into a measurement. */
export interface DecodedDevice {
  readonly name?: string;
  readonly fragments: Readonly<Record<string, unknown>>;
}

export interface DecodedEffects {
  /** In the order of the result: measurements, events, alarms, alarm types that are cleared, last values. */
  readonly effects: readonly Effect[];
  /** Open alarms of the device with that type get the status. (CLEARED ones are effects.) */
  readonly alarmStatuses: readonly { readonly type: string; readonly status: "ACTIVE" | "ACKNOWLEDGED" }[];
}

/** Member of measurements, events and alarms that tells which version of which decoder made them. */
export const DECODED_BY = "decodedBy";

const DEFAULT_NAME_FRAGMENT = "device!Name";

type Properties = Record<string, unknown>;

/** Members of stored events and alarms that are not the decoder's to set. */
const SERVER_MEMBERS = new Set([
  "id",
  "self",
  "source",
  "creationTime",
  "lastUpdated",
  "count",
  "firstOccurrenceTime",
  DECODED_BY,
]);

/** The same with the decoder's name on every document. */
export const signedEffects = (
  effects: readonly Effect[],
  by: { readonly key: string; readonly version: string },
): Effect[] =>
  effects.map(effect =>
    effect.kind === "measurement" || effect.kind === "event" || effect.kind === "alarm"
      ? { ...effect, properties: { ...effect.properties, [DECODED_BY]: by } }
      : effect,
  );

const timeOf = ({ time }: { readonly time?: string }, atMs: number): number =>
  time === undefined ? atMs : parseTime(time, "time");

/** With a prefix only the device's fragments `prefix + name` are looked up; each keeps the name that it has there. */
function copiedFragments(measurement: DecodedMeasurement, device: DecodedDevice): Properties {
  const { fragmentsToCopyFromSourceDevice: names = [], deviceFragmentPrefix: prefix } = measurement;
  const copied: Properties = {};
  for (const name of names) {
    const key = `${prefix ?? ""}${name}`;
    if (Object.hasOwn(device.fragments, key)) copied[key] = device.fragments[key];
  }
  return copied;
}

function deviceName(measurement: DecodedMeasurement, { name }: DecodedDevice): Properties {
  if (!measurement.includeDeviceName || name === undefined) return {};
  return { [measurement.deviceNameFragment ?? DEFAULT_NAME_FRAGMENT]: name };
}

/** @returns nothing for a measurement without values, which no store would keep */
function measurementEffects(measurement: DecodedMeasurement, device: DecodedDevice, atMs: number): Effect[] {
  const { type, series = type, values, additionalProperties } = measurement;
  if (values.length === 0) return [];
  const points: Record<string, SeriesValue> = {};
  for (const { seriesName, value, unit } of values) points[seriesName] = unit ? { value, unit } : { value };
  const properties = {
    ...copiedFragments(measurement, device),
    ...deviceName(measurement, device),
    ...additionalProperties,
  };
  const named = Object.keys(properties).length > 0 ? { properties } : {};
  return [{ kind: "measurement", type, atMs: timeOf(measurement, atMs), series: { [series]: points }, ...named }];
}

function freeProperties(members: Readonly<Properties>): { properties?: Properties } {
  const entries = Object.entries(members).filter(([key]) => !SERVER_MEMBERS.has(key));
  return entries.length > 0 ? { properties: Object.fromEntries(entries) } : {};
}

function eventEffect({ type, text, time, ...free }: DecodedEvent, atMs: number): Effect {
  return {
    kind: "event",
    type,
    text,
    atMs: time === undefined ? atMs : timeOf({ time }, atMs),
    ...freeProperties(free),
  };
}

function alarmEffect(alarm: DecodedAlarm, atMs: number): Effect {
  const { type, text, severity, status = "ACTIVE", time: _, ...free } = alarm;
  return { kind: "alarm", type, text, severity, status, atMs: timeOf(alarm, atMs), ...freeProperties(free) };
}

const clearEffect = (type: string, atMs: number): Effect => ({
  kind: "alarm",
  type,
  text: "Cleared by the decoder",
  severity: "WARNING",
  status: "CLEARED",
  atMs,
});

/**
 * @param result as `checkDecoderResult` gives it; where it says `success: false` only its alarms and events count
 * @param atMs   of what names no time itself
 */
export function decodedEffects(result: DecoderResult, device: DecodedDevice, atMs: number): DecodedEffects {
  const { measurements = [], events = [], alarms = [], alarmTypesToUpdate = {}, dataFragments = [] } = result;
  const told = [...events.map(event => eventEffect(event, atMs)), ...alarms.map(alarm => alarmEffect(alarm, atMs))];
  if (!result.success) return { effects: told, alarmStatuses: [] };
  const { CLEARED = [], ACTIVE = [], ACKNOWLEDGED = [] } = alarmTypesToUpdate;
  return {
    effects: [
      ...measurements.flatMap(measurement => measurementEffects(measurement, device, atMs)),
      ...told,
      ...CLEARED.map(type => clearEffect(type, atMs)),
      ...dataFragments.map(
        ({ key, value, valueAsObject }): Effect => ({
          kind: "lastValue",
          path: parsePath(key),
          value: valueAsObject ?? value,
          atMs,
        }),
      ),
    ],
    alarmStatuses: [
      ...ACTIVE.map(type => ({ type, status: "ACTIVE" as const })),
      ...ACKNOWLEDGED.map(type => ({ type, status: "ACKNOWLEDGED" as const })),
    ],
  };
}

/** Whether `decodedEffects` looks at the device. */
export const needsDevice = ({ success, measurements = [] }: DecoderResult): boolean =>
  success &&
  measurements.some(
    ({ fragmentsToCopyFromSourceDevice: names = [], includeDeviceName }) =>
      names.length > 0 || includeDeviceName === true,
  );
