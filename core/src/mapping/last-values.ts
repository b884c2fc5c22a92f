/** What a message says about the last known values (agent specification 8.5, 11.1). */
import type { Effect } from "../contract/action.ts";
import type { ObjectModel, ResourceModel } from "../lwm2m/model/object-model.ts";
import { formatPath, isBelow, type Lwm2mPath } from "../lwm2m/path.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";
import { toJsonValue } from "./value-conversion.ts";

type LastValueEffect = Extract<Effect, { kind: "lastValue" }>;
type JsonScalar = ReturnType<typeof toJsonValue>;

export interface LastValueInput {
  readonly values: readonly ResourceValue[];
  readonly atMs: readonly number[];
  readonly requestPath: Lwm2mPath;
  readonly compositePaths: readonly Lwm2mPath[] | undefined;
  /** Everything that the device holds at `requestPath`, or at each of the composite ones, is in `values`. */
  readonly fullRead: boolean;
}

interface Latest {
  readonly path: Lwm2mPath;
  readonly value: JsonScalar;
  readonly atMs: number;
}

/** Longest text kept as a last value; a firmware image belongs nowhere near the inventory. */
const LONGEST_TEXT = 65_536;

export const isTooLong = ({ value }: ResourceValue): boolean =>
  (typeof value === "string" && value.length > LONGEST_TEXT) ||
  (value instanceof Uint8Array && value.length * 2 > LONGEST_TEXT);

const effectOf = ({ path, value, atMs }: Latest): LastValueEffect => ({ kind: "lastValue", path, value, atMs });

/** The newest value of each path; of equal times the later in the message. */
function newest({ values, atMs }: LastValueInput): Latest[] {
  const byPath = new Map<string, Latest>();
  values.forEach((value, at) => {
    if (isTooLong(value)) return;
    const key = formatPath(value.path);
    const known = byPath.get(key);
    const time = atMs[at]!;
    if (!known || known.atMs <= time)
      byPath.set(key, { path: value.path, value: toJsonValue(value.value), atMs: time });
  });
  return [...byPath.values()];
}

/** All instances of a resource that was read as a whole are one map, which replaces what was known. */
function joinWhole(latest: readonly Latest[], requested: readonly Lwm2mPath[]): LastValueEffect[] {
  const isWhole = ({ path }: Latest): boolean =>
    path.length === 4 && requested.some(asked => asked.length <= 3 && isBelow(path, asked));
  const effects: LastValueEffect[] = [];
  const wholes = new Map<string, { value: Record<string, JsonScalar>; atMs: number; path: Lwm2mPath }>();
  for (const one of latest) {
    if (!isWhole(one)) {
      effects.push(effectOf(one));
      continue;
    }
    const path = one.path.slice(0, 3);
    const key = formatPath(path);
    const whole = wholes.get(key) ?? { path, value: {}, atMs: one.atMs };
    wholes.set(key, whole);
    whole.value[String(one.path[3])] = one.value;
    whole.atMs = Math.max(whole.atMs, one.atMs);
  }
  return [...effects, ...[...wholes.values()].map((whole): LastValueEffect => ({ kind: "lastValue", ...whole }))];
}

export function lastValueEffects(input: LastValueInput): LastValueEffect[] {
  const [only] = input.values;
  if (input.values.length === 1 && only?.path.length === 3) {
    if (isTooLong(only)) return [];
    return [effectOf({ path: only.path, value: toJsonValue(only.value), atMs: input.atMs[0]! })];
  }
  const latest = newest(input);
  if (!input.fullRead) return latest.map(effectOf);
  return joinWhole(latest, input.compositePaths ?? [input.requestPath]);
}

const isReadable = ({ operations }: ResourceModel): boolean => operations.includes("R");

/**
 * What never has a value, as null: the objects view shows a resource, and the buttons to write or execute it, only where it has a key
 * (agent specification 11.1).
 * @param values of whole instances
 */
export function unreadableEffects(
  values: readonly ResourceValue[],
  modelOf: (objectId: number) => ObjectModel | undefined,
  atMs: number,
): LastValueEffect[] {
  const given = new Set(values.map(({ path }) => formatPath(path.slice(0, 3))));
  const instances = new Map(values.map(({ path }) => [formatPath(path.slice(0, 2)), path.slice(0, 2)]));
  return [...instances.values()].flatMap(instance =>
    Object.values(modelOf(instance[0]!)?.resources ?? {})
      .filter(resource => !isReadable(resource) && !given.has(formatPath([...instance, resource.id])))
      .map(({ id }) => effectOf({ path: [...instance, id], value: null, atMs })),
  );
}
