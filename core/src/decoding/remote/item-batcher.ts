/** Items that come close together go together. */
import type { Clock } from "../../base/clock.ts";

export interface BatcherParts<Item, Result> {
  readonly clock: Clock;
  readonly maxItems: number;
  /** How long the first one waits for others. */
  readonly lingerMs: number;
  /** Never rejects. @returns a result for each item, in order */
  send(items: readonly Item[]): Promise<readonly Result[]>;
}

export function createItemBatcher<Item, Result>(parts: BatcherParts<Item, Result>): (item: Item) => Promise<Result> {
  const { clock, maxItems, lingerMs } = parts;
  let gathered: { readonly item: Item; readonly resolve: (result: Result) => void }[] = [];
  let timer: Disposable | undefined;

  const flush = async (): Promise<void> => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    const batch = gathered;
    gathered = [];
    const results = await parts.send(batch.map(({ item }) => item));
    for (const [at, { resolve }] of batch.entries()) resolve(results[at]!);
  };
  return item =>
    new Promise(resolve => {
      gathered.push({ item, resolve });
      if (gathered.length >= maxItems) void flush();
      else timer ??= clock.after(lingerMs, () => void flush());
    });
}
