/** @returns what `work` made of each, in the order of the items; so many run at a time */
export async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T, at: number) => Promise<R>,
  atOnce = 20,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of queue) results[at] = await work(item, at);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}
