/** What a request may say of a campaign, checked. */
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import { invalid } from "../platform/body.ts";
import { type CampaignLimits, RETRYABLE_RESULTS } from "./campaign-machine.ts";

export interface CampaignTargets {
  readonly ids?: readonly string[];
  readonly groupId?: string;
  readonly filter?: {
    readonly type?: string;
    readonly fragmentType?: string;
    readonly owner?: string;
    readonly text?: string;
  };
}

export type WaveSize = { readonly devices: number } | { readonly percent: number };

export interface NewCampaign {
  readonly name: string;
  /** An object of the repository, or a firmware by itself. */
  readonly firmware:
    | { readonly id: string }
    | { readonly name: string; readonly version: string; readonly url: string };
  readonly devices: CampaignTargets;
  readonly waves: readonly WaveSize[];
  readonly limits: CampaignLimits;
  readonly retries: number;
  readonly retryDelayMinutes: number;
  readonly retryOn: readonly number[];
}

export type CampaignAction = "start" | "pause" | "resume" | "cancel";

export interface CampaignChange {
  readonly action?: CampaignAction;
  /** With `resume`: devices that have failed are tried once more. */
  readonly retryFailed: boolean;
  readonly maxFailurePercent?: number;
  readonly gate?: { readonly minSuccessPercent?: number; readonly minutes?: number };
}

const MOST_WAVES = 100;
const MOST_IDS = 100_000;
const MOST_MINUTES = 60 * 24 * 90;
const USUAL_FAILURES = 10;
const USUAL_DELAY_MINUTES = 10;

const id: JsonSchema = { type: ["string", "integer"] };
const text: JsonSchema = { type: "string", minLength: 1, maxLength: 255 };
const percent = (minimum: number): JsonSchema => ({ type: "number", minimum, maximum: 100 });
const minutes: JsonSchema = { type: "number", minimum: 0, maximum: MOST_MINUTES };
const strict = (properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = []): JsonSchema => ({
  type: "object",
  additionalProperties: false,
  required,
  properties,
});

const gate = strict({ minSuccessPercent: percent(1), minutes });

const NEW_CAMPAIGN = strict(
  {
    name: text,
    firmware: strict({ id, name: text, version: text, url: text }),
    devices: strict({
      ids: { type: "array", minItems: 1, maxItems: MOST_IDS, items: id },
      groupId: id,
      filter: { ...strict({ type: text, fragmentType: text, owner: text, text }), minProperties: 1 },
    }),
    waves: {
      type: "array",
      minItems: 1,
      maxItems: MOST_WAVES,
      items: strict({ devices: { type: "integer", minimum: 1, maximum: MOST_IDS }, percent: percent(0.001) }),
    },
    gate,
    maxFailurePercent: percent(0),
    retries: { type: "integer", minimum: 0, maximum: 10 },
    retryDelayMinutes: minutes,
    retryOn: { type: "array", maxItems: 20, items: { type: "integer", minimum: 2, maximum: 255 } },
  },
  ["name", "firmware", "devices"],
);

interface CampaignBody {
  readonly name: string;
  readonly firmware: Readonly<Record<string, string | number>>;
  readonly devices: {
    readonly ids?: readonly (string | number)[];
    readonly groupId?: string | number;
  } & CampaignTargets;
  readonly waves?: readonly { readonly devices?: number; readonly percent?: number }[];
  readonly gate?: { readonly minSuccessPercent?: number; readonly minutes?: number };
  readonly maxFailurePercent?: number;
  readonly retries?: number;
  readonly retryDelayMinutes?: number;
  readonly retryOn?: readonly number[];
}

const checkBody = compileSchema<CampaignBody>(NEW_CAMPAIGN);
const checkChange = compileSchema<Omit<CampaignChange, "retryFailed"> & { readonly retryFailed?: boolean }>(
  strict({
    action: { type: "string", enum: ["start", "pause", "resume", "cancel"] },
    retryFailed: { type: "boolean" },
    maxFailurePercent: percent(0),
    gate,
  }),
);

function readFirmware(firmware: CampaignBody["firmware"]): NewCampaign["firmware"] {
  const { id: given, name, version, url } = firmware;
  if (given !== undefined) {
    if (Object.keys(firmware).length > 1) throw invalid("firmware", "must have an id, or name, version and url");
    return { id: String(given) };
  }
  for (const member of ["name", "version", "url"]) {
    if (firmware[member] === undefined) throw invalid(`firmware.${member}`, "is missing");
  }
  return { name: String(name), version: String(version), url: String(url) };
}

function readTargets(devices: CampaignBody["devices"]): CampaignTargets {
  if (Object.keys(devices).length !== 1) throw invalid("devices", "must have one of ids, groupId and filter");
  const { ids, groupId, filter } = devices;
  if (ids) return { ids: [...new Set(ids.map(String))] };
  return groupId === undefined ? { filter: filter! } : { groupId: String(groupId) };
}

function readWaves(waves: NonNullable<CampaignBody["waves"]>): WaveSize[] {
  return waves.map((wave, at) => {
    if (Object.keys(wave).length !== 1) throw invalid(`waves[${at}]`, "must have either devices or percent");
    return wave as WaveSize;
  });
}

/** @throws MooringError VALIDATION naming member and rule */
export function readCampaign(body: unknown): NewCampaign {
  const given = checkBody(body);
  const { maxFailurePercent = USUAL_FAILURES, gate: gateGiven = {} } = given;
  return {
    name: given.name,
    firmware: readFirmware(given.firmware),
    devices: readTargets(given.devices),
    waves: readWaves(given.waves ?? [{ percent: 100 }]),
    limits: {
      maxFailurePercent,
      minSuccessPercent: gateGiven.minSuccessPercent ?? Math.max(1, 100 - maxFailurePercent),
      minMinutes: gateGiven.minutes ?? 0,
    },
    retries: given.retries ?? 0,
    retryDelayMinutes: given.retryDelayMinutes ?? USUAL_DELAY_MINUTES,
    retryOn: given.retryOn ?? RETRYABLE_RESULTS,
  };
}

/** @throws MooringError VALIDATION naming member and rule */
export function readCampaignChange(body: unknown): CampaignChange {
  const change = checkChange(body);
  if (Object.keys(change).length === 0) throw invalid("action", "or a limit must be given");
  if (change.retryFailed && change.action !== "resume") throw invalid("retryFailed", "goes with action resume only");
  return { ...change, retryFailed: change.retryFailed ?? false };
}

/**
 * How many devices each wave has. What the waves leave over makes a last one; what they are too large for, the last ones lack.
 * @param count devices, 1 or more
 */
export function waveSizes(waves: readonly WaveSize[], count: number): number[] {
  const sizes: number[] = [];
  let left = count;
  for (const wave of waves) {
    const size = Math.min(left, "devices" in wave ? wave.devices : Math.ceil((wave.percent * count) / 100));
    if (size > 0) sizes.push(size);
    left -= size;
  }
  return left > 0 ? [...sizes, left] : sizes;
}
