/**
 * Scripts of LoRaWAN network servers, unchanged, as modules that the sandbox takes. Contracts: ChirpStack 4, "Device profiles,
 * Custom JavaScript codec functions"; The Things Stack 3, "Payload formatters, JavaScript, Uplink". As there, a script is plain
 * (not strict) code that runs from its first line for each payload, so nothing is left of the payload before. It is compiled
 * inside the isolate. How its `data` becomes measurements is written in decoders/README.md.
 */
import type {
  DecodedEvent,
  DecodedMeasurement,
  DecodedSeries,
  Decoder,
  DecoderInput,
  DecoderManifest,
  DecoderResult,
  UplinkOptions,
} from "../contract/decoder.ts";
import { scriptBufferSource } from "./script-buffer.ts";

interface ScriptParts extends UplinkOptions {
  readonly measurementType: string;
  /** Functions that are looked for, best first, each with the names of its parameters; none: `input` itself. */
  readonly entries: readonly { readonly name: string; readonly parameters?: readonly string[] }[];
  readonly hasVariables: boolean;
}

/** The older one of each server takes its parameters apart and returns `data` alone. */
const ENTRIES = {
  "chirpstack-v4": [{ name: "decodeUplink" }, { name: "Decode", parameters: ["fPort", "bytes", "variables"] }],
  "ttn-v3": [{ name: "decodeUplink" }, { name: "Decoder", parameters: ["bytes", "fPort"] }],
} as const;

