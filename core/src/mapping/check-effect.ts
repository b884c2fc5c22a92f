/**
 * Whether an effect made by a plugin or a decoder can be stored. One that cannot is left out, so that it never takes the
 * other effects of its message down with it.
 */
import type { Effect } from "../contract/action.ts";

const LATEST_MS = 253_402_300_799_999;
const DEEPEST = 32;
const SEVERITIES: ReadonlySet<unknown> = new Set(["CRITICAL", "MAJOR", "MINOR", "WARNING"]);
const STATUSES: ReadonlySet<unknown> = new Set(["ACTIVE", "ACKNOWLEDGED", "CLEARED"]);

type Rule = string | undefined;

const isText = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.isWellFormed() && !value.includes("\0");
const isTime = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LATEST_MS;
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
const isName = (name: string): boolean => isText(name) && name !== "__proto__";

/** Plain JSON that every store keeps as it is. */
function isJson(value: unknown, depth = 0): boolean {
  if (value === null || value === undefined || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\0");
  if (depth > DEEPEST || typeof value !== "object" || value instanceof Uint8Array) return false;
  if (Array.isArray(value)) return value.every(item => isJson(item, depth + 1));
  return Object.entries(value).every(([name, item]) => (name === "" || isName(name)) && isJson(item, depth + 1));
}

function propertiesRule(properties: unknown): Rule {
  if (properties === undefined) return undefined;
  return isRecord(properties) && isJson(properties) ? undefined : "properties must be plain JSON";
}

function seriesRule(series: unknown): Rule {
  if (!isRecord(series) || Object.keys(series).length === 0) return "series must name at least one fragment";
  for (const [fragment, values] of Object.entries(series)) {
    if (!isName(fragment) || !isRecord(values) || Object.keys(values).length === 0)
      return `fragment ${fragment} must hold series`;
    for (const [name, point] of Object.entries(values)) {
      if (!isName(name) || !isRecord(point) || !Number.isFinite(point["value"])) {
        return `series ${fragment}.${name} must have a finite value`;
      }
      if (point["unit"] !== undefined && !isText(point["unit"])) return `unit of ${fragment}.${name} must be text`;
    }
  }
  return undefined;
}

function documentRule(effect: Extract<Effect, { kind: "measurement" | "event" | "alarm" }>): Rule {
  if (!isText(effect.type)) return "type must be text";
  if (!isTime(effect.atMs)) return "atMs must be ms since 1970, up to the year 9999";
  if (effect.kind === "measurement") return seriesRule(effect.series) ?? propertiesRule(effect.properties);
  if (!isText(effect.text)) return "text must be text that is not empty";
  if (effect.kind === "alarm") {
    if (!SEVERITIES.has(effect.severity)) return "severity must be CRITICAL, MAJOR, MINOR or WARNING";
    if (!STATUSES.has(effect.status)) return "status must be ACTIVE, ACKNOWLEDGED or CLEARED";
  }
  return propertiesRule(effect.properties);
}

const isResourcePath = (path: unknown): boolean =>
  Array.isArray(path) &&
  (path.length === 3 || path.length === 4) &&
  path.every(id => Number.isInteger(id) && id >= 0 && id <= 65_534);

function inventoryRule(set: unknown): Rule {
  if (!isRecord(set)) return "set must be an object";
  const bad = Object.keys(set).find(path => !path.split(".").every(isName));
  if (bad !== undefined) return `set has the unusable path "${bad}"`;
  return isJson(set) ? undefined : "set must hold plain JSON";
}

/** @returns the rule that the effect breaks, undefined when it can be stored */
export function effectRule(effect: Effect): string | undefined {
  switch (effect?.kind) {
    case "measurement":
    case "event":
    case "alarm":
      return documentRule(effect);
    case "inventory":
      return inventoryRule(effect.set);
    case "lastValue":
      if (!isResourcePath(effect.path)) return "path must be that of a resource or resource instance";
      return isTime(effect.atMs) && isJson(effect.value) ? undefined : "value must be plain JSON with a time";
    case "decode":
      return isText(effect.decoder) && isTime(effect.atMs) && isResourcePath(effect.value?.path)
        ? undefined
        : "decode must name a decoder, a value and a time";
    default:
      return `kind "${String((effect as { kind?: unknown } | undefined)?.kind)}" is not known`;
  }
}

/** Effects that can be stored, and the rules that the others break. */
export function usableEffects(effects: readonly Effect[]): {
  readonly usable: readonly Effect[];
  readonly rules: readonly string[];
} {
  const rules = effects.map(effectRule);
  return {
    usable: effects.filter((_, at) => rules[at] === undefined),
    rules: rules.filter(rule => rule !== undefined),
  };
}
