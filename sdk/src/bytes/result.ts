/** A decoder's result in fewer words: parts that `ok` puts together. */
import type { DecodedAlarm, Decoder, DecoderInput, DecoderResult } from "@mooring/core";
import { PayloadError } from "./payload-error.ts";

/** What one of the functions below says; `ok` takes any number of them, also parts that are written out. */
export type ResultPart = Partial<Omit<DecoderResult, "success">>;

/** ISO 8601, or ms since the epoch. */
export type Time = string | number | Date;

/** @throws PayloadError for a time that no calendar has */
function isoTime(time: Time): string {
  if (typeof time === "string") return time;
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) throw new PayloadError(`${String(time)} is no time`);
  return date.toISOString();
}

const timeOf = (time: Time | undefined): { readonly time?: string } =>
  time === undefined ? {} : { time: isoTime(time) };

/** A number, or a number and its unit; undefined where the payload does not have it. */
export type SeriesInput = number | readonly [value: number, unit: string] | undefined;

export interface MeasurementOptions {
  /** Default: time of receipt. */
  readonly time?: Time | undefined;
  /** Fragment that holds the series; default: `type`. */
  readonly fragment?: string;
  /** Further top-level properties of the measurement. */
  readonly properties?: Readonly<Record<string, string>>;
}

/**
 * `measurement("acme_meter", { U: [230.1, "V"], count: 3 })`. Series that are undefined are left out; where none is left,
 * there is no measurement.
 */
export function measurement(
  type: string,
  series: Readonly<Record<string, SeriesInput>>,
  { time, fragment, properties }: MeasurementOptions = {},
): ResultPart {
  const values = Object.entries(series).flatMap(([seriesName, given]) => {
    if (given === undefined) return [];
    return typeof given === "number"
      ? [{ seriesName, value: given }]
      : [{ seriesName, value: given[0], unit: given[1] }];
  });
  if (values.length === 0) return {};
  return {
    measurements: [
      {
        type,
        ...(fragment !== undefined && { series: fragment }),
        ...timeOf(time),
        values,
        ...(properties && { additionalProperties: properties }),
      },
    ],
  };
}

/** Fragments of an alarm or event, and its time; default: time of receipt. */
export type Details = Readonly<Record<string, unknown>> & { readonly time?: Time | undefined };

const detailsOf = ({ time, ...fragments }: Details): Record<string, unknown> => ({ ...fragments, ...timeOf(time) });

/** Raises an alarm, or counts the open one of that type. */
export const alarm = (
  type: string,
  text: string,
  severity: DecodedAlarm["severity"],
  details: Details = {},
): ResultPart => ({ alarms: [{ type, text, severity, status: "ACTIVE", ...detailsOf(details) }] });

/** Clears the open alarms of these types. */
export const clearAlarms = (...types: readonly string[]): ResultPart =>
  types.length === 0 ? {} : { alarmTypesToUpdate: { CLEARED: types } };

export const event = (type: string, text: string, details: Details = {}): ResultPart => ({
  events: [{ type, text, ...detailsOf(details) }],
});

/** Last value of a resource, as the objects view shows it. @param path `/33456/0/124` */
export const lastValue = (path: string, value: unknown): ResultPart => ({
  dataFragments: [typeof value === "string" ? { key: path, value } : { key: path, valueAsObject: value }],
});

/** What people shall know of a payload that was read all the same; it stands beside the raw bytes. */
export const note = (message: string): ResultPart => ({ message });

const LISTS = ["measurements", "alarms", "events", "dataFragments"] as const;

/** All parts as one result, in their order; of several notes the last. */
export function ok(...parts: readonly ResultPart[]): DecoderResult {
  const result: Record<string, unknown> = { success: true };
  for (const name of LISTS) {
    const all = parts.flatMap((part): readonly unknown[] => part[name] ?? []);
    if (all.length > 0) result[name] = all;
  }
  const updates: Record<string, readonly string[]> = {};
  for (const { alarmTypesToUpdate = {}, message } of parts) {
    for (const [status, types] of Object.entries(alarmTypesToUpdate))
      updates[status] = [...(updates[status] ?? []), ...types];
    if (message !== undefined) result["message"] = message;
  }
  if (Object.keys(updates).length > 0) result["alarmTypesToUpdate"] = updates;
  return result as unknown as DecoderResult;
}

/** The payload cannot be read: it is kept with the message and not tried again. */
export const undecodable = (message: string): DecoderResult => ({ success: false, message });

/**
 * Runs `read`, and makes {@link undecodable} of a {@link PayloadError}: `decode: orUndecodable(({ value }) => ...)`. Anything else that is
 * thrown is a fault of the decoder, and is let through so that the host can tell.
 */
export const orUndecodable =
  (read: (input: DecoderInput) => DecoderResult): Decoder["decode"] =>
  input => {
    try {
      return read(input);
    } catch (error) {
      if (error instanceof PayloadError) return undecodable(error.message);
      throw error;
    }
  };
