/** Measurements of one message: resources with equal type and time share one (agent specification 8.2). */
import { MooringError } from "../base/errors.ts";
import type { Effect, SeriesValue } from "../contract/action.ts";
import type { MeasurementCreation } from "../device-protocols/device-protocol.ts";
import { formatPath, type Lwm2mPath } from "../lwm2m/path.ts";

type MeasurementTarget = Pick<MeasurementCreation, "type" | "series">;

export interface MeasurementDrafts {
  /**
   * Adds a value to the first measurement of that type and time that has no such series yet, or to a new one.
   * @throws MooringError VALIDATION for a name that no object can hold
   */
  add(mapping: MeasurementTarget, value: SeriesValue, atMs: number, path: Lwm2mPath): void;
  /** In the order in which they were begun. */
  effects(): Effect[];
}

interface Draft {
  readonly type: string;
  readonly atMs: number;
  readonly series: Record<string, Record<string, SeriesValue>>;
  /** The resource, or what the paths of several resources have in common. */
  path: Lwm2mPath;
}

interface Group {
  readonly drafts: Draft[];
  /** How often each series came, which is the number of drafts that hold it. */
  readonly seen: Map<string, number>;
}

/** `c8y_Acceleration.x` is series `x` of fragment `c8y_Acceleration`; without a dot the fragment is the type. */
function splitSeries({ type, series }: MeasurementTarget): {
  readonly fragment: string;
  readonly series: string;
} {
  const dot = series.lastIndexOf(".");
  return dot > 0 && dot < series.length - 1
    ? { fragment: series.slice(0, dot), series: series.slice(dot + 1) }
    : { fragment: type, series };
}

function commonPath(a: Lwm2mPath, b: Lwm2mPath): Lwm2mPath {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}

const effectOf = ({ type, atMs, series, path }: Draft): Effect => ({
  kind: "measurement",
  type,
  atMs,
  series,
  properties: { resourcePath: formatPath(path) },
});

export function createMeasurementDrafts(): MeasurementDrafts {
  const all: Draft[] = [];
  const groups = new Map<string, Group>();
  return {
    add(mapping, value, atMs, path) {
      const { fragment, series } = splitSeries(mapping);
      if (fragment === "__proto__" || series === "__proto__") {
        throw new MooringError("VALIDATION", "__proto__ is no name of a fragment or series", { field: "series" });
      }
      const key = `${atMs} ${mapping.type}`;
      let group = groups.get(key);
      if (!group) groups.set(key, (group = { drafts: [], seen: new Map() }));
      const name = `${fragment}.${series}`;
      const place = group.seen.get(name) ?? 0;
      group.seen.set(name, place + 1);
      let draft = group.drafts[place];
      if (draft) draft.path = commonPath(draft.path, path);
      else {
        draft = { type: mapping.type, atMs, series: {}, path };
        group.drafts.push(draft);
        all.push(draft);
      }
      (draft.series[fragment] ??= {})[series] = value;
    },
    effects: () => all.map(effectOf),
  };
}
