/** What an observation is of: one path, or with Observe-Composite a set of paths (LwM2M Core 1.1.1 sections 6.4.1 and 6.4.7). */
import { formatPath, type Lwm2mPath } from "../path.ts";

export interface ObservationTarget {
  /** `[]` where there is a set of paths. */
  readonly path: Lwm2mPath;
  /** The set, in the order in which it was asked for. */
  readonly paths: readonly Lwm2mPath[] | undefined;
}

export const onePath = (path: Lwm2mPath): ObservationTarget => ({ path, paths: undefined });
export const pathSet = (paths: readonly Lwm2mPath[]): ObservationTarget => ({ path: [], paths });

/** `/3/0/9`; `composite /1/0/1 /3/0/9`, the same for the same set in any order. */
export const formatTarget = ({ path, paths }: ObservationTarget): string =>
  paths === undefined ? formatPath(path) : `composite ${[...new Set(paths.map(formatPath))].sort().join(" ")}`;

const samePath = (a: Lwm2mPath, b: Lwm2mPath): boolean => a.length === b.length && a.every((id, i) => id === b[i]);

export function sameTarget(a: ObservationTarget, b: ObservationTarget): boolean {
  if (a.paths === undefined || b.paths === undefined) return a.paths === b.paths && samePath(a.path, b.path);
  return formatTarget(a) === formatTarget(b);
}