/** Never called here: its text is compiled in the isolate, so it may use nothing from outside itself but its arguments. */
function uplinkDecoder(parts: ScriptParts, script: string, buffer: unknown): Decoder {
  type Json = Record<string, unknown>;
  type Call = (input: Json) => unknown;
  const { entries, measurementType: type, units = {} } = parts;
  const MAX_DEPTH = 8;
  const MAX_FRAGMENTS = 100;
  const MAX_SERIES = 1000;
  const MAX_LEFT_OUT = 10;
  const NAME_CHARACTERS = 256;
  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

  const found = entries.map(({ name }) => `typeof ${name} === "function" ? ${name} : undefined`);
  const run = Function(`${script}\n;return [${found.join(", ")}];`) as () => unknown[];
  const world = globalThis as unknown as Json;
  const usual = new Set(Reflect.ownKeys(world));

  /** Runs the script; what it calls is then the first of its functions that is there. */
  const evaluate = (): Call => {
    const module = { exports: {} as Json };
    Object.assign(world, { module, exports: module.exports }, buffer === undefined ? {} : { Buffer: buffer });
    const own = Reflect.apply(run, undefined, []);
    for (const [at, { name, parameters }] of entries.entries()) {
      const entry = own[at] ?? (module.exports as Json | undefined)?.[name];
      if (typeof entry !== "function") continue;
      if (!parameters) return input => entry(input);
      return input => ({ data: entry(...parameters.map(parameter => input[parameter])) });
    }
    throw new TypeError(`the script has no function ${entries[0]!.name}`);
  };
  /** A variable without `var` is a global one, and would be there for the next payload. */
  const forget = (): void => {
    for (const key of Reflect.ownKeys(world)) if (!usual.has(key)) Reflect.deleteProperty(world, key);
  };

  const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;
  const uplinkOf = ({ device }: DecoderInput): UplinkOptions => {
    const fragment = device["mooring_Uplink"];
    return isObject(fragment) ? fragment : {};
  };
  const fits = (pattern: string, path: readonly string[]): boolean => {
    const names = pattern.split("/");
    return names.length === path.length && names.every((name, at) => name === "*" || name === path[at]);
  };
  const portOf = (input: DecoderInput): number => {
    const path = input.resourcePath.split("/");
    const { fPort } = uplinkOf(input);
    if (Number.isInteger(fPort)) return fPort!;
    const rule = Object.entries(parts.fPorts ?? {}).find(([pattern]) => fits(pattern, path));
    return rule?.[1] ?? parts.fPort ?? 1;
  };
  const inputOf = (input: DecoderInput): Json => ({
    bytes: Array.from(input.value),
    fPort: portOf(input),
    recvTime: new Date(input.receivedAt),
    ...(parts.hasVariables ? { variables: { ...parts.variables, ...uplinkOf(input).variables } } : {}),
  });

  /** What of `data` goes where; `left` are the paths of what cannot be stored. */
  interface Sorted {
    readonly fragments: Map<string, DecodedSeries[]>;
    readonly texts: Record<string, string>;
    readonly left: string[];
  }
  const isName = (name: string): boolean =>
    name.length > 0 && name.length <= NAME_CHARACTERS && name.isWellFormed() && !name.includes("\0");
  const unitOf = (path: readonly string[]): string | undefined => {
    const anywhere = path.map(name => (/^\d+$/.test(name) ? "*" : name)).join(".");
    const key = [path.join("."), anywhere].find(known => Object.hasOwn(units, known));
    return key === undefined ? undefined : units[key];
  };
  const addNumber = (value: number, path: readonly string[], sorted: Sorted): void => {
    const fragment = [type, ...path.slice(0, -1)].join("_");
    const unit = unitOf(path);
    const series = sorted.fragments.get(fragment) ?? [];
    const isStorable = isName(fragment) && isName(path.at(-1)!) && Number.isFinite(value);
    const hasRoom = sorted.fragments.has(fragment) || sorted.fragments.size < MAX_FRAGMENTS;
    if (isStorable && hasRoom && series.length < MAX_SERIES) {
      series.push({ seriesName: path.at(-1)!, ...(unit ? { unit } : {}), value });
      sorted.fragments.set(fragment, series);
    } else sorted.left.push(`${path.join(".")} (${value})`);
  };
  const addText = (text: string, path: readonly string[], sorted: Sorted): void => {
    const name = [type, ...path].join("_");
    if (unitOf(path) !== undefined && NUMBER.test(text.trim())) addNumber(Number(text), path, sorted);
    else if (isName(name)) sorted.texts[name] = text.toWellFormed().replaceAll("\0", "");
    else sorted.left.push(path.join("."));
  };
  const sort = (value: unknown, path: readonly string[], sorted: Sorted): void => {
    if (typeof value === "number" || typeof value === "bigint") addNumber(Number(value), path, sorted);
    else if (typeof value === "boolean") addNumber(value ? 1 : 0, path, sorted);
    else if (typeof value === "string") addText(value, path, sorted);
    else if (value instanceof Date) addText(String(value.toJSON()), path, sorted);
    else if (isObject(value)) {
      if (path.length > MAX_DEPTH) sorted.left.push(path.join("."));
      else for (const name of Object.keys(value)) sort(value[name], [...path, name], sorted);
    }
  };

  const listOf = (value: unknown): string[] =>
    value === undefined || value === null || value === "" ? [] : [value].flat().map(String);
  const measurementsOf = ({ fragments, texts }: Sorted): DecodedMeasurement[] => {
    const properties = Object.entries(texts).filter(([name]) => !fragments.has(name));
    return [...fragments].map(([series, values], at) => ({
      type,
      series,
      values,
      ...(at === 0 && properties.length > 0 ? { additionalProperties: Object.fromEntries(properties) } : {}),
    }));
  };
  /** Texts have no measurement to stand in where there is no number. */
  const eventsOf = ({ fragments, texts }: Sorted, warnings: readonly string[]): DecodedEvent[] => {
    const names = Object.keys(texts);
    const told = names.map(name => `${name.slice(type.length + 1)}: ${texts[name]}`).join(", ");
    return [
      ...(fragments.size === 0 && names.length > 0 ? [{ type, text: told.slice(0, 4096), ...texts }] : []),
      ...(warnings.length > 0
        ? [{ type: "mooring_UplinkWarning", text: warnings.join(", ").slice(0, 4096), warnings }]
        : []),
    ];
  };
  const resultOf = (output: unknown): DecoderResult => {
    if (!isObject(output)) return { success: false, message: "the script returned no object" };
    const { data } = output;
    const errors = listOf(output["errors"]);
    if (errors.length > 0) return { success: false, message: errors.join(", ") };
    if (!isObject(data) || Array.isArray(data)) return { success: false, message: "the script returned no data" };
    const sorted: Sorted = { fragments: new Map(), texts: {}, left: [] };
    sort(data, [], sorted);
    const warnings = listOf(output["warnings"]);
    const more = sorted.left.length > MAX_LEFT_OUT ? ` and ${sorted.left.length - MAX_LEFT_OUT} more` : "";
    const left =
      sorted.left.length > 0
        ? [`left out: ${sorted.left.slice(0, MAX_LEFT_OUT).join(", ").slice(0, 1000)}${more}`]
        : [];
    const events = eventsOf(sorted, warnings);
    return {
      success: true,
      measurements: measurementsOf(sorted),
      ...(events.length > 0 ? { events } : {}),
      ...(left.length > 0 ? { message: left[0]! } : {}),
    };
  };

  /** Both engines put two lines before the text that they compile. */
  const located = (thrown: unknown): unknown => {
    if (!(thrown instanceof Error)) return thrown;
    const place = /(?:, <anonymous>|<input>):(\d+):\d+/.exec(String(thrown.stack));
    const message = place ? `${thrown.message} (line ${Number(place[1]) - 2})` : thrown.message;
    return Object.assign(new Error(message), { name: thrown.name });
  };
  const withoutTraces = <T>(work: () => T): T => {
    try {
      return work();
    } catch (thrown) {
      throw located(thrown);
    } finally {
      forget();
    }
  };

  withoutTraces(evaluate);
  return { decode: input => withoutTraces(() => resultOf(evaluate()(inputOf(input)))) };
}

/**
 * Source of an ES module with `export default { decode }` for a script with `decodeUplink`; of a decoder in the `mooring`
 * format its own source. The script is compiled when the module runs: only then does one that is no JavaScript, or has no
 * such function, throw.
 */
export function moduleSource({ format = "mooring", key, uplink = {} }: DecoderManifest, source: string): string {
  if (format === "mooring") return source;
  const hasBuffer = format === "chirpstack-v4" && source.includes("Buffer");
  const parts: ScriptParts = {
    measurementType: key,
    ...uplink,
    entries: ENTRIES[format],
    hasVariables: format === "chirpstack-v4",
  };
  const given = [JSON.stringify(parts), JSON.stringify(source), ...(hasBuffer ? [scriptBufferSource()] : [])];
  return `export default (${uplinkDecoder.toString()})(${given.join(",\n")});`;
}
