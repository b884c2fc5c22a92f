/** Buckets of numbers, folded from documents: for engines whose server has no arithmetic of its own. */
import type { Json } from "./collection.ts";
import type { SeriesBucket } from "./series.ts";

type Moments = NonNullable<SeriesBucket["values"][number]>;

/** Start of the bucket that holds `timeMs`; buckets begin at `originMs` plus multiples of `bucketMs`. */
export function bucketStart(timeMs: number, bucketMs: number, originMs: number): number {
  const offset = (timeMs - originMs) % bucketMs;
  return timeMs - (offset < 0 ? offset + bucketMs : offset);
}

function addTo(moments: Moments | undefined, value: number): Moments {
  if (!moments) return { count: 1, min: value, max: value, sum: value, sumOfSquares: value * value };
  return {
    count: moments.count + 1,
    min: Math.min(moments.min, value),
    max: Math.max(moments.max, value),
    sum: moments.sum + value,
    sumOfSquares: moments.sumOfSquares + value * value,
  };
}

/**
 * @param rows  time and one value per series (anything but a number counts as none), in the order of the buckets wanted
 * @returns     at most `limit` buckets
 */
export async function foldBuckets(
  rows: AsyncIterable<readonly [timeMs: number, values: readonly (Json | undefined)[]]>,
  { bucketMs, originMs, limit }: { readonly bucketMs: number; readonly originMs: number; readonly limit: number },
): Promise<SeriesBucket[]> {
  const buckets: { startMs: number; values: (Moments | undefined)[] }[] = [];
  for await (const [timeMs, values] of rows) {
    if (!values.some(value => typeof value === "number")) continue;
    const startMs = bucketStart(timeMs, bucketMs, originMs);
    if (buckets.at(-1)?.startMs !== startMs) {
      if (buckets.length === limit) break;
      buckets.push({ startMs, values: values.map(() => undefined) });
    }
    const current = buckets.at(-1)!.values;
    for (const [i, value] of values.entries()) if (typeof value === "number") current[i] = addTo(current[i], value);
  }
  return buckets;
}
