/** Named values in any depth, as CBOR, XML and JSON have them, to measurements, properties and events. */
import type { DecodedSeries, DecoderResult } from "@mooring/core";
import { PayloadError } from "./payload-error.ts";
import { event, note, ok, type ResultPart } from "./result.ts";

/** A number with a unit of its own. */
export class Quantity {
  readonly value: number;
  readonly unit: string;

  constructor(value: number, unit: string) {
    this.value = value;
    this.unit = unit;
  }
}

/** A Date is the time of all numbers and texts of its object, and of those below. */
export type Tree =
  | number
  | bigint
  | boolean
  | string
  | Date
  | Quantity
  | null
  | undefined
  | readonly Tree[]
  | { readonly [name: string]: Tree };

export interface TreeOptions {
  /** Type of measurements and events, and first part of the names of fragments and properties. */
  readonly type: string;
  /** What names are called instead. */
  readonly names?: Readonly<Record<string, string>>;
  /** By path, `air.temperature`; `*` for any place in an array. */
  readonly units?: Readonly<Record<string, string>>;
  /** Name of a member that is the time of its object, as `timeMsOf` reads it. */
  readonly time?: string | undefined;
}

/** Takes values one by one; those of one time and fragment become one measurement. */
export interface Collector {
  /** @param path names from the root, the series last. @param timeMs default: time of receipt. @throws PayloadError over a limit of the host */
  number(path: readonly string[], value: number, unit?: string, timeMs?: number): void;
  /** A property of the first measurement of its time; where there is none, of an event. */
  text(path: readonly string[], text: string, timeMs?: number): void;
  /** Something of the payload is not in the result. */
  leaveOut(what: string): void;
  result(): DecoderResult;
}

const MAX_MEASUREMENTS = 100;
const MAX_SERIES = 1000;
const MAX_NAME = 256;
const MAX_TEXT = 4096;
const MAX_TOLD = 10;
/** 31 December 9999: what ISO 8601 can say in four digits of a year. */
const MAX_TIME_MS = 253_402_300_799_999;

type Properties = Record<string, string>;

/** @throws PayloadError for what no store takes as a name */
function assertName(name: string): void {
  const isUsual = name.length > 0 && name.length <= MAX_NAME && name !== "__proto__";
  if (isUsual && name.isWellFormed() && !name.includes("\0")) return;
  throw new PayloadError(`${JSON.stringify(name.slice(0, 40))} cannot be a name`);
}

/** @throws PayloadError for a time before 1970 or after 9999 */
export function assertTime(timeMs: number): number {
  if (timeMs >= 0 && timeMs <= MAX_TIME_MS) return timeMs;
  throw new PayloadError(`a time that is not between 1970 and 9999`);
}

export function createCollector({ type }: Pick<TreeOptions, "type">): Collector {
  interface Measurement {
    readonly fragment: string;
    readonly timeMs: number | undefined;
    readonly values: DecodedSeries[];
    readonly names: Set<string>;
  }
  const measurements: Measurement[] = [];
  /** By time and fragment: the one that takes further series. */
  const open = new Map<string, Measurement>();
  const texts = new Map<number | undefined, Properties>();
  const leftOut: string[] = [];

  const measurementFor = (fragment: string, series: string, timeMs: number | undefined): Measurement => {
    const key = `${timeMs} ${fragment}`;
    const found = open.get(key);
    // The same series again is another sample: nothing is written over.
    if (found && !found.names.has(series)) return found;
    if (measurements.length === MAX_MEASUREMENTS) throw new PayloadError(`more than ${MAX_MEASUREMENTS} measurements`);
    const measurement: Measurement = { fragment, timeMs, values: [], names: new Set() };
    measurements.push(measurement);
    open.set(key, measurement);
    return measurement;
  };
  const timeOf = (timeMs: number | undefined): { time?: string } =>
    timeMs === undefined ? {} : { time: new Date(timeMs).toISOString() };
  /** A property would take the place of a fragment of its name. */
  const dropHidden = (): void => {
    for (const { fragment, timeMs } of measurements) {
      const properties = texts.get(timeMs);
      if (!properties || !Object.hasOwn(properties, fragment)) continue;
      delete properties[fragment];
      leftOut.push(fragment.slice(type.length + 1));
      if (Object.keys(properties).length === 0) texts.delete(timeMs);
    }
  };
  const measurementParts = (): ResultPart => {
    const told = new Set<number | undefined>();
    return {
      measurements: measurements.map(({ fragment, timeMs, values }) => {
        const properties = told.has(timeMs) ? undefined : texts.get(timeMs);
        told.add(timeMs);
        return {
          type,
          ...(fragment !== type && { series: fragment }),
          ...timeOf(timeMs),
          values,
          ...(properties && { additionalProperties: properties }),
        };
      }),
    };
  };
  const eventParts = (): ResultPart[] =>
    [...texts]
      .filter(([timeMs]) => !measurements.some(measurement => measurement.timeMs === timeMs))
      .map(([timeMs, properties]) => {
        const told = Object.entries(properties).map(([name, text]) => `${name.slice(type.length + 1)}: ${text}`);
        return event(type, told.join(", ").slice(0, MAX_TEXT), { ...properties, time: timeMs });
      });

  return {
    number(path, value, unit, timeMs) {
      if (!Number.isFinite(value)) return void leftOut.push(`${path.join(".")} (${value})`);
      const fragment = [type, ...path.slice(0, -1)].join("_");
      const series = path.at(-1)!;
      assertName(fragment);
      assertName(series);
      if (timeMs !== undefined) assertTime(timeMs);
      const { values, names } = measurementFor(fragment, series, timeMs);
      if (values.length === MAX_SERIES) throw new PayloadError(`more than ${MAX_SERIES} series of one measurement`);
      values.push({ seriesName: series, ...(unit && { unit }), value });
      names.add(series);
    },
    text(path, text, timeMs) {
      const name = [type, ...path].join("_");
      assertName(name);
      if (timeMs !== undefined) assertTime(timeMs);
      const properties = texts.get(timeMs) ?? {};
      if (Object.hasOwn(properties, name)) return void leftOut.push(path.join("."));
      properties[name] = text.toWellFormed().replaceAll("\0", "");
      texts.set(timeMs, properties);
    },
    leaveOut: what => void leftOut.push(what),
    result() {
      dropHidden();
      const more = leftOut.length > MAX_TOLD ? ` and ${leftOut.length - MAX_TOLD} more` : "";
      const left = leftOut.slice(0, MAX_TOLD).join(", ");
      return ok(measurementParts(), ...eventParts(), leftOut.length > 0 ? note(`left out: ${left}${more}`) : {});
    },
  };
}

