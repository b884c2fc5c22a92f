/** Ranges of time in filters. */
import { invalid } from "./body.ts";
import type { TimeRange } from "./platform.ts";

/** Both ends inclusive (platform API 2.2); nothing where neither is given. */
export function timeFilter<F extends string>(
  field: F,
  { fromMs, toMs }: TimeRange,
): { readonly [K in F]?: { readonly $gte?: number; readonly $lte?: number } } {
  if (fromMs === undefined && toMs === undefined) return {};
  const range = {
    ...(fromMs === undefined ? {} : { $gte: fromMs }),
    ...(toMs === undefined ? {} : { $lte: toMs }),
  };
  return { [field]: range } as { readonly [K in F]?: typeof range };
}

interface Narrowing extends TimeRange {
  readonly sourceId?: string;
  readonly created?: TimeRange;
}

const isBounded = (range: TimeRange | undefined): boolean => range?.fromMs !== undefined || range?.toMs !== undefined;

/**
 * Nothing is deleted by forgetting a filter: a source or an end of a time must be given (platform API 8.3, 9.3, 10).
 * @throws MooringError VALIDATION
 */
export function requireNarrow(filter: Narrowing): void {
  if (filter.sourceId !== undefined || isBounded(filter) || isBounded(filter.created)) return;
  throw invalid("source", "or a time, as dateFrom or dateTo, must be given");
}
