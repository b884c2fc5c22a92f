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