const isObject = (tree: Tree): tree is { readonly [name: string]: Tree } =>
  typeof tree === "object" && tree !== null && !(tree instanceof Quantity) && !(tree instanceof Date);

const ISO_TIME = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?$/;
/** Seconds since 1970 below it, milliseconds above: the year 5138 and the year 1973. */
const MILLISECONDS_FROM = 1e11;

/** Of ISO 8601 (UTC where it names no zone), of seconds or milliseconds since 1970; undefined for what is no time. */
export function timeMsOf(value: unknown): number | undefined {
  if (typeof value === "string" && ISO_TIME.test(value)) {
    const text = value.toUpperCase().replace(" ", "T");
    const timeMs = Date.parse(text.length > 10 && !/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text);
    return Number.isNaN(timeMs) ? undefined : timeMs;
  }
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || !(number > 0)) return undefined;
  return Math.round(number < MILLISECONDS_FROM ? number * 1000 : number);
}

/**
 * Numbers become series of a measurement, true 1 and false 0; those of an object within become series of the fragment
 * `<type>_<its name>`, and so on below. An array is an object whose names are 0, 1, ..., but for objects in it that have a time of their own:
 * they are samples and keep the name of the array. Texts become properties `<type>_<path>`.
 * @throws PayloadError over a limit of the host, or for a name or time that no store takes
 */
export function treeResult(tree: Tree, options: TreeOptions): DecoderResult {
  const { names = {}, units = {}, time } = options;
  const collector = createCollector(options);
  const nameOf = (name: string): string => (Object.hasOwn(names, name) ? names[name]! : name);
  const unitOf = (path: readonly string[]): string | undefined => {
    const anywhere = path.map(name => (/^\d+$/.test(name) ? "*" : name)).join(".");
    return [path.join("."), anywhere].filter(key => Object.hasOwn(units, key)).map(key => units[key]!)[0];
  };
  const ownTime = (tree: Tree): number | undefined => {
    if (!isObject(tree)) return undefined;
    const found = Object.values(tree).find(item => item instanceof Date);
    if (found || time === undefined || !Object.hasOwn(tree, time)) return found?.getTime();
    const timeMs = timeMsOf((tree as Record<string, Tree>)[time]);
    if (timeMs === undefined) throw new PayloadError(`${time} is no time`);
    return timeMs;
  };
  const addNumber = (path: readonly string[], value: number, unit: string | undefined, timeMs?: number): void =>
    collector.number(path.length > 0 ? path : ["value"], value, unitOf(path) ?? unit, timeMs);
  const add = (value: Tree, path: readonly string[], timeMs: number | undefined): void => {
    if (value instanceof Quantity) addNumber(path, value.value, value.unit, timeMs);
    else if (isObject(value)) addAll(value, path, timeMs);
    else if (typeof value === "string") collector.text(path.length > 0 ? path : ["value"], value, timeMs);
    else if (value !== null && value !== undefined && !(value instanceof Date))
      addNumber(path, Number(value), undefined, timeMs);
  };
  const addAll = (
    parent: { readonly [name: string]: Tree },
    path: readonly string[],
    inherited: number | undefined,
  ): void => {
    const timeMs = ownTime(parent) ?? inherited;
    for (const [name, value] of Object.entries(parent)) {
      if (name === time) continue;
      const isSample = Array.isArray(parent) && ownTime(value) !== undefined;
      add(value, isSample ? path : [...path, nameOf(name)], timeMs);
    }
  };
  add(tree, [], undefined);
  return collector.result();
}

/**
 * What a fragment of the device says about its payloads: `{ type, names, units, time }`, each of them where it is there and usable.
 * @param fragment as `input.device` has it
 */
export function treeOptions(fragment: unknown, type: string): TreeOptions {
  const given = typeof fragment === "object" && fragment !== null ? (fragment as Record<string, unknown>) : {};
  const textsOf = (value: unknown): Record<string, string> => {
    const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
    return Object.fromEntries(entries.filter(([, text]) => typeof text === "string")) as Record<string, string>;
  };
  const textOf = (value: unknown): string | undefined =>
    typeof value === "string" && value !== "" ? value : undefined;
  return {
    type: textOf(given["type"]) ?? type,
    time: textOf(given["time"]),
    names: textsOf(given["names"]),
    units: textsOf(given["units"]),
  };
}
